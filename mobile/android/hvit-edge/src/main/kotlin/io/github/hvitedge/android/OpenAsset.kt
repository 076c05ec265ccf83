package io.github.hvitedge.android

import android.content.res.AssetManager
import io.github.hvitedge.Classifier
import io.github.hvitedge.Model
import java.io.FileInputStream
import java.io.IOException
import java.nio.MappedByteBuffer
import java.nio.channels.FileChannel

/**
 * Opens the artifact [name] in the app's assets. It must be stored uncompressed
 * (`androidResources { noCompress += "pte" }`), so that it is mapped instead of read onto the heap;
 * the C++ library copies it once.
 *
 * @throws IOException if there is no such asset, or it is compressed
 * @throws io.github.hvitedge.HvitEdgeException if it is not a classifier
 */
@Throws(IOException::class)
fun AssetManager.openClassifier(
    name: String,
    threads: Int = Classifier.AUTO_THREADS,
): Classifier = withArtifact(name) { Classifier.open(it, threads) }

/**
 * Opens the artifact [name] of any task on images, stored like that of [openClassifier]. The result
 * is a Classifier, Embedder, Segmenter or Detector.
 *
 * @throws IOException if there is no such asset, or it is compressed
 * @throws io.github.hvitedge.HvitEdgeException if it is not an artifact, or takes no images
 */
@Throws(IOException::class)
fun AssetManager.openModel(name: String): Model = withArtifact(name) { Model.open(it) }

/** Maps an asset for [open], which copies it. */
@Throws(IOException::class)
fun <T> AssetManager.withArtifact(name: String, open: (MappedByteBuffer) -> T): T =
    openFd(name).use { asset ->
        // createInputStream() has a channel that counts from the asset's start on some versions.
        FileInputStream(asset.fileDescriptor).use { stream ->
            open(stream.channel.map(FileChannel.MapMode.READ_ONLY, asset.startOffset, asset.length))
        }
    }
