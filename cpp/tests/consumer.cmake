# The installed package as others use it: moved elsewhere, then found by CMake and by pkg-config.
find_program(HVIT_EDGE_PKG_CONFIG pkg-config)
cmake_path(SET executorch NORMALIZE "${executorch_DIR}/../../..")
set(consumer_test
    ${CMAKE_COMMAND}
    -DBUILD=${PROJECT_BINARY_DIR}
    -DPROJECT=${PROJECT_SOURCE_DIR}
    -DWORK=${CMAKE_CURRENT_BINARY_DIR}/consumer
    -DCONSUMER=${CMAKE_CURRENT_SOURCE_DIR}/consumer
    -DARTIFACT=${CMAKE_CURRENT_SOURCE_DIR}/data/tiny_v1.pte
    -DEXECUTORCH_DIR=${executorch_DIR}
    -DEXECUTORCH=${executorch}
    -DC_COMPILER=${CMAKE_C_COMPILER}
    -DCXX_COMPILER=${CMAKE_CXX_COMPILER}
    -DNINJA=${CMAKE_MAKE_PROGRAM}
    -DREADELF=${CMAKE_READELF}
    -DPKG_CONFIG=${HVIT_EDGE_PKG_CONFIG}
)
set(steps relocatable cmake c_alone)
if(HVIT_EDGE_PKG_CONFIG)
  list(APPEND steps pkgconfig)
endif()
foreach(step install ${steps})
  add_test(NAME consumer.${step}
           COMMAND ${consumer_test} -DSTEP=${step} -P ${CMAKE_CURRENT_SOURCE_DIR}/consumer/test.cmake)
  set_tests_properties(consumer.${step} PROPERTIES TIMEOUT 120)
endforeach()
set_tests_properties(consumer.install PROPERTIES FIXTURES_SETUP installed_package)
# One after the other: the first writes what the others must agree with.
list(TRANSFORM steps PREPEND consumer.)
set_tests_properties(${steps} PROPERTIES FIXTURES_REQUIRED installed_package
                                         RESOURCE_LOCK installed_package)
