# ExecuTorch built from source, as for Android, has other names for its targets than its wheel:
# gives them those of the wheel.
if(TARGET executorch::runtime)
  return()
endif()
function(hvit_edge_name_executorch name)
  foreach(target IN LISTS ARGN)
    if(NOT TARGET ${target})
      message(FATAL_ERROR "expected the target ${target} in ${executorch_DIR}, got none; build "
                          "ExecuTorch with its preset android-arm64-v8a")
    endif()
  endforeach()
  add_library(executorch::${name} INTERFACE IMPORTED GLOBAL)
  target_link_libraries(executorch::${name} INTERFACE ${ARGN})
endfunction()
hvit_edge_name_executorch(runtime executorch extension_module_static extension_data_loader)
hvit_edge_name_executorch(kernels_optimized optimized_native_cpu_ops_lib)
hvit_edge_name_executorch(backend_xnnpack xnnpack_backend)
hvit_edge_name_executorch(threadpool extension_threadpool)
