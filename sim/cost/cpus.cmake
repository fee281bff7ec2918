# Writes cpus.cpp of cpus/*.json: every figure with its value and its source, as a table that needs no JSON to read.
file(GLOB cpu_files CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/cpus/*.json")
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${cpu_files})

function(mtesim_quoted result text)
  string(REGEX REPLACE "([\"\\\\])" "\\\\\\1" text "${text}")
  set(${result} "\"${text}\"" PARENT_SCOPE)
endfunction()

set(rows "")
set(names "")
foreach(file IN LISTS cpu_files)
  file(READ "${file}" json)
  string(JSON name GET "${json}" name)
  string(JSON about GET "${json}" about)
  mtesim_quoted(name "${name}")
  mtesim_quoted(about "${about}")
  string(APPEND names "    {${name}, ${about}},\n")
  string(JSON count LENGTH "${json}" figures)
  math(EXPR last "${count} - 1")
  foreach(i RANGE ${last})
    string(JSON figure MEMBER "${json}" figures ${i})
    string(JSON value GET "${json}" figures ${figure} value)
    string(JSON source GET "${json}" figures ${figure} source)
    mtesim_quoted(figure "${figure}")
    mtesim_quoted(source "${source}")
    string(APPEND rows "    {${name}, ${figure}, ${value}, ${source}},\n")
  endforeach()
endforeach()
file(CONFIGURE OUTPUT "${CMAKE_CURRENT_BINARY_DIR}/cpus.cpp" @ONLY CONTENT [[
#include "sim/cost/cpu_rows.h"

namespace mtesim {

namespace {

constexpr CpuName kNames[] = {
@names@};

constexpr CpuRow kRows[] = {
@rows@};

}  // namespace

std::span<const CpuName> cpu_names() { return kNames; }
std::span<const CpuRow> cpu_rows() { return kRows; }

}  // namespace mtesim
]])
