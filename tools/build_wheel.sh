#!/usr/bin/env bash
# Build the Python package's wheel into build/wheel/dist. Install it with what it depends on, without
# ExecuTorch and torch, into the environment build/wheel/env, which starts outside of the checkout.
set -euo pipefail
cd "$(dirname "$0")/.."
wheel=$PWD/build/wheel
python=$PWD/.venv/bin/python
read -ra pip_flags <<<"${PIP_FLAGS-}"
rm -rf "$wheel/dist" "$wheel/env"
PATH="$PWD/.venv/bin:$PATH" CMAKE_BUILD_PARALLEL_LEVEL=${JOBS:-2} \
  "$python" -m pip wheel "${pip_flags[@]}" . --no-deps --no-build-isolation -w "$wheel/dist" \
  -C build-dir="$wheel/binding" -C cmake.define.HVIT_EDGE_WERROR=ON
"$python" -m venv "$wheel/env"
"$wheel/env/bin/python" -m pip install "${pip_flags[@]}" -c constraints.txt "$wheel"/dist/*.whl
cd "$wheel"
env/bin/hvit-edge doctor
