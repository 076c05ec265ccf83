# cmake -DREADELF=... -DLIBRARY=... -DHEADER=... -P: checks that the ELF library exports what the header
# declares, and nothing else.
if(NOT EXISTS "${LIBRARY}")
  message("skipped: no ${LIBRARY}")
  return()
endif()
execute_process(COMMAND "${READELF}" -W --dyn-syms "${LIBRARY}" OUTPUT_VARIABLE symbols
                COMMAND_ERROR_IS_FATAL ANY)
# Type, binding, visibility, section (UND: imported), name.
string(REGEX MATCHALL "(GLOBAL|WEAK|UNIQUE) +[A-Z]+ +([0-9]+|ABS|COM) [^\n]+" lines "${symbols}")
list(TRANSFORM lines REPLACE ".* " "")
list(SORT lines)

file(READ "${HEADER}" declarations)
string(REGEX MATCHALL "\nHVE_API [^(]+\\(" declared "${declarations}")
list(TRANSFORM declared REPLACE "^.*[ *](hve_[a-z0-9_]+)\\($" "\\1")
list(SORT declared)

list(LENGTH declared count)
if(count EQUAL 0 OR NOT lines STREQUAL declared)
  message(FATAL_ERROR "expected the symbols that ${HEADER} declares:\n  ${declared}\n"
                      "got those that ${LIBRARY} exports:\n  ${lines}")
endif()
message("${count} symbols, each declared")
