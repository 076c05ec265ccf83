# ExecuTorch built from source for iOS, with the target names of its wheel. find_package() finds it
# with -Dexecutorch_DIR=mobile/ios/cmake -DHVIT_EDGE_IOS_EXECUTORCH=<where it was installed>.
set(config "${HVIT_EDGE_IOS_EXECUTORCH}/lib/cmake/ExecuTorch/executorch-config.cmake")
if(NOT EXISTS "${config}")
  message(FATAL_ERROR "expected ExecuTorch installed in '${HVIT_EDGE_IOS_EXECUTORCH}', got no "
                      "${config}; build its preset ios or ios-simulator, target install")
endif()
include("${config}")

set(hvit_edge_executorch_origin "${config}")
set(hvit_edge_executorch_preset "ios or ios-simulator")
include("${CMAKE_CURRENT_LIST_DIR}/../../../cpp/cmake/name_executorch.cmake")
