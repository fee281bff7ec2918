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

/// Who holds what. Sleeping for a lock is for the loop to say (it returns Blocked); here is only what is held.
class Locks {
 public:
  struct Held {
    LockId lock;
    TaskId task;
    LockMode mode{};
    bool operator==(const Held&) const = default;
  };

  /// False if somebody, the task itself included, holds it in a way that excludes this.
  [[nodiscard]] bool try_lock(const LockId& lock, TaskId task, LockMode mode);
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
  std::vector<Held> held_;  // in order of taking, for reports; equality does not go by it
  Fingerprint print_{};
};

}  // namespace mtesim
