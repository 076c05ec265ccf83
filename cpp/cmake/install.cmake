# find_package(hvit_edge) gives hvit_edge::runtime. ExecuTorch itself is not installed: the
# consumer finds it in its own wheel through executorch_DIR.
include(CMakePackageConfigHelpers)
include(GNUInstallDirs)

set(package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/hvit_edge")
set_target_properties(hvit_edge PROPERTIES EXPORT_NAME runtime)
install(TARGETS hvit_edge EXPORT hvit_edge ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(DIRECTORY include/hvit_edge DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(EXPORT hvit_edge NAMESPACE hvit_edge:: FILE hvit_edge-targets.cmake
        DESTINATION ${package_dir})
configure_package_config_file(cmake/hvit_edge-config.cmake.in hvit_edge-config.cmake
                              INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(hvit_edge-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES "${CMAKE_CURRENT_BINARY_DIR}/hvit_edge-config.cmake"
              "${CMAKE_CURRENT_BINARY_DIR}/hvit_edge-config-version.cmake"
              cmake/find_executorch.cmake
        DESTINATION ${package_dir})
