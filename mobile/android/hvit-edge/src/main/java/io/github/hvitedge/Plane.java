package io.github.hvitedge;

import java.nio.ByteBuffer;

/**
 * Bytes of a frame, from a direct buffer's position to its limit. They are read in place while
 * {@link Classifier#classify} runs; until then the buffer's owner must keep them, an
 * android.media.Image must not be closed.
 */
public final class Plane {
    final ByteBuffer buffer;
    final int rowStride;
    final int pixelStride;

    private Plane(ByteBuffer buffer, int rowStride, int pixelStride) {
        this.buffer = buffer;
        this.rowStride = rowStride;
        this.pixelStride = pixelStride;
    }

    /** Rows and pixels that lie side by side. */
    public static Plane of(ByteBuffer buffer) {
        return of(buffer, 0, 0);
    }

    /**
     * Strides in bytes, from a row or pixel to the next; 0 where they lie side by side.
     *
     * @throws HvitEdgeException if the buffer is null or not direct, or a stride is negative
     */
    public static Plane of(ByteBuffer buffer, int rowStride, int pixelStride) {
        if (buffer == null) {
            throw HvitEdgeException.refuse(
                    "[Plane] expected a direct ByteBuffer, got null; pass the plane's pixels");
        }
        if (!buffer.isDirect()) {
            throw HvitEdgeException.refuse(
                    "[Plane] expected a direct ByteBuffer, got one on the heap; copy it into"
                            + " ByteBuffer.allocateDirect()");
        }
        if (rowStride < 0 || pixelStride < 0) {
            throw HvitEdgeException.refuse(
                    "[Plane] expected strides of at least 0, got a row stride of " + rowStride
                            + " and a pixel stride of " + pixelStride + "; pass bytes");
        }
        // A view of its own: later changes of position and limit do not reach it.
        return new Plane(buffer.slice(), rowStride, pixelStride);
    }
}
