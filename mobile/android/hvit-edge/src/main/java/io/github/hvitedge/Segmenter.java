package io.github.hvitedge;

import java.io.File;
import java.nio.ByteBuffer;

/** A model from one image to the class of each pixel. */
public final class Segmenter extends Model {
    private Segmenter(long address) {
        super(Task.SEGMENT, address);
    }

    /** Opens a file, which must not change until the segmenter is closed. */
    public static Segmenter open(File file) {
        return open(file, AUTO_THREADS);
    }

    /** Opens a file. {@code threads} are those of the complete process: the last call wins. */
    public static Segmenter open(File file, int threads) {
        return new Segmenter(openFile(Task.SEGMENT, file, threads, null));
    }

    /** Copies and opens the artifact between the position and the limit of a direct buffer. */
    public static Segmenter open(ByteBuffer artifact) {
        return open(artifact, AUTO_THREADS);
    }

    public static Segmenter open(ByteBuffer artifact, int threads) {
        return new Segmenter(openBuffer(Task.SEGMENT, artifact, threads, null));
    }

    /** Copies and opens an artifact. */
    public static Segmenter open(byte[] artifact) {
        return open(artifact, AUTO_THREADS);
    }

    public static Segmenter open(byte[] artifact, int threads) {
        return new Segmenter(openArray(Task.SEGMENT, artifact, threads, null));
    }

    /**
     * Returns the most probable class of each pixel of the frame as it is stored. Pixels that the
     * crop of the preprocessing cuts off have the class 0, the background.
     */
    public Mask segment(Frame frame) {
        return segment(frame, false);
    }

    /** Returns the classes and, if asked, their probabilities; those of cut pixels are 0. */
    public Mask segment(Frame frame, boolean withConfidence) {
        check("Segmenter", frame, "a frame");
        byte[] classes = new byte[frame.pixels()];
        float[] confidence = withConfidence ? new float[classes.length] : null;
        run(frame, (address, planes, numbers) -> {
            Native.segment(address, planes, numbers, classes, confidence);
            return null;
        });
        return new Mask(frame.width(), frame.height(), classes, confidence);
    }

    /** Returns the opaque color of each class as 0xffRRGGBB. */
    public int[] colors() {
        byte[] bytes = use(Native::colors);
        int[] colors = new int[bytes.length / 3];
        for (int i = 0; i < colors.length; i++) {
            colors[i] = 0xff000000 | (bytes[3 * i] & 0xff) << 16 | (bytes[3 * i + 1] & 0xff) << 8
                    | bytes[3 * i + 2] & 0xff;
        }
        return colors;
    }
}
