# cmake -DREADELF=... -DLIBRARY=... [-DALIGNMENT=0x4000] -P: checks that the ELF library has no
# text relocations, and that every loaded segment has the alignment.
if(NOT EXISTS "${LIBRARY}")
  message("skipped: no ${LIBRARY}")
  return()
endif()
execute_process(COMMAND "${READELF}" -dW "${LIBRARY}" OUTPUT_VARIABLE dynamic
                COMMAND_ERROR_IS_FATAL ANY)
if(NOT dynamic MATCHES "SONAME" OR dynamic MATCHES "TEXTREL")
  message(FATAL_ERROR "expected a shared library without text relocations, got\n${dynamic}")
endif()
execute_process(COMMAND "${READELF}" -lW "${LIBRARY}" OUTPUT_VARIABLE segments
                COMMAND_ERROR_IS_FATAL ANY)
string(REGEX MATCHALL " LOAD +[^\n]+" loaded "${segments}")
list(LENGTH loaded count)
if(count EQUAL 0)
  message(FATAL_ERROR "expected segments to load, got\n${segments}")
endif()
foreach(segment IN LISTS loaded)
  if(DEFINED ALIGNMENT AND NOT segment MATCHES " ${ALIGNMENT}$")
    message(FATAL_ERROR "expected an alignment of ${ALIGNMENT}, got${segment}")
  endif()
endforeach()
message("${count} segments")
