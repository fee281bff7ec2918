#include "fs_models/workload.h"

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

}  // namespace

Step step(const Workload& workload, WorkState& state, TaskId id, Environment& environment) {
  TaskState& task = state.tasks[id.n];
  const CopyLoop& loop = workload.calls[id.n][task.call];
  const TaskId thread_id = loop.is_by_child() ? TaskId{state.machine.task(id).child} : id;
  Kernel k{state.machine, environment, workload.revision, thread_id};
  const bool system_call = !loop.in_user_mode();
  if (!task.in_kernel) {
    if (system_call) enter_kernel(k);
    task.in_kernel = true;
    task.loop = loop.begin();
  }
  k.emit(RoundBegins{});
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

}  // namespace mtesim
