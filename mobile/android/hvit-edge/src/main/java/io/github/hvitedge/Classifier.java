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
 * <p>It may be used and closed from any thread. Frames are classified one after another; closing
 * waits for the frame that is being classified. Every failure is an {@link HvitEdgeException}.
 */
public final class Classifier implements AutoCloseable {
    /** Stands for as many threads as the device has fast cores. */
    public static final int AUTO_THREADS = 0;

    private final Handle handle;
    private final Reclaimer.Entry entry;

    private Classifier(long address) {
        handle = new Handle(address);
        entry = Reclaimer.watch(this, handle);
    }

    /** Returns the version of the C++ library, such as "0.1.0". */
    public static String version() {
        return text(Native.version());
    }

    /** Opens a file, which must not change until the classifier is closed. */
    public static Classifier open(File file) {
        return open(file, AUTO_THREADS);
    }

    /** Opens a file. {@code threads} are those of the complete process: the last call wins. */
    public static Classifier open(File file, int threads) {
        return open(file, threads, null);
    }

    /**
     * Opens a file.
     *
     * @param method one of {@link #methods}; null lets each image choose the one that crops the
     *     least of it
     */
    public static Classifier open(File file, int threads, String method) {
        String path = check(file, "an artifact's file").getPath();
        if (path.indexOf('\0') >= 0) {
            throw HvitEdgeException.refuse(
                    "[Classifier] expected a path, got one with a NUL inside; check the path");
        }
        return new Classifier(
                Native.openFile(path.getBytes(StandardCharsets.UTF_8), threads, utf8(method)));
    }

    /** Copies and opens the artifact between the position and the limit of a direct buffer. */
    public static Classifier open(ByteBuffer artifact) {
        return open(artifact, AUTO_THREADS);
    }

    public static Classifier open(ByteBuffer artifact, int threads) {
        return open(artifact, threads, null);
    }

    public static Classifier open(ByteBuffer artifact, int threads, String method) {
        if (!check(artifact, "an artifact's buffer").isDirect()) {
            throw HvitEdgeException.refuse(
                    "[Classifier] expected a direct ByteBuffer, got one on the heap; pass its"
                            + " byte[]");
        }
        return new Classifier(Native.openBuffer(artifact.slice(), threads, utf8(method)));
    }

    /** Copies and opens an artifact. */
    public static Classifier open(byte[] artifact) {
        return open(artifact, AUTO_THREADS);
    }

    public static Classifier open(byte[] artifact, int threads) {
        return open(artifact, threads, null);
    }

    public static Classifier open(byte[] artifact, int threads, String method) {
        byte[] bytes = check(artifact, "an artifact's bytes");
        return new Classifier(Native.openArray(bytes, threads, utf8(method)));
    }

    /** Returns the {@code topK} most probable classes, or all if there are fewer, best first. */
    public List<Prediction> classify(Frame frame, int topK) {
        check(frame, "a frame");
        Prediction[] found = handle.use(
                address -> Native.classify(address, frame.buffers(), frame.numbers(), topK));
        return Collections.unmodifiableList(Arrays.asList(found));
    }

    public int classCount() {
        return handle.use(Native::classCount);
    }

    /** Returns the labels in class order; empty if the artifact has none. */
    public List<String> labels() {
        return texts(handle.<byte[][]>use(Native::labels));
    }

    /**
     * Returns the methods of an artifact with several input sizes or batches, such as "320x240",
     * the preferred one first; empty for others.
     */
    public List<String> methods() {
        return texts(handle.<byte[][]>use(Native::methods));
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

    private static byte[] utf8(String text) {
        return text == null ? null : text.getBytes(StandardCharsets.UTF_8);
    }

    private static List<String> texts(byte[][] utf8) {
        List<String> texts = new ArrayList<>();
        for (byte[] one : utf8) {
            texts.add(text(one));
        }
        return Collections.unmodifiableList(texts);
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
