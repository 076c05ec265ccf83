#!/usr/bin/env bash
# Compile and link the library of the Android package by zig, for the processors of Android:
#
#     tools/link_for_android.sh ZIG ABI...
#
# ABI is arm64-v8a, armeabi-v7a or x86_64. The options are those of
# mobile/android/hvit-edge/build.gradle.kts, but headers and C library are Linux's with musl instead of
# the NDK's, and jni.h is the JDK's. Nothing of it is run. build/android/ABI gets the library without
# symbols, as apps ship them.
set -euo pipefail
cd "$(dirname "$0")/.."
PATH="$PWD/.venv/bin:$PATH"
zig=$(realpath "$1")
shift

target_of() {
  case $1 in
    arm64-v8a) echo aarch64-linux-musl ;;
    armeabi-v7a) echo arm-linux-musleabihf ;;
    x86_64) echo x86_64-linux-musl ;;
    *)
      echo "[link_for_android] expected arm64-v8a, armeabi-v7a or x86_64, got $1" >&2
      exit 2
      ;;
  esac
}

for abi in "$@"; do
  tree=build/android/$abi
  target=$(target_of "$abi")
  cmake -S . -B "$tree" -G Ninja --toolchain cmake/zig.cmake -DCMAKE_BUILD_TYPE=Release \
    -DHVIT_EDGE_ZIG="$zig" -DHVIT_EDGE_ZIG_TARGET="$target" \
    -DCMAKE_SHARED_LINKER_FLAGS=-s \
    -DHVIT_EDGE_RUNTIME=small -DHVIT_EDGE_COMPACT=ON -DHVIT_EDGE_BUILD_JNI=ON \
    -DHVIT_EDGE_BUILD_TESTS=OFF -DHVIT_EDGE_BUILD_RUNNER=OFF -DHVIT_EDGE_BUILD_EXAMPLES=OFF \
    -DHVIT_EDGE_INSTALL=OFF
  cmake --build "$tree" --target hvit_edge_jni -j "${JOBS:-2}"
  cp "$tree"/mobile/android/hvit-edge/src/main/cpp/libhvit_edge_jni.so "$tree/"
  wc -c "$tree"/libhvit_edge_jni.so
done
