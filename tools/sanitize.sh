#!/usr/bin/env bash
# Run the C++ tests of build/sanitized under AddressSanitizer and UBSan; fail if they run less than
# PERCENT of the lines of cpp/. Then run those with threads under ThreadSanitizer.
#
#     tools/sanitize.sh 90
set -euo pipefail
cd "$(dirname "$0")/.."
PATH="$PWD/.venv/bin:$PATH"
rm -rf build/sanitized/profiles
tools/test_cpp.sh sanitized
cpp/tests/coverage.sh build/sanitized "$1"
cmake --preset threads
cmake --build --preset threads -j "${JOBS:-2}"
tools/test_cpp.sh threads
