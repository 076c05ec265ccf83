# -DHVIT_EDGE_SANITIZE=address: AddressSanitizer and UndefinedBehaviorSanitizer, with instrumentation
# that measures the tests' coverage and guides the fuzzers. -DHVIT_EDGE_SANITIZE=thread:
# ThreadSanitizer. Both need clang; ExecuTorch's libraries are not instrumented.
set(HVIT_EDGE_SANITIZE "" CACHE STRING "Sanitizers to build with: address, thread or none")
if(HVIT_EDGE_SANITIZE STREQUAL "address")
  set(hvit_edge_sanitizers
      -fsanitize=address,undefined,float-cast-overflow,fuzzer-no-link -fno-sanitize-recover=all
      # It needs RTTI, which the runtime is compiled without.
      -fno-sanitize=vptr -fno-omit-frame-pointer -D_GLIBCXX_ASSERTIONS
      # Names of this tree in objects would keep ccache from sharing them with other trees.
      -fprofile-instr-generate=/dev/null -fcoverage-mapping -fcoverage-compilation-dir=.)
elseif(HVIT_EDGE_SANITIZE STREQUAL "thread")
  set(hvit_edge_sanitizers -fsanitize=thread)
  # Its runtime is linked statically and keeps its own `operator new`, which some tests replace.
  add_link_options("LINKER:--allow-multiple-definition")
elseif(NOT HVIT_EDGE_SANITIZE STREQUAL "")
  message(FATAL_ERROR "expected HVIT_EDGE_SANITIZE to be address, thread or empty, got "
                      "${HVIT_EDGE_SANITIZE}")
endif()
if(HVIT_EDGE_SANITIZE)
  if(NOT CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    message(FATAL_ERROR "expected clang for the sanitizers, got ${CMAKE_CXX_COMPILER_ID}; configure "
                        "with -DCMAKE_C_COMPILER=clang -DCMAKE_CXX_COMPILER=clang++")
  endif()
  add_compile_options(-O1 -gline-tables-only ${hvit_edge_sanitizers})
  add_link_options(${hvit_edge_sanitizers})
endif()
