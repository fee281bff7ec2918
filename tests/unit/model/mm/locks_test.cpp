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
