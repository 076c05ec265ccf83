package io.github.hvitedge.sample

import android.Manifest
import android.graphics.Color
import android.os.Bundle
import android.widget.FrameLayout
import android.widget.TextView
import androidx.activity.ComponentActivity
import androidx.activity.result.contract.ActivityResultContracts
import androidx.camera.core.CameraSelector
import androidx.camera.core.ImageAnalysis
import androidx.camera.core.ImageProxy
import androidx.camera.core.Preview
import androidx.camera.lifecycle.ProcessCameraProvider
import androidx.camera.view.PreviewView
import androidx.core.content.ContextCompat
import io.github.hvitedge.HvitEdgeException
import io.github.hvitedge.Model
import io.github.hvitedge.Plane
import io.github.hvitedge.android.openModel
import io.github.hvitedge.android.yuvFrame
import java.io.IOException
import java.util.concurrent.Executors

/** Shows the camera and, over it, what the model finds in its newest frame. */
class CameraActivity : ComponentActivity() {
    private val analysis = Executors.newSingleThreadExecutor()
    private lateinit var preview: PreviewView
    private lateinit var overlay: OverlayView
    private lateinit var answer: TextView
    private var model: Model? = null

    override fun onCreate(savedInstanceState: Bundle?) {
        super.onCreate(savedInstanceState)
        preview = PreviewView(this)
        overlay = OverlayView(this)
        answer = TextView(this).apply {
            setTextColor(Color.WHITE)
            setBackgroundColor(Color.BLACK)
        }
        setContentView(
            FrameLayout(this).apply {
                addView(preview)
                addView(overlay)
                addView(
                    answer,
                    FrameLayout.LayoutParams(
                        FrameLayout.LayoutParams.MATCH_PARENT,
                        FrameLayout.LayoutParams.WRAP_CONTENT,
                    ),
                )
            },
        )
        try {
            model = assets.openModel("model.pte")
        } catch (refusal: HvitEdgeException) {
            answer.text = refusal.message
            return
        } catch (missing: IOException) {
            answer.text = "no asset model.pte: ${missing.message}"
            return
        }
        registerForActivityResult(ActivityResultContracts.RequestPermission()) { granted ->
            if (granted) startCamera() else answer.text = "the camera was not allowed"
        }.launch(Manifest.permission.CAMERA)
    }

    private fun startCamera() {
        val future = ProcessCameraProvider.getInstance(this)
        future.addListener(
            {
                val shown = Preview.Builder().build()
                shown.setSurfaceProvider(preview.surfaceProvider)
                val frames = ImageAnalysis.Builder()
                    .setBackpressureStrategy(ImageAnalysis.STRATEGY_KEEP_ONLY_LATEST)
                    .build()
                frames.setAnalyzer(analysis, ::analyze)
                future.get().bindToLifecycle(
                    this, CameraSelector.DEFAULT_BACK_CAMERA, shown, frames,
                )
            },
            ContextCompat.getMainExecutor(this),
        )
    }

    private fun analyze(image: ImageProxy) {
        val found = image.use { look(it) }
        runOnUiThread {
            answer.text = found.text
            overlay.show(found)
        }
    }

    private fun look(image: ImageProxy): Found =
        try {
            val planes = image.planes.map { Plane.of(it.buffer, it.rowStride, it.pixelStride) }
            val rotation = image.imageInfo.rotationDegrees
            val frame = yuvFrame(image.width, image.height, planes).rotated(rotation)
            model?.let { find(it, frame, image.width, image.height, rotation) } ?: Found("")
        } catch (refusal: HvitEdgeException) {
            Found(refusal.message.orEmpty())
        }

    override fun onDestroy() {
        super.onDestroy()
        analysis.shutdown()
        model?.close()
    }
}
