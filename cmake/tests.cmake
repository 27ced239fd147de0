# tests/<path>/*_test.cc -> test_<path>, bench/<name>_bench.cc -> bench_<name>, fuzz/<name>_fuzz.cc -> fuzz_<name>.

enable_testing()
include(GoogleTest)
find_package(GTest REQUIRED)

set(LXNET_ORACLE_FOLDERS conformance/alg)
set(LXNET_TEST_TIMEOUT 60 CACHE STRING "Seconds one test may take")

lxnet_precompiled(lxnet_test_headers <gmock/gmock.h> <gtest/gtest.h> <algorithm> <array> <cstring> <functional> <map> <memory> <optional>
                  <random> <string> <vector> <fcntl.h> <netinet/in.h> <poll.h> <sys/ioctl.h> <sys/mman.h> <sys/socket.h> <sys/wait.h>
                  <unistd.h>)
# Tests are compiled more often than they are stepped through.
set(LXNET_TEST_FLAGS "")
if(CMAKE_BUILD_TYPE STREQUAL "Debug")
  set(LXNET_TEST_FLAGS $<$<COMPILE_LANGUAGE:CXX>:-O0$<SEMICOLON>-g1>)
endif()
if(TARGET lxnet_test_headers)
  target_link_libraries(lxnet_test_headers PRIVATE GTest::gmock Threads::Threads)
  target_compile_options(lxnet_test_headers PRIVATE ${LXNET_TEST_FLAGS})
endif()

