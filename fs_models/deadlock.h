#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "fs_models/workload.h"

namespace mtesim {

/// A task that cannot go on, and whom it waits for.
struct WaitFor {
  TaskId task;
  LockRequest wants;
  TaskId whom;
  std::optional<LockRequest> held;  ///< what `whom` holds in the way; none: it waits itself, and came before
  std::vector<LockRequest> holds;   ///< what `task` holds meanwhile
  bool operator==(const WaitFor&) const = default;
};

enum class DeadlockKind : std::uint8_t {
  cycle,           ///< tasks wait for each other
  recursion,       ///< a task waits for what it holds itself
  recursive_read,  ///< a task holds a lock as a reader, and as a reader asks again, behind a writer that waits for it
  dead_holder,     ///< the lock is held by a task that has ended, and can release nothing
};
[[nodiscard]] std::string_view deadlock_kind_name(DeadlockKind kind);

/// Why nobody can step.
struct Deadlock {
  DeadlockKind kind{};
  std::vector<WaitFor>
      waits;  ///< a cycle: each waits for the next, the last for the first; with a dead holder, a chain
  bool operator==(const Deadlock&) const = default;
};

/// The cycle of waits in a state where no task can step and not all are done.
/// Errors: none if somebody can step.
[[nodiscard]] std::optional<Deadlock> deadlock_of(const Workload& workload, const WorkState& state);

}  // namespace mtesim
