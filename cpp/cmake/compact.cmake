# -DHVIT_EDGE_COMPACT=ON: no C++ exception is caught, exhausted memory ends the process instead. Crash
# reports still show who called, except from the first and last instructions of a function.
if(NOT HVIT_EDGE_RUNTIME STREQUAL "small")
  message(FATAL_ERROR "expected HVIT_EDGE_RUNTIME=small with HVIT_EDGE_COMPACT=ON, got "
                      "'${HVIT_EDGE_RUNTIME}'; configure with -DHVIT_EDGE_COMPACT=OFF")
endif()
if(HVIT_EDGE_BUILD_TESTS)
  message(FATAL_ERROR "expected HVIT_EDGE_BUILD_TESTS=OFF with HVIT_EDGE_COMPACT=ON: the tests need "
                      "exceptions and all kernels; configure with -DHVIT_EDGE_BUILD_TESTS=OFF")
endif()
add_compile_options(-fno-exceptions -fno-asynchronous-unwind-tables -funwind-tables)
