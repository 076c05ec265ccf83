package io.github.hvitedge;

/** The class of each pixel of a frame as it is stored, before its rotation and mirroring. */
public final class Mask {
    private final int width;
    private final int height;
    private final byte[] classes;
    private final float[] confidence;

    Mask(int width, int height, byte[] classes, float[] confidence) {
        this.width = width;
        this.height = height;
        this.classes = classes;
        this.confidence = confidence;
    }

    public int width() {
        return width;
    }

    public int height() {
        return height;
    }

    /** Returns the classes row by row, not a copy; those from 128 on are negative as bytes. */
    public byte[] classes() {
        return classes;
    }

    /** Returns the softmax probabilities of the classes, not a copy; null if not asked for. */
    public float[] confidence() {
        return confidence;
    }

    /** Returns the class of a pixel. */
    public int classAt(int x, int y) {
        if (x < 0 || x >= width || y < 0 || y >= height) {
            throw HvitEdgeException.refuse(
                    "[Mask] expected a pixel inside " + width + " x " + height + ", got (" + x
                            + ", " + y + "); count from 0");
        }
        return classes[y * width + x] & 0xff;
    }

    /**
     * Returns the mask as pixels of android.graphics.Bitmap.createBitmap or BufferedImage.setRGB.
     *
     * @param colors those of {@link Segmenter#colors}; the class 0 becomes transparent
     * @param alpha 0, transparent, to 255, opaque
     */
    public int[] overlay(int[] colors, int alpha) {
        if (alpha < 0 || alpha > 255) {
            throw HvitEdgeException.refuse(
                    "[Mask] expected an alpha from 0 to 255, got " + alpha + "; 128 is half");
        }
        Model.check("Mask", colors, "colors");
        int[] pixels = new int[classes.length];
        for (int i = 0; i < pixels.length; i++) {
            int index = classes[i] & 0xff;
            if (index >= colors.length) {
                throw HvitEdgeException.refuse(
                        "[Mask] expected a color for the class " + index + ", got "
                                + colors.length + "; pass those of the segmenter");
            }
            pixels[i] = index == 0 ? 0 : alpha << 24 | colors[index] & 0xffffff;
        }
        return pixels;
    }
}
