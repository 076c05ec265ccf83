#!/usr/bin/env bash
# Run the fuzzers of the full runtime, then those of the one without ExecuTorch, each for so many
# seconds. They write build/fuzz/TREE.
#
#     tools/fuzz.sh SECONDS SEED
set -euo pipefail
cd "$(dirname "$0")/.."
export LSAN_OPTIONS="suppressions=$PWD/cpp/tests/sanitizers/leaks.txt:print_suppressions=0"
export UBSAN_OPTIONS=print_stacktrace=1
for tree in sanitized sanitized-small; do
	cpp/fuzz/run.sh "build/$tree" "build/fuzz/$tree" "$1" "$2"
done
