#!/usr/bin/env bash
# Put the files that the jobs of a release uploaded into one folder, with the list of components
# (CycloneDX) and the checksums of all.
#
#     tools/gather_release.sh DOWNLOADED RELEASE
#
# DOWNLOADED has a folder each: assets, wheels-*, sdist, android, xcframework.
set -euo pipefail
checkout="$(cd "$(dirname "$0")/.." && pwd)"
[ $# = 2 ] || {
  echo "usage: gather_release.sh DOWNLOADED RELEASE" >&2
  exit 2
}
downloaded=$1 release=$2
[ ! -e "$release" ] || {
  echo "[gather_release] expected a new folder, got '$release', which exists; remove it" >&2
  exit 2
}

# Copies files under a new name each; the machine is in the name of a runner.
mkdir -p "$release"
cp "$downloaded"/wheels-*/*.whl "$downloaded"/sdist/*.tar.gz "$release"
cp "$downloaded"/xcframework/HvitEdgeC.xcframework.zip "$release"
cp "$downloaded"/android/*-release.aar "$release/hvit-edge.aar"
cp "$downloaded"/assets/web/hvit_edge.wasm "$release"
for runner in "$downloaded"/assets/runners/*/hvit_edge_runner; do
  cp "$runner" "$release/hvit_edge_runner-$(basename "$(dirname "$runner")")"
done

python3 -m venv "$release.tools"
"$release.tools/bin/python" -m pip install --quiet --disable-pip-version-check \
  -c "$checkout/constraints.txt" cyclonedx-bom
sed '/^# tools$/,$d' "$checkout/constraints.txt" >"$release.tools/requirements.txt"
"$release.tools/bin/cyclonedx-py" requirements "$release.tools/requirements.txt" \
  --pyproject "$checkout/pyproject.toml" --output-reproducible -o "$release/hvit-edge.cdx.json"
rm -rf "$release.tools"

cd "$release"
sums=$(sha256sum -- *)
echo "$sums" | tee SHA256SUMS
