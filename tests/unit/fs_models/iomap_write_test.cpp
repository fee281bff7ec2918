#include "fs_models/iomap_write.h"

#include <catch2/catch.hpp>

#include "tests/support/file_calls.h"

namespace mtesim::test {
namespace {

constexpr std::uint64_t kPage = 4096;
constexpr std::int64_t kEfault = -14;
constexpr std::int64_t kEintr = -4;

Outcome write(Bench& bench, std::uint32_t file, std::uint64_t offset, std::uint64_t length,
              std::uint64_t position = 0) {
  return call_file(bench, {CallKind::write, "xfs", file, position}, offset, length);
}

TEST_CASE("an xfs write puts the user's bytes into the page cache and leaves the others", "[unit][iomap-write]") {
  const auto revision = GENERATE("5.10", "5.16", "6.1", "6.12", "7.3");
  const bool cached = GENERATE(true, false);
  Bench bench{{.revision = revision, .pages = 4}};
  const std::uint32_t file = add_disk_file(bench, "xfs", 3 * kPage, cached);
  CHECK(write(bench, file, 50, 2 * kPage, 1000) == Outcome{2 * kPage, 3, false, false});
  CHECK(in_cache(bench.machine(), file, 0, 1000) == on_disk(file, 0, 1000));
  CHECK(in_cache(bench.machine(), file, 1000, 2 * kPage) == Bench::untouched(50, 2 * kPage));
  const std::uint64_t behind = 1000 + 2 * kPage;
  CHECK(in_cache(bench.machine(), file, behind, 3 * kPage - behind) == on_disk(file, behind, 3 * kPage - behind));
  CHECK(write(bench, file, 0, 0).result == 0);
}

TEST_CASE("5.10 repeats a whole page that is not cached, of an old block or a new one; since 5.14 it is written",
          "[unit][iomap-write]") {
  const auto revision = GENERATE("5.10", "5.14", "6.1", "7.3");
  const bool repeats = std::string_view(revision) == "5.10";
  const auto blocks = GENERATE(BlockKind::data, BlockKind::hole);
  Bench bench{{.revision = revision}};
  bench.spoil_granule(128);
  const std::uint32_t file = add_disk_file(bench, "xfs", 2 * kPage, false, blocks);
  CHECK(write(bench, file, 0, kPage - 1).result == 2048);  // one byte less than the block
  const Outcome outcome = write(bench, file, 0, kPage, kPage);
  CHECK(outcome.livelock == repeats);
  if (!repeats) CHECK(outcome.result == 2048);
}

TEST_CASE("a cached page keeps what a short copy brought, in each revision", "[unit][iomap-write]") {
  const auto revision = GENERATE("5.10", "5.14", "6.1", "6.12", "7.3");
  const auto bad = GENERATE(as<std::uint64_t>{}, 1, 128, 255, 300);
  Bench bench{{.revision = revision, .pages = 3}};
  bench.spoil_granule(bad);
  const std::uint32_t file = add_disk_file(bench, "xfs", 3 * kPage, true);
  CHECK(write(bench, file, 0, 16 * bad).result == static_cast<std::int64_t>(16 * bad));
  CHECK(write(bench, file, 0, 2 * kPage).result == static_cast<std::int64_t>(16 * bad));
  CHECK(write(bench, file, 16 * bad, 16).result == kEfault);
}

TEST_CASE("5.10 is told of a granule only where it probes: first byte, one a page, last byte", "[unit][iomap-write]") {
  const auto row = GENERATE(values<std::pair<std::uint64_t, bool>>({{382, true}, {383, false}}));
  Bench bench{{.revision = "5.10", .pages = 2}};
  bench.spoil_granule(row.first);  // the last granule but one, the last
  const std::uint32_t file = add_disk_file(bench, "xfs", kPage);
  const Outcome outcome = write(bench, file, 2048, kPage);
  CHECK(outcome.livelock == row.second);
  if (!outcome.livelock) CHECK(outcome == Outcome{kEfault, 1, false, false});
}

TEST_CASE("a fatal signal ends an xfs write between pages", "[unit][iomap-write]") {
  Bench bench{{.revision = "6.1", .pages = 2}};
  const std::uint32_t file = add_disk_file(bench, "xfs", 2 * kPage);
  std::uint64_t checks = 0;
  bench.seen().act = [&](const Look& next, Machine& machine) -> std::uint64_t {
    if (std::holds_alternative<SignalCheck>(next) && ++checks == 2) machine.tasks[0].pending.fatal = true;
    return 0;
  };
  const FileCall call{CallKind::write, "xfs", file};
  CHECK(carry_out_among_others(file_loop(call, bench.user(), 2 * kPage), bench.kernel()).result == kPage);
  CHECK(write(bench, file, 0, kPage).result == kEintr);
}

TEST_CASE("behind its end a file is zeroed first, and to 6.1 has grown whatever becomes of the write",
          "[unit][iomap-write]") {
  const auto revision = GENERATE("5.10", "6.1", "6.12", "7.3");
  const bool grows = find_revision(revision)->iomap_zeroing_extends;
  CHECK(grows == (std::string_view(revision) == "5.10" || std::string_view(revision) == "6.1"));
  Bench bench{{.revision = revision}};
  bench.spoil_granule(0);
  const std::uint32_t file = add_disk_file(bench, "xfs", 1000);
  CHECK(write(bench, file, 0, 64, 2 * kPage).result == kEfault);
  CHECK(bench.machine().objects[file]->size == Bytes{grows ? kPage : 1000});
  CHECK(write(bench, file, 16, 64, 2 * kPage).result == 64);
  CHECK(bench.machine().objects[file]->size == Bytes{2 * kPage + 64});
}

}  // namespace
}  // namespace mtesim::test
