package io.github.hvitedge;

import java.nio.ByteBuffer;

/**
 * The functions that libhvit_edge_jni registers. Handles are addresses and are not checked here:
 * {@link Handle} ensures that none is used after it was closed. Text is passed as UTF-8.
 */
final class Native {
    static {
        System.loadLibrary("hvit_edge_jni");
    }

    private Native() {}

    static native byte[] version();

    /** Opens a file; {@code method} is null if each image chooses. */
    static native long openFile(byte[] path, int threads, byte[] method);

    static native long openBuffer(ByteBuffer artifact, int threads, byte[] method);

    static native long openArray(byte[] artifact, int threads, byte[] method);

    static native void close(long classifier);

    static native byte[][] labels(long classifier);

    static native byte[][] methods(long classifier);

    static native int classCount(long classifier);

    /** Returns max_abs, max_rel, then passed and top1_agree as 0 or 1. */
    static native double[] selfTest(long classifier);

    /** Classifies a frame; {@code numbers} are those of {@link Frame#numbers}. */
    static native Prediction[] classify(
            long classifier, ByteBuffer[] planes, int[] numbers, int topK);
}
