#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>

#include "sim/scenario/result.h"

namespace mtesim {

/// What a smaller scenario must still show: the same verdict by way of the same kernel functions, or the same property
/// violated.
struct ShrinkGoal {
  Verdict verdict{};
  bool killable{};
  std::optional<Property> violates;
  std::set<std::string> loops;  ///< the kernel functions in whose loops the witness goes round, or is stuck
  bool operator==(const ShrinkGoal&) const = default;
};
[[nodiscard]] std::string to_words(const ShrinkGoal& goal);

/// The gravest thing that a check found, or the property that was asked for.
/// Returns: none if there is nothing to shrink to: it returns on every path, and no property is violated.
[[nodiscard]] std::optional<ShrinkGoal> goal_of(const Built& built, const CheckResult& result,
                                                std::optional<Property> wanted);

struct ShrinkOptions {
  std::uint64_t max_states{};  ///< of each check that is tried; 0: four times those of the smallest scenario so far
  std::optional<std::chrono::steady_clock::time_point> deadline;
  const std::atomic<bool>* interrupt{};
  struct Progress {
    std::uint64_t tried{};
    std::uint64_t taken{};
    std::uint64_t bytes{};  ///< of the smallest scenario so far, as JSON without white space
    std::uint64_t states{};
  };
  std::function<void(const Progress&)> progress;
};

struct Shrunk {
  Scenario scenario;
  std::uint64_t tried{};
  std::uint64_t taken{};
  std::string cut_by;  ///< empty: nothing smaller of the forms tried shows the goal
};

/// Makes a scenario as small as it can while its check shows the goal: entries of every list in halves, quarters and
/// one by one; keys that may be left out; numbers, places in mappings and runs of granules, lower. The kernel revision,
/// the page size and tags stay.
/// Exact:   each step is smaller than the one before and was checked; the order of trials is fixed, so the same comes
///          out each time, unless it was cut.
/// Source:  [zeller-ddmin]
[[nodiscard]] Shrunk shrink(const Scenario& scenario, const ShrinkGoal& goal, const ShrinkOptions& options);

/// The scenario with `expect` as its report says, so that `batch` holds it to that.
[[nodiscard]] Scenario with_expectations(Scenario scenario, const PointReport& report);

}  // namespace mtesim
