#include "fs_models/workload.h"

#include <algorithm>

#include "model/kernel/page_fault.h"

namespace mtesim {

WorkState begin(const Workload& workload) {
  MTESIM_CHECK(workload.calls.size() == workload.start.tasks.size());
  WorkState state{workload.start, std::vector<TaskState>(workload.calls.size())};
  state.machine.swap_in_writable = workload.revision.swap_in_writable;
  return state;
}

bool is_done(const Workload& workload, const WorkState& state, TaskId task) {
  return state.tasks[task.n].killed || state.tasks[task.n].call >= workload.calls[task.n].size();
}

bool is_done(const Workload& workload, const WorkState& state) {
  for (std::uint32_t t = 0; t < state.tasks.size(); ++t) {
    if (!is_done(workload, state, TaskId{t})) return false;
  }
  return true;
}

Bytes progress(const Workload& workload, const WorkState& state, TaskId id) {
  const TaskState& task = state.tasks[id.n];
  return task.in_kernel ? workload.calls[id.n][task.call].progress(task.loop) : Bytes{0};
}

namespace {

/// The handlers of SIGSEGV and SIGBUS run, or the task ends.
void take_faults(TaskState& task, Task& thread) {
  const auto take = [&](const SigInfo& info) {
    task.signals.push_back({task.call, info});
    if (!thread.handles_faults) task.killed = true;
  };
  if (thread.pending.fault.signal != 0) take(thread.pending.fault);
  if (thread.pending.mteaerr) take({0, kSigsegv, kSegvMteaerr});
  if (thread.handles_faults) thread.pending.mteaerr = false;
  thread.pending.fault = {};
}

/// A trip of the loop; what it leaves behind if it blocks is for the caller to judge.
Step make_trip(const Workload& workload, WorkState& state, TaskId id, Environment& environment, LockTrail* trail) {
  TaskState& task = state.tasks[id.n];
  const CopyLoop& loop = workload.calls[id.n][task.call];
  const TaskId thread_id = loop.is_by_child() ? TaskId{state.machine.task(id).child} : id;
  Kernel k{state.machine, environment, workload.revision, thread_id, trail};
  const bool system_call = !loop.in_user_mode();
  const bool enters_kernel = system_call && !task.in_kernel;
  if (!task.in_kernel) {
    if (system_call) enter_kernel(k);
    task.in_kernel = true;
    task.loop = loop.begin();
  }
  k.emit(RoundBegins{id, trail != nullptr && !trail->known.empty(), task.call, enters_kernel});
  Step result;
  try {
    result = loop.step(task.loop, k);
  } catch (const SleepsForLock& sleeps) {
    return Blocked{sleeps.lock};
  } catch (const KernelBug&) {  // the task is gone, and what it holds stays held
    task.results.push_back(kKernelBugResult);
    task.killed = true;
    return Finished{kKernelBugResult};
  }
  if (const auto* end = std::get_if<Finished>(&result)) {
    task.results.push_back(end->result);
    if (system_call) {
      leave_kernel(k);
      // Signals are delivered on the way back to user space, and so are looked at there.
      environment.before(SignalCheck{}, state.machine);
      Task& thread = k.task();
      if (thread.pending.fatal) task.killed = true;
      thread.pending.other = false;
    }
    take_faults(task, k.task());
    task.in_kernel = false;
    task.loop = LoopState{};
    ++task.call;
  }
  return result;
}

/// What `all` has and `others` have not, each counted as often as it is there.
std::vector<LockRequest> without(const std::vector<LockRequest>& all, std::vector<LockRequest> others) {
  std::vector<LockRequest> rest;
  for (const LockRequest& one : all) {
    const auto other = std::find(others.begin(), others.end(), one);
    if (other == others.end()) {
      rest.push_back(one);
    } else {
      others.erase(other);
    }
  }
  return rest;
}

}  // namespace

bool can_step(const Workload& workload, const WorkState& state, TaskId task) {
  if (is_done(workload, state, task)) return false;
  const Locks::Waiter* waiter = state.machine.locks.waiter(task);
  return waiter == nullptr || !waiter->queued ||
         state.machine.locks.available(waiter->wants.lock, task, waiter->wants.mode);
}

Step step(const Workload& workload, WorkState& state, TaskId id, Environment& environment, Pace pace) {
  if (state.tasks.size() == 1) return make_trip(workload, state, id, environment, nullptr);
  return step_or_sleep(workload, state, id, environment, pace);
}

Step step_or_sleep(const Workload& workload, WorkState& state, TaskId id, Environment& environment, Pace pace) {
  LockTrail trail;
  if (const Locks::Waiter* waiter = state.machine.locks.waiter(id)) {
    if (!can_step(workload, state, id)) return Blocked{waiter->wants.lock};
    Locks::Waiter woken = state.machine.locks.wake(id);
    trail.known = std::move(woken.passed);
    if (woken.queued) trail.known.push_back(woken.wants);
    trail.pauses_from = trail.known.size() + (woken.queued ? 0 : 1);
  }
  trail.pauses = pace == Pace::to_next_lock;
  trail.at_begin = state.machine.locks.held_by(id);
  const WorkState before = state;
  const Step result = make_trip(workload, state, id, environment, &trail);
  if (!std::holds_alternative<Blocked>(result)) return result;
  MTESIM_CHECK(trail.wants.has_value());
  state = before;
  state.machine.locks.sleep({id, *trail.wants, !trail.paused, std::move(trail.passed),
                             without(trail.held, trail.at_begin), without(trail.at_begin, trail.held)});
  environment.observe(FellAsleep{id, *trail.wants, trail.paused});
  return result;
}

}  // namespace mtesim
