#!/usr/bin/env bash
# Builds libhvit_edge_c with the full runtime for iPhones and their simulator into one XCFramework,
# which Package.swift uses if HVIT_EDGE_XCFRAMEWORK names it. README.md says how to build ExecuTorch.
set -euo pipefail

usage="usage: build_xcframework.sh --device FOLDER --simulator FOLDER [--output HvitEdgeC.xcframework]
FOLDER: where ExecuTorch's presets ios and ios-simulator were installed"

here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
checkout="$(cd "$here/../.." && pwd)"
minimum_ios=17.0
minimum_cmake=3.28

refuse() {
  echo "[build_xcframework] $1" >&2
  exit 2
}

device="" simulator="" output="$here/HvitEdgeC.xcframework"
while [ $# -gt 0 ]; do
  case "$1" in
    -h | --help)
      echo "$usage"
      exit 0
      ;;
    --device | --simulator | --output)
      [ $# -ge 2 ] || refuse "expected a folder after $1, got none; $usage"
      case "$1" in
        --device) device="$2" ;;
        --simulator) simulator="$2" ;;
        --output) output="$2" ;;
      esac
      shift 2
      ;;
    *) refuse "expected --device, --simulator or --output, got $1; $usage" ;;
  esac
done

need_mac() {
  local system
  system="$(uname -s)"
  [ "$system" = Darwin ] || refuse "expected macOS with Xcode, got $system; run it on a Mac"
  command -v xcodebuild >/dev/null ||
    refuse "expected xcodebuild, got none; install Xcode, not its command line tools alone"
  local sdk
  for sdk in iphoneos iphonesimulator; do
    xcrun --sdk "$sdk" --show-sdk-path >/dev/null 2>&1 ||
      refuse "expected the SDK $sdk, got none; sudo xcode-select -s /Applications/Xcode.app"
  done
}

need_cmake() {
  command -v cmake >/dev/null ||
    refuse "expected CMake $minimum_cmake or newer, got none; brew install cmake"
  local version
  version="$(cmake --version | sed -n '1s/^cmake version \([0-9]*\.[0-9]*\).*/\1/p')"
  local older
  older="$(printf '%s\n%s\n' "$minimum_cmake" "$version" | sort -t. -k1,1n -k2,2n | sed -n 1p)"
  [ -n "$version" ] && [ "$older" = "$minimum_cmake" ] ||
    refuse "expected CMake $minimum_cmake or newer, got ${version:-another program}; brew install cmake"
}

need_executorch() { # option, preset, folder
  [ -n "$3" ] || refuse "expected $1 FOLDER, got none; install ExecuTorch's preset $2 and pass where"
  local config="$3/lib/cmake/ExecuTorch/executorch-config.cmake"
  [ -f "$config" ] ||
    refuse "expected ExecuTorch's preset $2 in $3, got no $config; build its target install"
}

need_mac
need_cmake
need_executorch --device ios "$device"
need_executorch --simulator ios-simulator "$simulator"
case "$output" in
  *.xcframework) ;;
  *) refuse "expected an output that ends in .xcframework, got $output; rename it" ;;
esac
folder="$(dirname "$output")"
[ -d "$folder" ] && [ -w "$folder" ] ||
  refuse "expected a folder to write into, got $folder; create it first"
if [ -e "$output" ] && [ ! -f "$output/Info.plist" ]; then
  refuse "expected an XCFramework or nothing at $output, got something else; move it away"
fi

# Everything is built next to the output, so that moving it there is one step.
work="$(mktemp -d "$folder/.HvitEdgeC.XXXXXX")"
leave() {
  if [ -e "$work/previous" ] && [ ! -e "$output" ]; then mv "$work/previous" "$output"; fi
  rm -rf "$work"
}
trap leave EXIT

build() { # SDK, ExecuTorch
  cmake -S "$checkout" -B "$work/$1" -DCMAKE_BUILD_TYPE=Release \
    -DCMAKE_SYSTEM_NAME=iOS -DCMAKE_OSX_SYSROOT="$1" -DCMAKE_OSX_ARCHITECTURES=arm64 \
    -DCMAKE_OSX_DEPLOYMENT_TARGET="$minimum_ios" \
    -Dexecutorch_DIR="$here/cmake" -DHVIT_EDGE_IOS_EXECUTORCH="$(cd "$2" && pwd)" \
    -DHVIT_EDGE_BUILD_TESTS=OFF -DHVIT_EDGE_BUILD_RUNNER=OFF -DHVIT_EDGE_BUILD_EXAMPLES=OFF \
    -DHVIT_EDGE_BUILD_JNI=OFF -DHVIT_EDGE_INSTALL=OFF
  cmake --build "$work/$1" --target hvit_edge_c --parallel
  frame "$1"
}

# An app may carry a dynamic library only as a framework.
frame() { # SDK
  local framework="$work/$1/HvitEdgeC.framework"
  mkdir -p "$framework/Headers"
  cp -L "$work/$1/cpp/capi/libhvit_edge_c.dylib" "$framework/HvitEdgeC"
  cp "$checkout/cpp/include/hvit_edge/c_api.h" "$framework/Headers/"
  install_name_tool -id @rpath/HvitEdgeC.framework/HvitEdgeC "$framework/HvitEdgeC"
  information "$1" >"$framework/Info.plist"
  codesign --force --sign - "$framework"
}

information() { # SDK
  local platform=iPhoneOS version
  [ "$1" = iphoneos ] || platform=iPhoneSimulator
  version="$(sed -n 's/^__version__ = "\([0-9.]*\).*/\1/p' "$checkout/python/hvit_edge/__init__.py")"
  cat <<PLIST
<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
  <key>CFBundleDevelopmentRegion</key><string>en</string>
  <key>CFBundleExecutable</key><string>HvitEdgeC</string>
  <key>CFBundleIdentifier</key><string>io.github.hvitedge.HvitEdgeC</string>
  <key>CFBundleInfoDictionaryVersion</key><string>6.0</string>
  <key>CFBundleName</key><string>HvitEdgeC</string>
  <key>CFBundlePackageType</key><string>FMWK</string>
  <key>CFBundleShortVersionString</key><string>$version</string>
  <key>CFBundleSupportedPlatforms</key><array><string>$platform</string></array>
  <key>CFBundleVersion</key><string>$version</string>
  <key>MinimumOSVersion</key><string>$minimum_ios</string>
</dict>
</plist>
PLIST
}

build iphoneos "$device"
build iphonesimulator "$simulator"
xcodebuild -create-xcframework \
  -framework "$work/iphoneos/HvitEdgeC.framework" \
  -framework "$work/iphonesimulator/HvitEdgeC.framework" \
  -output "$work/HvitEdgeC.xcframework"

# The old one is kept until the new one is in place: leave() restores it.
[ ! -e "$output" ] || mv "$output" "$work/previous"
mv "$work/HvitEdgeC.xcframework" "$output"
echo "$output"
