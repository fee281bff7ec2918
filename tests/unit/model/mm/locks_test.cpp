#include "model/mm/locks.h"

#include <catch2/catch.hpp>

#include "tests/support/bench.h"

namespace mtesim::test {
namespace {

constexpr LockId kInode{LockKind::inode, 1, 0};
constexpr TaskId kFirst{0};
constexpr TaskId kSecond{1};

TEST_CASE("two modes of one lock exclude each other unless both are shared", "[unit][locks]") {
  const auto held = GENERATE(LockMode::shared, LockMode::exclusive);
  const auto wanted = GENERATE(LockMode::shared, LockMode::exclusive);
  const auto who = GENERATE(as<TaskId>{}, kFirst, kSecond);  // a task excludes itself too
  const bool both_shared = held == LockMode::shared && wanted == LockMode::shared;
  Locks locks;
  REQUIRE(locks.try_lock(kInode, kFirst, held));
  CHECK(locks.try_lock(kInode, who, wanted) == both_shared);
  CHECK(locks.held().size() == (both_shared ? 2u : 1u));
}

TEST_CASE("locks of another kind, object or page are other locks", "[unit][locks]") {
  Locks locks;
  REQUIRE(locks.try_lock({LockKind::folio, 1, 5}, kFirst, LockMode::exclusive));
  CHECK(locks.try_lock({LockKind::inode, 1, 5}, kSecond, LockMode::exclusive));
  CHECK(locks.try_lock({LockKind::folio, 2, 5}, kSecond, LockMode::exclusive));
  CHECK(locks.try_lock({LockKind::folio, 1, 6}, kSecond, LockMode::exclusive));
  CHECK_FALSE(locks.try_lock({LockKind::folio, 1, 5}, kSecond, LockMode::exclusive));
}

TEST_CASE("a lock that was released can be had by another", "[unit][locks]") {
  Locks locks;
  REQUIRE(locks.try_lock(kInode, kFirst, LockMode::exclusive));
  CHECK(locks.holds(kInode, kFirst));
  CHECK_FALSE(locks.holds(kInode, kSecond));
  locks.unlock(kInode, kFirst);
  CHECK_FALSE(locks.holds(kInode, kFirst));
  CHECK(locks.try_lock(kInode, kSecond, LockMode::exclusive));
}

TEST_CASE("a shared lock held by two is free for an exclusive one when both are gone", "[unit][locks]") {
  Locks locks;
  REQUIRE(locks.try_lock(kInode, kFirst, LockMode::shared));
  REQUIRE(locks.try_lock(kInode, kSecond, LockMode::shared));
  locks.unlock(kInode, kFirst);
  CHECK_FALSE(locks.try_lock(kInode, kFirst, LockMode::exclusive));
  locks.unlock(kInode, kSecond);
  CHECK(locks.try_lock(kInode, kFirst, LockMode::exclusive));
}

TEST_CASE("ranges of pages exclude each other from the first page they share", "[unit][locks]") {
  const LockId held{LockKind::btrfs_range, 1, 10, 4};  // pages 10 to 13
  const auto range = [](std::uint32_t first, std::uint32_t count) {
    return LockId{LockKind::btrfs_range, 1, first, count};
  };
  Locks locks;
  REQUIRE(locks.try_lock(held, kFirst, LockMode::exclusive));
  for (const LockId& other : {range(9, 2), range(13, 1), range(12, 9), range(11, 1), range(0, 99), held}) {
    CAPTURE(other.index, other.count);
    CHECK(other.overlaps(held));
    CHECK(held.overlaps(other));
    CHECK_FALSE(locks.try_lock(other, kSecond, LockMode::shared));
    REQUIRE(locks.conflict(other, LockMode::shared) != nullptr);
    CHECK(locks.conflict(other, LockMode::shared)->lock == held);
  }
  for (const LockId& other : {range(9, 1), range(0, 10), range(14, 1), range(14, 99)}) {
    CAPTURE(other.index, other.count);
    CHECK_FALSE(other.overlaps(held));
    CHECK_FALSE(held.overlaps(other));
    CHECK(locks.conflict(other, LockMode::exclusive) == nullptr);
  }
}

TEST_CASE("a range is released as it was taken, and a part of it is another lock", "[unit][locks]") {
  const LockId whole{LockKind::btrfs_range, 1, 0, 8};
  const LockId part{LockKind::btrfs_range, 1, 0, 4};
  Locks locks;
  REQUIRE(locks.try_lock(whole, kFirst, LockMode::shared));
  REQUIRE(locks.try_lock(part, kFirst, LockMode::shared));
  CHECK(locks.holds(whole, kFirst));
  CHECK(locks.holds(part, kFirst));
  locks.unlock(whole, kFirst);
  CHECK_FALSE(locks.holds(whole, kFirst));
  CHECK(locks.holds(part, kFirst));
  CHECK(locks.conflict({LockKind::btrfs_range, 1, 4, 4}, LockMode::exclusive) == nullptr);
  CHECK(locks.fingerprint() == locks.recomputed_fingerprint());
}

TEST_CASE("equality and print go by what is held, not by the order of taking", "[unit][locks]") {
  Locks one;
  REQUIRE(one.try_lock(kInode, kFirst, LockMode::shared));
  REQUIRE(one.try_lock(kInode, kSecond, LockMode::shared));
  Locks other;
  REQUIRE(other.try_lock(kInode, kSecond, LockMode::shared));
  REQUIRE(other.try_lock(kInode, kFirst, LockMode::shared));
  CHECK(one == other);
  CHECK(one.fingerprint() == other.fingerprint());
  CHECK(one.fingerprint() == one.recomputed_fingerprint());
  other.unlock(kInode, kFirst);
  CHECK_FALSE(one == other);
  CHECK(one.fingerprint() != other.fingerprint());
  other.unlock(kInode, kSecond);
  CHECK(other == Locks{});
  CHECK(other.fingerprint() == Locks{}.fingerprint());
}

}  // namespace
}  // namespace mtesim::test
