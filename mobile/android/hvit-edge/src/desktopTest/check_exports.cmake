# cmake -DREADELF=... -DLIBRARY=... -P: checks that the ELF library exports only JNI_OnLoad.
execute_process(COMMAND "${READELF}" -W --dyn-syms "${LIBRARY}" OUTPUT_VARIABLE symbols
                COMMAND_ERROR_IS_FATAL ANY)
# Type, binding, visibility, section (UND: imported), name.
string(REGEX MATCHALL "(GLOBAL|WEAK|UNIQUE) +[A-Z]+ +([0-9]+|ABS|COM) [^\n]+" lines "${symbols}")
list(TRANSFORM lines REPLACE ".* " "")
if(NOT lines STREQUAL "JNI_OnLoad")
  message(FATAL_ERROR "expected JNI_OnLoad, got those that ${LIBRARY} exports: ${lines}")
endif()
