#!/usr/bin/env bash
# Run the Python tests that MARKERS select, in JOBS processes. pytest's summary is the last line: what
# libraries log on stderr, which would follow it, is shown only if a test fails.
#
#     tools/test_python.sh 'not slow and not nightly'
set -euo pipefail
cd "$(dirname "$0")/.."
mkdir -p build
.venv/bin/python -m pytest -q -m "$1" -n "${JOBS:-2}" --dist worksteal --durations=10 \
  2>build/pytest.stderr || {
  cat build/pytest.stderr >&2
  exit 1
}
