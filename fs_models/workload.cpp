#include "fs_models/workload.h"

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

Step step(const Workload& workload, WorkState& state, TaskId id, Environment& environment) {
  TaskState& task = state.tasks[id.n];
  const CopyLoop& loop = workload.calls[id.n][task.call];
  Kernel k{state.machine, environment, workload.revision, id};
  if (!task.in_kernel) {
    enter_kernel(k);
    task.in_kernel = true;
    task.loop = loop.begin();
  }
  k.emit(RoundBegins{});
  const Step result = loop.step(task.loop, k);
  if (const auto* end = std::get_if<Finished>(&result)) {
    leave_kernel(k);
    task.results.push_back(end->result);
    task.in_kernel = false;
    task.loop = LoopState{};
    ++task.call;
    // Signals are delivered on the way back to user space, and so are looked at there.
    environment.before(SignalCheck{}, state.machine);
    Task& thread = k.task();
    if (thread.pending.fatal || thread.pending.mteaerr) task.killed = true;
    thread.pending.other = false;
  }
  return result;
}

}  // namespace mtesim
