# ExecuTorch built from source for iOS, under the names that its wheel has: what find_package() gets
# with -Dexecutorch_DIR=mobile/ios/cmake -DHVIT_EDGE_IOS_EXECUTORCH=<where it was installed>.
set(config "${HVIT_EDGE_IOS_EXECUTORCH}/lib/cmake/ExecuTorch/executorch-config.cmake")
if(NOT EXISTS "${config}")
  message(FATAL_ERROR "expected ExecuTorch installed in '${HVIT_EDGE_IOS_EXECUTORCH}', got no "
                      "${config}; build its preset ios or ios-simulator, target install")
endif()
include("${config}")

function(hvit_edge_name_executorch name)
  foreach(target IN LISTS ARGN)
    if(NOT TARGET ${target})
      message(FATAL_ERROR "expected the target ${target} in ${config}, got none; build ExecuTorch "
                          "with its preset ios or ios-simulator")
    endif()
  endforeach()
  add_library(executorch::${name} INTERFACE IMPORTED GLOBAL)
  target_link_libraries(executorch::${name} INTERFACE ${ARGN})
endfunction()
hvit_edge_name_executorch(runtime executorch extension_module_static extension_data_loader)
hvit_edge_name_executorch(kernels_optimized optimized_native_cpu_ops_lib)
hvit_edge_name_executorch(backend_xnnpack xnnpack_backend)
hvit_edge_name_executorch(threadpool extension_threadpool)
