#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace mtesim {

/// What the build has made of sim/cost/cpus/*.json: cpus.cpp, by cpus.cmake.
struct CpuName {
  std::string_view name;
  std::string_view about;
};
struct CpuRow {
  std::string_view cpu;
  std::string_view figure;
  std::uint32_t value{};
  std::string_view source;
};
[[nodiscard]] std::span<const CpuName> cpu_names();
[[nodiscard]] std::span<const CpuRow> cpu_rows();

}  // namespace mtesim
