#include "model/mm/locks.h"

#include <algorithm>

#include "model/base/check.h"

namespace mtesim {

Fingerprint Locks::held_print(const Held& held) {
  return print_of(held.lock.kind, held.lock.object, held.lock.index, held.lock.count, held.task.n, held.mode);
}

bool Locks::try_lock(const LockId& lock, TaskId task, LockMode mode) {
  if (conflict(lock, mode) != nullptr) return false;
  held_.push_back({lock, task, mode});
  print_ += held_print(held_.back());
  return true;
}

const Locks::Held* Locks::conflict(const LockId& lock, LockMode mode) const {
  for (const Held& held : held_) {
    const bool excludes = mode == LockMode::exclusive || held.mode == LockMode::exclusive;
    if (excludes && held.lock.overlaps(lock)) return &held;
  }
  return nullptr;
}

void Locks::unlock(const LockId& lock, TaskId task) {
  // The one taken last, should a task hold a shared lock twice.
  const auto mine = std::find_if(held_.rbegin(), held_.rend(),
                                 [&](const Held& held) { return held.lock == lock && held.task == task; });
  MTESIM_CHECK(mine != held_.rend());
  print_ -= held_print(*mine);
  held_.erase(std::next(mine).base());
}

bool Locks::holds(const LockId& lock, TaskId task) const {
  return std::any_of(held_.begin(), held_.end(),
                     [&](const Held& held) { return held.lock == lock && held.task == task; });
}

Fingerprint Locks::recomputed_fingerprint() const {
  Fingerprint print;
  for (const Held& held : held_) print += held_print(held);
  return print;
}

bool operator==(const Locks& a, const Locks& b) {
  return a.print_ == b.print_ && a.held_.size() == b.held_.size() &&
         std::is_permutation(a.held_.begin(), a.held_.end(), b.held_.begin());
}

}  // namespace mtesim
