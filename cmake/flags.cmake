include(CheckCCompilerFlag)
include(CheckPIESupported)

# Programs are linked position independent too, also where the compiler does not by itself.
check_pie_supported(LANGUAGES C)

# uc_flags: warnings and sanitizers for everything of ours.
add_library(uc_flags INTERFACE)
target_compile_options(uc_flags INTERFACE
  -Wall -Wextra -Wshadow -Wformat=2 -Wmissing-prototypes -Wstrict-prototypes -Wvla -Wundef
  -Wpointer-arith -Wwrite-strings -Wimplicit-fallthrough
  $<$<BOOL:${UC_WERROR}>:-Werror>)
# Of lib and cmd; tests say no more.
add_compile_options($<$<C_COMPILER_ID:GNU>:-Wconversion>)
# Of gcc alone, and not of each.
foreach(flag IN ITEMS -Wformat-overflow=2 -Wbidi-chars=any)
  string(MAKE_C_IDENTIFIER "UC_HAS${flag}" has)
  check_c_compiler_flag(${flag} ${has})
  target_compile_options(uc_flags INTERFACE $<$<BOOL:${${has}}>:${flag}>)
endforeach()
target_compile_definitions(uc_flags INTERFACE _GNU_SOURCE $<$<BOOL:${UC_PORTABLE}>:UC_PORTABLE>)
target_include_directories(uc_flags INTERFACE ${CMAKE_SOURCE_DIR}/include)
if(UC_SANITIZE)
  target_compile_options(uc_flags INTERFACE
    -fsanitize=${UC_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(uc_flags INTERFACE -fsanitize=${UC_SANITIZE})
else()
  target_compile_options(uc_flags INTERFACE
    -fstack-protector-strong -fstack-clash-protection -fno-strict-overflow
    -fno-delete-null-pointer-checks)
  check_c_compiler_flag(-fcf-protection=full UC_HAS_CF_PROTECTION)
  check_c_compiler_flag(-ftrivial-auto-var-init=zero UC_HAS_VAR_INIT)
  target_compile_options(uc_flags INTERFACE
    $<$<BOOL:${UC_HAS_CF_PROTECTION}>:-fcf-protection=full>
    $<$<BOOL:${UC_HAS_VAR_INIT}>:-ftrivial-auto-var-init=zero>)
  # Level 3 is of gcc 12 and clang 12; a distribution's own level wins.
  if(NOT CMAKE_C_FLAGS MATCHES "_FORTIFY_SOURCE")
    target_compile_options(uc_flags INTERFACE
      $<$<CONFIG:Release,RelWithDebInfo>:-U_FORTIFY_SOURCE>
      $<$<CONFIG:Release,RelWithDebInfo>:-D_FORTIFY_SOURCE=3>)
  endif()
  target_link_options(uc_flags INTERFACE
    -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack -Wl,-z,separate-code -Wl,--as-needed)
endif()
if(UC_FUZZ)
  target_compile_options(uc_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()
