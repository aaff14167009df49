# One static library per folder of src/LAYERS; DEPS is the only place an edge may be added.
add_library(postern_flags INTERFACE)
target_compile_options(postern_flags INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wconversion
                       -Wnon-virtual-dtor -Woverloaded-virtual)
# g++ 12 warns falsely at -O2: optional members "maybe uninitialized" (GCC PR 80635), overlapping copies in
# string concatenation (PR 105651); at -O3 also of writes behind an array that a loop never makes
# (unrolled std::rotate).
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  target_compile_options(postern_flags INTERFACE -Wno-maybe-uninitialized -Wno-restrict
    $<$<CONFIG:RelWithDebInfo>:-Wno-stringop-overflow;-Wno-array-bounds>)
endif()
target_include_directories(postern_flags INTERFACE ${CMAKE_SOURCE_DIR}/src)
if(POSTERN_WERROR)
  target_compile_options(postern_flags INTERFACE -Werror)
endif()
if(POSTERN_SANITIZE)
  target_compile_options(postern_flags INTERFACE -fsanitize=${POSTERN_SANITIZE} -fno-sanitize-recover=all)
  target_link_options(postern_flags INTERFACE -fsanitize=${POSTERN_SANITIZE})
endif()
if(POSTERN_FUZZ)
  target_compile_options(postern_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()
find_program(POSTERN_MOLD mold)
if(POSTERN_MOLD AND NOT POSTERN_FUZZ)
  target_link_options(postern_flags INTERFACE -fuse-ld=mold)
endif()

# postern_library(exec DEPS base data plan PRIVATE_LIBS fmt::fmt)
#   -> target postern_exec from src/exec/**/*.cc; "lang/kql" -> postern_lang_kql
function(postern_library name)
  cmake_parse_arguments(A "" "" "DEPS;PRIVATE_LIBS" ${ARGN})
  file(GLOB_RECURSE srcs CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${name}/*.cc)
  string(REPLACE "/" "_" tgt ${name})
  list(TRANSFORM A_DEPS REPLACE "/" "_")
  list(TRANSFORM A_DEPS PREPEND "postern_")
  if(NOT srcs)  # headers only
    add_library(postern_${tgt} INTERFACE)
    target_link_libraries(postern_${tgt} INTERFACE postern_flags ${A_DEPS})
    return()
  endif()
  add_library(postern_${tgt} STATIC ${srcs})
  target_link_libraries(postern_${tgt} PUBLIC postern_flags ${A_DEPS} PRIVATE ${A_PRIVATE_LIBS})
endfunction()

# postern_unit_test(data DEPS data) -> executable unit_data from tests/unit/data/*.cc, run by ctest
function(postern_unit_test name)
  cmake_parse_arguments(A "" "" "DEPS" ${ARGN})
  file(GLOB srcs CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/unit/${name}/*.cc)
  if(NOT srcs)
    return()
  endif()
  string(REPLACE "/" "_" tgt ${name})
  list(TRANSFORM A_DEPS REPLACE "/" "_")
  list(TRANSFORM A_DEPS PREPEND "postern_")
  add_executable(unit_${tgt} ${srcs})
  target_link_libraries(unit_${tgt} PRIVATE ${A_DEPS} postern_flags gtest gtest_main)
  add_test(NAME unit_${tgt} COMMAND unit_${tgt} WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
endfunction()

# postern_fuzz_target(evtx DEPS input) -> executable fuzz_evtx from tests/fuzz/fuzz_evtx.cc
function(postern_fuzz_target name)
  cmake_parse_arguments(A "" "" "DEPS" ${ARGN})
  list(TRANSFORM A_DEPS REPLACE "/" "_")
  list(TRANSFORM A_DEPS PREPEND "postern_")
  add_executable(fuzz_${name} ${CMAKE_SOURCE_DIR}/tests/fuzz/fuzz_${name}.cc)
  target_link_libraries(fuzz_${name} PRIVATE ${A_DEPS} postern_flags)
  target_link_options(fuzz_${name} PRIVATE -fsanitize=fuzzer)
endfunction()
