#!/usr/bin/env bash
# Run the C++ tests of build/sanitized under AddressSanitizer and UBSan; fail if they run less than
# PERCENT of the lines of cpp/. Then run those with threads under ThreadSanitizer.
#
#     tools/sanitize.sh 90
set -euo pipefail
cd "$(dirname "$0")/.."
PATH="$PWD/.venv/bin:$PATH"
jobs=${JOBS:-2}
rm -rf build/sanitized/profiles
ctest --preset sanitized -j "$jobs"
cpp/tests/coverage.sh build/sanitized "$1"
cmake --preset threads
cmake --build --preset threads -j "$jobs"
ctest --preset threads -j "$jobs"
