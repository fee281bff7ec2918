#include "fs_models/deadlock.h"

#include <algorithm>

namespace mtesim {

namespace {

WaitFor wait_of(const Locks& locks, const Locks::Waiter& waiter) {
  WaitFor wait{waiter.task, waiter.wants, waiter.task, std::nullopt, locks.held_by(waiter.task)};
  if (const Locks::Held* holder = locks.conflict(waiter.wants.lock, waiter.wants.mode)) {
    wait.whom = holder->task;
    wait.held = LockRequest{holder->lock, holder->mode};
  } else if (const Locks::Waiter* before = locks.waits_before(waiter.wants.lock, waiter.task, waiter.wants.mode)) {
    wait.whom = before->task;
  }
  return wait;
}

bool reads_again(const WaitFor& wait) {
  if (wait.wants.mode != LockMode::shared || wait.held) return false;
  return std::any_of(wait.holds.begin(), wait.holds.end(),
                     [&](const LockRequest& held) { return held.lock.overlaps(wait.wants.lock); });
}

}  // namespace

std::string_view deadlock_kind_name(DeadlockKind kind) {
  switch (kind) {
    case DeadlockKind::cycle:
      return "cycle";
    case DeadlockKind::recursion:
      return "recursion";
    case DeadlockKind::recursive_read:
      return "recursive_read";
    case DeadlockKind::dead_holder:
      return "dead_holder";
  }
  return "?";
}

std::optional<Deadlock> deadlock_of(const Workload& workload, const WorkState& state) {
  WorkState asleep = state;
  StillEnvironment still;
  for (std::uint32_t t = 0; t < state.tasks.size(); ++t) {
    const TaskId task{t};
    if (is_done(workload, state, task)) continue;
    const Locks::Waiter* waiter = asleep.machine.locks.waiter(task);
    if (waiter != nullptr && waiter->queued) continue;
    if (!std::holds_alternative<Blocked>(step_or_sleep(workload, asleep, task, still))) return std::nullopt;
  }
  const Locks& locks = asleep.machine.locks;
  if (locks.waiters().empty()) return std::nullopt;
  const auto first = std::min_element(locks.waiters().begin(), locks.waiters().end(),
                                      [](const auto& a, const auto& b) { return a.task.n < b.task.n; });
  Deadlock found{DeadlockKind::cycle, {wait_of(locks, *first)}};
  for (;;) {
    const WaitFor& last = found.waits.back();
    if (locks.available(last.wants.lock, last.task, last.wants.mode)) return std::nullopt;
    const auto again = std::find_if(found.waits.begin(), found.waits.end(),
                                    [&](const WaitFor& wait) { return wait.task == last.whom; });
    if (again != found.waits.end()) {
      found.waits.erase(found.waits.begin(), again);
      break;
    }
    const Locks::Waiter* next = locks.waiter(last.whom);
    if (next == nullptr) {
      found.kind = DeadlockKind::dead_holder;
      return found;
    }
    found.waits.push_back(wait_of(locks, *next));
  }
  if (found.waits.size() == 1) {
    found.kind = DeadlockKind::recursion;
  } else if (std::any_of(found.waits.begin(), found.waits.end(), reads_again)) {
    found.kind = DeadlockKind::recursive_read;
  }
  return found;
}

}  // namespace mtesim
