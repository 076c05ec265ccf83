#!/usr/bin/env bash
# Builds the Swift package with the runtime from its sources, and runs its tests; once from this
# checkout and once from the package that make_package.sh writes. Needs `swift` (Swift 5.9 or newer).
set -euo pipefail

here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
command -v swift >/dev/null || {
  echo "[test_package] expected swift, got none; install Xcode, or Swift 5.9 or newer for Linux" >&2
  exit 2
}
unset HVIT_EDGE_LIBRARY HVIT_EDGE_XCFRAMEWORK

work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
# -O0, the default of tests, makes the kernels slow; testable code needs this option then.
swift test --package-path "$here" --scratch-path "${SCRATCH:-$work/build}" -c release \
  -Xswiftc -enable-testing
"$here/make_package.sh" "$work/package"
swift build --package-path "$work/package" -c release
