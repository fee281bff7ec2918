#include "fs_models/btrfs_buffered_write.h"

#include <catch2/catch.hpp>

#include "tests/support/file_calls.h"

namespace mtesim::test {
namespace {

constexpr std::uint64_t kPage = 4096;
constexpr std::int64_t kEfault = -14;

Outcome write(Bench& bench, std::uint32_t file, std::uint64_t offset, std::uint64_t length,
              std::uint64_t position = 0) {
  return call_file(bench, {CallKind::write, "btrfs", file, position}, offset, length);
}

TEST_CASE("a btrfs write puts the user's bytes into the page cache and leaves the others", "[unit][btrfs-write]") {
  const auto revision = GENERATE("5.10", "5.16", "6.12", "7.3");
  const bool cached = GENERATE(true, false);
  Bench bench{{.revision = revision, .pages = 4}};
  const std::uint32_t file = add_disk_file(bench, "btrfs", 4 * kPage, cached);
  CHECK(write(bench, file, 50, 2 * kPage, 1000).result == 2 * kPage);
  CHECK(in_cache(bench.machine(), file, 0, 1000) == on_disk(file, 0, 1000));
  CHECK(in_cache(bench.machine(), file, 1000, 2 * kPage) == Bench::untouched(50, 2 * kPage));
  const std::uint64_t behind = 1000 + 2 * kPage;
  CHECK(in_cache(bench.machine(), file, behind, 3 * kPage - behind) == on_disk(file, behind, 3 * kPage - behind));
  CHECK(bench.machine().objects[file]->size == Bytes{4 * kPage});
  CHECK(write(bench, file, 0, 100, 4 * kPage).result == 100);
  CHECK(bench.machine().objects[file]->size == Bytes{4 * kPage + 100});
  CHECK(write(bench, file, 0, 0).result == 0);
}

TEST_CASE("7.3 never ends with an aligned block that is not cached; one byte less and it does", "[unit][btrfs-write]") {
  const auto bad = GENERATE(as<std::uint64_t>{}, 1, 128, 254);
  Bench bench{{.revision = "7.3"}};
  bench.spoil_granule(bad);
  const std::uint32_t file = add_disk_file(bench, "btrfs", 2 * kPage);
  CHECK(write(bench, file, 0, kPage - 1).result == static_cast<std::int64_t>(16 * bad));  // it ends within the block
  const std::uint32_t other = add_disk_file(bench, "btrfs", 2 * kPage);
  CHECK(write(bench, other, 0, kPage).livelock);
}

TEST_CASE("7.3 ends in a cached block, with a write that begins within one, or where the probe looks",
          "[unit][btrfs-write]") {
  Bench bench{{.revision = "7.3"}};
  bench.spoil_granule(128);
  const std::uint32_t cached = add_disk_file(bench, "btrfs", 2 * kPage, true);
  CHECK(write(bench, cached, 0, kPage).result == 2048);
  const std::uint32_t cold = add_disk_file(bench, "btrfs", 2 * kPage);
  CHECK(write(bench, cold, 0, kPage - 1, 1).result == 2048);  // up to the block's end
  CHECK(write(bench, cold, 2048, 100).result == kEfault);     // the probe's first byte
  CHECK(in_cache(bench.machine(), cold, 1, 2048) == Bench::untouched(0, 2048));
  CHECK(in_cache(bench.machine(), cold, 2049, 2047) == on_disk(cold, 2049, 2047));
}

TEST_CASE("a fatal signal does not end the livelock of 7.3", "[unit][btrfs-write]") {
  Bench bench{{.revision = "7.3"}};
  bench.spoil_granule(128);
  bench.task().pending.fatal = true;
  const std::uint32_t file = add_disk_file(bench, "btrfs", 2 * kPage);
  CHECK(write(bench, file, 0, kPage).livelock);
}

TEST_CASE("to 6.12 a round that copied nothing has the next one read its page", "[unit][btrfs-write]") {
  const auto revision = GENERATE("5.10", "5.15", "5.16", "6.1", "6.12");
  const auto bad = GENERATE(as<std::uint64_t>{}, 1, 128, 254);
  Bench bench{{.revision = revision}};
  bench.spoil_granule(bad);
  const std::uint32_t file = add_disk_file(bench, "btrfs", 2 * kPage);
  CHECK(write(bench, file, 0, kPage).result == static_cast<std::int64_t>(16 * bad));
  CHECK(in_cache(bench.machine(), file, 0, 16 * bad) == Bench::untouched(0, 16 * bad));
  CHECK(in_cache(bench.machine(), file, 16 * bad, kPage - 16 * bad) == on_disk(file, 16 * bad, kPage - 16 * bad));
}

TEST_CASE("a round takes 32 pages to 6.12, and in 7.3 a folio, of up to 64", "[unit][btrfs-write]") {
  struct Row {
    const char* revision;
    const char* large_folios;
    std::uint64_t pages;
    std::uint64_t rounds;
  };
  const auto row = GENERATE(values<Row>({
      {"6.12", "off", 32, 1},
      {"6.12", "off", 33, 2},
      {"7.3", "on", 64, 1},
      {"7.3", "on", 65, 2},
      {"7.3", "on", 63, 6},  // 32, 16, 8, 4, 2, 1
      {"7.3", "off", 3, 3},
  }));
  CAPTURE(row.revision, row.pages);
  Bench bench{{.revision = row.revision,
               .change = {{"btrfs_buffered_write.large_folios", row.large_folios}},
               .pages = row.pages}};
  const std::uint32_t file = add_disk_file(bench, "btrfs", row.pages * kPage);
  const auto length = static_cast<std::int64_t>(row.pages * kPage);
  CHECK(write(bench, file, 0, row.pages * kPage) == Outcome{length, row.rounds, false, false});
}

TEST_CASE("to 6.12 whole pages before the bad one are kept, and it goes on a page at a time", "[unit][btrfs-write]") {
  Bench bench{{.revision = "6.12", .pages = 4}};
  bench.spoil_granule(2 * 256 + 128);
  const std::uint32_t file = add_disk_file(bench, "btrfs", 4 * kPage);
  CHECK(write(bench, file, 0, 4 * kPage).result == 2 * kPage + 2048);
  CHECK(in_cache(bench.machine(), file, 0, 2 * kPage + 2048) == Bench::untouched(0, 2 * kPage + 2048));
  CHECK_FALSE(bench.machine().folio({file, 3}).dirty);
}

TEST_CASE("any shortfall of the probe is EFAULT, also behind bytes that could be written", "[unit][btrfs-write]") {
  const auto row =
      GENERATE(values<std::pair<const char*, const char*>>({{"6.12", "off"}, {"7.3", "on"}, {"7.3", "off"}}));
  Bench bench{{.revision = row.first, .change = {{"btrfs_buffered_write.large_folios", row.second}}, .pages = 2}};
  bench.spoil_granule(256);  // the second page's first byte
  const std::uint32_t file = add_disk_file(bench, "btrfs", 2 * kPage);
  const bool page_by_page = std::string_view(row.first) == "7.3" && std::string_view(row.second) == "off";
  CHECK(write(bench, file, 0, 2 * kPage).result == (page_by_page ? static_cast<std::int64_t>(kPage) : kEfault));
}

TEST_CASE("a large folio of 7.3 is kept or dropped as one", "[unit][btrfs-write]") {
  const bool large = GENERATE(true, false);
  Bench bench{{.revision = "7.3", .change = {{"btrfs_buffered_write.large_folios", large ? "on" : "off"}}, .pages = 4}};
  bench.spoil_granule(2 * 256 + 128);
  const std::uint32_t file = add_disk_file(bench, "btrfs", 4 * kPage);
  CHECK(write(bench, file, 0, 4 * kPage).livelock);
  CHECK(bench.seen().delivered == Bytes{large ? 0 : 2 * kPage});
}

TEST_CASE("a page that is taken between probe and copy costs a round", "[unit][btrfs-write]") {
  const auto revision = GENERATE("6.12", "7.3");
  Bench bench{{.revision = revision}};
  const std::uint32_t file = add_disk_file(bench, "btrfs", kPage);
  bool taken = false;
  bench.seen().act = [&](const Look& next, Machine& machine) -> std::uint64_t {
    if (!taken && std::holds_alternative<CacheLookup>(next)) taken = evict(machine, 0, Bench::kFirstPage);
    return 0;
  };
  const FileCall call{CallKind::write, "btrfs", file};
  const Outcome outcome = carry_out_among_others(file_loop(call, bench.user(), kPage), bench.kernel());
  CHECK(outcome == Outcome{kPage, 2, false, false});
}

}  // namespace
}  // namespace mtesim::test
