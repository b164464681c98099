# usync alone (UC_USYNC_ONLY): one file for a laptop, with libraries of others inside where
# they are to be had as archives; the C library stays the machine's, which knows its names.
list(PREPEND CMAKE_FIND_LIBRARY_SUFFIXES .a)
set(BUILD_TESTING OFF)

# uc_usync_libraries(OUT): what the archive of libssh2 needs besides, as far as it is there.
function(uc_usync_libraries out)
  set(found)
  foreach(name IN LISTS SSH2_STATIC_LIBRARIES)
    find_library(UC_USYNC_${name} NAMES ${name} HINTS ${SSH2_STATIC_LIBRARY_DIRS})
    if(UC_USYNC_${name})
      list(APPEND found ${UC_USYNC_${name}})
    endif()
  endforeach()
  set(${out} ${found} PARENT_SCOPE)
endfunction()
