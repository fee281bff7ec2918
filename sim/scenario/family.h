#pragma once

#include <mutex>
#include <optional>
#include <vector>

#include "sim/check/check.h"
#include "sim/scenario/build.h"

namespace mtesim {

/// Checks of the members of a sweep, so that one serves all members that it cannot tell apart: those that differ only
/// in tags of granules that no access on any path looks at. Their searches are the same, state by state.
/// Threads: any may ask and add at a time; what is found does not depend on who came first.
class Family {
 public:
  /// The result of a member that has the same future; nullopt: none is known.
  [[nodiscard]] std::optional<CheckResult> find(const Scenario& scenario, const Built& built) const;
  void add(const Scenario& scenario, const Built& built, const CheckResult& result);

 private:
  struct Known {
    Scenario but_for_tags;
    Machine start;
    CheckResult result;
  };
  mutable std::mutex mutex_;
  std::vector<Known> known_;
};

}  // namespace mtesim
