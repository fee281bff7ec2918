#include <catch2/catch.hpp>

#include "tests/support/bench.h"

namespace mtesim::test {
namespace {

constexpr LockId kMmap{LockKind::mmap, 0, 0};
constexpr LockId kGlock{LockKind::glock, 1, 0};
constexpr TaskId kReader{0};
constexpr TaskId kWriter{1};
constexpr TaskId kLate{2};

Locks::Waiter waits(TaskId task, const LockId& lock, LockMode mode) { return {task, {lock, mode}, true, {}, {}, {}}; }

TEST_CASE("a writer that waits keeps new readers out, and a reader that waits does not", "[unit][locks]") {
  Locks locks;
  REQUIRE(locks.try_lock(kMmap, kReader, LockMode::shared));
  CHECK(locks.available(kMmap, kLate, LockMode::shared));
  locks.sleep(waits(kWriter, kMmap, LockMode::exclusive));
  CHECK_FALSE(locks.available(kMmap, kLate, LockMode::shared));
  CHECK_FALSE(locks.available(kMmap, kReader, LockMode::shared));  // not even for who reads already
  CHECK(locks.waits_before(kMmap, kLate, LockMode::shared)->task == kWriter);
  static_cast<void>(locks.wake(kWriter));
  locks.sleep(waits(kWriter, kMmap, LockMode::shared));
  CHECK(locks.available(kMmap, kLate, LockMode::shared));
}

TEST_CASE("who came first is not kept waiting by who came later", "[unit][locks]") {
  Locks locks;
  REQUIRE(locks.try_lock(kMmap, kReader, LockMode::exclusive));
  locks.sleep(waits(kWriter, kMmap, LockMode::exclusive));
  locks.sleep(waits(kLate, kMmap, LockMode::exclusive));
  locks.unlock(kMmap, kReader);
  CHECK(locks.available(kMmap, kWriter, LockMode::exclusive));
  CHECK_FALSE(locks.available(kMmap, kLate, LockMode::exclusive));
}

TEST_CASE("a range of a btrfs file has no queue, and who has not asked yet is in no queue", "[unit][locks]") {
  Locks locks;
  const LockId range{LockKind::btrfs_range, 1, 0, 8};
  REQUIRE(locks.try_lock(range, kReader, LockMode::exclusive));
  locks.sleep(waits(kWriter, {LockKind::btrfs_range, 1, 0, 16}, LockMode::exclusive));
  CHECK(locks.available({LockKind::btrfs_range, 1, 8}, kLate, LockMode::exclusive));
  Locks::Waiter paused = waits(kLate, kMmap, LockMode::exclusive);
  paused.queued = false;
  locks.sleep(paused);
  CHECK(locks.available(kMmap, kReader, LockMode::shared));
}

TEST_CASE("who sleeps holds what it keeps, not what it gave up; awake it holds what it held before", "[unit][locks]") {
  Locks locks;
  REQUIRE(locks.try_lock(kGlock, kWriter, LockMode::shared));
  const Locks before = locks;
  Locks::Waiter waiter = waits(kWriter, kMmap, LockMode::exclusive);
  waiter.kept = {{{LockKind::inode, 1, 0}, LockMode::exclusive}};
  waiter.given_up = {{kGlock, LockMode::shared}};
  locks.sleep(waiter);
  CHECK_FALSE(locks.available({LockKind::inode, 1, 0}, kReader, LockMode::shared));
  CHECK(locks.available(kGlock, kReader, LockMode::exclusive));
  CHECK(locks.fingerprint() == locks.recomputed_fingerprint());
  CHECK(locks.wake(kWriter) == waiter);
  CHECK(locks == before);
  CHECK(locks.fingerprint() == before.fingerprint());
}

TEST_CASE("queues of different locks are equal whoever lay down first; in one queue the order counts",
          "[unit][locks]") {
  const auto both = [](const Locks::Waiter& first, const Locks::Waiter& second) {
    Locks locks;
    locks.sleep(first);
    locks.sleep(second);
    return locks;
  };
  const auto a = waits(kReader, kMmap, LockMode::exclusive);
  const auto b = waits(kWriter, kGlock, LockMode::exclusive);
  const auto c = waits(kWriter, kMmap, LockMode::exclusive);
  CHECK(both(a, b) == both(b, a));
  CHECK_FALSE(both(a, c) == both(c, a));
}

}  // namespace
}  // namespace mtesim::test