# Helpers of the tests themselves; linked into every test but conformance.
file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/support/*.cc)
list(FILTER sources EXCLUDE REGEX "_test\\.cc$")
if(sources)
  add_library(lxnet_test_support STATIC ${sources})
  target_link_libraries(lxnet_test_support PUBLIC lxnet_core ${LXNET_HOST_LIBRARIES} GTest::gmock)
  target_compile_options(lxnet_test_support PRIVATE ${LXNET_TEST_FLAGS})
  lxnet_use_precompiled(lxnet_test_support lxnet_test_headers)
endif()

# lxnet_test_binary(DIRECTORY): a test's name in ctest is <directory>/<suite>.<test>, so that a filter finds it by either.
function(lxnet_test_binary directory)
  file(RELATIVE_PATH path ${CMAKE_SOURCE_DIR}/tests ${directory})
  # The programs that these tests run race on purpose (close() under a blocked call), and the supervisor is one thread.
  if(path STREQUAL "hosts/linux" AND LXNET_SANITIZE MATCHES "thread")
    return()
  endif()
  string(REPLACE "/" "_" name "test_${path}")
  file(GLOB sources CONFIGURE_DEPENDS ${directory}/*.cc)
  if(path STREQUAL "support")
    list(FILTER sources INCLUDE REGEX "_test\\.cc$")
  endif()
  add_executable(${name} ${sources})
  target_link_libraries(${name} PRIVATE GTest::gmock_main)
  target_compile_options(${name} PRIVATE ${LXNET_TEST_FLAGS})
  lxnet_use_precompiled(${name} lxnet_test_headers)
  set(label unit)
  if(path MATCHES "^conformance(/|$)")
    # The oracle: these run on Linux and on lxnet alike, so they know nothing but the C library.
    set(label conformance)
  else()
    lxnet_link_existing(${name} lxnet_test_support ${LXNET_HOST_LIBRARIES} lxnet_core)
  endif()
  # The corpus runs both of them by name.
  if(path STREQUAL "traces")
    add_dependencies(${name} lxnet-diff lxnet-run)
  endif()
  # And the same binary once more, whole, its calls answered by lxnet.
  if(label STREQUAL "conformance" AND TARGET lxnet-run)
    add_test(NAME ${path}/on_lxnet COMMAND lxnet-run --unix -- $<TARGET_FILE:${name}> --gtest_brief=1)
    set_tests_properties(${path}/on_lxnet PROPERTIES LABELS ${label} TIMEOUT ${LXNET_TEST_TIMEOUT})
  endif()
  # And on Debian's kernel, where the machine's own may lack what they test.
  if(path IN_LIST LXNET_ORACLE_FOLDERS AND NOT LXNET_SANITIZE)
    add_test(NAME ${path}/on_debian COMMAND ${CMAKE_COMMAND} -E env LXNET_ORACLE=$<TARGET_FILE:lxnet-oracle>
             ${CMAKE_SOURCE_DIR}/tests/oracle/run $<TARGET_FILE:${name}> --gtest_brief=1)
    set_tests_properties(${path}/on_debian PROPERTIES LABELS ${label} TIMEOUT 600 SKIP_RETURN_CODE 77)
    add_dependencies(${name} lxnet-oracle)
  endif()
  gtest_discover_tests(${name} DISCOVERY_MODE PRE_TEST NO_PRETTY_VALUES TEST_PREFIX "${path}/" WORKING_DIRECTORY ${CMAKE_BINARY_DIR}
                       PROPERTIES LABELS ${label} TIMEOUT ${LXNET_TEST_TIMEOUT})
endfunction()

file(GLOB_RECURSE test_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/*_test.cc)
set(test_directories "")
foreach(source IN LISTS test_sources)
  cmake_path(GET source PARENT_PATH directory)
  list(APPEND test_directories ${directory})
endforeach()
list(REMOVE_DUPLICATES test_directories)
foreach(directory IN LISTS test_directories)
  lxnet_test_binary(${directory})
endforeach()

if(TARGET lxnet-run AND NOT LXNET_SANITIZE)
  add_test(NAME hosts/linux/installed COMMAND ${CMAKE_SOURCE_DIR}/tests/hosts/linux/installed ${CMAKE_BINARY_DIR})
  set_tests_properties(hosts/linux/installed PROPERTIES LABELS unit TIMEOUT ${LXNET_TEST_TIMEOUT})
endif()

# Scripts for packetdrill: each on Linux and then on lxnet. Skipped without PACKETDRILL=path in the environment.
file(GLOB scripts CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/packetdrill/*.pkt)
if(NOT LXNET_SANITIZE)
  foreach(script IN LISTS scripts)
    cmake_path(GET script STEM name)
    add_test(NAME packetdrill/${name} COMMAND ${CMAKE_SOURCE_DIR}/tests/packetdrill/run $<TARGET_FILE:lxnet_packetdrill> ${script})
    set_tests_properties(packetdrill/${name} PROPERTIES LABELS packetdrill TIMEOUT 300 SKIP_RETURN_CODE 77)
  endforeach()
endif()

# tests/<path>/programs/<name>.c -> program_<name>: what tests there run, built beside them.
file(GLOB_RECURSE program_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/*.c)
list(FILTER program_sources INCLUDE REGEX "/programs/[^/]*$")
foreach(source IN LISTS program_sources)
  cmake_path(GET source STEM name)
  file(READ ${source} text LIMIT 400)
  if(text MATCHES "x86-64\\." AND NOT CMAKE_SYSTEM_PROCESSOR STREQUAL "x86_64")
    continue()
  endif()
  add_executable(program_${name} ${source})
  if(text MATCHES "No C library")
    # Whole and alone, whatever the preset adds.
    set_target_properties(program_${name} PROPERTIES COMPILE_OPTIONS "" LINK_OPTIONS "")
    target_compile_options(program_${name} PRIVATE -O1 -ffreestanding -fno-stack-protector -fno-pie)
    target_link_options(program_${name} PRIVATE -static -nostdlib)
  else()
    target_link_libraries(program_${name} PRIVATE Threads::Threads)
  endif()
  file(RELATIVE_PATH path ${CMAKE_SOURCE_DIR}/tests ${source})
  string(REGEX REPLACE "/programs/.*" "" path ${path})
  string(REPLACE "/" "_" test "test_${path}")
  if(TARGET ${test})
    add_dependencies(${test} program_${name})
  endif()
endforeach()

# Sends a program to Debian's own kernel in QEMU, with what the LTP runner boots guests by.
file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/oracle/*.cc)
add_executable(lxnet-oracle ${sources})
target_link_libraries(lxnet-oracle PRIVATE lxnet_ltp_runner)

file(GLOB bench_support CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/bench/support/*.cc)
add_library(lxnet_bench_support OBJECT ${bench_support})

# The program that the differential test runs on Linux and on lxnet; like a conformance test it knows only the C library.
file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/differential/walk/*.cc)
add_executable(walk ${sources})
if(TARGET test_differential)
  add_dependencies(test_differential walk lxnet-run)
endif()

file(GLOB bench_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/bench/*_bench.cc)
foreach(source IN LISTS bench_sources)
  cmake_path(GET source STEM name)
  string(REGEX REPLACE "_bench$" "" name ${name})
  add_executable(bench_${name} ${source} $<TARGET_OBJECTS:lxnet_bench_support>)
  lxnet_link_existing(bench_${name} lxnet_core ${LXNET_HOST_LIBRARIES})
endforeach()

# A fuzz target is one LLVMFuzzerTestOneInput(). Without libFuzzer a small driver feeds it its corpus and random inputs.
file(GLOB fuzz_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/fuzz/*_fuzz.cc)
foreach(source IN LISTS fuzz_sources)
  cmake_path(GET source STEM name)
  string(REGEX REPLACE "_fuzz$" "" name ${name})
  add_executable(fuzz_${name} ${source})
  lxnet_link_existing(fuzz_${name} lxnet_core ${LXNET_HOST_LIBRARIES})
  if(LXNET_FUZZ)
    target_link_options(fuzz_${name} PRIVATE -fsanitize=fuzzer)
  else()
    target_sources(fuzz_${name} PRIVATE ${CMAKE_SOURCE_DIR}/fuzz/support/smoke_driver.cc)
  endif()
  set(corpus "")
  if(IS_DIRECTORY ${CMAKE_SOURCE_DIR}/fuzz/corpus/${name})
    set(corpus ${CMAKE_SOURCE_DIR}/fuzz/corpus/${name})
  endif()
  add_test(NAME fuzz/${name} COMMAND fuzz_${name} -runs=5000 -seed=1 ${corpus})
  set_tests_properties(fuzz/${name} PROPERTIES LABELS fuzz TIMEOUT ${LXNET_TEST_TIMEOUT})
endforeach()
