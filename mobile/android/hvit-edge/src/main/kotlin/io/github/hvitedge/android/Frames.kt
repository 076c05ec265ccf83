package io.github.hvitedge.android

import android.graphics.Bitmap
import android.graphics.ImageFormat
import android.media.Image
import io.github.hvitedge.Frame
import io.github.hvitedge.PixelFormat
import io.github.hvitedge.Plane
import java.nio.ByteBuffer

/**
 * Returns a copy of the bitmap's pixels. Colors are premultiplied by alpha, as Android stores them,
 * so transparent pixels are dark.
 */
fun Bitmap.toFrame(): Frame {
    val plain =
        if (config == Bitmap.Config.ARGB_8888) this else copy(Bitmap.Config.ARGB_8888, false)
    val pixels = ByteBuffer.allocateDirect(plain.rowBytes * plain.height)
    plain.copyPixelsToBuffer(pixels)
    pixels.rewind()
    // ARGB_8888 names the channels of an Int; in memory red comes first.
    return Frame.of(PixelFormat.RGBA8888, width, height, Plane.of(pixels, plain.rowBytes, 4))
}

/**
 * Borrows the planes of an image in YUV_420_888: classify before the image is closed. [rotation]
 * is in degrees clockwise, such as ImageInfo.rotationDegrees of CameraX.
 */
fun Image.toFrame(rotation: Int = 0, mirror: Boolean = false): Frame {
    require(format == ImageFormat.YUV_420_888) {
        "[Image.toFrame] expected YUV_420_888, got the format $format; ask the camera for it"
    }
    return yuvFrame(width, height, planes.map { Plane.of(it.buffer, it.rowStride, it.pixelStride) })
        .rotated(rotation)
        .mirrored(mirror)
}

/**
 * Returns a frame of the planes Y, U and V of an android.media.Image or ImageProxy. U and V may be
 * interleaved: their pixel stride is then 2, and either of them may come first.
 */
fun yuvFrame(width: Int, height: Int, planes: List<Plane>): Frame =
    Frame.of(PixelFormat.I420, width, height, *planes.toTypedArray())
