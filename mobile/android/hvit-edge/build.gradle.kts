plugins {
    id("com.android.library")
    id("org.jetbrains.kotlin.android")
    id("maven-publish")
}

val hvitEdgeVersion: String by rootProject.extra

// The small runtime, which is compiled from the sources here, runs programs of the target native.
// -Pexecutorch_DIR=.../lib/cmake/ExecuTorch, built with the same NDK, selects the full one instead.
val executorch: String? = providers.gradleProperty("executorch_DIR").orNull
val machines = if (executorch == null) listOf("arm64-v8a", "armeabi-v7a", "x86_64") else listOf("arm64-v8a")
val libraries = if (executorch == null) listOf("hvit_edge_jni") else listOf("hvit_edge_c", "hvit_edge_jni")
val runtime =
    if (executorch == null)
        listOf("-DHVIT_EDGE_RUNTIME=small", "-DHVIT_EDGE_COMPACT=ON", "-DANDROID_STL=c++_static")
    else listOf("-Dexecutorch_DIR=$executorch", "-DANDROID_STL=c++_shared")

android {
    namespace = "io.github.hvitedge"
    compileSdk = 35
    // The first NDK whose linker and C++ library use pages of 16 KB by default.
    ndkVersion = "28.0.13004108"

    defaultConfig {
        minSdk = 24
        testInstrumentationRunner = "androidx.test.runner.AndroidJUnitRunner"
        consumerProguardFiles("consumer-rules.pro")
        ndk { abiFilters += machines }
        externalNativeBuild {
            cmake {
                targets += libraries
                arguments += runtime + listOf(
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

    // The test on devices opens a program that the C++ tests have.
    sourceSets { getByName("androidTest") { assets.srcDir("../../../cpp/tests/data") } }
    androidResources { noCompress += "pte" }

    publishing { singleVariant("release") { withSourcesJar() } }
}

dependencies {
    androidTestImplementation("androidx.test:runner:1.6.2")
    androidTestImplementation("junit:junit:4.13.2")
}

// gradle :hvit-edge:publishToMavenLocal, or publish to a repository that is added here.
publishing {
    publications {
        register<MavenPublication>("release") {
            groupId = "io.github.hvitedge"
            artifactId = "hvit-edge"
            version = hvitEdgeVersion
            afterEvaluate { from(components["release"]) }
        }
    }
}
