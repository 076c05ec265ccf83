# Debian's cross compiler for 64-bit Arm (g++-aarch64-linux-gnu), and QEMU (qemu-user) to run what it
# builds:  cmake --toolchain cmake/aarch64-linux-gnu.cmake -Dexecutorch_DIR=... ; `make arm` does it.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)
set(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++)

# Where Debian puts the target's C and C++ libraries.
set(CMAKE_FIND_ROOT_PATH /usr/aarch64-linux-gnu)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)

find_program(HVIT_EDGE_QEMU qemu-aarch64)
if(HVIT_EDGE_QEMU)
  set(CMAKE_CROSSCOMPILING_EMULATOR ${HVIT_EDGE_QEMU} -L /usr/aarch64-linux-gnu)
endif()
