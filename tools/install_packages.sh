#!/bin/sh
# Install the system packages of GROUPs that this machine does not have yet.
#
#     tools/install_packages.sh GROUP...
#
# A package counts as installed if the file that it provides exists, from Debian or from elsewhere. If
# a package is missing, apt installs it, as root or with SUDO (`sudo -n`, which asks for no password).
# If that is not possible, one line names all missing packages and prints INSTEAD, and the exit status
# is 1. PYTHON and CXX name other programs than python3 and c++.
set -eu
PYTHON=${PYTHON:-python3}
CXX=${CXX:-c++}
SUDO=${SUDO:-sudo -n}

# Prints each package of a group with the probe that detects it.
packages_of() {
  case $1 in
    build) # needed to install from a checkout
      echo "python3 has_program $PYTHON"
      echo "python3-venv has_venv"
      echo "python3-dev has_python_header"
      echo "g++ has_program $CXX"
      ;;
    cpp) # the C++ tests
      echo "libgtest-dev has_header gtest/gtest.h"
      echo "pkg-config has_program pkg-config"
      ;;
    arm) # aarch64: cross compiler and QEMU
      echo "g++-aarch64-linux-gnu has_program aarch64-linux-gnu-g++"
      echo "qemu-user has_program qemu-aarch64"
      ;;
    ssh) # the tests of ssh devices; Debian starts the server that it installs
      echo "openssh-client has_program ssh"
      echo "openssh-server has_program sshd"
      ;;
    adb) # the tests of adb devices, which have their own server
      echo "adb has_program adb"
      ;;
    jvm) # the Java classes and their tests
      echo "default-jdk-headless has_program javac"
      echo "junit4 has_jar junit4"
      ;;
    web) # the page in a browser, and its runtime without one
      echo "chromium has_program chromium"
      echo "chromium-driver has_program chromedriver"
      echo "nodejs has_program node"
      ;;
    sanitize) # sanitizers, coverage, fuzzers, clang-tidy, and a cache for all the trees that these need
      echo "ccache has_program ccache"
      echo "clang has_program clang"
      echo "llvm has_program llvm-cov"
      echo "clang-tidy has_program run-clang-tidy"
      echo "libclang-rt-14-dev has_sanitizers"
      ;;
    *)
      echo "error: expected groups of build, cpp, arm, ssh, adb, jvm, web, sanitize, got $1" >&2
      return 1
      ;;
  esac
}

has_program() {
  PATH="$PATH:/usr/sbin:/sbin" command -v "$1" >/dev/null
}

has_venv() {
  "$PYTHON" -c 'import ensurepip, venv' 2>/dev/null
}

has_python_header() {
  "$PYTHON" -c 'import os, sys, sysconfig
sys.exit(not os.path.exists(os.path.join(sysconfig.get_path("include"), "Python.h")))' 2>/dev/null
}

has_header() {
  # shellcheck disable=SC2086  # `ccache g++` is two words
  echo "#include <$1>" | $CXX -x c++ -std=c++17 -fsyntax-only - 2>/dev/null
}

has_jar() {
  for folder in ${JAR_FOLDERS:-/usr/share/java /usr/local/share/java}; do
    [ ! -e "$folder/$1.jar" ] || return 0
  done
  return 1
}

has_sanitizers() {
  echo 'int main() {}' | clang -x c++ -fsanitize=address,fuzzer-no-link -o /dev/null - 2>/dev/null
}

# Prints the packages of the groups that are missing, on one line.
missing_of() {
  for group in "$@"; do
    packages_of "$group" | while read -r package probe argument; do
      # shellcheck disable=SC2086  # some probes have no argument
      $probe $argument </dev/null || printf '%s ' "$package"
    done
  done
}

fail() {
  echo "error: expected these packages (Debian names): $missing; $1${INSTEAD:+; $INSTEAD}" >&2
  exit 1
}

for group in "$@"; do
  packages_of "$group" >/dev/null
done
missing=$(missing_of "$@")
missing=${missing% }
[ -n "$missing" ] || exit 0

by_hand="install them as root: apt-get install $missing"
has_program apt-get || fail "this system has no apt-get; install what provides them"
if [ "$(id -u)" = 0 ]; then
  root=
elif has_program sudo && $SUDO true 2>/dev/null; then
  root=$SUDO
else
  fail "$by_hand"
fi

echo "Installing what is missing: $missing" >&2
log=$(mktemp)
trap 'rm -f "$log"' EXIT
apt() {
  # shellcheck disable=SC2086  # `root` is empty, or several words
  $root env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 -qq "$@" \
    </dev/null >"$log" 2>&1
}
wanted=$missing
# shellcheck disable=SC2086  # one argument per package
{ apt update && apt install -y --no-install-recommends $wanted; } || {
  reason=$(grep '^E:' "$log" | head -n 1 || true)
  fail "apt-get could not install them${reason:+ ($reason)}; $by_hand"
}
missing=$(missing_of "$@")
missing=${missing% }
[ -z "$missing" ] || fail "apt-get installed $wanted, but $PYTHON or $CXX do not see these"
