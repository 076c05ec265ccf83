package io.github.hvitedge;

import java.nio.ByteBuffer;

/**
 * The functions that libhvit_edge_jni registers. Handles are addresses and are not checked here:
 * {@link Handle} ensures that none is used after it was closed. Text is passed as UTF-8. Tasks are
 * passed as {@link Task#ordinal}, and frames as {@link Frame#buffers} and {@link Frame#numbers}.
 */
final class Native {
    static {
        System.loadLibrary("hvit_edge_jni");
    }

    private Native() {}

    static native byte[] version();

    /** Opens a file; {@code method} is null if each image chooses. */
    static native long openFile(int task, byte[] path, int threads, byte[] method);

    static native long openBuffer(int task, ByteBuffer artifact, int threads, byte[] method);

    static native long openArray(int task, byte[] artifact, int threads, byte[] method);

    /** Returns {@link Task#name} of an artifact, or "tensor". */
    static native byte[] taskOfFile(byte[] path);

    static native byte[] taskOfBuffer(ByteBuffer artifact);

    static native byte[] taskOfArray(byte[] artifact);

    static native void close(int task, long model);

    static native byte[][] labels(int task, long model);

    static native byte[][] methods(int task, long model);

    /** Returns max_abs, max_rel, then passed and top1_agree as 0 or 1. */
    static native double[] selfTest(int task, long model);

    static native int classCount(long classifier);

    static native Prediction[] classify(
            long classifier, ByteBuffer[] planes, int[] numbers, int topK);

    static native int embeddingSize(long embedder);

    static native float[] embed(long embedder, ByteBuffer[] planes, int[] numbers);

    /** Both arrays have the same length. */
    static native float cosineSimilarity(float[] a, float[] b);

    /** Returns red, green and blue of each class. */
    static native byte[] colors(long segmenter);

    /** Fills an array of width x height, and {@code confidence} if it is not null. */
    static native void segment(
            long segmenter, ByteBuffer[] planes, int[] numbers, byte[] classes,
            float[] confidence);

    /** Numbers below 0, and counts of 0, stand for those of the artifact. */
    static native Detection[] detect(
            long detector, ByteBuffer[] planes, int[] numbers, float scoreThreshold,
            float iouThreshold, int candidates, int maxDetections);
}
