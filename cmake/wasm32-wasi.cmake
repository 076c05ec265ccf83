# WebAssembly with SIMD by zig, which brings the C and C++ libraries for it.
#
#   cmake --toolchain cmake/wasm32-wasi.cmake -DHVIT_EDGE_ZIG=.../zig -DHVIT_EDGE_RUNTIME=small ...
#
# `make wasm` does it.
set(CMAKE_SYSTEM_NAME Generic)
set(CMAKE_SYSTEM_PROCESSOR wasm32)
list(APPEND CMAKE_TRY_COMPILE_PLATFORM_VARIABLES HVIT_EDGE_ZIG)
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)
set(CMAKE_CXX_COMPILER "${HVIT_EDGE_ZIG}")
set(CMAKE_CXX_COMPILER_ARG1 "c++ -target wasm32-wasi -mcpu=generic+simd128")
set(CMAKE_CXX_FLAGS_INIT "-fno-exceptions")
set(CMAKE_AR "${HVIT_EDGE_ZIG}")
set(CMAKE_CXX_ARCHIVE_CREATE "<CMAKE_AR> ar qc <TARGET> <LINK_FLAGS> <OBJECTS>")
set(CMAKE_CXX_ARCHIVE_APPEND "<CMAKE_AR> ar q <TARGET> <LINK_FLAGS> <OBJECTS>")
set(CMAKE_RANLIB true)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
