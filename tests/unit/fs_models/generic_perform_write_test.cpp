#include "fs_models/generic_perform_write.h"

#include <catch2/catch.hpp>

#include "tests/support/calls.h"

namespace mtesim::test {
namespace {

constexpr std::uint64_t kPage = 4096;
constexpr std::int64_t kEfault = -14;
constexpr std::int64_t kEintr = -4;

CopyLoop write_loop(Bench& bench, std::string_view fs, std::uint32_t file, std::uint64_t offset, std::uint64_t length,
                    std::uint64_t position = 0) {
  return loop_of(transfer(CallKind::write, fs, file, {{bench.user(offset), Bytes{length}}}, position));
}

/// write(2) of `length` bytes from `offset` of the buffer into a file at `position`.
Outcome write(Bench& bench, std::string_view fs, std::uint32_t file, std::uint64_t offset, std::uint64_t length,
              std::uint64_t position = 0) {
  const Outcome outcome = carry_out(write_loop(bench, fs, file, offset, length, position), bench.kernel());
  if (!outcome.blocked && !outcome.livelock) CHECK(bench.machine().locks.held().empty());
  return outcome;
}

TEST_CASE("a write puts the user's bytes into the page cache and leaves the file's others", "[unit][write]") {
  const auto revision = GENERATE("5.10", "5.16", "6.12", "7.3");
  const auto fs = GENERATE("ext4", "tmpfs");
  const bool cached = GENERATE(true, false);
  if (!cached && std::string_view(fs) == "tmpfs") return;  // tmpfs has no disk
  Bench bench{{.revision = revision, .pages = 4}};
  const std::uint32_t file = add_file(bench.machine(), fs, Bytes{3 * kPage}, cached);
  CHECK(write(bench, fs, file, 50, 2 * kPage, 1000).result == 2 * kPage);
  CHECK(in_cache(bench.machine(), file, 0, 1000) == on_disk(file, 0, 1000));
  CHECK(in_cache(bench.machine(), file, 1000, 2 * kPage) == Bench::untouched(50, 2 * kPage));
  const std::uint64_t behind = 1000 + 2 * kPage;
  CHECK(in_cache(bench.machine(), file, behind, 3 * kPage - behind) == on_disk(file, behind, 3 * kPage - behind));
  CHECK(bench.machine().objects[file]->size == Bytes{3 * kPage});
  for (const std::uint32_t page : {0u, 1u, 2u}) CHECK(bench.machine().folio({file, page}).dirty);
}

TEST_CASE("a write behind the end makes the file longer, with zeroes in between", "[unit][write]") {
  const auto fs = GENERATE("ext4", "tmpfs");
  Bench bench;
  const std::uint32_t file = add_file(bench.machine(), fs, Bytes{0});
  CHECK(write(bench, fs, file, 0, 10, 100).result == 10);
  CHECK(bench.machine().objects[file]->size == Bytes{110});
  CHECK(in_cache(bench.machine(), file, 0, 100) == zeroes(100));
  CHECK(in_cache(bench.machine(), file, 100, 10) == Bench::untouched(0, 10));
  CHECK(in_cache(bench.machine(), file, 110, 50) == zeroes(50));
  CHECK(write(bench, fs, file, 0, 0).result == 0);
}

TEST_CASE("into a cached page a write counts exactly the bytes before the bad granule", "[unit][write]") {
  const auto revision = GENERATE("5.10", "5.14", "5.16", "6.1", "6.12", "7.3");
  const auto fs = GENERATE("ext4", "tmpfs");
  const auto offset = GENERATE(as<std::uint64_t>{}, 0, 7, 15);
  const auto bad = GENERATE(as<std::uint64_t>{}, 1, 6, 255, 300);
  Bench bench{{.revision = revision, .pages = 3}};
  bench.spoil_granule(bad);
  const std::uint32_t file = add_file(bench.machine(), fs, Bytes{3 * kPage});
  const std::uint64_t good = bad * 16 - offset;
  CHECK(write(bench, fs, file, offset, good).result == static_cast<std::int64_t>(good));
  CHECK(write(bench, fs, file, offset, 2 * kPage).result == static_cast<std::int64_t>(good));
  CHECK(in_cache(bench.machine(), file, 0, good) == Bench::untouched(offset, good));
  CHECK(in_cache(bench.machine(), file, good, kPage) == on_disk(file, good, kPage));
}

TEST_CASE("without the one-byte retry a write can be stuck before its first good byte", "[unit][write]") {
  Bench bench{{.revision = "5.13"}};
  bench.spoil_granule(1);
  const std::uint32_t file = add_file(bench.machine(), "ext4", Bytes{kPage});
  CHECK(write(bench, "ext4", file, 8, 200).result == 8);   // an aligning piece of 8 bytes comes first
  CHECK(write(bench, "ext4", file, 0, 127).result == 16);  // one block: a pair is stored before the next is loaded
  CHECK(write(bench, "ext4", file, 0, 128).livelock);      // two: 64 bytes are loaded before the first store
}

TEST_CASE("5.10 repeats a whole block that came back short into a page not up to date", "[unit][write]") {
  Bench bench{{.revision = "5.10"}};
  bench.spoil_granule(100);
  const std::uint32_t file = add_file(bench.machine(), "ext4", Bytes{2 * kPage}, false);
  CHECK(write(bench, "ext4", file, 0, kPage).livelock);
}

TEST_CASE("a write that is killed while it repeats a block leaves the file as it was", "[unit][write]") {
  Bench bench{{.revision = "5.10", .pages = 2}};
  bench.spoil_granule(100);
  const std::uint32_t file = add_file(bench.machine(), "ext4", Bytes{2 * kPage}, false);
  std::uint64_t checks = 0;
  bench.seen().act = [&](const Look& next, Machine& machine) -> std::uint64_t {
    if (std::holds_alternative<SignalCheck>(next) && ++checks == 5) machine.tasks[0].pending.fatal = true;
    return 0;
  };
  CHECK(carry_out_among_others(write_loop(bench, "ext4", file, 0, kPage), bench.kernel()) ==
        Outcome{kEintr, 5, false, false});
  CHECK(bench.machine().locks.held().empty());
  bench.task().pending.fatal = false;
  const SystemCall read = transfer(CallKind::read, "ext4", file, {{bench.user(kPage), Bytes{kPage}}});
  CHECK(carry_out(loop_of(read), bench.kernel()).result == kPage);
  CHECK(bench.in_user(kPage, kPage) == on_disk(file, 0, kPage));
}

TEST_CASE("5.10 ends where the page is complete after the first try", "[unit][write]") {
  Bench bench{{.revision = "5.10"}};
  bench.spoil_granule(100);
  SECTION("as a page that is kept in memory alone is") {
    const std::uint32_t file = add_file(bench.machine(), "tmpfs", Bytes{0});
    CHECK(write(bench, "tmpfs", file, 0, kPage).result == 1600);
  }
  SECTION("as a block is that is overwritten in part, and read first") {
    const std::uint32_t file = add_file(bench.machine(), "ext4", Bytes{2 * kPage}, false);
    CHECK(write(bench, "ext4", file, 1, kPage - 1, 1).result == 1599);
    CHECK(in_cache(bench.machine(), file, 0, 1) == on_disk(file, 0, 1));
    CHECK(in_cache(bench.machine(), file, 1, 1599) == Bench::untouched(1, 1599));
    CHECK(in_cache(bench.machine(), file, 1600, kPage - 1600) == on_disk(file, 1600, kPage - 1600));
  }
  SECTION("as a new block is, whose rest is filled with zeroes") {
    const std::uint32_t file = add_file(bench.machine(), "ext4", Bytes{0});
    CHECK(write(bench, "ext4", file, 0, kPage).result == 1600);
    CHECK(bench.machine().objects[file]->size == Bytes{1600});
    CHECK(in_cache(bench.machine(), file, 0, 1600) == Bench::untouched(0, 1600));
    CHECK(in_cache(bench.machine(), file, 1600, kPage - 1600) == zeroes(kPage - 1600));
  }
}

TEST_CASE("since 5.14 the next try asks for just what was copied, and that is kept", "[unit][write]") {
  const auto revision = GENERATE("5.14", "5.15", "5.16", "5.17", "5.19", "6.1", "6.12", "7.3");
  const auto position = GENERATE(as<std::uint64_t>{}, 0, 100);
  Bench bench{{.revision = revision, .pages = 2}};
  bench.spoil_granule(100);
  const std::uint32_t file = add_file(bench.machine(), "ext4", Bytes{2 * kPage}, false);
  CHECK(write(bench, "ext4", file, 0, kPage - position, position).result == 1600);
  CHECK(in_cache(bench.machine(), file, position, 1600) == Bench::untouched(0, 1600));
  CHECK(in_cache(bench.machine(), file, position + 1600, 100) == on_disk(file, position + 1600, 100));
}

TEST_CASE("7.3 needs three rounds for one bad granule, its ancestors one for each short step", "[unit][write]") {
  struct Row {
    std::string_view revision;
    bool cached;
    std::uint64_t rounds;
  };
  const auto row = GENERATE(values<Row>({
      {"7.3", false, 3},  // all: dropped; what was copied: kept; nothing: EFAULT
      {"7.3", true, 2},
      {"6.12", false, 9},  // 3152 dropped; 3152, 1, 15, 1, 15, 1, 15; nothing
      {"6.12", true, 8},
      {"5.10", true, 8},
  }));
  Bench bench{{.revision = row.revision}};
  bench.spoil_granule(200);
  const std::uint32_t file = add_file(bench.machine(), "ext4", Bytes{kPage}, row.cached);
  CHECK(write(bench, "ext4", file, 0, kPage) == Outcome{3200, row.rounds, false, false});
}

TEST_CASE("a bad granule under a byte that the probe touches is EFAULT, if the probe has to be perfect",
          "[unit][write]") {
  struct Row {
    const char* revision;
    std::uint64_t bad;
    std::int64_t result;
  };
  // 4000 bytes from offset 200: page 0 has 3896 of them, the last one is at 4199.
  const auto row = GENERATE(values<Row>({
      {"5.10", 200 / 16, kEfault},
      {"7.3", 200 / 16, kEfault},
      {"5.10", 4096 / 16, 4096 - 200},  // the start of page 1
      {"5.16", 4096 / 16, kEfault},
      {"5.19", 4096 / 16, 4096 - 200},  // something was faulted in
      {"7.3", 4096 / 16, 4096 - 200},
      {"5.10", 4199 / 16, kEfault},  // the last byte
      {"5.16", 4199 / 16, 4192 - 200},
      {"7.3", 4199 / 16, 4192 - 200},
  }));
  CAPTURE(row.revision, row.bad);
  Bench bench{{.revision = row.revision, .pages = 2}};
  bench.spoil_granule(row.bad);
  const std::uint32_t file = add_file(bench.machine(), "tmpfs", Bytes{kPage});
  CHECK(write(bench, "tmpfs", file, 200, 4000).result == row.result);
}

TEST_CASE("a source whose second page is not mapped: all or nothing to 5.17, short since", "[unit][write]") {
  struct Row {
    const char* revision;
    std::int64_t result;
  };
  const auto row = GENERATE(values<Row>({{"5.10", kEfault}, {"5.17", kEfault}, {"5.19", 3896}, {"7.3", 3896}}));
  Bench bench{{.revision = row.revision, .pages = 2}};
  bench.unmap_page(1);
  const std::uint32_t file = add_file(bench.machine(), "ext4", Bytes{kPage});
  CHECK(write(bench, "ext4", file, 200, 4000).result == row.result);
}

TEST_CASE("a source page that is not in memory is brought in by the probe, before or after the copy", "[unit][write]") {
  const auto revision = GENERATE("5.10", "6.12", "7.3");
  Bench bench{{.revision = revision, .pages = 2}};
  bench.evict_page(1);
  const std::uint32_t file = add_file(bench.machine(), "ext4", Bytes{2 * kPage}, false);
  CHECK(write(bench, "ext4", file, 100, 2 * kPage - 100).result == 2 * kPage - 100);
  CHECK(in_cache(bench.machine(), file, 0, 2 * kPage - 100) == Bench::untouched(100, 2 * kPage - 100));
}

TEST_CASE("a short copy into a fresh tmpfs page is kept, and the rest of the page is zero", "[unit][write]") {
  const auto fs = GENERATE("tmpfs", "ramfs");
  Bench bench{{.revision = "7.3"}};
  bench.spoil_granule(100);
  const std::uint32_t file = add_file(bench.machine(), fs, Bytes{0});
  CHECK(write(bench, fs, file, 0, kPage).result == 1600);
  CHECK(bench.machine().objects[file]->size == Bytes{1600});
  CHECK(in_cache(bench.machine(), file, 0, 1600) == Bench::untouched(0, 1600));
  CHECK(in_cache(bench.machine(), file, 1600, kPage - 1600) == zeroes(kPage - 1600));
}

TEST_CASE("known_gap_bytes_behind_the_old_end_of_a_file_are_taken_for_its_old_contents", "[unit][write]") {
  Bench bench;
  const std::uint32_t file = add_file(bench.machine(), "ext4", Bytes{50}, false);
  CHECK(write(bench, "ext4", file, 0, 10, 100).result == 10);
  CHECK(in_cache(bench.machine(), file, 0, 50) == on_disk(file, 0, 50));
  CHECK(in_cache(bench.machine(), file, 50, 50) == on_disk(file, 50, 50));  // zeroes in a kernel
}

TEST_CASE("the mode decides whether the source is looked at", "[unit][write][tcf]") {
  const auto row = GENERATE(values<std::pair<TcfMode, std::int64_t>>(
      {{TcfMode::none, 64}, {TcfMode::sync, 32}, {TcfMode::async, 64}, {TcfMode::asymm, 32}}));
  Bench bench{{.revision = "6.1", .tcf = row.first}};
  bench.spoil_granule(2);
  const std::uint32_t file = add_file(bench.machine(), "tmpfs", Bytes{kPage});
  CHECK(write(bench, "tmpfs", file, 0, 64).result == row.second);
}

TEST_CASE("a fatal signal ends a write between pages", "[unit][write]") {
  const std::uint64_t at_check = GENERATE(1, 2, 3);
  const auto revision = GENERATE("6.12", "7.3");
  Bench bench{{.revision = revision, .pages = 2}};
  const std::uint32_t file = add_file(bench.machine(), "ext4", Bytes{2 * kPage});
  std::uint64_t checks = 0;
  bench.seen().act = [&](const Look& next, Machine& machine) -> std::uint64_t {
    if (std::holds_alternative<SignalCheck>(next) && ++checks == at_check) machine.tasks[0].pending.fatal = true;
    return 0;
  };
  const std::int64_t wanted = at_check == 1 ? kEintr : at_check == 2 ? kPage : 2 * kPage;
  CHECK(write(bench, "ext4", file, 0, 2 * kPage).result == wanted);
}

TEST_CASE("a write waits for the inode, and then for the folio, keeping the inode", "[unit][write]") {
  Bench bench;
  const std::uint32_t file = add_file(bench.machine(), "ext4", Bytes{kPage});
  const LockId inode{LockKind::inode, file, 0};
  const LockId folio{LockKind::folio, file, 0};
  Locks& locks = bench.machine().locks;
  REQUIRE(locks.try_lock(inode, TaskId{1}, LockMode::shared));
  REQUIRE(locks.try_lock(folio, TaskId{1}, LockMode::exclusive));
  const CopyLoop loop = write_loop(bench, "ext4", file, 0, 100);
  LoopState state = loop.begin();
  Step step = loop.step(state, bench.kernel());
  REQUIRE(std::holds_alternative<Blocked>(step));
  CHECK(std::get<Blocked>(step).lock == inode);
  CHECK(state == loop.begin());

  locks.unlock(inode, TaskId{1});
  step = loop.step(state, bench.kernel());
  REQUIRE(std::holds_alternative<Blocked>(step));
  CHECK(std::get<Blocked>(step).lock == folio);
  CHECK(locks.holds(inode, TaskId{0}));

  locks.unlock(folio, TaskId{1});
  step = loop.step(state, bench.kernel());
  REQUIRE(std::holds_alternative<Finished>(step));
  CHECK(std::get<Finished>(step).result == 100);
  CHECK(locks.held().empty());
}

TEST_CASE("a write takes its bytes from the segments in order, across pages of the file", "[unit][write]") {
  const auto revision = GENERATE("5.10", "6.12", "7.3");
  Bench bench{{.revision = revision, .pages = 2}};
  const std::uint32_t file = add_file(bench.machine(), "ext4", Bytes{2 * kPage});
  const UserSegments segments{{bench.user(4), Bytes{0}}, {bench.user(100), Bytes{30}}, {bench.user(4096), Bytes{50}}};
  const CopyLoop loop = loop_of(transfer(CallKind::writev, "ext4", file, segments, kPage - 40));
  CHECK(carry_out(loop, bench.kernel()).result == 80);
  CHECK(in_cache(bench.machine(), file, kPage - 40, 30) == Bench::untouched(100, 30));
  CHECK(in_cache(bench.machine(), file, kPage - 10, 50) == Bench::untouched(4096, 50));
}

}  // namespace
}  // namespace mtesim::test
