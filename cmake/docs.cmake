# Man pages and completions: human text from man/, the rest printed by the built programs.
string(TIMESTAMP UC_MAN_DATE "%B %d, %Y" UTC)
string(REPLACE " 0" " " UC_MAN_DATE "${UC_MAN_DATE}")

# A program that runs during the build: leaks are the tests' business.
set(UC_RUN_BUILT ${CMAKE_COMMAND} -E env ASAN_OPTIONS=detect_leaks=0 LC_ALL=C.UTF-8)

# uc_man(PAGE [PROGRAM] [DEPENDS FILE...]): man/PAGE.in becomes build/man/PAGE. A line that is
# @OPTIONS@, @COLUMNS@, @SRUN_OPTIONS@, @KEYS@, @DASH_KEYS@ or @HEADERS@ is replaced by what
# PROGRAM prints for it (cmake/man.cmake has the table); awk, where it is no target.
function(uc_man page)
  cmake_parse_arguments(PARSE_ARGV 1 man "" "" DEPENDS)
  set(output ${CMAKE_BINARY_DIR}/man/${page})
  set(program ${man_UNPARSED_ARGUMENTS})
  if(TARGET "${program}")
    set(argument -D PROGRAM=$<TARGET_FILE:${program}>)
  elseif(program)
    set(argument -D PROGRAM=${program})
    set(program)
  endif()
  add_custom_command(OUTPUT ${output}
    COMMAND ${UC_RUN_BUILT} ${CMAKE_COMMAND}
      -D INPUT=${CMAKE_SOURCE_DIR}/man/${page}.in -D OUTPUT=${output}
      -D "DATE=${UC_MAN_DATE}" ${argument} -P ${CMAKE_SOURCE_DIR}/cmake/man.cmake
    DEPENDS ${CMAKE_SOURCE_DIR}/man/${page}.in ${CMAKE_SOURCE_DIR}/cmake/man.cmake ${program}
      ${man_DEPENDS}
    COMMENT "man/${page}" VERBATIM)
  add_custom_target(man.${page} ALL DEPENDS ${output})
  string(REGEX REPLACE ".*\\." "" section ${page})
  if(section EQUAL 3)
    set(component development)
  else()
    set(component runtime)
  endif()
  install(FILES ${output} DESTINATION ${CMAKE_INSTALL_MANDIR}/man${section}
    COMPONENT ${component})
endfunction()

# Debian's zsh looks in vendor-completions for what packages bring.
set(UC_ZSH_COMPLETIONS ${CMAKE_INSTALL_DATADIR}/zsh/site-functions CACHE STRING
  "where zsh looks for completions, below the prefix")

# uc_completions(PROGRAM): for bash, zsh and fish, where each of them looks.
function(uc_completions program)
  set(data ${CMAKE_INSTALL_DATADIR})
  set(bash ${data}/bash-completion/completions/${program})
  set(zsh ${UC_ZSH_COMPLETIONS}/_${program})
  set(fish ${data}/fish/vendor_completions.d/${program}.fish)
  set(outputs)
  foreach(shell IN ITEMS bash zsh fish)
    set(output ${CMAKE_BINARY_DIR}/${${shell}})
    cmake_path(GET output PARENT_PATH folder)
    file(MAKE_DIRECTORY ${folder})
    add_custom_command(OUTPUT ${output}
      COMMAND ${UC_RUN_BUILT} ${CMAKE_COMMAND}
        -D PROGRAM=$<TARGET_FILE:${program}> -D OUTPUT=${output} -D SHELL=${shell}
        -P ${CMAKE_SOURCE_DIR}/cmake/completion.cmake
      DEPENDS ${program} ${CMAKE_SOURCE_DIR}/cmake/completion.cmake
      COMMENT "completion of ${program} for ${shell}" VERBATIM)
    list(APPEND outputs ${output})
    cmake_path(GET ${shell} PARENT_PATH folder)
    install(FILES ${output} DESTINATION ${folder} COMPONENT runtime)
  endforeach()
  add_custom_target(completion.${program} ALL DEPENDS ${outputs})
endfunction()
