#pragma once

#include <cstdint>

#include "model/arch/tag.h"
#include "model/arch/tag_check_mode.h"

namespace mtesim {

/// `count` equal accesses of `width` bytes, `stride` bytes apart, in rising order. One access is a run of one.
struct AccessRun {
  UserPtr first;
  std::uint32_t width{1};
  std::uint32_t stride{1};
  std::uint64_t count{1};
  AccessKind kind{AccessKind::load};

  [[nodiscard]] UserPtr at(std::uint64_t i) const { return first + Bytes{i * stride}; }
  [[nodiscard]] AccessRun from(std::uint64_t i) const { return {at(i), width, stride, count - i, kind}; }
  [[nodiscard]] AccessRun upto(std::uint64_t n) const { return {first, width, stride, n, kind}; }
  /// Bytes from the first byte touched to the last.
  [[nodiscard]] Bytes span() const { return count == 0 ? Bytes{0} : Bytes{(count - 1) * stride + width}; }
  bool operator==(const AccessRun&) const = default;
};

}  // namespace mtesim
