# Finds ExecuTorch inside its Python wheel, and the parts of it that are needed:
# find_package(executorch ${hvit_edge_executorch}). An `executorch_DIR` from the caller wins.
set(hvit_edge_executorch 1.5 COMPONENTS runtime kernels_optimized backend_xnnpack threadpool)
if(ANDROID)
  # Built from source, it installs no version and has no components.
  set(hvit_edge_executorch)
endif()
if(NOT executorch_DIR AND NOT CMAKE_CROSSCOMPILING)
  find_package(Python COMPONENTS Interpreter QUIET)
  if(Python_Interpreter_FOUND)
    execute_process(
      COMMAND
        "${Python_EXECUTABLE}" -c
        "import importlib.util as u; s = u.find_spec('executorch'); print(s.submodule_search_locations[0])"
      OUTPUT_VARIABLE executorch_package
      OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
    if(executorch_package)
      set(executorch_DIR "${executorch_package}/lib/cmake/executorch")
    endif()
  endif()
endif()
