#!/usr/bin/env bash
# Run every check and test there is, on every compiler and machine that can be had here; hours.
# FUZZ_SECONDS is for each fuzzer. What is skipped fails, as in .ci/run.
set -euo pipefail
cd "$(dirname "$0")/.."
export HVIT_EDGE_REQUIRE_ALL=1
make=(make --no-print-directory)
"${make[@]}" packages-all lint
"${make[@]}" static-runner other-machines wasm arm arm-wheel wheel apple-link android-link \
  sanitize test-clang tidy
"${make[@]}" fuzz FUZZ_SECONDS="${FUZZ_SECONDS:-1800}"
"${make[@]}" test MARKERS=
