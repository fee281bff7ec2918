#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "fs_models/copy_loop.h"
#include "fs_models/system_call.h"

namespace mtesim {

/// What is to be carried out: a kernel, a machine at its start, and for each task its system calls, one after another.
struct Workload {
  Revision revision;
  Machine start;
  std::vector<std::vector<CopyLoop>> calls;  ///< by task
  /// By task and call: what the loop was made from, where that is a system call that moves bytes. What is left out is
  /// not judged (sim/property).
  std::vector<std::vector<std::optional<SystemCall>>> system_calls{};
  /// The logical tags of all pointers that calls and programs go by, a bit each. nullopt: they are not known, or
  /// somebody looks at a tag by its value: LDG, IRG, ptrace.
  std::optional<std::uint16_t> pointer_tags{};
};

/// A signal that a task took, and in which of its calls.
struct SignalTaken {
  std::uint32_t call{};
  SigInfo info;
  bool operator==(const SignalTaken&) const = default;
};

/// How far one task is. What its child does is a part of it: they take turns, as the list of calls has it.
struct TaskState {
  std::uint32_t call{};  ///< the one it is in, or about to make
  bool in_kernel{};      ///< in a call, or in the midst of what the program does itself
  bool killed{};         ///< a fatal signal ended it on the way back to user space
  LoopState loop;
  std::vector<std::int64_t> results;  ///< of the calls that returned: bytes or -errno
  std::vector<SignalTaken> signals;   ///< SIGSEGV and SIGBUS, handled or not

  [[nodiscard]] Fingerprint fingerprint() const {
    Fingerprint print = print_of(call, in_kernel, killed) + slot_print(1, loop.fingerprint());
    for (std::size_t i = 0; i < results.size(); ++i) print += slot_print(i + 2, static_cast<std::uint64_t>(results[i]));
    for (std::size_t i = 0; i < signals.size(); ++i) {
      const SigInfo& info = signals[i].info;
      print += slot_print(~std::uint64_t{i}, print_of(signals[i].call, info.address, info.signal, info.code));
    }
    return print;
  }
  bool operator==(const TaskState&) const = default;
};

/// A state of a workload: all that decides what can happen next.
struct WorkState {
  Machine machine;
  std::vector<TaskState> tasks;

  [[nodiscard]] Fingerprint fingerprint() const {
    Fingerprint print = machine.fingerprint();
    for (std::size_t i = 0; i < tasks.size(); ++i) print += slot_print(i, tasks[i].fingerprint());
    return print;
  }
  friend bool operator==(const WorkState& a, const WorkState& b) {
    return a.tasks == b.tasks && a.machine == b.machine;
  }
};

[[nodiscard]] WorkState begin(const Workload& workload);
/// The task has made all its calls, or was killed.
[[nodiscard]] bool is_done(const Workload& workload, const WorkState& state, TaskId task);
[[nodiscard]] bool is_done(const Workload& workload, const WorkState& state);
/// Bytes that the call a task is in has done for good; 0 between calls.
[[nodiscard]] Bytes progress(const Workload& workload, const WorkState& state, TaskId task);

/// One step of one task: a trip of the loop it is in. It enters the kernel before the first trip of a call; when the
/// call returns it leaves the kernel, notes the result and takes the signals that are pending. What runs in user mode
/// neither enters nor leaves, but a fault of its own is taken at once.
/// Signals:  SIGSEGV and SIGBUS end a task that has no handler for them; one with a handler goes on.
/// Returns: Blocked if the task sleeps: nothing has changed then but what was done before the lock was asked for.
Step step(const Workload& workload, WorkState& state, TaskId task, Environment& environment);

}  // namespace mtesim
