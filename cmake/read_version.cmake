# Sets hvit_edge_version to the version that the Python package states, such as 0.1.0.
set(version_file "${CMAKE_CURRENT_LIST_DIR}/../python/hvit_edge/__init__.py")
file(STRINGS "${version_file}" version_line REGEX "^__version__ = ")
if(NOT version_line MATCHES "\"([0-9]+\\.[0-9]+\\.[0-9]+)")
  message(FATAL_ERROR "[hvit-edge] expected __version__ = \"MAJOR.MINOR.PATCH\" in ${version_file}, "
                      "got \"${version_line}\"; restore that line")
endif()
set(hvit_edge_version "${CMAKE_MATCH_1}")
if(NOT CMAKE_SCRIPT_MODE_FILE) # a new version configures again
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${version_file}")
endif()
