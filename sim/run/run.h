#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "fs_models/deadlock.h"
#include "fs_models/workload.h"
#include "sim/property/property.h"
#include "sim/run/observers.h"

namespace mtesim {

constexpr std::uint64_t kMostRounds = 10'000'000;

/// How one future ended.
enum class RunEnd : std::uint8_t {
  returned,  ///< every call did
  livelock,  ///< a state came back with the world holding still: it will for ever
  deadlock,  ///< nobody can step
  cut,       ///< the limit on rounds was reached: nothing is known
};

struct RunResult {
  RunEnd end{};
  std::vector<std::vector<std::int64_t>> results;  ///< by task and call
  std::uint64_t rounds{};                          ///< trips that were carried out
  std::uint64_t cycle_rounds{};                    ///< livelock: how many rounds until the state is back
  std::uint64_t stem_rounds{};                     ///< livelock: how many before it enters the cycle
  bool killable{};                                 ///< livelock: a SIGKILL ends it
  std::optional<Deadlock> deadlock;                ///< deadlock: who waits for whom
  WorkState final_state;
  Judgements properties{};  ///< of all calls that returned, if that was asked for

  /// Of all tasks after each other.
  [[nodiscard]] std::vector<std::int64_t> all_results() const;
};

/// Carries out one future in which the world holds still, tasks in turn.
/// A state that comes back is a proof: the model is deterministic, nothing acts, so it will come back for ever.
/// Cost:    two states are kept (Brent's cycle search), however long it takes.
/// Errors:  none; `max_rounds` cuts a run that neither ends nor repeats.
/// `judge`: whether to say of each return which properties hold.
[[nodiscard]] RunResult run(const Workload& workload, std::span<Observer* const> observers,
                            std::uint64_t max_rounds = kMostRounds, bool judge = false);

/// Whether a SIGKILL that is pending from here on, for every task, ends what would go on for ever.
[[nodiscard]] bool ends_when_killed(const Workload& workload, const WorkState& state,
                                    std::uint64_t max_rounds = kMostRounds);

}  // namespace mtesim
