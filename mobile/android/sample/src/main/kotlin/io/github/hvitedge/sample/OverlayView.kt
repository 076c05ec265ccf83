package io.github.hvitedge.sample

import android.content.Context
import android.graphics.Bitmap
import android.graphics.Canvas
import android.graphics.Color
import android.graphics.Matrix
import android.graphics.Paint
import android.view.View
import io.github.hvitedge.Detection

/** What a model found in a frame, in pixels of the frame as the camera stores it. */
class Found(
    val text: String,
    val width: Int = 0,
    val height: Int = 0,
    /** Degrees clockwise that bring the frame upright. */
    val rotation: Int = 0,
    val mask: Bitmap? = null,
    val boxes: List<Detection> = emptyList(),
)

/**
 * Draws a mask and boxes in the place where a PreviewView shows the frame. Both fill the view and
 * cut off what is outside; preview and analysis have the same aspect ratio, CameraX' 4:3.
 */
class OverlayView(context: Context) : View(context) {
    private val border = Paint().apply {
        setStyle(Paint.Style.STROKE)
        setStrokeWidth(4f)
        setColor(Color.YELLOW)
    }
    private var found: Found? = null

    fun show(newest: Found) {
        found = newest
        invalidate()
    }

    override fun onDraw(canvas: Canvas) {
        super.onDraw(canvas)
        val shown = found ?: return
        if (shown.width == 0) return
        canvas.concat(place(shown))
        shown.mask?.let { canvas.drawBitmap(it, 0f, 0f, null) }
        for (box in shown.boxes) {
            canvas.drawRect(
                box.x(), box.y(), box.x() + box.width(), box.y() + box.height(), border,
            )
        }
    }

    /** Maps pixels of the frame to those of this view. */
    private fun place(shown: Found): Matrix {
        val turned = shown.rotation % 180 != 0
        val upright = if (turned) shown.height to shown.width else shown.width to shown.height
        val scale = maxOf(width / upright.first.toFloat(), height / upright.second.toFloat())
        return Matrix().apply {
            setTranslate(-shown.width / 2f, -shown.height / 2f)
            postRotate(shown.rotation.toFloat())
            postScale(scale, scale)
            postTranslate(width / 2f, height / 2f)
        }
    }
}
