# The compiler's floor, and the flags that every folder shares.

if((CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 12)
   OR (CMAKE_CXX_COMPILER_ID STREQUAL "Clang" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 14))
  message(FATAL_ERROR "mtesim is written in C++20 as g++ 12 and clang 14 know it; "
                      "this compiler is ${CMAKE_CXX_COMPILER_ID} ${CMAKE_CXX_COMPILER_VERSION}. "
                      "Name a newer one with -DCMAKE_CXX_COMPILER=..., in an empty build folder.")
endif()
if(MTESIM_FUZZER AND NOT CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  message(FATAL_ERROR "MTESIM_FUZZER needs clang: libFuzzer is part of it. Without the option, "
                      "the same targets are built with a small driver of our own.")
endif()

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)

if(PROJECT_IS_TOP_LEVEL AND NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "Debug, Release, RelWithDebInfo or MinSizeRel" FORCE)
endif()

find_program(MTESIM_CCACHE ccache)
if(MTESIM_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER "${MTESIM_CCACHE}")
endif()

if(MTESIM_LTO)
  include(CheckIPOSupported)
  check_ipo_supported()
  set(CMAKE_INTERPROCEDURAL_OPTIMIZATION ON)
endif()

add_compile_options(
  -Wall -Wextra -Wshadow -Wnon-virtual-dtor
  -Wno-missing-field-initializers                   # {.pages = 1}: the other fields keep their defaults, on purpose
  "-fmacro-prefix-map=${PROJECT_SOURCE_DIR}/=")     # __FILE__ starts at the root: the same message on every machine
if(MTESIM_WERROR AND NOT MTESIM_SANITIZE)  # sanitizers rewrite the code that g++ then warns of
  add_compile_options(-Werror)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # False alarms of g++ 12, in std::string's operator+ and in Boost.ICL; with sanitizers, in <regex> too.
  add_compile_options(-Wno-restrict -Wno-stringop-overflow -Wno-error=array-bounds -Wno-error=maybe-uninitialized)
  if(MTESIM_SANITIZE)
    add_compile_options(-Wno-maybe-uninitialized)
  endif()
endif()

if(MTESIM_SANITIZE)
  set(sanitize -fsanitize=${MTESIM_SANITIZE} -fno-sanitize-recover=all)
  add_compile_options(${sanitize} -fno-omit-frame-pointer)
  add_link_options(${sanitize})
endif()
if(MTESIM_FUZZER)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
