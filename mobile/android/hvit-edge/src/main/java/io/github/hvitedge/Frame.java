package io.github.hvitedge;

import java.nio.ByteBuffer;

/** A camera's image. It is immutable except for its pixels, which are borrowed. */
public final class Frame {
    private static final int MOST_PLANES = 3;

    private final PixelFormat format;
    private final int width;
    private final int height;
    private final int rotation;
    private final boolean mirrored;
    private final YuvColor color;
    private final Plane[] planes;

    private Frame(
            PixelFormat format, int width, int height, int rotation, boolean mirrored,
            YuvColor color, Plane[] planes) {
        this.format = format;
        this.width = width;
        this.height = height;
        this.rotation = rotation;
        this.mirrored = mirrored;
        this.color = color;
        this.planes = planes;
    }

    /**
     * Returns a frame of the given width and height, in pixels as stored. The C++ library checks
     * sizes and strides when a {@link Model} runs the frame.
     *
     * @throws HvitEdgeException if something is null, or there are more than three planes
     */
    public static Frame of(PixelFormat format, int width, int height, Plane... planes) {
        if (format == null || planes == null) {
            throw HvitEdgeException.refuse(
                    "[Frame] expected a format and planes, got null; pass both");
        }
        if (planes.length > MOST_PLANES) {
            throw HvitEdgeException.refuse(
                    "[Frame] expected at most " + MOST_PLANES + " planes, got " + planes.length
                            + "; pass those of the format");
        }
        for (Plane plane : planes) {
            if (plane == null) {
                throw HvitEdgeException.refuse("[Frame] expected planes, got null; leave it out");
            }
        }
        return new Frame(
                format, width, height, 0, false, YuvColor.DEFAULT, planes.clone());
    }

    /** Sets the degrees clockwise that bring the pixels upright: 0, 90, 180 or 270. */
    public Frame rotated(int degrees) {
        return new Frame(format, width, height, degrees, mirrored, color, planes);
    }

    /** Swaps left and right of the upright image, as a front camera's preview shows them. */
    public Frame mirrored(boolean mirror) {
        return new Frame(format, width, height, rotation, mirror, color, planes);
    }

    /** Sets the color encoding of a YUV frame. */
    public Frame colored(YuvColor yuv) {
        if (yuv == null) {
            throw HvitEdgeException.refuse(
                    "[Frame] expected a YuvColor, got null; YuvColor.DEFAULT leaves it open");
        }
        return new Frame(format, width, height, rotation, mirrored, yuv, planes);
    }

    int width() {
        return width;
    }

    int height() {
        return height;
    }

    /** Returns the number of pixels; 0 for sizes that the C++ library refuses. */
    int pixels() {
        long pixels = (long) width * height;
        if (width < 1 || height < 1) {
            return 0;
        }
        if (pixels > Integer.MAX_VALUE - 8) {
            throw HvitEdgeException.refuse(
                    "[Frame] expected fewer pixels than an array may have, got " + width + " x "
                            + height + "; scale the frame down");
        }
        return (int) pixels;
    }

    ByteBuffer[] buffers() {
        ByteBuffer[] buffers = new ByteBuffer[planes.length];
        for (int i = 0; i < planes.length; i++) {
            buffers[i] = planes[i].buffer;
        }
        return buffers;
    }

    /** Returns six numbers of the frame, then two strides a plane, as read_image.cpp reads them. */
    int[] numbers() {
        int[] numbers = new int[6 + 2 * planes.length];
        numbers[0] = width;
        numbers[1] = height;
        numbers[2] = format.ordinal();
        numbers[3] = rotation;
        numbers[4] = mirrored ? 1 : 0;
        numbers[5] = color.ordinal();
        for (int i = 0; i < planes.length; i++) {
            numbers[6 + 2 * i] = planes[i].rowStride;
            numbers[7 + 2 * i] = planes[i].pixelStride;
        }
        return numbers;
    }
}
