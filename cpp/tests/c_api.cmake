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
  test_c_api_metadata.cpp
  test_c_api_process.cpp
  test_c_api_session.cpp
  test_c_api_utf8.cpp
)
target_include_directories(hvit_edge_c_tests PRIVATE ../src ../capi)
target_compile_definitions(hvit_edge_c_tests
                           PRIVATE HVIT_EDGE_TEST_DATA="${CMAKE_CURRENT_SOURCE_DIR}/data")
# Both libraries in one process: theirs is the pool of threads, the lock around it is each one's own.
target_link_libraries(hvit_edge_c_tests PRIVATE hvit_edge_c_header hvit_edge::c hvit_edge::runtime
                                                GTest::gtest_main)
hvit_edge_warnings(hvit_edge_c_tests)
gtest_discover_tests(hvit_edge_c_tests DISCOVERY_TIMEOUT 60
                     PROPERTIES TIMEOUT 60 ENVIRONMENT MALLOC_PERTURB_=165)
