#pragma once

#include <cstdint>
#include <limits>
#include <mutex>
#include <shared_mutex>

#include "model/base/fingerprint.h"
#include "sim/explore/state_store.h"

namespace mtesim {

/// Values by number, each kept once: equal values have equal numbers. What is in it stays in it.
/// T:        a value with `==`.
/// Threads:  any may ask and add at a time; the numbers then depend on who came first, but nothing else does.
/// Errors:   a table of 2^32 values is full, and MTESIM_CHECK stops the program.
template <class T>
class Interned {
 public:
  /// `print`: equal for equal values.
  std::uint32_t number(T value, Fingerprint print) {
    const std::unique_lock lock(mutex_);
    const auto place =
        values_.insert(std::move(value), explore::mixed(print.bits), std::numeric_limits<std::uint32_t>::max(), 0);
    MTESIM_CHECK(place.how != explore::Insert::full);
    return place.node.index;
  }
  [[nodiscard]] T operator[](std::uint32_t number) const {
    const std::shared_lock lock(mutex_);
    return values_[explore::NodeId{number}];
  }
  [[nodiscard]] std::size_t size() const {
    const std::shared_lock lock(mutex_);
    return values_.size();
  }
  /// What it takes, but for what the values own elsewhere.
  [[nodiscard]] std::uint64_t bytes() const {
    const std::shared_lock lock(mutex_);
    return values_.bytes();
  }

 private:
  mutable std::shared_mutex mutex_;
  explore::StateStore<T, true> values_;
};

}  // namespace mtesim
