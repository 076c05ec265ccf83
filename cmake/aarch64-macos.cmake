# Apple's 64-bit Arm: a link check where there is no Mac.  cmake --toolchain cmake/aarch64-macos.cmake
# -DHVIT_EDGE_ZIG=.../zig ...; `make apple-link` does it.
set(HVIT_EDGE_ZIG_TARGET aarch64-macos.14.0)
include("${CMAKE_CURRENT_LIST_DIR}/zig.cmake")
