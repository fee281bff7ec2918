#pragma once

#include <cstdint>
#include <iterator>
#include <map>
#include <vector>

#include "sim/check/check.h"

namespace mtesim {

/// A set of user addresses that only grows.
/// Shape: ranges [begin, end) that do not meet, by begin.
class UserRanges {
 public:
  [[nodiscard]] bool empty() const { return ends_.empty(); }
  [[nodiscard]] bool contains(const UserRange& range) const {
    const auto behind = ends_.upper_bound(range.begin);
    return behind != ends_.begin() && std::prev(behind)->second >= range.end;
  }
  void add(UserRange range) {
    auto next = ends_.upper_bound(range.begin);
    if (next != ends_.begin() && std::prev(next)->second >= range.begin) --next;
    while (next != ends_.end() && next->first <= range.end) {
      if (next->first < range.begin) range.begin = next->first;
      if (next->second > range.end) range.end = next->second;
      next = ends_.erase(next);
    }
    ends_[range.begin] = range.end;
  }
  [[nodiscard]] std::vector<UserRange> all() const {
    std::vector<UserRange> ranges;
    for (const auto& [begin, end] : ends_) ranges.push_back(UserRange{begin, end});
    return ranges;
  }

 private:
  std::map<std::uint64_t, std::uint64_t> ends_;
};

}  // namespace mtesim
