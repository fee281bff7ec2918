// Several tasks and their locks: sleeping in the midst of a step, cycles of waits, orders of locks.
#include <catch2/catch.hpp>

#include "model/kernel/page_fault.h"
#include "tests/support/workloads.h"

namespace mtesim::test {
namespace {

constexpr LockId kA{LockKind::inode, 1, 0};
constexpr LockId kB{LockKind::glock, 2, 0};

/// Takes locks one after another on one step, and gives them all back on the next.
Trip takes(std::vector<LockRequest> requests) {
  return [requests = std::move(requests)](ToyState& s, Kernel& k) -> Step {
    if (s.at == 0) {
      for (const LockRequest& request : requests) {
        if (!lock(k, request.lock, request.mode)) return Blocked{request.lock};
      }
      s.at = 1;
      return Advanced{};
    }
    for (const LockRequest& request : requests) unlock(k, request.lock);
    return Finished{0};
  };
}

CheckResult check_all(const Workload& workload) { return check(workload, {}); }

constexpr LockRequest kWriteA{kA, LockMode::exclusive};
constexpr LockRequest kWriteB{kB, LockMode::exclusive};
constexpr LockRequest kReadA{kA, LockMode::shared};

TEST_CASE("two locks that one step takes can be had by others in between", "[unit][check][tasks]") {
  const CheckResult crossed = check_all(toy_workload({takes({kWriteA, kWriteB}), takes({kWriteB, kWriteA})}));
  CHECK(crossed.verdict == Verdict::deadlock);
  REQUIRE(crossed.deadlock.has_value());
  CHECK(crossed.deadlock->kind == DeadlockKind::cycle);
  const std::vector<WaitFor> waits{{TaskId{0}, kWriteB, TaskId{1}, kWriteB, {kWriteA}},
                                   {TaskId{1}, kWriteA, TaskId{0}, kWriteA, {kWriteB}}};
  CHECK(crossed.deadlock->waits == waits);
  const CheckResult fine = check_all(toy_workload({takes({kWriteA, kWriteB}), takes({kWriteA, kWriteB})}));
  CHECK(fine.verdict == Verdict::returns);
  CHECK(fine.inversions.empty());
}

TEST_CASE("a lock that is wanted by who holds it is recursion, alone or not", "[unit][check][tasks]") {
  const CheckResult alone = check_all(toy_workload({takes({kWriteA, kWriteA})}));
  REQUIRE(alone.deadlock.has_value());
  CHECK(alone.deadlock->kind == DeadlockKind::recursion);
  CHECK(alone.deadlock->waits == std::vector<WaitFor>{{TaskId{0}, kWriteA, TaskId{0}, kWriteA, {kWriteA}}});
  const CheckResult two = check_all(toy_workload({takes({kWriteA, kWriteA}), takes({kWriteB})}));
  REQUIRE(two.deadlock.has_value());
  CHECK(two.deadlock->kind == DeadlockKind::recursion);
}

TEST_CASE("a reader may ask again, unless a writer has come between", "[unit][check][tasks]") {
  const Trip reads_twice = takes({kReadA, kReadA});
  CHECK(check_all(toy_workload({reads_twice, reads_twice})).verdict == Verdict::returns);
  const CheckResult behind = check_all(toy_workload({reads_twice, takes({kWriteA})}));
  CHECK(behind.verdict == Verdict::deadlock);
  REQUIRE(behind.deadlock.has_value());
  CHECK(behind.deadlock->kind == DeadlockKind::recursive_read);
  CHECK(behind.deadlock->waits == std::vector<WaitFor>{{TaskId{0}, kReadA, TaskId{1}, std::nullopt, {kReadA}},
                                                       {TaskId{1}, kWriteA, TaskId{0}, kReadA, {}}});
}

TEST_CASE("what a kernel BUG leaves locked is waited for until for ever", "[unit][check][tasks]") {
  const Trip dies = [](ToyState&, Kernel& k) -> Step {
    if (!lock(k, kA, LockMode::exclusive)) return Blocked{kA};
    throw KernelBug{"made for a test"};
  };
  const CheckResult result = check_all(toy_workload({dies, takes({kWriteA})}));
  REQUIRE(result.deadlock.has_value());
  CHECK(result.deadlock->kind == DeadlockKind::dead_holder);
  CHECK(result.deadlock->waits == std::vector<WaitFor>{{TaskId{1}, kWriteA, TaskId{0}, kWriteA, {}}});
}

TEST_CASE("a step that sleeps does nothing but keep its locks, and happens once", "[unit][check][tasks]") {
  const Trip counts = [](ToyState& s, Kernel& k) -> Step {
    if (!lock(k, kB, LockMode::exclusive)) return Blocked{kB};
    ++k.machine.eventfds[0];  // undone if the step sleeps for what comes next
    if (!lock(k, kA, LockMode::exclusive)) return Blocked{kA};
    unlock(k, kA);
    unlock(k, kB);
    s.done = 1;
    return Finished{static_cast<std::int64_t>(k.machine.eventfds[0])};
  };
  Workload workload = toy_workload({counts, takes({kWriteA})});
  workload.start.eventfds = {0};
  const CheckResult result = check_all(workload);
  CHECK(result.verdict == Verdict::returns);
  CHECK(result.results == std::set<std::vector<std::int64_t>>{{1, 0}});

  WorkState state = begin(workload);
  StillEnvironment still;
  REQUIRE(state.machine.locks.try_lock(kA, TaskId{1}, LockMode::exclusive));
  CHECK(std::holds_alternative<Blocked>(step(workload, state, TaskId{0}, still)));
  CHECK(state.machine.eventfds[0] == 0);
  CHECK(state.machine.locks.holds(kB, TaskId{0}));
  CHECK_FALSE(can_step(workload, state, TaskId{0}));
  const WorkState asleep = state;
  CHECK(std::holds_alternative<Blocked>(step(workload, state, TaskId{0}, still)));
  CHECK(state == asleep);
  state.machine.locks.unlock(kA, TaskId{1});
  CHECK(can_step(workload, state, TaskId{0}));
  CHECK(std::holds_alternative<Finished>(step(workload, state, TaskId{0}, still)));
  CHECK(state.machine.eventfds[0] == 1);
  CHECK(state.machine.locks.held().empty());
}

TEST_CASE("orders of locks are told though nobody met the deadlock", "[unit][check][tasks]") {
  // One task takes them both ways round, one after the other: alone it cannot wait for itself.
  Workload both_ways = toy_workload({takes({kWriteA, kWriteB})});
  both_ways.calls[0].push_back(CopyLoop(ToyLoop{takes({kWriteB, kReadA})}));
  const CheckResult result = check_all(both_ways);
  CHECK(result.verdict == Verdict::returns);
  CHECK(result.lock_orders ==
        std::vector<LockOrder>{{kWriteA, kWriteB, TaskId{0}, 0}, {kWriteB, kReadA, TaskId{0}, 1}});
  CHECK(result.inversions ==
        std::vector<LockInversion>{{{kWriteA, kWriteB, TaskId{0}, 0}, {kWriteB, kReadA, TaskId{0}, 1}}});
}

TEST_CASE("what comes of lock orders does not depend on who came first", "[unit][check][tasks]") {
  std::vector<LockOrder> orders;
  for (std::uint32_t held = 0; held < 4; ++held) {
    for (std::uint32_t wanted = 0; wanted < 4; ++wanted) {
      if (held == wanted) continue;
      const LockKind kinds[] = {LockKind::mmap, LockKind::glock};
      orders.push_back({{{kinds[held % 2], held, 0}, LockMode::shared},
                        {{kinds[wanted % 2], wanted, 0}, LockMode::exclusive},
                        TaskId{(held + wanted) % 3},
                        wanted});
    }
  }
  std::mt19937_64 random(5);
  LockOrders first;
  for (const LockOrder& order : orders) first.add(order);
  for (int i = 0; i < 20; ++i) {
    std::shuffle(orders.begin(), orders.end(), random);
    LockOrders again;
    for (const LockOrder& order : orders) again.add(order);
    CHECK(again.all() == first.all());
    CHECK(again.inversions() == first.inversions());
  }
}

TEST_CASE("locks of one kind are in disorder only if two objects are taken both ways", "[unit][check][tasks]") {
  const auto glock = [](std::uint32_t object) { return LockRequest{{LockKind::glock, object, 0}, LockMode::shared}; };
  LockOrders orders;
  orders.add({glock(1), glock(2), TaskId{0}, 0});
  orders.add({glock(2), glock(3), TaskId{0}, 0});
  CHECK(orders.inversions().empty());
  orders.add({glock(3), glock(1), TaskId{1}, 0});
  REQUIRE(orders.inversions().size() == 1);
  CHECK(orders.inversions().front().size() == 3);
}

/// A system of two tasks, each a list of locks to take and give back, an operation a step or several a step.
struct Operation {
  LockRequest request;
  bool gives_back{};
};
using Program = std::vector<Operation>;

Trip carries_out(const Program& program, std::uint64_t at_once) {
  return [=](ToyState& s, Kernel& k) -> Step {
    for (std::uint64_t i = 0; i < at_once && s.at < program.size(); ++i, ++s.at) {
      const Operation& next = program[s.at];
      if (next.gives_back) {
        unlock(k, next.request.lock);
      } else if (!lock(k, next.request.lock, next.request.mode)) {
        return Blocked{next.request.lock};
      }
    }
    if (s.at == program.size()) return Finished{0};
    return Advanced{};
  };
}

/// Every interleaving of single operations, queues as an rwsem's: whether some way gets stuck.
class Interleavings {
 public:
  explicit Interleavings(std::vector<Program> programs) : programs_(std::move(programs)) {}
  bool deadlocks() {
    State start;
    start.at.resize(programs_.size());
    start.asked.resize(programs_.size());
    return stuck_from(start);
  }

