#!/usr/bin/env bash
# Run the C++ tests of build/sanitized and build/sanitized-small under AddressSanitizer and UBSan; fail
# if the former run less than PERCENT of the lines of cpp/. Then run those with threads under
# ThreadSanitizer.
#
#     tools/sanitize.sh 90
set -euo pipefail
cd "$(dirname "$0")/.."
PATH="$PWD/.venv/bin:$PATH"
rm -rf build/sanitized/profiles
tools/test_cpp.sh sanitized
cpp/tests/coverage.sh build/sanitized "$1"
tools/test_cpp.sh sanitized-small
cmake --preset threads
cmake --build --preset threads -j "${JOBS:-2}"
tools/test_cpp.sh threads
cmake --preset threads-small
cmake --build --preset threads-small -j "${JOBS:-2}"
tools/test_cpp.sh threads-small
