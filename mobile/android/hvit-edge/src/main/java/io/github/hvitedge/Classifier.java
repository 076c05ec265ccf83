package io.github.hvitedge;

import java.io.File;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;

/**
 * A model from one image to classes.
 *
 * <p>It may be used and closed from any thread. Frames are classified one after another; closing
 * waits for the frame that is being classified. Every failure is an {@link HvitEdgeException}.
 */
public final class Classifier extends Model {
    /** Stands for as many threads as the device has fast cores. */
    public static final int AUTO_THREADS = Model.AUTO_THREADS;

    private Classifier(long address) {
        super(Task.CLASSIFY, address);
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
        return new Classifier(openFile(Task.CLASSIFY, file, threads, method));
    }

    /** Copies and opens the artifact between the position and the limit of a direct buffer. */
    public static Classifier open(ByteBuffer artifact) {
        return open(artifact, AUTO_THREADS);
    }

    public static Classifier open(ByteBuffer artifact, int threads) {
        return open(artifact, threads, null);
    }

    public static Classifier open(ByteBuffer artifact, int threads, String method) {
        return new Classifier(openBuffer(Task.CLASSIFY, artifact, threads, method));
    }

    /** Copies and opens an artifact. */
    public static Classifier open(byte[] artifact) {
        return open(artifact, AUTO_THREADS);
    }

    public static Classifier open(byte[] artifact, int threads) {
        return open(artifact, threads, null);
    }

    public static Classifier open(byte[] artifact, int threads, String method) {
        return new Classifier(openArray(Task.CLASSIFY, artifact, threads, method));
    }

    /** Returns the {@code topK} most probable classes, or all if there are fewer, best first. */
    public List<Prediction> classify(Frame frame, int topK) {
        Prediction[] found = run(
                frame,
                (address, planes, numbers) -> Native.classify(address, planes, numbers, topK));
        return Collections.unmodifiableList(Arrays.asList(found));
    }

    public int classCount() {
        return use(Native::classCount);
    }
}
