# cmake -D PROGRAM= -D OUTPUT= -D SHELL= -P completion.cmake: see uc_completions().
execute_process(COMMAND "${PROGRAM}" --help=${SHELL}
  OUTPUT_FILE "${OUTPUT}" RESULT_VARIABLE status)
if(NOT status EQUAL 0)
  file(REMOVE "${OUTPUT}")
  message(FATAL_ERROR "'${PROGRAM} --help=${SHELL}' ended with ${status}")
endif()