 private:
  struct Entry {
    std::size_t task{};
    LockRequest request;
  };
  struct State {
    std::vector<std::size_t> at;
    std::vector<bool> asked;  // it waits in the queue
    std::vector<Entry> held;
    std::vector<Entry> queue;
  };
  static bool excludes(const LockRequest& a, const LockRequest& b) {
    return a.lock == b.lock && (a.mode == LockMode::exclusive || b.mode == LockMode::exclusive);
  }
  static bool grants(const State& s, std::size_t task, const LockRequest& request) {
    for (const Entry& entry : s.held) {
      if (excludes(entry.request, request)) return false;
    }
    for (const Entry& entry : s.queue) {
      if (entry.task == task) break;
      if (excludes(entry.request, request)) return false;
    }
    return true;
  }
  bool stuck_from(const State& s) {
    std::vector<std::uint64_t> key;
    for (std::size_t t = 0; t < s.at.size(); ++t) key.push_back(2 * s.at[t] + (s.asked[t] ? 1 : 0));
    for (const Entry& entry : s.queue) key.push_back(entry.task);
    if (!seen_.insert(key).second) return false;
    bool moved = false;
    bool done = true;
    for (std::size_t t = 0; t < programs_.size(); ++t) {
      if (s.at[t] == programs_[t].size()) continue;
      done = false;
      const Operation& next = programs_[t][s.at[t]];
      State to = s;
      const auto mine = [&](const Entry& entry) { return entry.task == t && entry.request.lock == next.request.lock; };
      if (next.gives_back) {
        to.held.erase(std::next(std::find_if(to.held.rbegin(), to.held.rend(), mine)).base());
        ++to.at[t];
      } else if (grants(s, t, next.request)) {
        to.queue.erase(std::remove_if(to.queue.begin(), to.queue.end(), [&](const Entry& e) { return e.task == t; }),
                       to.queue.end());
        to.asked[t] = false;
        to.held.push_back({t, next.request});
        ++to.at[t];
      } else if (!s.asked[t]) {
        to.asked[t] = true;
        to.queue.push_back({t, next.request});
      } else {
        continue;
      }
      moved = true;
      if (stuck_from(to)) return true;
    }
    return !moved && !done;
  }
  std::vector<Program> programs_;
  std::set<std::vector<std::uint64_t>> seen_;
};

Program random_program(std::mt19937_64& random) {
  Program program;
  std::vector<LockRequest> held;
  for (int i = 0; i < 5; ++i) {
    if (!held.empty() && random() % 3 == 0) {
      program.push_back({held.back(), true});
      held.pop_back();
      continue;
    }
    const LockRequest request{{LockKind::inode, static_cast<std::uint32_t>(random() % 3), 0},
                              random() % 2 == 0 ? LockMode::shared : LockMode::exclusive};
    program.push_back({request, false});
    held.push_back(request);
  }
  for (; !held.empty(); held.pop_back()) program.push_back({held.back(), true});
  return program;
}

TEST_CASE("a deadlock is found just where some interleaving of single operations has one", "[unit][check][tasks]") {
  std::mt19937_64 random(11);
  int deadlocks = 0;
  int ends = 0;
  for (int i = 0; i < 400; ++i) {
    std::vector<Program> programs;
    for (std::uint64_t t = 0; t < 2 + random() % 2; ++t) programs.push_back(random_program(random));
    const bool stuck = Interleavings(programs).deadlocks();
    for (const std::uint64_t at_once : {1, 3, 100}) {
      std::vector<Trip> trips;
      for (const Program& program : programs) trips.push_back(carries_out(program, at_once));
      const CheckResult result = check_all(toy_workload(trips));
      CAPTURE(i, at_once);
      REQUIRE(result.complete);
      CHECK((result.verdict == Verdict::deadlock) == stuck);
      CHECK((result.verdict == Verdict::returns) == !stuck);
      CHECK(result.deadlock.has_value() == stuck);
    }
    ++(stuck ? deadlocks : ends);
  }
  CHECK(deadlocks > 50);
  CHECK(ends > 20);
}

}  // namespace
}  // namespace mtesim::test
