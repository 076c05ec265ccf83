package io.github.hvitedge.sample

import android.graphics.Bitmap
import io.github.hvitedge.Classifier
import io.github.hvitedge.Detector
import io.github.hvitedge.Embedder
import io.github.hvitedge.Frame
import io.github.hvitedge.Mask
import io.github.hvitedge.Model
import io.github.hvitedge.Segmenter

private const val HALF = 128

/** Runs a model of any task on a frame of [width] x [height] pixels as stored. */
fun find(model: Model, frame: Frame, width: Int, height: Int, rotation: Int): Found =
    when (model) {
        is Classifier -> Found(
            model.classify(frame, 3).joinToString("\n") {
                "%.0f %%  %s".format(100 * it.score(), it.label())
            },
        )
        is Embedder -> Found("a vector of ${model.embed(frame).size} numbers")
        is Segmenter -> Found(
            "", width, height, rotation, mask = picture(model.segment(frame), model.colors()),
        )
        is Detector -> {
            val boxes = model.detect(frame)
            Found(boxes.joinToString { it.label() }, width, height, rotation, boxes = boxes)
        }
        else -> Found("a task that this app does not show")
    }

private fun picture(mask: Mask, colors: IntArray): Bitmap =
    Bitmap.createBitmap(
        mask.overlay(colors, HALF), mask.width(), mask.height(), Bitmap.Config.ARGB_8888,
    )
