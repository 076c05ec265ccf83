plugins {
    id("com.android.library")
    id("org.jetbrains.kotlin.android")
}

// ExecuTorch, built with the same NDK and installed: .../lib/cmake/ExecuTorch.
val executorch = providers.gradleProperty("executorch_DIR").orNull
    ?: throw GradleException(
        "[hvit-edge] expected -Pexecutorch_DIR=FOLDER, got none; mobile/android/README.md says " +
            "how ExecuTorch is built"
    )

android {
    namespace = "io.github.hvitedge"
    compileSdk = 35
    // The first NDK whose linker and C++ library use pages of 16 KB by default.
    ndkVersion = "28.0.13004108"

    defaultConfig {
        minSdk = 24
        consumerProguardFiles("consumer-rules.pro")
        ndk { abiFilters += "arm64-v8a" }
        externalNativeBuild {
            cmake {
                targets += listOf("hvit_edge_c", "hvit_edge_jni")
                arguments += listOf(
                    "-DANDROID_STL=c++_shared",
                    "-Dexecutorch_DIR=$executorch",
                    "-DHVIT_EDGE_BUILD_JNI=ON",
                    "-DHVIT_EDGE_BUILD_TESTS=OFF",
                    "-DHVIT_EDGE_BUILD_RUNNER=OFF",
                    "-DHVIT_EDGE_BUILD_EXAMPLES=OFF",
                    "-DHVIT_EDGE_INSTALL=OFF",
                )
            }
        }
    }

    externalNativeBuild {
        cmake {
            path = file("../../../CMakeLists.txt")
            version = "3.31.6"
        }
    }

    compileOptions {
        sourceCompatibility = JavaVersion.VERSION_1_8
        targetCompatibility = JavaVersion.VERSION_1_8
    }
    kotlinOptions { jvmTarget = "1.8" }
}
