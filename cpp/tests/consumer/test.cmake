# cmake -DSTEP=... -P: a step of a project outside the tree that uses the installed package.
# consumer.cmake passes the other variables.
set(prefix "${WORK}/moved")
set(lib "${LIBDIR}")
set(compilers -G Ninja -DCMAKE_MAKE_PROGRAM=${NINJA} -DCMAKE_C_COMPILER=${C_COMPILER}
              -DCMAKE_CXX_COMPILER=${CXX_COMPILER} -DCMAKE_BUILD_TYPE=Release)

function(execute)
  execute_process(COMMAND ${ARGN} COMMAND_ERROR_IS_FATAL ANY)
endfunction()

# Three predictions, which must be the same for every way to the model.
function(expect_predictions)
  execute_process(COMMAND ${ARGN} "${ARTIFACT}" OUTPUT_VARIABLE output COMMAND_ERROR_IS_FATAL ANY)
  string(REGEX MATCHALL "[0-9.]+ %  [a-g]" lines "${output}")
  list(LENGTH lines count)
  if(NOT count EQUAL 3)
    message(FATAL_ERROR "expected three predictions, got\n${output}")
  endif()
  if(NOT EXISTS "${WORK}/predictions")
    file(WRITE "${WORK}/predictions" "${output}")
  endif()
  file(READ "${WORK}/predictions" first)
  if(NOT output STREQUAL first)
    message(FATAL_ERROR "expected\n${first}\ngot\n${output}")
  endif()
  message("${output}")
endfunction()

function(install_component folder)
  foreach(component IN LISTS ARGN)
    execute("${CMAKE_COMMAND}" --install "${BUILD}" --prefix "${folder}" --component ${component})
  endforeach()
endfunction()

# Builds both programs with pkg-config's flags alone and runs them with the libraries in `path`.
function(expect_pkgconfig path)
  foreach(language c cpp)
    if(language STREQUAL "c")
      set(compiler "${C_COMPILER}" -std=c99)
      set(package hvit_edge_c)
    else()
      set(compiler "${CXX_COMPILER}" -std=c++17)
      set(package hvit_edge)
    endif()
    execute_process(COMMAND "${PKG_CONFIG}" ${ARGN} --cflags --libs ${package}
                    OUTPUT_VARIABLE flags OUTPUT_STRIP_TRAILING_WHITESPACE
                    COMMAND_ERROR_IS_FATAL ANY)
    separate_arguments(flags UNIX_COMMAND "${flags}")
    set(program "${WORK}/${STEP}_${package}")
    execute(${compiler} "${CONSUMER}/main.${language}" -o "${program}" ${flags})
    expect_predictions("${CMAKE_COMMAND}" -E env "LD_LIBRARY_PATH=${path}" "${program}")
  endforeach()
endfunction()

# The library of kernels may be missing, and is then named if a program has operators outside the
# delegates, as this one has.
function(expect_kernels_on_demand folder)
  set(kernels "${folder}/libexecutorch_kernels_optimized.so")
  file(RENAME "${kernels}" "${kernels}.removed")
  execute("${complete}/${BINDIR}/hvit_edge_runner" self-test "${NATIVE_ARTIFACT}")
  execute_process(COMMAND "${WORK}/build_complete/consumer_c" "${ARTIFACT}"
                  RESULT_VARIABLE result ERROR_VARIABLE error)
  file(RENAME "${kernels}.removed" "${kernels}")
  set(wanted "expected kernels of operators outside the delegates, aten::mean.out, got no library")
  if(result EQUAL 0 OR NOT error MATCHES "${wanted}.*install ExecuTorch's libexecutorch_kernels_")
    message(FATAL_ERROR "expected '${wanted}...', got ${result}: ${error}")
  endif()
endfunction()

if(STEP STREQUAL "install")
  file(REMOVE_RECURSE "${WORK}")
  install_component("${WORK}/installed" runtime c)
  file(RENAME "${WORK}/installed" "${prefix}")

