# Names ExecuTorch's libraries in ${hvit_edge_libdir} as its wheel does, for hvit_edge-config.cmake.
foreach(library IN LISTS hvit_edge_executorch_libraries)
  string(REPLACE "executorch::" "executorch_" name "${library}")
  string(REPLACE "executorch_runtime" "executorch" name "${name}")
  set(file "${hvit_edge_libdir}/lib${name}${CMAKE_SHARED_LIBRARY_SUFFIX}")
  if(NOT EXISTS "${file}")
    message(FATAL_ERROR "expected ExecuTorch's library ${file} next to the others, got none; install "
                        "hvit-edge again, or remove libexecutorch* there and set executorch_DIR")
  endif()
  add_library(${library} SHARED IMPORTED)
  set_target_properties(${library} PROPERTIES IMPORTED_LOCATION "${file}")
  if(NOT APPLE)
    # Nothing refers to a backend or kernels, which register themselves.
    set_target_properties(
      ${library} PROPERTIES INTERFACE_LINK_OPTIONS
                            "LINKER:--push-state,--no-as-needed,${file},--pop-state")
  endif()
endforeach()
