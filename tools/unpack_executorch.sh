#!/usr/bin/env bash
# Unpack ExecuTorch's wheel for another machine, of the pinned version, into FOLDER/sdk.
#
#     tools/unpack_executorch.sh manylinux_2_28_aarch64 build/arm
set -euo pipefail
cd "$(dirname "$0")/.."
platform=$1
folder=$2
rm -rf "$folder/sdk" "$folder/wheel"
read -ra pip_flags <<<"${PIP_FLAGS-}"
.venv/bin/python -m pip download "${pip_flags[@]}" -c constraints.txt --no-deps --only-binary=:all: \
  --platform "$platform" -d "$folder/wheel" executorch
.venv/bin/python -m zipfile -e "$folder"/wheel/*.whl "$folder/sdk"
