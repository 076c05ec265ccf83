# Another machine by zig, which brings the headers and libraries of every system: a static musl on
# Linux, stubs of the system's libraries for macOS, and the libraries of WASI for browsers.
#
#   cmake --toolchain cmake/zig.cmake -DHVIT_EDGE_ZIG=.../zig -DHVIT_EDGE_ZIG_TARGET=TARGET ...
#
# TARGET is a zig triple of the table below; `make static-runner`, `make apple-link` and
# `make wasm` build for some.
list(APPEND CMAKE_TRY_COMPILE_PLATFORM_VARIABLES HVIT_EDGE_ZIG HVIT_EDGE_ZIG_TARGET)
if(NOT HVIT_EDGE_ZIG)
  message(FATAL_ERROR "[zig] expected -DHVIT_EDGE_ZIG=PATH, got none; pip install ziglang brings zig")
endif()

# Each with the name of the system, of the processor as `uname -m` says it, and further options.
set(hvit_edge_zig_aarch64-linux-musl Linux aarch64)
set(hvit_edge_zig_x86_64-linux-musl Linux x86_64)
set(hvit_edge_zig_arm-linux-musleabihf Linux armv7l -mcpu=generic+v7a+neon)
set(hvit_edge_zig_riscv64-linux-musl Linux riscv64)
set(hvit_edge_zig_aarch64-macos.14.0 Darwin arm64)
set(hvit_edge_zig_x86_64-macos.14.0 Darwin x86_64)
set(hvit_edge_zig_wasm32-wasi Generic wasm32 -mcpu=generic+simd128)
if(NOT hvit_edge_zig_${HVIT_EDGE_ZIG_TARGET})
  message(FATAL_ERROR "[zig] expected -DHVIT_EDGE_ZIG_TARGET=TARGET of cmake/zig.cmake, got "
                      "'${HVIT_EDGE_ZIG_TARGET}'; add a line to its table")
endif()
set(hvit_edge_zig_machine ${hvit_edge_zig_${HVIT_EDGE_ZIG_TARGET}})
list(POP_FRONT hvit_edge_zig_machine CMAKE_SYSTEM_NAME CMAKE_SYSTEM_PROCESSOR)
list(JOIN hvit_edge_zig_machine " " hvit_edge_zig_options)

# zig compiles its libraries when a program is linked, once for each optimization. CMake links one to
# identify the compiler, before it knows the type of the build.
foreach(language IN ITEMS C CXX)
  set(CMAKE_${language}_COMPILER "${HVIT_EDGE_ZIG}")
  set(CMAKE_${language}_FLAGS_INIT -O3)
  set(CMAKE_${language}_ARCHIVE_CREATE "<CMAKE_AR> ar qc <TARGET> <LINK_FLAGS> <OBJECTS>")
  set(CMAKE_${language}_ARCHIVE_APPEND "<CMAKE_AR> ar q <TARGET> <LINK_FLAGS> <OBJECTS>")
endforeach()
set(CMAKE_C_COMPILER_ARG1 "cc -target ${HVIT_EDGE_ZIG_TARGET} ${hvit_edge_zig_options}")
set(CMAKE_CXX_COMPILER_ARG1 "c++ -target ${HVIT_EDGE_ZIG_TARGET} ${hvit_edge_zig_options}")
set(CMAKE_AR "${HVIT_EDGE_ZIG}")
set(CMAKE_RANLIB true)
# Checks of the compiler need no libraries, which zig compiles when the first program is linked.
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
