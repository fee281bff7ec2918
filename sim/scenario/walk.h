#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "sim/scenario/difference.h"

namespace mtesim {

/// One step of a witness, as it was carried out.
struct WalkStep {
  TaskId task;
  Choices choices;                       ///< what the environment did
  bool pauses{};                         ///< of several tasks: it stops before it asks for the next lock
  std::string call;                      ///< which one it belongs to, in words
  std::string loop;                      ///< through which kernel function that goes
  std::vector<std::string> came;         ///< what came of it: "copy_to_user(buf+112, 32) left 16 bytes"
  std::vector<StateDifference> changes;  ///< of the state, since the step before
  Bytes progress_before{};
  Bytes progress_after{};
  bool returns{};  ///< the call does
  CheckState to;
};

/// A witness carried out from the start, with every state that it leads through.
struct Walk {
  CheckState start;
  std::vector<WalkStep> steps;  ///< stem and loop
  std::size_t stem{};           ///< how many of them are the stem
  std::string trouble;          ///< why the step behind the last one could not be made; empty: all were
  bool closes{};                ///< there is a loop, and it comes back to where it begins, as a check compares states
  std::vector<std::string>
      waits;            ///< without a loop: what each task waits for in the end, should nobody be able to step
  Judgements judged{};  ///< of the returns on it, where contents are tracked
  [[nodiscard]] bool stuck() const { return !waits.empty(); }
  /// The state before step `i`.
  [[nodiscard]] const CheckState& before(std::size_t i) const { return i == 0 ? start : steps[i - 1].to; }
  [[nodiscard]] const CheckState& end() const { return before(steps.size()); }
};

struct WalkWatch {
  std::function<void(const Event&)> observe{};
  std::function<void(const ActionChoice&)> acted{};
  /// States are those that a check compares, with what cannot matter any more the same for all (sim/check/reduction.h),
  /// and not those that are there.
  bool as_compared{};
};

/// Carries it out, as far as that can be done. A witness against a property is followed with contents tracked.
/// Errors:  none; a witness from elsewhere may not fit the scenario, and then there is `trouble`.
[[nodiscard]] Walk walk(const Built& built, const Witness& witness, const WalkWatch& watch = {});

/// What a walk shows, in a screenful: a step in a few lines, with what the environment did, what came of it and what
/// changed; rounds that are alike in a row, and the middle of a long way, are folded.
[[nodiscard]] std::vector<std::string> walk_lines(const Built& built, const Walk& walk, std::size_t most_lines = 32);

}  // namespace mtesim
