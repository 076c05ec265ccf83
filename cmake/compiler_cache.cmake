# If ccache is installed, the trees in build/, and those of other checkouts, share what they compile:
# absolute paths do not count. zig has a cache of its own. -DCMAKE_CXX_COMPILER_LAUNCHER= does without.
find_program(HVIT_EDGE_CCACHE ccache DOC "Compiler cache that all trees share")
mark_as_advanced(HVIT_EDGE_CCACHE)
if(HVIT_EDGE_CCACHE AND NOT HVIT_EDGE_ZIG AND NOT DEFINED CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER
      ${CMAKE_COMMAND} -E env "CCACHE_BASEDIR=${PROJECT_SOURCE_DIR}" CCACHE_NOHASHDIR=1
      ${HVIT_EDGE_CCACHE})
endif()
