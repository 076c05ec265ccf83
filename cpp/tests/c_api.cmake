# Tests of the C interface, through the shared library.
add_library(hvit_edge_c_header OBJECT test_c_api_header.c)
set_target_properties(hvit_edge_c_header PROPERTIES C_STANDARD 99 C_STANDARD_REQUIRED ON
                                                    C_EXTENSIONS OFF)
target_compile_options(hvit_edge_c_header PRIVATE -Wall -Wextra -Werror -pedantic)
target_link_libraries(hvit_edge_c_header PRIVATE hvit_edge::c)

add_executable(
  hvit_edge_c_tests
  ../capi/utf8.cpp
  test_c_api_classifier.cpp
  test_c_api_detector.cpp
  test_c_api_embedder.cpp
  test_c_api_metadata.cpp
  test_c_api_methods.cpp
  test_c_api_process.cpp
  test_c_api_segmenter.cpp
  test_c_api_session.cpp
  test_c_api_utf8.cpp
  test_c_api_yuv.cpp
)
target_include_directories(hvit_edge_c_tests PRIVATE ../src ../capi)
hvit_edge_test_data(hvit_edge_c_tests)
# Both libraries in one process: they share the pool of threads, but each has its own lock for it.
target_link_libraries(hvit_edge_c_tests PRIVATE hvit_edge_c_header hvit_edge::c hvit_edge::runtime
                                                GTest::gtest_main)
hvit_edge_warnings(hvit_edge_c_tests)
gtest_discover_tests(hvit_edge_c_tests DISCOVERY_TIMEOUT 60
                     PROPERTIES TIMEOUT 60 ENVIRONMENT MALLOC_PERTURB_=165)

add_executable(hvit_edge_c_memory_tests ../src/artifact/crc32.cpp ../src/artifact/crc32_folding.cpp
                                        ../src/x86_cpu.cpp
                                        test_c_api_memory.cpp)
target_include_directories(hvit_edge_c_memory_tests PRIVATE ../src)
hvit_edge_test_data(hvit_edge_c_memory_tests)
target_link_libraries(hvit_edge_c_memory_tests PRIVATE hvit_edge::c GTest::gtest_main)
hvit_edge_warnings(hvit_edge_c_memory_tests)
gtest_discover_tests(hvit_edge_c_memory_tests DISCOVERY_TIMEOUT 60 PROPERTIES TIMEOUT 60)

if(CMAKE_SYSTEM_NAME STREQUAL "Linux")
  # The library of this build, and that of `make arm` if it was built.
  set(arm_library "${PROJECT_SOURCE_DIR}/build/arm/package/lib/libhvit_edge_c.so")
  set(check_exports ${CMAKE_COMMAND} -DREADELF=${CMAKE_READELF}
                    -DHEADER=${PROJECT_SOURCE_DIR}/cpp/include/hvit_edge/c_api.h)
  set(check_segments ${CMAKE_COMMAND} -DREADELF=${CMAKE_READELF})
  set(exports "${CMAKE_CURRENT_SOURCE_DIR}/check_exports.cmake")
  set(segments "${CMAKE_CURRENT_SOURCE_DIR}/check_segments.cmake")
  add_test(NAME c_api.exports
           COMMAND ${check_exports} -DLIBRARY=$<TARGET_FILE:hvit_edge_c> -P ${exports})
  add_test(NAME c_api.segments
           COMMAND ${check_segments} -DLIBRARY=$<TARGET_FILE:hvit_edge_c> -P ${segments})
  if(HVIT_EDGE_RUNTIME STREQUAL "full")
    add_test(NAME c_api.exports_aarch64
             COMMAND ${check_exports} -DLIBRARY=${arm_library} -P ${exports})
    add_test(NAME c_api.segments_aarch64
             COMMAND ${check_segments} -DLIBRARY=${arm_library} -DALIGNMENT=0x4000 -P ${segments})
    # And everything else that `make arm` sends to devices.
    add_test(NAME elf.pages_aarch64
             COMMAND ${CMAKE_COMMAND} -DREADELF=${CMAKE_READELF} -DFOLDER=${PROJECT_SOURCE_DIR}/build/arm
                     -P ${CMAKE_CURRENT_SOURCE_DIR}/check_pages.cmake)
    set_tests_properties(c_api.exports_aarch64 c_api.segments_aarch64 elf.pages_aarch64
                         PROPERTIES SKIP_REGULAR_EXPRESSION "skipped: no")
  endif()

  if(HVIT_EDGE_INSTALL AND CMAKE_GENERATOR STREQUAL "Ninja")
    include(consumer.cmake)
  endif()
endif()
