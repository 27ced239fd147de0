# Flags that every target shares.

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
set(CMAKE_ARCHIVE_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/lib)

find_program(LXNET_CCACHE ccache)
if(LXNET_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  # Clones share what they compile; precompiled headers are compared by content.
  set(launcher env CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} CCACHE_NOHASHDIR=1 CCACHE_SLOPPINESS=pch_defines,time_macros ${LXNET_CCACHE})
  set(CMAKE_C_COMPILER_LAUNCHER ${launcher})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${launcher})
endif()

include_directories(${CMAKE_SOURCE_DIR})
# ASSERT keeps __FILE__: relative names make binaries the same wherever they are built.
add_compile_options(-Wall -Wextra -Wconversion -Werror -fmacro-prefix-map=${CMAKE_SOURCE_DIR}/=)

if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  # A list of Linux's numbers is whole even where one of them is not used yet; g++ agrees.
  add_compile_options($<$<COMPILE_LANGUAGE:CXX>:-Wthread-safety> -Wno-unused-const-variable)
elseif(NOT CMAKE_BUILD_TYPE STREQUAL "Release" OR LXNET_SANITIZE)
  # g++ 12 finds uninitialised variables that are not, except when it optimises fully; the release build keeps the warning.
  add_compile_options(-Wno-maybe-uninitialized)
endif()

# The layout of Mutex depends on it, so it is one setting for the whole build.
if(LXNET_DEBUG)
  add_compile_definitions(LXNET_DEBUG)
endif()

if(LXNET_PROFILE AND NOT CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  message(FATAL_ERROR "LXNET_PROFILE needs g++")
endif()
if(LXNET_PROFILE STREQUAL "record")
  add_compile_options(-fprofile-generate -fprofile-update=prefer-atomic)
  add_link_options(-fprofile-generate)
elseif(LXNET_PROFILE STREQUAL "use")
  # Partial: what no benchmark reached is compiled as without counts. Inlined as far as counts suggest, code looks suspicious to g++
  # that is not; the other presets keep the warnings.
  add_compile_options(-fprofile-use -fprofile-partial-training -fprofile-correction -w)
endif()

if(LXNET_SANITIZE)
  # vptr needs RTTI, which the core does not have.
  add_compile_options(-fsanitize=${LXNET_SANITIZE} -fno-sanitize=vptr -fno-sanitize-recover=all -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${LXNET_SANITIZE})
endif()
if(LXNET_SANITIZE MATCHES thread AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # g++ warns that ThreadSanitizer does not see fences. Ours order atomics, which it never reports, and nothing else.
  add_compile_options(-Wno-tsan)
endif()
if(LXNET_FUZZ)
  if(NOT CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    message(FATAL_ERROR "LXNET_FUZZ needs clang: configure with --preset fuzz")
  endif()
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
