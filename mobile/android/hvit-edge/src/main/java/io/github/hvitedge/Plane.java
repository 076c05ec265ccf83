package io.github.hvitedge;

import java.nio.ByteBuffer;

/**
 * Bytes of a frame, from a direct buffer's position to its limit. They are read in place while
 * {@link Classifier#classify} runs. The buffer's owner must keep them until it returns; for
 * example, an android.media.Image must not be closed.
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

    /** A plane with contiguous rows and pixels. */
    public static Plane of(ByteBuffer buffer) {
        return of(buffer, 0, 0);
    }

    /**
     * A plane with strides in bytes, from a row or pixel to the next; 0 if they are contiguous.
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
        // A separate view, so that later changes of position and limit do not affect it.
        return new Plane(buffer.slice(), rowStride, pixelStride);
    }
}
