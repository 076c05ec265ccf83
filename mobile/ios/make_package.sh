#!/usr/bin/env bash
# Writes the Swift package with all its sources into a folder of its own. An app adds a package by the
# URL of a repository only if Package.swift is at the top of that repository, which it is there.
set -euo pipefail

usage="usage: make_package.sh FOLDER
FOLDER: a new or empty folder, or a clone of the package's repository, whose files are replaced"

here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
checkout="$(cd "$here/../.." && pwd)"

refuse() {
  echo "[make_package] $1" >&2
  exit 2
}

case "${1:-}" in
  -h | --help)
    echo "$usage"
    exit 0
    ;;
esac
[ $# -eq 1 ] || refuse "expected one folder, got $#; $usage"
folder="$1"
if [ -e "$folder" ]; then
  [ -d "$folder" ] || refuse "expected a folder, got the file $folder; name another place"
  if [ -n "$(ls -A "$folder")" ] && [ ! -f "$folder/Package.swift" ]; then
    refuse "expected an empty folder or a Swift package, got other files in $folder; empty it first"
  fi
fi
artifact="$here/Tests/HvitEdgeTests/artifacts/tiny_native_v1.pte"
[ -f "$artifact" ] || refuse "expected $artifact, got none; use a complete checkout with its symbolic links"

mkdir -p "$folder"
for name in Package.swift Sources Examples Tests LICENSE README.md .gitignore; do
  rm -rf "${folder:?}/$name"
done
# The package refers to the rest of the checkout by symbolic links, which are followed here.
cp -RL "$here/Package.swift" "$here/Sources" "$here/Examples" "$here/Tests" "$folder/"
cp "$checkout/LICENSE" "$folder/"
printf '.build/\n' >"$folder/.gitignore"
version="$(sed -n 's/^__version__ = "\([0-9.]*\).*/\1/p' "$checkout/python/hvit_edge/__init__.py")"
cat >"$folder/README.md" <<TEXT
# HvitEdge $version

The Swift package of hvit-edge, written by \`mobile/ios/make_package.sh\` of its repository. Change the
files there, not here.
TEXT
echo "$folder: publish it with: git add -A && git commit -m 'HvitEdge $version' && git tag $version"
