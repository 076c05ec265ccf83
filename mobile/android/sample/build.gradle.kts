plugins {
    id("com.android.application")
    id("org.jetbrains.kotlin.android")
}

val hvitEdgeVersion: String by rootProject.extra

android {
    namespace = "io.github.hvitedge.sample"
    compileSdk = 35

    defaultConfig {
        applicationId = "io.github.hvitedge.sample"
        minSdk = 24
        targetSdk = 35
        versionCode = 1
        versionName = hvitEdgeVersion
    }

    // openClassifier() maps the artifact.
    androidResources { noCompress += "pte" }

    compileOptions {
        sourceCompatibility = JavaVersion.VERSION_1_8
        targetCompatibility = JavaVersion.VERSION_1_8
    }
    kotlinOptions { jvmTarget = "1.8" }
}

dependencies {
    implementation(project(":hvit-edge"))
    implementation("androidx.activity:activity-ktx:1.9.3")
    implementation("androidx.camera:camera-camera2:1.4.1")
    implementation("androidx.camera:camera-lifecycle:1.4.1")
    implementation("androidx.camera:camera-view:1.4.1")
}
