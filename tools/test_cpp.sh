#!/usr/bin/env bash
# Run the C++ tests of a preset that is built. With HVIT_EDGE_REQUIRE_ALL=1 a skipped test is an error,
# unless cpp/tests/allowed_skips.txt names it.
#
#     tools/test_cpp.sh native
set -euo pipefail
cd "$(dirname "$0")/.."
PATH="$PWD/.venv/bin:$PATH"
preset=$1
results=$PWD/build/$preset/tests.xml
ctest --preset "$preset" -j "${JOBS:-2}" --output-junit "$results"
[ "${HVIT_EDGE_REQUIRE_ALL-}" = 1 ] || exit 0

sed -n 's/.*<testcase name="\([^"]*\)".* status="notrun".*/\1/p' "$results" | while read -r name; do
  if ! grep -q "^$preset $name:" cpp/tests/allowed_skips.txt; then
    echo "error: expected the test $name of build/$preset to run, got a skip; install or build what" \
      "it needs, or say in cpp/tests/allowed_skips.txt why it cannot run" >&2
    exit 1
  fi
done
