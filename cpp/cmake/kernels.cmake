# -DHVIT_EDGE_KERNELS: how programs with operators outside the delegates get ExecuTorch's kernels.
#   on_demand  its library of kernels, 10.7 MB, is loaded when the first of them needs it
#   all        its library of kernels is linked
#   none       these programs are refused
# A static ExecuTorch, as on Android and iOS, has no library that could be loaded on demand.
set(hvit_edge_executorch_libraries executorch::runtime executorch::backend_xnnpack
                                   executorch::threadpool)
get_target_property(type executorch::kernels_optimized TYPE)
if(type STREQUAL "SHARED_LIBRARY")
  set(choices on_demand all none)
else()
  set(choices all none)
endif()
list(GET choices 0 default)
set(HVIT_EDGE_KERNELS ${default}
    CACHE STRING "ExecuTorch's kernels for operators outside the delegates: ${choices}")
set_property(CACHE HVIT_EDGE_KERNELS PROPERTY STRINGS ${choices})
if(NOT HVIT_EDGE_KERNELS IN_LIST choices)
  list(JOIN choices ", " choices)
  message(FATAL_ERROR "expected HVIT_EDGE_KERNELS to be one of ${choices} with this ExecuTorch, got "
                      "'${HVIT_EDGE_KERNELS}'")
endif()
if(HVIT_EDGE_KERNELS STREQUAL "all")
  list(APPEND hvit_edge_executorch_libraries executorch::kernels_optimized)
endif()
# What a program without Python needs next to it.
set(hvit_edge_deployed_libraries ${hvit_edge_executorch_libraries})
if(HVIT_EDGE_KERNELS STREQUAL "on_demand")
  list(APPEND hvit_edge_deployed_libraries executorch::kernels_optimized)
endif()
