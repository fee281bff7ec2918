#include "fs_models/btrfs_direct_io.h"

#include <catch2/catch.hpp>

#include "tests/support/file_calls.h"

namespace mtesim::test {
namespace {

constexpr std::uint64_t kPage = 4096;
constexpr std::int64_t kEfault = -14;
constexpr OpenFlags kDirect{.direct = true};
constexpr OpenFlags kNocow{.direct = true, .nocow = true};

Outcome read(Bench& bench, std::uint32_t file, std::uint64_t offset, std::uint64_t length, std::uint64_t position = 0) {
  return call_file(bench, {CallKind::read, "btrfs", file, position, kDirect}, offset, length);
}
Outcome write(Bench& bench, std::uint32_t file, std::uint64_t offset, std::uint64_t length, OpenFlags flags,
              std::uint64_t position = 0) {
  return call_file(bench, {CallKind::write, "btrfs", file, position, flags}, offset, length);
}

TEST_CASE("a read that is aligned to blocks sees no tag, one that is not is a buffered one", "[unit][btrfs-dio]") {
  const auto revision = GENERATE("6.1", "6.12", "7.3");
  Bench bench{{.revision = revision, .pages = 4}};
  bench.spoil_granule(128);
  const std::uint32_t file = add_disk_file(bench, "btrfs", 4 * kPage);
  CHECK(read(bench, file, 0, 2 * kPage).result == 2 * kPage);
  CHECK(bench.in_user(0, 2 * kPage) == on_disk(file, 0, 2 * kPage));
  CHECK(bench.seen().tag_faults.empty());
  CHECK_FALSE(bench.machine().folio({file, 0}).in_cache);
  CHECK(read(bench, file, 0, 2 * kPage - 1).result == 2048);      // the count
  CHECK(read(bench, file, 0, 2 * kPage, 1).result == 2048);       // the file offset
  CHECK(read(bench, file, 512, 2 * kPage).result == 2048 - 512);  // the address
  CHECK_FALSE(bench.seen().tag_faults.empty());
}

TEST_CASE("segments that begin at one place are read through the page cache", "[unit][btrfs-dio]") {
  Bench bench{{.revision = "7.3", .pages = 2}};
  bench.spoil_granule(128);
  const std::uint32_t file = add_disk_file(bench, "btrfs", 4 * kPage);
  const auto readv = [&](std::uint64_t second) {
    SystemCall call =
        transfer(CallKind::readv, "btrfs", file, {{bench.user(), Bytes{kPage}}, {bench.user(second), Bytes{kPage}}});
    call.flags = kDirect;
    return carry_out(loop_of(call), bench.kernel()).result;
  };
  CHECK(readv(kPage) == 2 * kPage);
  CHECK(readv(0) == 2048);
}

TEST_CASE("a read ends with the file", "[unit][btrfs-dio]") {
  const auto revision = GENERATE("5.10", "6.1", "7.3");
  Bench bench{{.revision = revision, .pages = 3}};
  const std::uint32_t file = add_disk_file(bench, "btrfs", kPage + 100);
  CHECK(read(bench, file, 0, 3 * kPage).result == kPage + 100);
  CHECK(bench.in_user(0, kPage + 100) == on_disk(file, 0, kPage + 100));
  CHECK(read(bench, file, 0, kPage, 2 * kPage).result == 0);
}

TEST_CASE("a round that leaves as much as the one before it is the last direct one", "[unit][btrfs-dio]") {
  const auto revision = GENERATE("5.16", "6.1", "7.3");
  Bench bench{{.revision = revision, .pages = 4}};
  bench.unmap_page(2);
  const std::uint32_t file = add_disk_file(bench, "btrfs", 4 * kPage);
  const Outcome outcome = read(bench, file, 0, 4 * kPage);
  // Two pages; none, and the test strikes; then a page of the buffered read.
  CHECK(outcome == Outcome{2 * kPage, 3, false, false});
  CHECK(read(bench, file, 2 * kPage, kPage).result == kEfault);
}

TEST_CASE("a read of pages that are not there faults them in, and goes on", "[unit][btrfs-dio]") {
  Bench bench{{.revision = "6.1", .pages = 4}};
  bench.evict_page(1);
  bench.evict_page(3);
  const std::uint32_t file = add_disk_file(bench, "btrfs", 4 * kPage);
  CHECK(read(bench, file, 0, 4 * kPage) == Outcome{4 * kPage, 2, false, false});
  CHECK(bench.in_user(0, 4 * kPage) == on_disk(file, 0, 4 * kPage));
}

TEST_CASE("how a file with checksums is written directly depends on the revision", "[unit][btrfs-dio]") {
  struct Row {
    const char* revision;
    bool checksums;
    std::int64_t result;  // 0: a livelock
    bool tags_seen;
  };
  const auto row = GENERATE(values<Row>({
      {"5.10", true, 2 * kPage, false},
      {"6.1", true, 2 * kPage, false},
      {"6.12", true, 2048, true},
      {"6.12", false, 2 * kPage, false},
      {"7.3", true, 0, true},
      {"7.3", false, 2 * kPage, false},
  }));
  CAPTURE(row.revision, row.checksums);
  Bench bench{{.revision = row.revision, .pages = 2}};
  bench.spoil_granule(128);
  const std::uint32_t file = add_disk_file(bench, "btrfs", 2 * kPage);
  const Outcome outcome = write(bench, file, 0, 2 * kPage, row.checksums ? kDirect : kNocow);
  CHECK(outcome.livelock == (row.result == 0));
  if (!outcome.livelock) {
    CHECK(outcome.result == row.result);
    const auto written = static_cast<std::uint64_t>(row.result);
    CHECK(on_disk_now(bench.machine(), file, 0, written) == Bench::untouched(0, written));
    CHECK(on_disk_now(bench.machine(), file, written, 2 * kPage - written) ==
          on_disk(file, written, 2 * kPage - written));
    CHECK_FALSE(bench.machine().folio({file, 0}).in_cache);
  }
  CHECK(bench.seen().tag_faults.empty() != row.tags_seen);
}

TEST_CASE("bounce pages take no page fault themselves; the fault-in does, and they are filled then",
          "[unit][btrfs-dio]") {
  Bench bench{{.revision = "7.3", .pages = 2}};
  bench.evict_page(1);
  const std::uint32_t file = add_disk_file(bench, "btrfs", 2 * kPage);
  CHECK(write(bench, file, 0, 2 * kPage, kDirect) == Outcome{2 * kPage, 2, false, false});
  CHECK(on_disk_now(bench.machine(), file, 0, 2 * kPage) == Bench::untouched(0, 2 * kPage));
}

TEST_CASE("to 6.1 what is written of an extent before a page that is not there counts, and is lost",
          "[unit][btrfs-dio]") {
  const auto revision = GENERATE("5.16", "6.1", "6.12");
  const bool nocow = GENERATE(false, true);
  const bool buffered = std::string_view(revision) == "6.12" && !nocow;
  const bool lost = std::string_view(revision) != "6.12" && !nocow;
  Bench bench{{.revision = revision, .pages = 4}};
  bench.evict_page(2);
  const std::uint32_t file = add_disk_file(bench, "btrfs", 4 * kPage);
  const Outcome outcome = write(bench, file, 0, 4 * kPage, nocow ? kNocow : kDirect);
  CHECK(outcome.result == 4 * kPage);
  if (!buffered) CHECK(outcome.rounds == 2);
  CHECK(on_disk_now(bench.machine(), file, 0, 2 * kPage) ==
        (lost ? on_disk(file, 0, 2 * kPage) : Bench::untouched(0, 2 * kPage)));
  CHECK(on_disk_now(bench.machine(), file, 2 * kPage, 2 * kPage) == Bench::untouched(2 * kPage, 2 * kPage));
}

TEST_CASE("where the buffered part gets nowhere, what was written directly is not told", "[unit][btrfs-dio]") {
  Bench bench{{.revision = "6.12", .pages = 4}};
  bench.unmap_page(2);
  const std::uint32_t file = add_disk_file(bench, "btrfs", 4 * kPage);
  CHECK(write(bench, file, 0, 4 * kPage, kNocow).result == kEfault);
  CHECK(on_disk_now(bench.machine(), file, 0, 2 * kPage) == Bench::untouched(0, 2 * kPage));
}

TEST_CASE("5.10 waits for itself when the buffer maps the range under the call", "[unit][btrfs-dio]") {
  const auto kind = GENERATE(CallKind::read, CallKind::write);
  Bench bench{{.revision = "5.10"}};
  const std::uint32_t file = add_disk_file(bench, "btrfs", 4 * kPage);
  const UserPtr own = map_file(bench, file, 4);
  CHECK_THROWS_AS(carry_out(file_loop({kind, "btrfs", file, 0, kDirect}, own, 4 * kPage), bench.kernel()),
                  SleepsForLock);
}

TEST_CASE("since 5.16 the same call ends", "[unit][btrfs-dio]") {
  const auto revision = GENERATE("5.16", "6.1", "6.12", "7.3");
  const auto kind = GENERATE(CallKind::read, CallKind::write);
  Bench bench{{.revision = revision}};
  const std::uint32_t file = add_disk_file(bench, "btrfs", 4 * kPage);
  const UserPtr own = map_file(bench, file, 4);
  CHECK(carry_out(file_loop({kind, "btrfs", file, 0, kDirect}, own, 4 * kPage), bench.kernel()).result == 4 * kPage);
  CHECK(bench.machine().locks.held().empty());
}

}  // namespace
}  // namespace mtesim::test
