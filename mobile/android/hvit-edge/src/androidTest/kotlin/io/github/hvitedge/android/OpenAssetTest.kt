package io.github.hvitedge.android

import androidx.test.platform.app.InstrumentationRegistry
import org.junit.Assert.assertTrue
import org.junit.Test

/** Runs on a device or an emulator: `gradle :hvit-edge:connectedDebugAndroidTest`. */
class OpenAssetTest {
    @Test
    fun aNetworkFromTheAssetsAnswersLikePyTorch() {
        val assets = InstrumentationRegistry.getInstrumentation().context.assets
        assets.openClassifier("native_v1.pte").use { assertTrue(it.selfTest().passed()) }
    }
}