elseif(STEP STREQUAL "relocatable")
  file(GLOB_RECURSE files "${prefix}/*.cmake" "${prefix}/*.pc" "${prefix}/*.h")
  list(APPEND files "${prefix}/${lib}/libhvit_edge_c.so")
  list(LENGTH files count)
  set(least 14)
  if(EXECUTORCH)
    set(least 15) # how to find it
  endif()
  if(count LESS ${least})
    message(FATAL_ERROR "expected the package's files, got ${files}")
  endif()
  foreach(file IN LISTS files)
    file(STRINGS "${file}" lines)
    foreach(path "${WORK}" "${BUILD}" "${PROJECT}" ${EXECUTORCH})
      string(FIND "${lines}" "${path}" place)
      if(NOT place EQUAL -1)
        message(FATAL_ERROR "expected no path of the build machine, got ${path} in ${file}")
      endif()
    endforeach()
  endforeach()
  execute_process(COMMAND "${READELF}" -dW "${prefix}/${lib}/libhvit_edge_c.so"
                  OUTPUT_VARIABLE dynamic COMMAND_ERROR_IS_FATAL ANY)
  if(NOT dynamic MATCHES "runpath: \\[\\$ORIGIN\\]")
    message(FATAL_ERROR "expected ExecuTorch to be looked for beside the library, got ${dynamic}")
  endif()
  message("${count} files")

elseif(STEP STREQUAL "cmake")
  execute("${CMAKE_COMMAND}" -S "${CONSUMER}" -B "${WORK}/build" ${compilers}
          "-Dhvit_edge_DIR=${prefix}/${lib}/cmake/hvit_edge" "-Dexecutorch_DIR=${EXECUTORCH_DIR}")
  execute("${CMAKE_COMMAND}" --build "${WORK}/build")
  expect_predictions("${WORK}/build/consumer_cpp")
  expect_predictions("${WORK}/build/consumer_stream")
  expect_predictions("${WORK}/build/consumer_c")

elseif(STEP STREQUAL "c_alone")
  install_component("${WORK}/c_alone" c executorch)
  execute("${CMAKE_COMMAND}" -S "${CONSUMER}" -B "${WORK}/build_c" ${compilers} -DC_ALONE=ON
          "-Dhvit_edge_DIR=${WORK}/c_alone/${lib}/cmake/hvit_edge")
  execute("${CMAKE_COMMAND}" --build "${WORK}/build_c")
  file(STRINGS "${WORK}/build_c/CMakeCache.txt" wheel REGEX "^executorch_DIR|^CMAKE_CXX_COMPILER_AR")
  if(wheel)
    message(FATAL_ERROR "expected neither the wheel nor C++ to be asked for, got ${wheel}")
  endif()
  expect_predictions("${WORK}/build_c/consumer_c")

elseif(STEP STREQUAL "complete")
  # An installation without options has all that it needs to start, wherever it is moved.
  set(complete "${WORK}/complete")
  execute("${CMAKE_COMMAND}" --install "${BUILD}" --prefix "${WORK}/complete_installed")
  file(REMOVE_RECURSE "${complete}")
  file(RENAME "${WORK}/complete_installed" "${complete}")
  execute("${complete}/${BINDIR}/hvit_edge_runner" self-test "${ARTIFACT}")
  execute("${CMAKE_COMMAND}" -S "${CONSUMER}" -B "${WORK}/build_complete" ${compilers}
          "-Dhvit_edge_DIR=${complete}/${lib}/cmake/hvit_edge")
  execute("${CMAKE_COMMAND}" --build "${WORK}/build_complete")
  file(STRINGS "${WORK}/build_complete/CMakeCache.txt" wheel REGEX "^executorch_DIR")
  if(wheel)
    message(FATAL_ERROR "expected the wheel not to be asked for, got ${wheel}")
  endif()
  foreach(program consumer_cpp consumer_stream consumer_c)
    expect_predictions("${WORK}/build_complete/${program}")
  endforeach()
  expect_kernels_on_demand("${complete}/${lib}")

elseif(STEP STREQUAL "pkgconfig_complete")
  set(complete "${WORK}/complete")
  set(ENV{PKG_CONFIG_PATH} "${complete}/${lib}/pkgconfig")
  expect_pkgconfig("${complete}/${lib}")

elseif(STEP STREQUAL "pkgconfig")
  set(ENV{PKG_CONFIG_PATH} "${prefix}/${lib}/pkgconfig")
  expect_pkgconfig("${prefix}/${lib}:${EXECUTORCH}/lib"
                   "--define-variable=executorch_libdir=${EXECUTORCH}/lib")

elseif(STEP STREQUAL "aarch64")
  set(package "${PROJECT}/build/arm/package")
  if(NOT EXISTS "${package}/lib/libhvit_edge_c.so")
    message("skipped: no ${package}; make arm")
    return()
  endif()
  set(program "${WORK}/aarch64")
  execute("${AARCH64_COMPILER}" -std=c99 "${CONSUMER}/main.c" -o "${program}"
          "-I${package}/include" "-L${package}/lib" -lhvit_edge_c
          "-Wl,-rpath,${package}/lib,-rpath-link,${package}/lib")
  expect_predictions("${QEMU}" -L /usr/aarch64-linux-gnu -cpu cortex-a76 "${program}")
endif()
