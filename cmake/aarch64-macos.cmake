# Apple's 64-bit Arm by zig, which brings the system's headers and stubs of its libraries: a link check
# where there is no Mac.  cmake --toolchain cmake/aarch64-macos.cmake -DHVIT_EDGE_ZIG=.../zig ...;
# `make apple-link` does it.
set(CMAKE_SYSTEM_NAME Darwin)
set(CMAKE_SYSTEM_PROCESSOR arm64)
list(APPEND CMAKE_TRY_COMPILE_PLATFORM_VARIABLES HVIT_EDGE_ZIG)
set(CMAKE_CXX_COMPILER "${HVIT_EDGE_ZIG}")
set(CMAKE_CXX_COMPILER_ARG1 "c++ -target aarch64-macos.14.0")
set(CMAKE_AR "${HVIT_EDGE_ZIG}")
set(CMAKE_CXX_ARCHIVE_CREATE "<CMAKE_AR> ar qc <TARGET> <LINK_FLAGS> <OBJECTS>")
set(CMAKE_CXX_ARCHIVE_APPEND "<CMAKE_AR> ar q <TARGET> <LINK_FLAGS> <OBJECTS>")
set(CMAKE_RANLIB true)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
