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
import io.github.hvitedge.Classifier
import io.github.hvitedge.HvitEdgeException
import io.github.hvitedge.Plane
import io.github.hvitedge.android.openClassifier
import io.github.hvitedge.android.yuvFrame
import java.io.IOException
import java.util.concurrent.Executors

/** Shows the camera and, over it, the three most probable classes of its newest frame. */
class CameraActivity : ComponentActivity() {
    private val analysis = Executors.newSingleThreadExecutor()
    private lateinit var preview: PreviewView
    private lateinit var answer: TextView
    private var classifier: Classifier? = null

    override fun onCreate(savedInstanceState: Bundle?) {
        super.onCreate(savedInstanceState)
        preview = PreviewView(this)
        answer = TextView(this).apply {
            setTextColor(Color.WHITE)
            setBackgroundColor(Color.BLACK)
        }
        setContentView(
            FrameLayout(this).apply {
                addView(preview)
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
            classifier = assets.openClassifier("model.pte")
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
        val text = image.use { classify(it) }
        runOnUiThread { answer.text = text }
    }

    private fun classify(image: ImageProxy): String? =
        try {
            val planes = image.planes.map { Plane.of(it.buffer, it.rowStride, it.pixelStride) }
            val frame = yuvFrame(image.width, image.height, planes)
                .rotated(image.imageInfo.rotationDegrees)
            classifier?.classify(frame, 3)?.joinToString("\n") {
                "%.0f %%  %s".format(100 * it.score(), it.label())
            }
        } catch (refusal: HvitEdgeException) {
            refusal.message
        }

    override fun onDestroy() {
        super.onDestroy()
        analysis.shutdown()
        classifier?.close()
    }
}
