# Precompiled headers: the standard library's and GoogleTest's are half of what a test costs to compile. Only presets that check
# use them; release and freestanding compile every file as it is, so that an #include that is missing is found.

option(LXNET_PRECOMPILE "Compile the standard library's headers once" OFF)
if(NOT CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  set(LXNET_PRECOMPILE OFF)
endif()
if(LXNET_PRECOMPILE)
  # So ccache sees what a compilation includes.
  add_compile_options($<$<COMPILE_LANGUAGE:CXX>:-fpch-preprocess>)
endif()

# lxnet_precompiled(OWNER HEADERS...): OWNER compiles HEADERS for targets of the same flags.
function(lxnet_precompiled owner)
  if(LXNET_PRECOMPILE)
    file(CONFIGURE OUTPUT ${owner}.cc CONTENT "")
    add_library(${owner} OBJECT ${CMAKE_CURRENT_BINARY_DIR}/${owner}.cc)
    target_precompile_headers(${owner} PRIVATE ${ARGN})
  endif()
endfunction()

function(lxnet_use_precompiled target owner)
  if(LXNET_PRECOMPILE)
    target_precompile_headers(${target} REUSE_FROM ${owner})
  endif()
endfunction()
