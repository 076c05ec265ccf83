#!/usr/bin/env bash
# Compile and link everything for macOS on 64-bit Arm by zig, and a C program that calls what the
# Swift package calls. Nothing of it is run.
set -euo pipefail
cd "$(dirname "$0")/.."
PATH="$PWD/.venv/bin:$PATH"
apple=build/apple
swift_c=mobile/ios/Sources/CHvitEdge
zig=build/zig/ziglang/zig
cmake --preset apple
cmake --build --preset apple -j "${JOBS:-2}"
"$zig" cc -target aarch64-macos.14.0 -std=c99 -pedantic -Wall -Wextra -Werror \
  -fmodules -fmodules-cache-path="$apple/modules" -I"$swift_c/include" \
  "$swift_c"/*.c mobile/ios/Tests/link/*.c \
  -L"$apple/cpp/capi" -lhvit_edge_c -o "$apple/swift_calls"

# The kernels as Xcode compiles them: without options, but with pragmas for their instruction sets.
for kernel in "$swift_c"/runtime/kernels/*.cpp; do
  "$zig" c++ -target aarch64-macos.14.0 -std=c++17 -O2 -Wall -Wextra -Werror \
    -I"$swift_c/runtime/src" -I"$swift_c/runtime/include" -I"$swift_c/runtime/generated" \
    -c "$kernel" -o "$apple/kernel.o"
done
