#!/usr/bin/env bash
# Cross-compile for 64-bit Arm Linux: the runner with its libraries into build/arm/device, the
# libraries for C and Java into build/arm/package. QEMU then starts the runner, so none is missing.
set -euo pipefail
cd "$(dirname "$0")/.."
PATH="$PWD/.venv/bin:$PATH"
cmake --preset arm
cmake --build --preset arm -j "${JOBS:-2}"
rm -rf build/arm/device build/arm/package
cmake --install build/arm --component device --prefix build/arm/device
for component in c executorch jni; do
  cmake --install build/arm --component "$component" --prefix build/arm/package
done
qemu-aarch64 -L /usr/aarch64-linux-gnu -cpu cortex-a76 build/arm/device/hvit_edge_runner facts
