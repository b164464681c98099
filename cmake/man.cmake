# cmake -D INPUT= -D OUTPUT= -D DATE= [-D PROGRAM=] -P man.cmake: see uc_man().
set(arguments_OPTIONS --help=mdoc)
set(arguments_COLUMNS --help=mdoc-columns)
set(arguments_SRUN_OPTIONS --help=mdoc-foreign)
set(arguments_KEYS config --mdoc-keys)
set(arguments_DASH_KEYS --mdoc-keys)
file(GLOB headers "${CMAKE_CURRENT_LIST_DIR}/../include/ucluster/*.h")
set(arguments_HEADERS -v mdoc=1 -f "${CMAKE_CURRENT_LIST_DIR}/../scripts/public-functions.awk"
  ${headers})

# Text with brackets, semicolons and backslashes stays one value as long as it is quoted.
file(READ "${INPUT}" page)
string(REPLACE "$Mdocdate$" "${DATE}" page "${page}")
foreach(word IN ITEMS OPTIONS COLUMNS SRUN_OPTIONS KEYS DASH_KEYS HEADERS)
  string(FIND "${page}" "\n@${word}@\n" at)
  if(at LESS 0)
    continue()
  endif()
  execute_process(COMMAND "${PROGRAM}" ${arguments_${word}}
    OUTPUT_VARIABLE text RESULT_VARIABLE status)
  if(NOT status EQUAL 0)
    message(FATAL_ERROR "'${PROGRAM} ${arguments_${word}}' ended with ${status}")
  endif()
  string(REPLACE "\n@${word}@\n" "\n${text}" page "${page}")
endforeach()
file(WRITE "${OUTPUT}" "${page}")
