package io.github.hvitedge;

import java.io.File;
import java.nio.ByteBuffer;

/** A model from one image to a vector, for search and for comparison. */
public final class Embedder extends Model {
    private Embedder(long address) {
        super(Task.EMBED, address);
    }

    /** Opens a file, which must not change until the embedder is closed. */
    public static Embedder open(File file) {
        return open(file, AUTO_THREADS);
    }

    /** Opens a file. {@code threads} are those of the complete process: the last call wins. */
    public static Embedder open(File file, int threads) {
        return new Embedder(openFile(Task.EMBED, file, threads, null));
    }

    /** Copies and opens the artifact between the position and the limit of a direct buffer. */
    public static Embedder open(ByteBuffer artifact) {
        return open(artifact, AUTO_THREADS);
    }

    public static Embedder open(ByteBuffer artifact, int threads) {
        return new Embedder(openBuffer(Task.EMBED, artifact, threads, null));
    }

    /** Copies and opens an artifact. */
    public static Embedder open(byte[] artifact) {
        return open(artifact, AUTO_THREADS);
    }

    public static Embedder open(byte[] artifact, int threads) {
        return new Embedder(openArray(Task.EMBED, artifact, threads, null));
    }

    /** Returns the vector of an image; its length is 1 if the artifact normalizes by "l2". */
    public float[] embed(Frame frame) {
        return run(frame, Native::embed);
    }

    /** Returns the number of elements of a vector. */
    public int size() {
        return use(Native::embeddingSize);
    }

    /**
     * Returns the cosine of the angle between two vectors, -1 to 1; 0 if one has the length 0.
     *
     * @throws HvitEdgeException if one is null, or their sizes differ
     */
    public static float cosineSimilarity(float[] one, float[] other) {
        check("Embedder", one, "a vector");
        check("Embedder", other, "a vector");
        if (one.length != other.length) {
            throw HvitEdgeException.refuse(
                    "[Embedder] expected vectors of one size, got " + one.length + " and "
                            + other.length + "; compare those of one model");
        }
        return Native.cosineSimilarity(one, other);
    }
}
