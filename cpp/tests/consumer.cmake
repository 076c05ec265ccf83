# Tests the installed package as others use it: moved elsewhere, then found by CMake and pkg-config.
find_program(HVIT_EDGE_PKG_CONFIG pkg-config)
find_program(HVIT_EDGE_AARCH64_GCC aarch64-linux-gnu-gcc)
find_program(HVIT_EDGE_QEMU_AARCH64 qemu-aarch64)
set(executorch "")
if(executorch_DIR)
  cmake_path(SET executorch NORMALIZE "${executorch_DIR}/../../..")
endif()
set(consumer_test
    ${CMAKE_COMMAND}
    -DBUILD=${PROJECT_BINARY_DIR}
    -DPROJECT=${PROJECT_SOURCE_DIR}
    -DWORK=${CMAKE_CURRENT_BINARY_DIR}/consumer
    -DBINDIR=${CMAKE_INSTALL_BINDIR}
    -DLIBDIR=${CMAKE_INSTALL_LIBDIR}
    -DCONSUMER=${CMAKE_CURRENT_SOURCE_DIR}/consumer
    -DARTIFACT=${hvit_edge_tiny}
    -DNATIVE_ARTIFACT=${CMAKE_CURRENT_SOURCE_DIR}/data/native_v1.pte
    -DEXECUTORCH_DIR=${executorch_DIR}
    -DEXECUTORCH=${executorch}
    -DC_COMPILER=${CMAKE_C_COMPILER}
    -DCXX_COMPILER=${CMAKE_CXX_COMPILER}
    -DNINJA=${CMAKE_MAKE_PROGRAM}
    -DREADELF=${CMAKE_READELF}
    -DPKG_CONFIG=${HVIT_EDGE_PKG_CONFIG}
    -DAARCH64_COMPILER=${HVIT_EDGE_AARCH64_GCC}
    -DQEMU=${HVIT_EDGE_QEMU_AARCH64}
)
set(steps relocatable cmake c_alone)
if(TARGET hvit_edge_runner AND HVIT_EDGE_KERNELS STREQUAL "on_demand")
  list(APPEND steps complete)
endif()
if(HVIT_EDGE_PKG_CONFIG)
  list(APPEND steps pkgconfig)
  if(complete IN_LIST steps)
    list(APPEND steps pkgconfig_complete)
  endif()
endif()
if(HVIT_EDGE_RUNTIME STREQUAL "full" AND HVIT_EDGE_AARCH64_GCC AND HVIT_EDGE_QEMU_AARCH64)
  list(APPEND steps aarch64)
endif()
foreach(step install ${steps})
  add_test(NAME consumer.${step}
           COMMAND ${consumer_test} -DSTEP=${step} -P ${CMAKE_CURRENT_SOURCE_DIR}/consumer/test.cmake)
  set_tests_properties(consumer.${step} PROPERTIES TIMEOUT 120)
endforeach()
if(TEST consumer.aarch64)
  set_tests_properties(consumer.aarch64 PROPERTIES SKIP_REGULAR_EXPRESSION "skipped: no")
endif()
set_tests_properties(consumer.install PROPERTIES FIXTURES_SETUP installed_package)
# They run one after another: the first writes the results that the others must agree with.
list(TRANSFORM steps PREPEND consumer.)
set_tests_properties(${steps} PROPERTIES FIXTURES_REQUIRED installed_package
                                         RESOURCE_LOCK installed_package)
if(TEST consumer.pkgconfig_complete)
  set_tests_properties(consumer.pkgconfig_complete PROPERTIES DEPENDS consumer.complete)
endif()
