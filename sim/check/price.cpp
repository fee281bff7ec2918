#include "sim/check/price.h"

#include <algorithm>

namespace mtesim {

void LockedWork::raise_to(const LockedWork& other) {
  before_release = std::max(before_release, other.before_release);  // nothing is less than any number
  within = std::max(within, other.within);
  since_taken = std::max(since_taken, other.since_taken);
  throughout |= other.throughout;
}

void StepPrice::raise_to(const StepPrice& other) {
  cycles = std::max(cycles, other.cycles);
  for (const auto& [kind, work] : other.locked) locked[kind].raise_to(work);
}

StepMeter::StepMeter(const CostTable& costs, const Locks& held, TaskId task, bool enters_kernel)
    : costs_(costs), system_calls_(enters_kernel ? 1 : 0) {
  for (const Locks::Held& lock : held.held()) {
    if (!(lock.task == task)) continue;
    Open& open = open_[lock.lock.kind];
    ++open.depth;
    open.from_begin = true;
  }
}

void StepMeter::observe(const Event& event) {
  meter_.observe(event);
  if (const auto* taken = std::get_if<LockTaken>(&event); taken != nullptr && !taken->in_passing) {
    Open& open = open_[taken->lock.kind];
    if (open.depth++ == 0) open.since = now();
  } else if (const auto* released = std::get_if<LockReleased>(&event); released != nullptr && !released->in_passing) {
    Open& open = open_[released->lock.kind];
    if (open.depth == 0 || --open.depth > 0) return;
    LockedWork& work = locked_[released->lock.kind];
    if (open.from_begin) {
      work.before_release = now();
    } else {
      work.within = std::max(work.within, now() - open.since);
    }
    open.from_begin = false;
  }
}

StepPrice StepMeter::price() const {
  StepPrice price{now(), locked_};
  for (const auto& [kind, open] : open_) {
    if (open.depth == 0) continue;
    LockedWork& work = price.locked[kind];
    if (open.from_begin) {
      work.throughout = true;
    } else {
      work.since_taken = now() - open.since;
    }
  }
  return price;
}

}  // namespace mtesim
