#!/usr/bin/env bash
# Compile hvit_edge_runner on the small runtime, as one static file for each MACHINE:
#
#     tools/build_static_runner.sh ZIG MACHINE...
#
# MACHINE is what `uname -m` says: aarch64, x86_64, armv7l or riscv64. The files go into the Python
# package, which copies them to devices: assets/runners/MACHINE/hvit_edge_runner. RUNNERS names another
# folder than assets/runners.
set -euo pipefail
cd "$(dirname "$0")/.."
PATH="$PWD/.venv/bin:$PATH"
zig=$1
shift
runners=${RUNNERS:-python/hvit_edge/assets/runners}

target_of() {
  case $1 in
    armv7l) echo arm-linux-musleabihf ;;
    *) echo "$1-linux-musl" ;;
  esac
}

for machine in "$@"; do
  tree=build/static/$machine
  cmake -S . -B "$tree" -G Ninja --toolchain cmake/zig.cmake -DCMAKE_BUILD_TYPE=Release \
    -DHVIT_EDGE_ZIG="$(realpath "$zig")" -DHVIT_EDGE_ZIG_TARGET="$(target_of "$machine")" \
    -DHVIT_EDGE_RUNTIME=small -DHVIT_EDGE_BUILD_C=OFF -DHVIT_EDGE_BUILD_TESTS=OFF \
    -DHVIT_EDGE_BUILD_EXAMPLES=OFF
  cmake --build "$tree" --target hvit_edge_runner -j "${JOBS:-2}"
  mkdir -p "$runners/$machine"
  cp "$tree/cpp/runner/hvit_edge_runner" "$tree/stripped"
  # On 32-bit machines, the C library gives this function the name of the one with 64-bit times.
  clock=clock_gettime
  [ "$machine" != armv7l ] || clock=__clock_gettime64
  sed "s/^clock_gettime$/$clock/" cpp/runner/kept_symbols.txt >"$tree/kept_symbols.txt"
  python tools/strip_symbols.py "$tree/stripped" "$tree/kept_symbols.txt"
  mv "$tree/stripped" "$runners/$machine/hvit_edge_runner"
  wc -c "$runners/$machine/hvit_edge_runner"
done
