#!/bin/sh
# Debian's CPython for 64-bit Arm, unpacked into FOLDER; FOLDER/run runs it in QEMU.
#
#     cmake/aarch64_python.sh FOLDER 3.11
#
# Nothing is installed, and apt gets lists of its own: this machine's stay as they are.
set -eu
python=python$2
for tool in apt-get dpkg qemu-aarch64; do
  command -v $tool >/dev/null ||
    { echo "error: no $tool, which $0 needs; on Debian: make packages-arm" >&2; exit 1; }
done
mkdir -p "$1/apt/lists/partial" "$1/apt/archives/partial"
cd "$1"

arm_apt() {
  apt-get -qq -o APT::Architecture=arm64 -o APT::Architectures=arm64 -o APT::Sandbox::User=root \
    -o Dir::State="$PWD/apt" -o Dir::State::status=/dev/null -o Dir::Cache="$PWD/apt" "$@"
}
arm_apt update
arm_apt download "$python-minimal" "lib$python-minimal" "lib$python-stdlib" "lib$python-dev" \
  libexpat1 libffi8 zlib1g || {
  echo "error: expected Debian to have $python for arm64; make .venv anew with the Python of" \
    "this Debian, make setup PYTHON=/usr/bin/python3" >&2
  exit 1
}
for deb in *.deb; do
  dpkg -x "$deb" .
done
# Debian's pyconfig.h includes that of the architecture from where no other compiler looks.
cp "usr/include/aarch64-linux-gnu/$python/pyconfig.h" "usr/include/$python/"

cat >run <<END
#!/bin/sh
here=\$(dirname "\$(readlink -f "\$0")")
exec qemu-aarch64 -L /usr/aarch64-linux-gnu -cpu cortex-a76 \\
  -E LD_LIBRARY_PATH="\$here/lib/aarch64-linux-gnu:\$here/usr/lib/aarch64-linux-gnu" \\
  "\$here/usr/bin/$python" "\$@"
END
chmod +x run
