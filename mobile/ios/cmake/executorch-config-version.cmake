# Built from source, ExecuTorch has no version file; the README names the version.
set(PACKAGE_VERSION 1.5)
set(PACKAGE_VERSION_COMPATIBLE TRUE)
