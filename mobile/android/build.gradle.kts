plugins {
    id("com.android.library") version "8.7.3" apply false
    id("com.android.application") version "8.7.3" apply false
    id("org.jetbrains.kotlin.android") version "2.0.21" apply false
}

val versionFile = rootDir.resolve("../../python/hvit_edge/__init__.py")
val hvitEdgeVersion by extra(
    Regex("""__version__ = "([0-9.]+)""").find(versionFile.readText())
        ?.groupValues?.get(1)
        ?: throw GradleException(
            "[hvit-edge] expected __version__ in $versionFile, got none; restore it"
        )
)
