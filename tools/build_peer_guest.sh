#!/usr/bin/env bash
# Make FOLDER/hvit_edge_guest_python, a program for 64-bit Arm with a Python in which LiteRT and ONNX
# Runtime (FOLDER/site) run in QEMU. Needs Debian 12, whose Python is that of their wheels.
#
#     tools/build_peer_guest.sh build/arm-peers
set -euo pipefail
cd "$(dirname "$0")/.."
folder=$1
version=3.11
python=python$version
peers=$PWD/benchmarks/peers
read -ra pip_flags <<<"${PIP_FLAGS-}"
rm -rf "$folder"/{apt,root,site}

platforms=()
for glibc in manylinux_2_28 manylinux_2_27 manylinux_2_17 manylinux2014; do
  platforms+=(--platform "${glibc}_aarch64")
done
.venv/bin/python -m pip install "${pip_flags[@]}" --no-deps --only-binary=:all: \
  --target "$folder/site" --python-version "$version" "${platforms[@]}" \
  -r "$peers/guest-requirements.txt"

# apt gets package lists of its own, so that this machine's know no second architecture.
mkdir -p "$folder"/apt/{lists/partial,cache/archives/partial}
touch "$folder/apt/status"
(
  cd "$folder/apt"
  arm_apt() {
    apt-get -qq -o APT::Architecture=arm64 -o APT::Architectures=arm64 -o Dir::State="$PWD" \
      -o Dir::State::status="$PWD/status" -o Dir::Cache="$PWD/cache" "$@"
  }
  arm_apt update
  arm_apt download libc6 libexpat1 libffi8 libgcc-s1 "lib$python" "lib$python-minimal" \
    "lib$python-stdlib" libstdc++6 zlib1g
)
for package in "$folder"/apt/*.deb; do
  dpkg -x "$package" "$folder/root"
done

# The guest sees one Cortex-A76: ONNX Runtime ends when it finds another processor's description.
cpu=$folder/root/sys/devices/system/cpu
mkdir -p "$folder/root/proc" "$cpu"
cp "$peers/cpuinfo" "$folder/root/proc/cpuinfo"
for list in possible present online; do
  echo 0 >"$cpu/$list"
done

libraries=$folder/root/usr/lib/aarch64-linux-gnu
aarch64-linux-gnu-g++ -O2 -Wall -Wextra -Werror -rdynamic -o "$folder/hvit_edge_guest_python" \
  "$peers/guest_python.cpp" cpp/runner/count_markers.cpp "$libraries/lib$python.so.1.0" \
  "-Wl,-rpath-link,$folder/root/lib/aarch64-linux-gnu:$libraries"
