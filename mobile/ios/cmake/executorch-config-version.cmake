# Built from source, ExecuTorch says no version: which one it is, is in the README.
set(PACKAGE_VERSION 1.5)
set(PACKAGE_VERSION_COMPATIBLE TRUE)
