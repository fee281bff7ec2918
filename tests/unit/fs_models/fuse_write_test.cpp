#include "fs_models/fuse_write.h"

#include <algorithm>
#include <catch2/catch.hpp>

#include "tests/support/stored_file.h"

namespace mtesim::test {
namespace {

constexpr std::uint64_t kPage = 4096;
constexpr std::int64_t kEfault = -14;

Outcome write(Bench& bench, std::uint32_t file, std::uint64_t offset, std::uint64_t length,
              std::uint64_t position = 0) {
  const SystemCall call = transfer(CallKind::write, "fuse", file, {{bench.user(offset), Bytes{length}}}, position);
  const Outcome outcome = carry_out(loop_of(call), bench.kernel());
  if (!outcome.blocked && !outcome.livelock) CHECK(bench.machine().locks.held().empty());
  return outcome;
}

std::uint64_t requests(Bench& bench) {
  const auto& entered = bench.seen().entered;
  return static_cast<std::uint64_t>(
      std::count(entered.begin(), entered.end(), std::string_view("fuse_send_write_pages")));
}

TEST_CASE("what is written to fuse is at the server, and the rest of the file as it was", "[unit][fuse]") {
  const auto revision = GENERATE("5.10", "5.16", "6.12", "7.3");
  const bool cached = GENERATE(true, false);
  Bench bench{{.revision = revision, .pages = 4}};
  const std::uint32_t file = add_stored_file(bench.machine(), "fuse", Bytes{3 * kPage}, cached);
  CHECK(write(bench, file, 50, 2 * kPage, 1000).result == 2 * kPage);
  CHECK(on_disk_now(bench.machine(), file, 0, 1000) == on_disk(file, 0, 1000));
  CHECK(on_disk_now(bench.machine(), file, 1000, 2 * kPage) == Bench::untouched(50, 2 * kPage));
  CHECK(on_disk_now(bench.machine(), file, 1000 + 2 * kPage, 100) == on_disk(file, 1000 + 2 * kPage, 100));
  CHECK(bench.machine().folio({file, 1}).uptodate);  // overwritten whole
  CHECK(bench.machine().folio({file, 0}).uptodate == cached);
  CHECK(write(bench, file, 0, 100, 3 * kPage).result == 100);
  CHECK(bench.machine().objects[file]->size == Bytes{3 * kPage + 100});
}

TEST_CASE("a write to fuse counts exactly the bytes before the bad granule", "[unit][fuse]") {
  const auto revision = GENERATE("5.10", "5.15", "6.1", "6.12", "7.3");
  const auto offset = GENERATE(as<std::uint64_t>{}, 0, 7, 15);
  const auto bad = GENERATE(as<std::uint64_t>{}, 1, 6, 255, 300);
  Bench bench{{.revision = revision, .pages = 3}};
  bench.spoil_granule(bad);
  const std::uint32_t file = add_stored_file(bench.machine(), "fuse", Bytes{3 * kPage}, false);
  const std::uint64_t good = bad * 16 - offset;
  CHECK(write(bench, file, offset, 2 * kPage).result == static_cast<std::int64_t>(good));
  CHECK(on_disk_now(bench.machine(), file, 0, good) == Bench::untouched(offset, good));
  CHECK(on_disk_now(bench.machine(), file, good, 100) == on_disk(file, good, 100));
  CHECK(write(bench, file, bad * 16, 100).result == kEfault);
}

TEST_CASE("to 6.12 each short step of the copy is a request, in 7.3 all of them are one", "[unit][fuse]") {
  Bench old{{.revision = "6.12"}};
  old.spoil_granule(200);
  CHECK(write(old, add_stored_file(old.machine(), "fuse", Bytes{kPage}), 0, kPage) == Outcome{3200, 8, false, false});
  CHECK(requests(old) == 7);  // 3152, 1, 15, 1, 15, 1, 15
  Bench now{{.revision = "7.3"}};
  now.spoil_granule(200);
  CHECK(write(now, add_stored_file(now.machine(), "fuse", Bytes{kPage}), 0, kPage) == Outcome{3200, 2, false, false});
  CHECK(requests(now) == 1);
}

TEST_CASE("a request has 32 pages at the most", "[unit][fuse]") {
  Bench bench{{.revision = "7.3", .pages = 33}};
  const std::uint32_t file = add_stored_file(bench.machine(), "fuse", Bytes{33 * kPage});
  CHECK(write(bench, file, 0, 32 * kPage).result == 32 * kPage);
  CHECK(requests(bench) == 1);
  CHECK(write(bench, file, 0, 33 * kPage).result == 33 * kPage);
  CHECK(requests(bench) == 3);
}

TEST_CASE("a shortfall of fuse's probe is EFAULT wherever it is", "[unit][fuse]") {
  const auto revision = GENERATE("6.12", "7.3");
  Bench bench{{.revision = revision, .pages = 2}};
  bench.unmap_page(1);
  const std::uint32_t file = add_stored_file(bench.machine(), "fuse", Bytes{kPage});
  const bool copies_first = find_revision(revision)->fuse_fill_write_pages_order == WriteOrder::copy_first;
  CHECK(write(bench, file, 2048, kPage).result == (copies_first ? 2048 : kEfault));
  bench.evict_page(0);  // now 7.3 has to ask as well
  CHECK(write(bench, file, 2048, kPage).result == kEfault);
  Bench lenient{{.revision = revision, .change = {{"fuse_fill_write_pages.probe_failure", "nothing"}}, .pages = 2}};
  lenient.unmap_page(1);
  lenient.evict_page(0);
  CHECK(write(lenient, add_stored_file(lenient.machine(), "fuse", Bytes{kPage}), 2048, kPage).result == 2048);
}

TEST_CASE("without a probe a bad first byte makes fuse go round, signal or not", "[unit][fuse]") {
  Bench bench{{.revision = "7.3", .change = {{"fuse_fill_write_pages.probe", "none"}}}};
  bench.spoil_granule(0);
  bench.task().pending.fatal = true;
  CHECK(write(bench, add_stored_file(bench.machine(), "fuse", Bytes{kPage}), 0, kPage).livelock);
}

}  // namespace
}  // namespace mtesim::test
