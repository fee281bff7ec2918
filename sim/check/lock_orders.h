#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <tuple>
#include <vector>

#include "model/kernel/kernel.h"

namespace mtesim {

/// A lock that was asked for while another was held, and by whom: of all who did, the first task, and its first call.
struct LockOrder {
  LockRequest held;
  LockRequest wanted;
  TaskId task;
  std::uint32_t call{};
  bool operator==(const LockOrder&) const = default;
};

/// Orders of locks that go round in a circle: each is wanted while the one before it is held, the first while the last
/// is. Whether tasks can meet so is another question.
using LockInversion = std::vector<LockOrder>;

/// In which order locks were taken, on all paths of a check. What comes out does not depend on the order of adding.
/// Class:   locks of one kind are one class, as lockdep has it; within a kind, two objects are.
class LockOrders {
 public:
  void add(const LockOrder& order);
  void add(const LockOrders& others);
  [[nodiscard]] bool empty() const { return seen_.empty(); }
  /// By kind and object of what was held, and of what was wanted.
  [[nodiscard]] std::vector<LockOrder> all() const;
  /// A shortest circle through each order that has one, each circle once.
  [[nodiscard]] std::vector<LockInversion> inversions() const;

 private:
  using Class = std::pair<LockKind, std::uint32_t>;
  std::map<std::pair<Class, Class>, LockOrder> seen_;
};

/// Watches one step of a task for the locks that it asks for.
class LockOrderWatch {
 public:
  LockOrderWatch(const Locks& at_begin, TaskId task, std::uint32_t call) : locks_(at_begin), task_(task), call_(call) {}
  void observe(const Event& event, LockOrders& into);

 private:
  void asked(const LockRequest& request, LockOrders& into);
  std::vector<LockRequest>& held();

  const Locks& locks_;
  TaskId task_;
  std::uint32_t call_;
  std::optional<std::vector<LockRequest>> held_;  // made when the first event wants it
};

}  // namespace mtesim
