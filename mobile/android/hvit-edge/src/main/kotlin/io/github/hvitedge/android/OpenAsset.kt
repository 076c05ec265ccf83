package io.github.hvitedge.android

import android.content.res.AssetManager
import io.github.hvitedge.Classifier
import java.io.FileInputStream
import java.io.IOException
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
): Classifier =
    openFd(name).use { asset ->
        // createInputStream() has a channel that counts from the asset's start on some versions.
        FileInputStream(asset.fileDescriptor).use { stream ->
            val artifact =
                stream.channel.map(FileChannel.MapMode.READ_ONLY, asset.startOffset, asset.length)
            Classifier.open(artifact, threads)
        }
    }
