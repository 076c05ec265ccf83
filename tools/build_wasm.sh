#!/usr/bin/env bash
# Compile the small runtime to WebAssembly with SIMD, and put it into the Python package, whose
# `hvit-edge demo` serves it:
#
#     tools/build_wasm.sh ZIG
#
# The file is python/hvit_edge/assets/web/hvit_edge.wasm.
set -euo pipefail
cd "$(dirname "$0")/.."
PATH="$PWD/.venv/bin:$PATH"
page=python/hvit_edge/assets/web
cmake --preset wasm -DHVIT_EDGE_ZIG="$(realpath "$1")"
cmake --build --preset wasm -j "${JOBS:-2}"
cp build/wasm/cpp/web/hvit_edge.wasm "$page/"
ls -l "$page/hvit_edge.wasm"
