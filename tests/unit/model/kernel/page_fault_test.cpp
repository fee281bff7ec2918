#include "model/kernel/page_fault.h"

#include <catch2/catch.hpp>

#include "tests/support/file_calls.h"

namespace mtesim::test {
namespace {

constexpr std::uint64_t kPage = 4096;

/// A file of 64 pages and a mapping of it; nothing is cached.
struct MappedFile {
  Bench bench{{.revision = "6.1"}};
  std::uint32_t file;
  UserPtr user;
  explicit MappedFile(std::string_view fs)
      : file(add_disk_file(bench, fs, 64 * kPage)), user(map_file(bench, file, 64)) {}

  [[nodiscard]] std::uint64_t page(std::uint64_t n) const { return user.address() + n * kPage; }
  VmFault fault(std::uint64_t n, AccessKind kind) { return take_page_fault(bench.kernel(), page(n), kind); }
  void hold(const LockId& lock, TaskId task, LockMode mode) {
    REQUIRE(bench.machine().locks.try_lock(lock, task, mode));
  }
  [[nodiscard]] LockId glock() const { return {LockKind::glock, file, 0}; }
  [[nodiscard]] LockId range(std::uint32_t first, std::uint32_t count) const {
    return {LockKind::btrfs_range, file, first, count};
  }
};

constexpr TaskId kSelf{0};
constexpr TaskId kOther{1};

TEST_CASE("where nobody holds a lock a fault brings the page, and takes none", "[unit][page-fault]") {
  const auto fs = GENERATE("ext4", "xfs", "btrfs", "gfs2");
  const auto kind = GENERATE(AccessKind::load, AccessKind::store);
  MappedFile mapped(fs);
  CHECK(mapped.fault(3, kind) == VmFault::major);
  CHECK(mapped.bench.machine().folio({mapped.file, 3}).uptodate);
  CHECK(mapped.bench.machine().locks.held().empty());
  CHECK(mapped.fault(3, kind) == VmFault::minor);
}

TEST_CASE("a task that holds a glock and faults on its file is a kernel BUG, whatever the mode", "[unit][page-fault]") {
  const auto mode = GENERATE(LockMode::shared, LockMode::exclusive);
  const auto kind = GENERATE(AccessKind::load, AccessKind::store);
  MappedFile mapped("gfs2");
  mapped.hold(mapped.glock(), kSelf, mode);
  CHECK_THROWS_AS(mapped.fault(0, kind), KernelBug);
}

TEST_CASE("a glock that another holds is waited for: to find a page shared, to write to it exclusively",
          "[unit][page-fault]") {
  MappedFile mapped("gfs2");
  SECTION("an exclusive holder keeps loads out as well") {
    mapped.hold(mapped.glock(), kOther, LockMode::exclusive);
    CHECK_THROWS_AS(mapped.fault(0, AccessKind::load), SleepsForLock);
  }
  SECTION("a shared one only stores") {
    mapped.hold(mapped.glock(), kOther, LockMode::shared);
    CHECK(mapped.fault(0, AccessKind::load) == VmFault::major);
    CHECK_THROWS_AS(mapped.fault(0, AccessKind::store), SleepsForLock);
  }
}

TEST_CASE("a load of a page that is cached asks no handler; the first store to it does", "[unit][page-fault]") {
  MappedFile mapped("gfs2");
  REQUIRE(read_into_cache(mapped.bench.machine(), {mapped.file, 5}));
  mapped.hold(mapped.glock(), kSelf, LockMode::shared);
  CHECK(mapped.fault(5, AccessKind::load) == VmFault::minor);
  CHECK_THROWS_AS(mapped.fault(5, AccessKind::store), KernelBug);
}

TEST_CASE("a page that is there and writable asks for no lock", "[unit][page-fault]") {
  const auto fs = GENERATE("btrfs", "gfs2");
  MappedFile mapped(fs);
  REQUIRE_FALSE(failed(mapped.fault(5, AccessKind::store)));
  mapped.hold(mapped.glock(), kSelf, LockMode::exclusive);
  mapped.hold(mapped.range(0, 64), kSelf, LockMode::exclusive);
  CHECK(mapped.fault(5, AccessKind::store) == VmFault::minor);
}

TEST_CASE("btrfs reads 16 pages before and after in, and waits for any of them, its own task's too",
          "[unit][page-fault]") {
  MappedFile mapped("btrfs");
  const auto holder = GENERATE(as<TaskId>{}, kSelf, kOther);
  SECTION("page 20 is read in with pages 4 to 35") {
    const auto held = GENERATE(as<std::uint32_t>{}, 4, 20, 35);
    mapped.hold(mapped.range(held, 1), holder, LockMode::exclusive);
    CHECK_THROWS_AS(mapped.fault(20, AccessKind::load), SleepsForLock);
  }
  SECTION("and not with those beside") {
    const auto held = GENERATE(as<std::uint32_t>{}, 3, 36);
    mapped.hold(mapped.range(held, 1), holder, LockMode::exclusive);
    CHECK(mapped.fault(20, AccessKind::load) == VmFault::major);
  }
  SECTION("near the file's begin with pages 0 to 31") {
    mapped.hold(mapped.range(31, 1), holder, LockMode::exclusive);
    CHECK_THROWS_AS(mapped.fault(1, AccessKind::load), SleepsForLock);
    mapped.bench.machine().locks.unlock(mapped.range(31, 1), holder);
    mapped.hold(mapped.range(32, 1), holder, LockMode::exclusive);
    CHECK(mapped.fault(1, AccessKind::load) == VmFault::major);
  }
}

TEST_CASE("btrfs makes a cached page writable once nobody works on that page", "[unit][page-fault]") {
  MappedFile mapped("btrfs");
  REQUIRE(read_into_cache(mapped.bench.machine(), {mapped.file, 5}));
  mapped.hold(mapped.range(4, 1), kOther, LockMode::exclusive);
  mapped.hold(mapped.range(6, 10), kOther, LockMode::exclusive);
  CHECK(mapped.fault(5, AccessKind::store) == VmFault::minor);
  REQUIRE(read_into_cache(mapped.bench.machine(), {mapped.file, 6}));
  CHECK(mapped.fault(6, AccessKind::load) == VmFault::minor);
  CHECK_THROWS_AS(mapped.fault(6, AccessKind::store), SleepsForLock);
}

TEST_CASE("a fault that sleeps says for which lock, and has changed nothing", "[unit][page-fault]") {
  MappedFile mapped("btrfs");
  mapped.hold(mapped.range(0, 8), kOther, LockMode::exclusive);
  const Machine before = mapped.bench.machine();
  try {
    static_cast<void>(mapped.fault(2, AccessKind::store));
    FAIL("it did not sleep");
  } catch (const SleepsForLock& sleeps) {
    CHECK(sleeps.lock.kind == LockKind::btrfs_range);
    CHECK(sleeps.lock.object == mapped.file);
    CHECK(sleeps.lock.overlaps(mapped.range(0, 8)));
  }
  CHECK(mapped.bench.machine() == before);
}

TEST_CASE("a page of a private mapping is copied without asking for the right to write", "[unit][page-fault]") {
  Bench bench{{.revision = "6.1"}};
  const std::uint32_t file = add_disk_file(bench, "btrfs", 4 * kPage, true);
  const std::uint64_t begin = bench.machine().page_address(Bench::kFirstPage + 64);
  REQUIRE(map_memory(bench.machine(), 0, {begin, begin + kPage, {true, true, false}, false, file, 0}) == Errno::ok);
  REQUIRE(bench.machine().locks.try_lock({LockKind::btrfs_range, file, 0, 4}, kSelf, LockMode::exclusive));
  CHECK(take_page_fault(bench.kernel(), begin, AccessKind::store) == VmFault::minor);
}

}  // namespace
}  // namespace mtesim::test
