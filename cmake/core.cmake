# The core: freestanding archives, lowest first. lxnet_core is all of them.

# -fbuiltin after -ffreestanding: no library is assumed, but a memcpy of eight bytes is one instruction and not a call. clang
# would turn memcmp() == 0 into bcmp(), which a kernel need not have.
set(LXNET_FREESTANDING -ffreestanding -fbuiltin -fno-builtin-bcmp -fno-exceptions -fno-stack-protector -U_FORTIFY_SOURCE)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # g++ would find the loops that are a strlen and call it.
  list(APPEND LXNET_FREESTANDING -fno-tree-loop-distribute-patterns)
  if(CMAKE_BUILD_TYPE STREQUAL "Release" AND CMAKE_SYSTEM_PROCESSOR STREQUAL "x86_64")
    # Structs of a few hundred bytes are cleared and copied by stores, not by `rep stos`, which takes 30 cycles to begin.
    set(string_loop $<IF:$<BOOL:${LXNET_HOSTED}>,vector_loop,unrolled_loop>)
    list(APPEND LXNET_FREESTANDING -mmemset-strategy=${string_loop}:512:noalign,libcall:-1:noalign
                                   -mmemcpy-strategy=${string_loop}:512:noalign,libcall:-1:noalign)
  endif()
endif()
if(NOT LXNET_HOSTED)
  # As a kernel compiles: no floating point, nothing below the stack pointer, addresses fixed at link time.
  list(APPEND LXNET_FREESTANDING -fno-pie)
  if(CMAKE_SYSTEM_PROCESSOR STREQUAL "x86_64")
    # (clang's -mgeneral-regs-only refuses libstdc++'s headers for a long double that is never used.)
    if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
      list(APPEND LXNET_FREESTANDING -mno-mmx -mno-sse -mno-red-zone)
    else()
      list(APPEND LXNET_FREESTANDING -mgeneral-regs-only -mno-red-zone)
    endif()
  endif()
endif()

set(LXNET_CORE_FLAGS ${LXNET_FREESTANDING} $<$<COMPILE_LANGUAGE:CXX>:-fno-rtti>)

lxnet_precompiled(lxnet_core_headers <algorithm> <array> <bit> <compare> <cstddef> <cstdint> <cstring> <new> <optional> <span>
                  <type_traits> <utility>)
if(TARGET lxnet_core_headers)
  target_compile_options(lxnet_core_headers PRIVATE ${LXNET_CORE_FLAGS})
endif()

set(LXNET_CORE_ARCHIVES "")

# lxnet_core_archive(NAME FOLDER [EXCLUDE SUBFOLDER...]): every *.cc below FOLDER; no target when there is none.
function(lxnet_core_archive name folder)
  cmake_parse_arguments(ARG "" "" "EXCLUDE" ${ARGN})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/${folder}/*.cc)
  foreach(excluded IN LISTS ARG_EXCLUDE)
    list(FILTER sources EXCLUDE REGEX "^${CMAKE_SOURCE_DIR}/${folder}/${excluded}/")
  endforeach()
  if(NOT sources)
    return()
  endif()
  add_library(${name} STATIC ${sources})
  target_compile_options(${name} PRIVATE ${LXNET_CORE_FLAGS})
  lxnet_use_precompiled(${name} lxnet_core_headers)
  set(LXNET_CORE_ARCHIVES ${LXNET_CORE_ARCHIVES} ${name} PARENT_SCOPE)
endfunction()

set(LXNET_HOSTED_DEVICES tap xdp slirp)
set(LXNET_FAMILIES trace epoll afunix afalg afnetlink afpacket tun)

lxnet_core_archive(lxnet_base base)
lxnet_core_archive(lxnet_hal hal)
lxnet_core_archive(lxnet_netdev netdev EXCLUDE ${LXNET_HOSTED_DEVICES})
lxnet_core_archive(lxnet_stack stack)
lxnet_core_archive(lxnet_listen_table listen_table)
lxnet_core_archive(lxnet_compat compat EXCLUDE ${LXNET_FAMILIES})
foreach(family IN LISTS LXNET_FAMILIES)
  if(NOT family STREQUAL "afalg")
    lxnet_core_archive(lxnet_${family} compat/${family})
  endif()
endforeach()

# AF_ALG needs mbedTLS's primitives, which a host that links the archive links too. Without mbedTLS there is no archive, and the family
# is not served. A kernel's build compiles it, to see that it could, but no image of ours has an mbedTLS to link.
if(NOT CMAKE_CROSSCOMPILING)
  find_path(LXNET_MBEDTLS_INCLUDE mbedtls/aes.h)
  find_library(LXNET_MBEDCRYPTO mbedcrypto)
endif()
if(LXNET_MBEDTLS_INCLUDE AND LXNET_MBEDCRYPTO)
  set(archives_without_afalg ${LXNET_CORE_ARCHIVES})
  lxnet_core_archive(lxnet_afalg compat/afalg EXCLUDE x86)
  target_link_libraries(lxnet_afalg PUBLIC ${LXNET_MBEDCRYPTO})
  target_compile_definitions(lxnet_afalg INTERFACE LXNET_SERVES_AFALG)
  if(NOT LXNET_HOSTED)
    set(LXNET_CORE_ARCHIVES ${archives_without_afalg})
  endif()
endif()

# Implementations with vector instructions. Not for kernels, whose system calls must not touch those registers.
if(TARGET lxnet_afalg AND LXNET_HOSTED AND CMAKE_SYSTEM_PROCESSOR STREQUAL "x86_64")
  lxnet_core_archive(lxnet_afalg_x86 compat/afalg/x86)
  # Known to the files that ask for them alone: see LXNET_ACCELERATES_AFALG in hosts.cmake and tests.cmake.
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # g++ 12 takes its own intrinsics' undefined registers for mistakes.
    target_compile_options(lxnet_afalg_x86 PRIVATE -Wno-uninitialized -Wno-maybe-uninitialized)
  endif()
  if(CMAKE_BUILD_TYPE STREQUAL "Debug" AND NOT LXNET_SANITIZE)
    # Without the optimiser each instruction is a call.
    target_compile_options(lxnet_afalg_x86 PRIVATE -O2)
    set_target_properties(lxnet_afalg_x86 PROPERTIES DISABLE_PRECOMPILE_HEADERS ON)
  endif()
endif()

# Lower layers reach higher ones through functions the higher ones register, but templates may still need either order.
add_library(lxnet_core INTERFACE)
list(JOIN LXNET_CORE_ARCHIVES "," archives)
target_link_libraries(lxnet_core INTERFACE "$<LINK_GROUP:RESCAN,${archives}>")

# hosts/template is where a porter starts: C11 that must compile for a kernel.
file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/hosts/template/*.c)
if(sources)
  add_library(lxnet_host_template OBJECT ${sources})
  target_compile_options(lxnet_host_template PRIVATE -ffreestanding -Wpedantic)
  if(NOT LXNET_HOSTED)
    # All of the core and the template in one image, without a library, libgcc included: nothing else is needed to link lxnet.
    add_executable(template_kernel EXCLUDE_FROM_ALL tests/freestanding/image.c $<TARGET_OBJECTS:lxnet_host_template>)
    target_compile_options(template_kernel PRIVATE -ffreestanding)
    target_link_options(template_kernel PRIVATE -nostdlib -static -no-pie -Wl,-e,kernel_entry)
    target_link_libraries(template_kernel PRIVATE -Wl,--whole-archive ${LXNET_CORE_ARCHIVES} -Wl,--no-whole-archive)
  endif()
endif()
