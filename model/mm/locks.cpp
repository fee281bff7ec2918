#include "model/mm/locks.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "model/base/check.h"

namespace mtesim {

Fingerprint Locks::held_print(const Held& held) {
  return print_of(held.lock.kind, held.lock.object, held.lock.index, held.lock.count, held.task.n, held.mode);
}

Fingerprint Locks::waiter_print(const Waiter& waiter) {
  const LockId& lock = waiter.wants.lock;
  return slot_print(1, print_of(lock.kind, lock.object, lock.index, lock.count, waiter.task.n, waiter.wants.mode,
                                waiter.queued, waiter.passed.size(), waiter.kept.size(), waiter.given_up.size()));
}

bool Locks::try_lock(const LockId& lock, TaskId task, LockMode mode) {
  if (!available(lock, task, mode)) return false;
  take(lock, task, mode);
  return true;
}

void Locks::take(const LockId& lock, TaskId task, LockMode mode) {
  held_.push_back({lock, task, mode});
  print_ += held_print(held_.back());
}

const Locks::Waiter* Locks::waits_before(const LockId& lock, TaskId task, LockMode mode) const {
  if (lock.kind == LockKind::btrfs_range) return nullptr;  // all who wait are woken, and try again
  for (const Waiter& waiter : waiters_) {
    if (waiter.task == task) return nullptr;
    if (!waiter.queued) continue;
    const bool excludes = mode == LockMode::exclusive || waiter.wants.mode == LockMode::exclusive;
    if (excludes && waiter.wants.lock.overlaps(lock)) return &waiter;
  }
  return nullptr;
}

const Locks::Waiter* Locks::waiter(TaskId task) const {
  const auto found =
      std::find_if(waiters_.begin(), waiters_.end(), [&](const Waiter& waiter) { return waiter.task == task; });
  return found == waiters_.end() ? nullptr : &*found;
}

void Locks::sleep(Waiter waiter) {
  MTESIM_CHECK(this->waiter(waiter.task) == nullptr);
  for (const LockRequest& kept : waiter.kept) take(kept.lock, waiter.task, kept.mode);
  for (const LockRequest& given_up : waiter.given_up) unlock(given_up.lock, waiter.task);
  print_ += waiter_print(waiter);
  const auto rank = [](const Waiter& w) {  // who has not asked yet is in no queue
    return w.queued ? std::tuple(true, w.wants.lock.kind, w.wants.lock.object)
                    : std::tuple(false, LockKind{}, w.task.n);
  };
  const auto behind = std::upper_bound(waiters_.begin(), waiters_.end(), waiter,
                                       [&](const Waiter& a, const Waiter& b) { return rank(a) < rank(b); });
  waiters_.insert(behind, std::move(waiter));
}

Locks::Waiter Locks::wake(TaskId task) {
  const auto found =
      std::find_if(waiters_.begin(), waiters_.end(), [&](const Waiter& waiter) { return waiter.task == task; });
  MTESIM_CHECK(found != waiters_.end());
  Waiter waiter = std::move(*found);
  waiters_.erase(found);
  print_ -= waiter_print(waiter);
  for (const LockRequest& kept : waiter.kept) unlock(kept.lock, task);
  for (const LockRequest& given_up : waiter.given_up) take(given_up.lock, task, given_up.mode);
  return waiter;
}

std::vector<LockRequest> Locks::held_by(TaskId task) const {
  std::vector<LockRequest> theirs;
  for (const Held& held : held_) {
    if (held.task == task) theirs.push_back({held.lock, held.mode});
  }
  return theirs;
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
  for (const Waiter& waiter : waiters_) print += waiter_print(waiter);
  return print;
}

bool operator==(const Locks& a, const Locks& b) {
  return a.print_ == b.print_ && a.waiters_ == b.waiters_ && a.held_.size() == b.held_.size() &&
         std::is_permutation(a.held_.begin(), a.held_.end(), b.held_.begin());
}

}  // namespace mtesim
