#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "sim/run/observers.h"

namespace mtesim {

/// Work in cycles, by a price list, while a lock of some kind is held: of one step of one task.
struct LockedWork {
  std::optional<std::uint64_t> before_release;  ///< held when the step began, and given back on it: from begin to there
  std::uint64_t within{};                       ///< the longest that was taken and given back
  std::optional<std::uint64_t> since_taken;     ///< held when the step ended, and taken on it: from there to the end
  bool throughout{};                            ///< held all along
  bool operator==(const LockedWork&) const = default;
  void raise_to(const LockedWork& other);
};

/// What a step costs. Caches are taken to be cold where a step begins, so that it depends on nothing before it.
struct StepPrice {
  std::uint64_t cycles{};
  std::map<LockKind, LockedWork> locked;
  bool operator==(const StepPrice&) const = default;
  /// Of two ways with the same ends, the dearer in each respect.
  void raise_to(const StepPrice& other);
};

/// Prices one step as it goes.
class StepMeter {
 public:
  /// `held`: by the task, at the begin. `costs` must outlive it.
  StepMeter(const CostTable& costs, const Locks& held, TaskId task, bool enters_kernel);
  void observe(const Event& event);
  [[nodiscard]] StepPrice price() const;

 private:
  [[nodiscard]] std::uint64_t now() const { return meter_.cycles(costs_, system_calls_); }

  const CostTable& costs_;
  std::uint64_t system_calls_;
  Meter meter_;
  struct Open {
    std::uint32_t depth{};
    std::uint64_t since{};
    bool from_begin{};
  };
  std::map<LockKind, Open> open_;
  std::map<LockKind, LockedWork> locked_;
};

}  // namespace mtesim
