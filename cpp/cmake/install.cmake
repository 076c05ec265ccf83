# Installs two packages: `runtime`, the C++ library, which is static, and `c`, the C interface, which is
# shared. To install only one: cmake --install BUILD --component c --prefix FOLDER
#
# The component `executorch` is ExecuTorch's libraries, which the full runtime needs, next to
# libhvit_edge_c. Without it, consumers find those of its wheel through executorch_DIR.
include(CMakePackageConfigHelpers)

set(package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/hvit_edge")
set(pkgconfig_dir "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
set(headers "${CMAKE_INSTALL_INCLUDEDIR}/hvit_edge")
file(RELATIVE_PATH up_from_pkgconfig "/prefix/${pkgconfig_dir}" /prefix)
string(REGEX REPLACE "/$" "" up_from_pkgconfig "${up_from_pkgconfig}")

# Files of both packages are part of both components.
function(hvit_edge_install_shared component)
  install(FILES "${CMAKE_CURRENT_BINARY_DIR}/include/hvit_edge/version.h" DESTINATION ${headers}
          COMPONENT ${component})
  install(FILES "${CMAKE_CURRENT_BINARY_DIR}/hvit_edge-config.cmake"
                "${CMAKE_CURRENT_BINARY_DIR}/hvit_edge-config-version.cmake"
          DESTINATION ${package_dir} COMPONENT ${component})
  if(hvit_edge_full_runtime)
    install(FILES cmake/find_executorch.cmake cmake/installed_executorch.cmake
            DESTINATION ${package_dir} COMPONENT ${component})
  endif()
endfunction()

function(hvit_edge_install_pkgconfig name component)
  configure_file(cmake/${name}.pc.in ${name}.pc @ONLY)
  install(FILES "${CMAKE_CURRENT_BINARY_DIR}/${name}.pc" DESTINATION ${pkgconfig_dir}
          COMPONENT ${component})
endfunction()

set(hvit_edge_full_runtime OFF)
if(HVIT_EDGE_RUNTIME STREQUAL "full")
  set(hvit_edge_full_runtime ON)
endif()
configure_package_config_file(cmake/hvit_edge-config.cmake.in hvit_edge-config.cmake
                              INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(hvit_edge-config-version.cmake COMPATIBILITY SameMinorVersion)

# A static library lists the libraries that it needs. The backend registers itself: nothing refers to it.
if(NOT hvit_edge_full_runtime)
  set(executorch_variable "")
  set(executorch_usage "")
  set(library_needs "-pthread")
else()
  set(executorch_variable "\nexecutorch_libdir=\${libdir}")
  string(CONCAT executorch_usage ", and --define-variable=executorch_libdir=WHEEL/executorch/lib if\n"
                                 "# ExecuTorch is not installed with it")
  set(executorch_libs "-lexecutorch_backend_xnnpack")
  if(HVIT_EDGE_KERNELS STREQUAL "all")
    string(PREPEND executorch_libs "-lexecutorch_kernels_optimized ")
  endif()
  if(NOT APPLE)
    set(executorch_libs "-Wl,--push-state,--no-as-needed ${executorch_libs} -Wl,--pop-state")
    set(rpath_link " -Wl,-rpath-link,\${executorch_libdir}")
  endif()
  string(CONCAT library_needs "-L\${executorch_libdir} ${executorch_libs} -lexecutorch_threadpool "
                              "-lexecutorch -pthread -ldl")
endif()

hvit_edge_install_shared(runtime)
hvit_edge_install_pkgconfig(hvit_edge runtime)
set_target_properties(hvit_edge PROPERTIES EXPORT_NAME runtime)
install(TARGETS hvit_edge EXPORT hvit_edge ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
                                                   COMPONENT runtime)
install(DIRECTORY include/hvit_edge DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT runtime
        PATTERN c_api.h EXCLUDE)
install(EXPORT hvit_edge NAMESPACE hvit_edge:: FILE hvit_edge-targets.cmake
        DESTINATION ${package_dir} COMPONENT runtime)

if(TARGET hvit_edge_c)
  hvit_edge_install_shared(c)
  hvit_edge_install_pkgconfig(hvit_edge_c c)
  set_target_properties(hvit_edge_c PROPERTIES EXPORT_NAME c)
  install(TARGETS hvit_edge_c EXPORT hvit_edge_c
          LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT c NAMELINK_COMPONENT c)
  install(FILES include/hvit_edge/c_api.h DESTINATION ${headers} COMPONENT c)
  install(EXPORT hvit_edge_c NAMESPACE hvit_edge:: FILE hvit_edge-c-targets.cmake
          DESTINATION ${package_dir} COMPONENT c)
endif()

if(hvit_edge_deployed_libraries)
  install(IMPORTED_RUNTIME_ARTIFACTS ${hvit_edge_deployed_libraries}
          LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT executorch)
endif()
