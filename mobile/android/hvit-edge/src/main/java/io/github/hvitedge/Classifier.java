package io.github.hvitedge;

import java.io.File;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;

/**
 * A model from one image to classes.
 *
 * <p>May be used and closed from any thread. Frames are classified one after the other; closing
 * waits for the one that is being classified. Every failure is an {@link HvitEdgeException}.
 */
public final class Classifier implements AutoCloseable {
    /** As many threads as the device has fast cores. */
    public static final int AUTO_THREADS = 0;

    private final Handle handle;
    private final Reclaimer.Entry entry;

    private Classifier(long address) {
        handle = new Handle(address);
        entry = Reclaimer.watch(this, handle);
    }

    /** The version of the C++ library: "0.1.0". */
    public static String version() {
        return text(Native.version());
    }

    /** The file must not change until the classifier is closed. */
    public static Classifier open(File file) {
        return open(file, AUTO_THREADS);
    }

    /** {@code threads} of inference are those of the whole process: the last call wins. */
    public static Classifier open(File file, int threads) {
        String path = check(file, "an artifact's file").getPath();
        if (path.indexOf('\0') >= 0) {
            throw HvitEdgeException.refuse(
                    "[Classifier] expected a path, got one with a NUL inside; check the path");
        }
        return new Classifier(Native.openFile(path.getBytes(StandardCharsets.UTF_8), threads));
    }

    /** The artifact lies between the position and the limit of a direct buffer, and is copied. */
    public static Classifier open(ByteBuffer artifact) {
        return open(artifact, AUTO_THREADS);
    }

    public static Classifier open(ByteBuffer artifact, int threads) {
        if (!check(artifact, "an artifact's buffer").isDirect()) {
            throw HvitEdgeException.refuse(
                    "[Classifier] expected a direct ByteBuffer, got one on the heap; pass its"
                            + " byte[]");
        }
        return new Classifier(Native.openBuffer(artifact.slice(), threads));
    }

    /** The artifact is copied. */
    public static Classifier open(byte[] artifact) {
        return open(artifact, AUTO_THREADS);
    }

    public static Classifier open(byte[] artifact, int threads) {
        return new Classifier(Native.openArray(check(artifact, "an artifact's bytes"), threads));
    }

    /** The {@code topK} most probable classes, or all where there are fewer, the best first. */
    public List<Prediction> classify(Frame frame, int topK) {
        check(frame, "a frame");
        Prediction[] found = handle.use(
                address -> Native.classify(address, frame.buffers(), frame.numbers(), topK));
        return Collections.unmodifiableList(Arrays.asList(found));
    }

    public int classCount() {
        return handle.use(Native::classCount);
    }

    /** In class order; empty where the artifact has none. */
    public List<String> labels() {
        List<String> labels = new ArrayList<>();
        for (byte[] label : handle.<byte[][]>use(Native::labels)) {
            labels.add(text(label));
        }
        return Collections.unmodifiableList(labels);
    }

    /** Runs the artifact's golden photo on this device. */
    public SelfTest selfTest() {
        return new SelfTest(handle.use(Native::selfTest));
    }

    /** Waits for calls that have begun; any later call is refused. Closing again does nothing. */
    @Override
    public void close() {
        entry.close();
    }

    Handle handle() {
        return handle;
    }

    private static String text(byte[] utf8) {
        return new String(utf8, StandardCharsets.UTF_8);
    }

    private static <T> T check(T given, String expected) {
        if (given == null) {
            throw HvitEdgeException.refuse(
                    "[Classifier] expected " + expected + ", got null; pass one");
        }
        return given;
    }
}
