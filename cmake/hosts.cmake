# Hosted code: the hosts, the device backends that are host programs' business, and the tools.

find_package(absl REQUIRED)
find_package(Threads REQUIRED)
find_package(Boost REQUIRED COMPONENTS context)
find_package(PkgConfig REQUIRED)

# Each of these is linked where it is installed and a folder that needs it has sources; setup installs them all.
foreach(library libseccomp slirp libxdp libpcap)
  pkg_check_modules(${library} QUIET IMPORTED_TARGET ${library})
endforeach()

lxnet_precompiled(lxnet_hosted_headers <algorithm> <array> <cstdint> <cstdio> <cstring> <functional> <map> <memory> <optional> <string>
                  <string_view> <utility> <vector> <fcntl.h> <sys/ioctl.h> <sys/socket.h> <sys/wait.h> <unistd.h>)
if(TARGET lxnet_hosted_headers)
  target_link_libraries(lxnet_hosted_headers PRIVATE Threads::Threads)
endif()

set(LXNET_HOST_LIBRARIES "")

# lxnet_hosted_library(NAME FOLDER LIBRARIES...): every *.cc below FOLDER but main.cc, demo/ and goodput/, which are programs.
function(lxnet_hosted_library name folder)
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/${folder}/*.cc)
  list(FILTER sources EXCLUDE REGEX "^${CMAKE_SOURCE_DIR}/${folder}/(main\\.cc|demo/|goodput/)")
  if(NOT sources)
    return()
  endif()
  add_library(${name} STATIC ${sources})
  target_link_libraries(${name} PUBLIC ${ARGN} Threads::Threads)
  lxnet_use_precompiled(${name} lxnet_hosted_headers)
  set(LXNET_HOST_LIBRARIES ${LXNET_HOST_LIBRARIES} ${name} PARENT_SCOPE)
endfunction()

# lxnet_program(NAME SOURCES_GLOB LIBRARIES...): libraries that do not exist yet are left out.
function(lxnet_program name pattern)
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/${pattern})
  if(NOT sources)
    return()
  endif()
  add_executable(${name} ${sources})
  lxnet_link_existing(${name} ${ARGN})
endfunction()

function(lxnet_link_existing target)
  foreach(library IN LISTS ARGN)
    if(TARGET ${library})
      target_link_libraries(${target} PRIVATE ${library})
    endif()
  endforeach()
endfunction()

set(absl_parts absl::strings absl::str_format absl::status absl::statusor absl::flat_hash_map absl::flags absl::flags_parse
               absl::synchronization absl::time)

file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/netdev/tap/*.cc ${CMAKE_SOURCE_DIR}/netdev/xdp/*.cc
     ${CMAKE_SOURCE_DIR}/netdev/slirp/*.cc)
if(sources)
  add_library(lxnet_netdev_hosted STATIC ${sources})
  target_link_libraries(lxnet_netdev_hosted PUBLIC lxnet_core)
  lxnet_link_existing(lxnet_netdev_hosted PkgConfig::slirp PkgConfig::libxdp)
  list(APPEND LXNET_HOST_LIBRARIES lxnet_netdev_hosted)
endif()

lxnet_hosted_library(lxnet_sim hosts/sim lxnet_core Boost::context ${absl_parts})
lxnet_hosted_library(lxnet_threads hosts/threads lxnet_core ${absl_parts})
if(TARGET lxnet_afalg_x86)
  set_source_files_properties(hosts/linux/stack_table.cc PROPERTIES COMPILE_DEFINITIONS LXNET_ACCELERATES_AFALG)
endif()
lxnet_hosted_library(lxnet_linux hosts/linux lxnet_core Boost::context ${absl_parts})
if(TARGET lxnet_linux)
  lxnet_link_existing(lxnet_linux lxnet_netdev_hosted PkgConfig::libseccomp)
endif()
lxnet_hosted_library(lxnet_trace_diff trace_diff ${absl_parts})
lxnet_hosted_library(lxnet_ltp_runner ltp_runner ${absl_parts})

# What packetdrill loads. The core is compiled for programs, so its references to itself are bound here; hosted code is compiled
# once more for a library. A sanitizer's runtime would have to be packetdrill's too.
file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/hosts/packetdrill/*.cc ${CMAKE_SOURCE_DIR}/hosts/sim/*.cc)
if(NOT LXNET_SANITIZE)
  add_library(lxnet_packetdrill SHARED ${sources})
  target_link_libraries(lxnet_packetdrill PRIVATE lxnet_core Boost::context Threads::Threads)
  target_link_options(lxnet_packetdrill PRIVATE -Wl,-Bsymbolic -Wl,--exclude-libs,ALL -Wl,--no-undefined)
  set_target_properties(lxnet_packetdrill PROPERTIES CXX_VISIBILITY_PRESET hidden POSITION_INDEPENDENT_CODE ON
                        LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/lib)
endif()

lxnet_program(lxnet_demo hosts/sim/demo/*.cc lxnet_sim)
lxnet_program(lxnet_goodput hosts/sim/goodput/*.cc lxnet_sim)
lxnet_program(lxnet-run hosts/linux/main.cc lxnet_linux)
lxnet_program(lxnet-diff trace_diff/main.cc lxnet_trace_diff ${absl_parts})
lxnet_program(lxnet-ltp ltp_runner/main.cc lxnet_ltp_runner ${absl_parts})

# What a user installs: the program under both of its names, its page, completion of its words.
if(TARGET lxnet-run)
  include(GNUInstallDirs)
  find_package(Python3 REQUIRED COMPONENTS Interpreter)
  set(page ${CMAKE_BINARY_DIR}/lxnet.1)
  add_custom_command(
    OUTPUT ${page}
    COMMAND ${Python3_EXECUTABLE} ${CMAKE_SOURCE_DIR}/cmake/man_page.py ${CMAKE_SOURCE_DIR}/docs/lxnet.1.md ${page}
    DEPENDS ${CMAKE_SOURCE_DIR}/cmake/man_page.py ${CMAKE_SOURCE_DIR}/docs/lxnet.1.md)
  add_custom_target(man_page ALL DEPENDS ${page})
  add_dependencies(lxnet-run man_page)
  install(TARGETS lxnet-run)
  install(CODE "file(CREATE_LINK lxnet-run \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_BINDIR}/lxnet\" SYMBOLIC)")
  install(FILES ${page} DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
  foreach(name lxnet lxnet-run)
    install(FILES docs/lxnet.bash DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME ${name})
  endforeach()
endif()
