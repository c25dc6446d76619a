# One CMake target per folder. tutti_folder(NAME SOURCES ... LINK ...) makes the object library
# tutti_NAME and adds it to libtutti; flags that every target of the project shares live here.
add_library(tutti_flags INTERFACE)
target_include_directories(tutti_flags INTERFACE
  $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>
  $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/src>
  $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}>)
target_compile_options(tutti_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-missing-field-initializers -ffp-contract=off
  $<$<BOOL:${TUTTI_WERROR}>:-Werror>)
target_link_libraries(tutti_flags INTERFACE Threads::Threads)
if(TUTTI_SANITIZE)
  target_compile_options(tutti_flags INTERFACE
    -fsanitize=${TUTTI_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  target_link_options(tutti_flags INTERFACE -fsanitize=${TUTTI_SANITIZE})
  if(TUTTI_SANITIZE MATCHES thread)
    # GCC warns that TSan does not model fences; the protocols use none, boost and libstdc++ may.
    target_compile_options(tutti_flags INTERFACE -Wno-tsan)
  endif()
endif()

# The presets compile the files of a target as one (docs/decisions/0013-units.md), and GCC takes a name
# without linkage in one of them for one of a header's.
if(CMAKE_UNITY_BUILD AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  target_compile_options(tutti_flags INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-Wno-subobject-linkage>)
endif()

# What most files include, parsed once: a third of the time that they take to compile. Files include what
# they use all the same. ccache wants to see what the headers were made of.
target_compile_options(tutti_flags INTERFACE $<$<CXX_COMPILER_ID:GNU>:-fpch-preprocess>)
set(TUTTI_HEADERS
  <algorithm> <array> <atomic> <chrono> <cstdint> <cstring> <functional> <map> <memory> <mutex>
  <optional> <span> <string> <string_view> <vector>)
set(TUTTI_HEADERS_OWNER ${CMAKE_CURRENT_LIST_DIR}/precompiled.cpp)
add_library(tutti_headers OBJECT ${TUTTI_HEADERS_OWNER})
target_link_libraries(tutti_headers PRIVATE tutti_flags)
target_precompile_headers(tutti_headers PRIVATE ${TUTTI_HEADERS})

set_property(GLOBAL PROPERTY TUTTI_FOLDERS "")

function(tutti_folder name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINK" ${ARGN})
  add_library(tutti_${name} OBJECT ${ARG_SOURCES})
  target_link_libraries(tutti_${name} PUBLIC tutti_flags ${ARG_LINK})
  target_precompile_headers(tutti_${name} REUSE_FROM tutti_headers)
  set_property(GLOBAL APPEND PROPERTY TUTTI_FOLDERS tutti_${name})
endfunction()

# tutti_simulates(TARGET): a program that runs hundreds of simulated ranks. What these ranks know of each other
# lies all over the heap, and each of them walks through its part in every turn: mimalloc with huge pages
# takes a third of a run's time away (docs/decisions/0022-heap-of-a-simulation.md). Sanitizers bring a heap
# of their own.
function(tutti_simulates target)
  if(TUTTI_SANITIZE)
    return()
  endif()
  find_package(mimalloc REQUIRED)
  target_sources(${target} PRIVATE ${PROJECT_SOURCE_DIR}/cmake/large_pages.cpp)
  target_link_libraries(${target} PRIVATE mimalloc)
endfunction()

# tutti_option_sources(FILE...): files of the folder that parse options or write reports. -O1 halves what
# CLI11 and JSON take to compile, and they run once. A file with options of its own is compiled alone.
function(tutti_option_sources)
  set_source_files_properties(${ARGN} PROPERTIES COMPILE_OPTIONS -O1)
endfunction()

# tutti_test(NAME SOURCES ... [LINK ...] [INTERNAL] [COMPUTES]): a GoogleTest binary, run as one CTest test.
# INTERNAL tests link the static library and see src/; others link libtutti as a user does. Tests with
# the label "threads" (ranks are threads) are what the sanitizer builds build and run. Assertions take
# twice as long to optimise as to compile, so that tests are optimised only where they compute much
# themselves (COMPUTES, and what several programs have); headers are precompiled for the others.
add_custom_target(tutti_thread_tests)
# Ranks of tests share this host, and what they listen at is nobody else's business.
set(TUTTI_TEST_ENVIRONMENT TUTTI_SOCKET_IFNAME=lo)
# tutti_test_objects(NAME SOURCES...): tests that several programs have, compiled once.
function(tutti_test_objects name)
  add_library(${name} OBJECT ${ARGN})
  target_link_libraries(${name} PUBLIC tutti_flags GTest::gtest)
  target_compile_options(${name} PRIVATE ${TUTTI_TEST_OPTIONS})
endfunction()
# What UBSan checks of pointers doubles the time that GoogleTest's assertions take to compile; it checks
# the library.
if(TUTTI_SANITIZE MATCHES "undefined")
  set(TUTTI_TEST_OPTIONS -fno-sanitize=null,object-size,vptr -fno-sanitize-address-use-after-scope)
endif()
function(tutti_test name)
  if(NOT TARGET tutti_test_headers)
    add_executable(tutti_test_headers EXCLUDE_FROM_ALL ${TUTTI_HEADERS_OWNER})
    target_link_libraries(tutti_test_headers PRIVATE tutti_flags GTest::gtest_main)
    target_precompile_headers(tutti_test_headers PRIVATE ${TUTTI_HEADERS} <gtest/gtest.h> <random> <thread>)
    target_compile_options(tutti_test_headers PRIVATE ${TUTTI_TEST_OPTIONS} -O0)
  endif()
  cmake_parse_arguments(ARG "INTERNAL;COMPUTES" "TIMEOUT" "SOURCES;LINK;LABELS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  if(ARG_INTERNAL)
    target_link_libraries(${name} PRIVATE tutti_static)
  else()
    target_link_libraries(${name} PRIVATE tutti)
  endif()
  target_link_libraries(${name} PRIVATE tutti_flags GTest::gtest_main ${ARG_LINK})
  target_compile_options(${name} PRIVATE ${TUTTI_TEST_OPTIONS})
  if(NOT ARG_COMPUTES)
    target_compile_options(${name} PRIVATE -O0)
    target_precompile_headers(${name} REUSE_FROM tutti_test_headers)
  endif()
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests)
  if("threads" IN_LIST ARG_LABELS)
    add_dependencies(tutti_thread_tests ${name})
  endif()
  add_test(NAME ${name} COMMAND ${name})
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 900)
  endif()
  # What may take long begins first, so that no core waits for it at the end.
  set_tests_properties(${name} PROPERTIES
    TIMEOUT ${ARG_TIMEOUT} COST ${ARG_TIMEOUT} LABELS "${ARG_LABELS}"
    ENVIRONMENT "${TUTTI_TEST_ENVIRONMENT}")
endfunction()

# tutti_test_over(NAME TRANSPORT [PROVIDER NAME] [WITHOUT FILTER] [OPTIMISED]): the same program again, with
# TUTTI_TRANSPORT set, and TUTTI_OFI_PROVIDER; for "hybrid", shared memory and TCP, two ranks count as a host;
# "plugin" is the example's.
# FILTER, as GoogleTest takes it, is of tests that the transport cannot run. OPTIMISED: not in sanitizer builds,
# where others cover what it would take minutes for.
function(tutti_test_over name transport)
  cmake_parse_arguments(ARG "OPTIMISED" "WITHOUT;PROVIDER" "" ${ARGN})
  # Sanitizers know nothing of what libfabric does; the fake network of transport_test is for them.
  if(transport STREQUAL "ofi" AND (NOT TUTTI_WITH_OFI OR TUTTI_SANITIZE))
    return()
  endif()
  if(transport STREQUAL "plugin" AND NOT TARGET unix_plugin)
    return()
  endif()
  if(ARG_OPTIMISED AND TUTTI_SANITIZE)
    return()
  endif()
  set(choice TUTTI_TRANSPORT=${transport})
  if(transport STREQUAL "hybrid")
    set(choice TUTTI_TRANSPORT=shm+tcp TUTTI_RANKS_PER_HOST=2 TUTTI_MOE_RELAY=always)
  endif()
  if(transport STREQUAL "plugin")
    list(APPEND choice TUTTI_TRANSPORT_PLUGIN=$<TARGET_FILE:unix_plugin>)
    add_dependencies(${name} unix_plugin)
  endif()
  if(transport STREQUAL "callers")
    set(choice TUTTI_TRANSPORT=tcp TUTTI_PROGRESS=callers)
  endif()
  set(test ${name}_${transport})
  if(ARG_PROVIDER)
    set(test ${test}_${ARG_PROVIDER})
    list(APPEND choice TUTTI_OFI_PROVIDER=${ARG_PROVIDER})
  endif()
  add_test(NAME ${test} COMMAND ${name} --gtest_filter=-${ARG_WITHOUT})
  foreach(property TIMEOUT COST LABELS)
    get_test_property(${name} ${property} value)
    if(NOT value STREQUAL "NOTFOUND")
      set_tests_properties(${test} PROPERTIES ${property} "${value}")
    endif()
  endforeach()
  set_tests_properties(${test} PROPERTIES
    ENVIRONMENT "${TUTTI_TEST_ENVIRONMENT};${choice}")
endfunction()
