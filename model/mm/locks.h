#pragma once

#include <cstdint>
#include <vector>

#include "model/mm/task.h"

namespace mtesim {

enum class LockKind : std::uint8_t {
  mmap,         ///< mm->mmap_lock
  inode,        ///< inode->i_rwsem
  folio,        ///< a folio's lock bit
  pipe,         ///< pipe->mutex
  btrfs_tree,   ///< extent buffer locks of a btrfs tree
  btrfs_range,  ///< pages of a btrfs file: its extent lock, or an ordered extent that is waited for
  glock,        ///< gfs2's cluster lock of an inode
  kclist,       ///< kclist_lock: what /proc/kcore shows
  event,        ///< event_mutex of the tracing subsystem
  vma,          ///< pages of an address space: the lock of one mapping, which a page fault takes since 6.4
};

/// It protects a file's size and pages: whoever truncates the file waits for it.
[[nodiscard]] constexpr bool is_of_file(LockKind kind) {
  return kind == LockKind::inode || kind == LockKind::folio || kind == LockKind::btrfs_range || kind == LockKind::glock;
}

/// A lock by name: the kind, the object it protects, and of a folio's or a range's lock the pages: `count` from
/// `index`.
struct LockId {
  LockKind kind{};
  std::uint32_t object{};
  std::uint32_t index{};
  std::uint32_t count{1};
  [[nodiscard]] bool overlaps(const LockId& other) const {
    return kind == other.kind && object == other.object && index < other.index + other.count &&
           other.index < index + count;
  }
  bool operator==(const LockId&) const = default;
};

enum class LockMode : std::uint8_t { shared, exclusive };

/// A lock that is asked for, and how.
struct LockRequest {
  LockId lock;
  LockMode mode{};
  bool operator==(const LockRequest&) const = default;
};

/// Who holds what, and who sleeps for what.
/// Queue:   who comes later waits behind everybody who waits already, if the two exclude each other: so a writer that
///          waits keeps new readers out, as an rwsem's and a glock's does. Ranges of a btrfs file have no queue.
/// A task that is alone never sleeps: what it cannot have is a deadlock.
class Locks {
 public:
  struct Held {
    LockId lock;
    TaskId task;
    LockMode mode{};
    bool operator==(const Held&) const = default;
  };

  /// A task that sleeps in the midst of a step, or has paused there just before it asks for a lock.
  struct Waiter {
    TaskId task;
    LockRequest wants;
    bool queued{true};                  ///< false: it has not asked yet, and is in nobody's way
    std::vector<LockRequest> passed;    ///< what it asked for on the step before that, and got, in order
    std::vector<LockRequest> kept;      ///< what of it the task holds meanwhile; held() has it, too
    std::vector<LockRequest> given_up;  ///< what it held before the step, and released on it; held() lacks it
    bool operator==(const Waiter&) const = default;
  };

  /// Neither a holder, the task itself included, nor who waits already excludes it.
  [[nodiscard]] bool available(const LockId& lock, TaskId task, LockMode mode) const {
    return conflict(lock, mode) == nullptr && waits_before(lock, task, mode) == nullptr;
  }
  /// False if it is not available.
  [[nodiscard]] bool try_lock(const LockId& lock, TaskId task, LockMode mode);
  /// Without asking: the task has it by right, as it had it before it slept.
  void take(const LockId& lock, TaskId task, LockMode mode);
  /// Whoever waits already, before the task if that waits itself, for what excludes this; nullptr: nobody.
  [[nodiscard]] const Waiter* waits_before(const LockId& lock, TaskId task, LockMode mode) const;
  /// What the task sleeps for; nullptr: it does not.
  [[nodiscard]] const Waiter* waiter(TaskId task) const;
  [[nodiscard]] const std::vector<Waiter>& waiters() const { return waiters_; }
  /// Of one task, in order of taking.
  [[nodiscard]] std::vector<LockRequest> held_by(TaskId task) const;
  /// The task sleeps from now on; it holds what it keeps, and no longer what it has given up.
  void sleep(Waiter waiter);
  /// It is no longer asleep, and holds what it held before the step.
  /// Errors: waking a task that does not sleep is our own bug.
  Waiter wake(TaskId task);
  /// Whoever holds it in a way that excludes this; nullptr: nobody.
  [[nodiscard]] const Held* conflict(const LockId& lock, LockMode mode) const;
  /// Errors: releasing what is not held is our own bug.
  void unlock(const LockId& lock, TaskId task);
  [[nodiscard]] bool holds(const LockId& lock, TaskId task) const;
  [[nodiscard]] const std::vector<Held>& held() const { return held_; }

  [[nodiscard]] Fingerprint fingerprint() const { return print_; }
  [[nodiscard]] Fingerprint recomputed_fingerprint() const;
  friend bool operator==(const Locks& a, const Locks& b);

 private:
  static Fingerprint held_print(const Held& held);
  static Fingerprint waiter_print(const Waiter& waiter);
  std::vector<Held> held_;       // in order of taking, for reports; equality does not go by it
  std::vector<Waiter> waiters_;  // by kind and object, and of each in the order of coming
  Fingerprint print_{};
};

}  // namespace mtesim
