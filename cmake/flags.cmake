# uc_flags: warnings and sanitizers for everything of ours.
add_library(uc_flags INTERFACE)
target_compile_options(uc_flags INTERFACE
  -Wall -Wextra -Wshadow -Wformat=2 -Wmissing-prototypes -Wstrict-prototypes -Wvla -Wundef
  -Wpointer-arith -Wwrite-strings -Wimplicit-fallthrough
  $<$<BOOL:${UC_WERROR}>:-Werror>)
target_compile_definitions(uc_flags INTERFACE _GNU_SOURCE)
target_include_directories(uc_flags INTERFACE ${CMAKE_SOURCE_DIR}/include)
if(UC_SANITIZE)
  target_compile_options(uc_flags INTERFACE
    -fsanitize=${UC_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(uc_flags INTERFACE -fsanitize=${UC_SANITIZE})
else()
  target_compile_options(uc_flags INTERFACE
    -fstack-protector-strong -fstack-clash-protection
    $<$<CONFIG:Release,RelWithDebInfo>:-D_FORTIFY_SOURCE=2>)
  target_link_options(uc_flags INTERFACE -Wl,-z,relro -Wl,-z,now -Wl,--as-needed)
endif()
if(UC_FUZZ)
  target_compile_options(uc_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()
