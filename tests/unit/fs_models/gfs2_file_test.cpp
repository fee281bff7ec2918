#include "fs_models/gfs2_file.h"

#include <algorithm>
#include <catch2/catch.hpp>

#include "tests/support/file_calls.h"

namespace mtesim::test {
namespace {

constexpr std::uint64_t kPage = 4096;
constexpr std::int64_t kEfault = -14;
constexpr std::int64_t kEintr = -4;
constexpr OpenFlags kDirect{.direct = true};

Outcome call(Bench& bench, CallKind kind, std::uint32_t file, std::uint64_t offset, std::uint64_t length,
             OpenFlags flags = {}, std::uint64_t position = 0) {
  return call_file(bench, {kind, "gfs2", file, position, flags}, offset, length);
}

TEST_CASE("a buffered gfs2 read brings the file's bytes, cached or not, in memory or not", "[unit][gfs2]") {
  const auto revision = GENERATE("5.10", "5.16", "6.1", "7.3");
  const bool cached = GENERATE(true, false);
  const bool there = GENERATE(true, false);
  Bench bench{{.revision = revision, .pages = 3}};
  if (!there) bench.evict_page(1);
  const std::uint32_t file = add_disk_file(bench, "gfs2", 3 * kPage, cached);
  CHECK(call(bench, CallKind::read, file, 100, 2 * kPage, {}, 1000).result == 2 * kPage);
  CHECK(bench.in_user(100, 2 * kPage) == on_disk(file, 1000, 2 * kPage));
  CHECK(call(bench, CallKind::read, file, 0, 2 * kPage, {}, 3 * kPage - 10).result == 10);
}

TEST_CASE("from 5.16 on a buffered read of one byte too many goes round for ever; 5.10 ends", "[unit][gfs2]") {
  const auto revision = GENERATE("5.10", "5.15", "5.16", "6.1", "6.12", "7.3");
  const bool retries = find_revision(revision)->gfs2_retries;
  const auto bad = GENERATE(as<std::uint64_t>{}, 1, 128, 255);
  Bench bench{{.revision = revision}};
  bench.spoil_granule(bad);
  const std::uint32_t file = add_disk_file(bench, "gfs2", kPage, true);
  const auto good = static_cast<std::int64_t>(16 * bad);
  CHECK(call(bench, CallKind::read, file, 0, 16 * bad).result == good);
  const Outcome outcome = call(bench, CallKind::read, file, 0, 16 * bad + 1);
  CHECK(outcome.livelock == retries);
  if (!retries) CHECK(outcome.result == good);
  CHECK(bench.in_user(0, 16 * bad) == on_disk(file, 0, 16 * bad));
}

TEST_CASE("the loop of a buffered read needs a first byte that its probe sees: a load, a store, not a walk",
          "[unit][gfs2]") {
  const auto probe = GENERATE("fault_in_readable", "fault_in_writeable", "fault_in_subpage_writeable");
  Bench bench{{.revision = "7.3", .change = {{"gfs2_file_read_iter.probe", probe}}}};
  bench.spoil_granule(128);
  const std::uint32_t file = add_disk_file(bench, "gfs2", kPage, true);
  CHECK(call(bench, CallKind::read, file, 0, kPage).result == 2048);
  CHECK(call(bench, CallKind::read, file, 2048, 16).result == kEfault);
}

TEST_CASE("a fatal signal ends a gfs2 read with what it has", "[unit][gfs2]") {
  Bench bench{{.revision = "7.3"}};
  bench.spoil_granule(128);
  const std::uint32_t file = add_disk_file(bench, "gfs2", kPage, true);
  std::uint64_t faults = 0;
  bench.seen().act = [&](const Look&, Machine& machine) -> std::uint64_t {
    faults = bench.seen().tag_faults.size();
    if (faults > 6) machine.tasks[0].pending.fatal = true;
    return 0;
  };
  const FileCall read{CallKind::read, "gfs2", file};
  const std::int64_t result = carry_out_among_others(file_loop(read, bench.user(), kPage), bench.kernel()).result;
  CHECK(result == 2048);
  bench.task().pending.fatal = true;
  CHECK(call(bench, CallKind::read, file, 2048, kPage - 2048).result == kEintr);
}

TEST_CASE("a window is as many pages as a task may dirty, and one after no progress; in 5.16 always one",
          "[unit][gfs2]") {
  const auto revision = GENERATE("5.16", "6.1");
  const bool one = std::string_view(revision) == "5.16";
  Bench bench{{.revision = revision}};
  Gfs2Window window;
  CHECK_FALSE(window.choose(bench.kernel(), Bytes{0}, Bytes{0}));
  REQUIRE(window.choose(bench.kernel(), Bytes{100}, Bytes{0}));
  CHECK(window.size == Bytes{one ? kPage : 32 * kPage});
  REQUIRE(window.choose(bench.kernel(), Bytes{99}, Bytes{10}));  // progress: many again, to the page's end
  CHECK(window.size == Bytes{(one ? kPage : 32 * kPage) - 10});
  REQUIRE(window.choose(bench.kernel(), Bytes{99}, Bytes{10}));
  CHECK(window.size == Bytes{kPage - 10});
}

TEST_CASE("5.16 needs a try for each page of a buffer that is not there, 6.1 one for all", "[unit][gfs2]") {
  const auto revision = GENERATE("5.16", "6.1");
  Bench bench{{.revision = revision, .pages = 4, .tag = Tag{0}, .present = false}};
  const std::uint32_t file = add_disk_file(bench, "gfs2", 4 * kPage);
  CHECK(call(bench, CallKind::read, file, 0, 4 * kPage, kDirect).result == 4 * kPage);
  const auto& entered = bench.seen().entered;
  const auto tries = std::count(entered.begin(), entered.end(), std::string_view("iomap_dio_rw"));
  CHECK(tries == (std::string_view(revision) == "5.16" ? 5 : 2));
}

TEST_CASE("a direct read looks at tags where there is no block: holes and stuffed data", "[unit][gfs2]") {
  const auto revision = GENERATE("6.1", "6.12", "7.3");
  const auto blocks = GENERATE(BlockKind::data, BlockKind::hole, BlockKind::unwritten, BlockKind::inline_data);
  Bench bench{{.revision = revision}};
  bench.spoil_granule(64);
  const std::uint64_t size = blocks == BlockKind::inline_data ? 3000 : kPage;
  const std::uint32_t file = add_disk_file(bench, "gfs2", size, false, blocks);
  const Outcome outcome = call(bench, CallKind::read, file, 0, kPage, kDirect);
  CHECK(outcome.livelock == (blocks != BlockKind::data));
  if (blocks == BlockKind::data) CHECK(outcome.result == kPage);
  CHECK(bench.seen().tag_faults.empty() == (blocks == BlockKind::data));
}

TEST_CASE("5.10 reads a hole with a bad granule as the file's end", "[unit][gfs2]") {
  Bench bench{{.revision = "5.10"}};
  bench.spoil_granule(64);
  const std::uint32_t hole = add_disk_file(bench, "gfs2", kPage, false, BlockKind::hole);
  CHECK(call(bench, CallKind::read, hole, 0, kPage, kDirect).result == 0);
  CHECK(bench.in_user(0, 1024) == zeroes(1024));
  const std::uint32_t stuffed = add_disk_file(bench, "gfs2", 3000, false, BlockKind::inline_data);
  CHECK(call(bench, CallKind::read, stuffed, 0, kPage, kDirect).result == 1024);
}

TEST_CASE("writes end with the bytes before the bad granule", "[unit][gfs2]") {
  const auto revision = GENERATE("5.16", "6.1", "6.12", "7.3");
  const auto bad = GENERATE(as<std::uint64_t>{}, 1, 128, 300);
  const bool cached = GENERATE(true, false);
  Bench bench{{.revision = revision, .pages = 3}};
  bench.spoil_granule(bad);
  const std::uint32_t file = add_disk_file(bench, "gfs2", 3 * kPage, cached);
  CHECK(call(bench, CallKind::write, file, 0, 2 * kPage).result == static_cast<std::int64_t>(16 * bad));
  CHECK(in_cache(bench.machine(), file, 0, 16 * bad) == Bench::untouched(0, 16 * bad));
  CHECK(call(bench, CallKind::write, file, 16 * bad, 16).result == kEfault);
}

TEST_CASE("5.10 repeats a whole block that is not cached; one byte less is written", "[unit][gfs2]") {
  Bench bench{{.revision = "5.10"}};
  bench.spoil_granule(128);
  const std::uint32_t file = add_disk_file(bench, "gfs2", 2 * kPage);
  CHECK(call(bench, CallKind::write, file, 0, kPage - 1).result == 2048);
  CHECK(call(bench, CallKind::write, file, 0, kPage, {}, kPage).livelock);
}

TEST_CASE("a direct write is buffered behind the file's end and in holes, direct in blocks", "[unit][gfs2]") {
  const auto revision = GENERATE("6.1", "6.12", "7.3");
  Bench bench{{.revision = revision, .pages = 2}};
  bench.spoil_granule(300);
  const std::uint32_t data = add_disk_file(bench, "gfs2", 2 * kPage);
  CHECK(call(bench, CallKind::write, data, 0, 2 * kPage, kDirect).result == 2 * kPage);
  CHECK(on_disk_now(bench.machine(), data, 0, 2 * kPage) == Bench::untouched(0, 2 * kPage));
  CHECK(bench.seen().tag_faults.empty());
  const std::uint32_t hole = add_disk_file(bench, "gfs2", 2 * kPage, false, BlockKind::hole);
  CHECK(call(bench, CallKind::write, hole, 0, 2 * kPage, kDirect).result == 4800);
  CHECK(call(bench, CallKind::write, data, 0, 2 * kPage, kDirect, 512).result == 4800);  // ends 512 too far
  CHECK(bench.machine().objects[data]->size == Bytes{2 * kPage});
  CHECK(on_disk_now(bench.machine(), data, 512, 4800) == Bench::untouched(0, 4800));
  CHECK_FALSE(bench.machine().folio({data, 0}).in_cache);
}

TEST_CASE("5.10 wants its own glock again when the buffer maps the file: a kernel BUG", "[unit][gfs2]") {
  const auto kind = GENERATE(CallKind::read, CallKind::write);
  const bool direct = GENERATE(false, true);
  Bench bench{{.revision = "5.10"}};
  const std::uint32_t file = add_disk_file(bench, "gfs2", 4 * kPage);
  const UserPtr own = map_file(bench, file, 1);
  const FileCall c{kind, "gfs2", file, 2 * kPage, direct ? kDirect : OpenFlags{}};
  CHECK_THROWS_AS(carry_out(file_loop(c, own, kPage), bench.kernel()), KernelBug);
}

TEST_CASE("a load from a page of the file that is cached asks for no glock, and 5.10 writes it", "[unit][gfs2]") {
  Bench bench{{.revision = "5.10"}};
  const std::uint32_t file = add_disk_file(bench, "gfs2", 4 * kPage, true);
  const UserPtr own = map_file(bench, file, 1);
  const FileCall write{CallKind::write, "gfs2", file, 2 * kPage};
  CHECK(carry_out(file_loop(write, own, kPage), bench.kernel()).result == kPage);
  CHECK(in_cache(bench.machine(), file, 2 * kPage, kPage) == on_disk(file, 0, kPage));
  const FileCall read{CallKind::read, "gfs2", file, 2 * kPage};
  CHECK_THROWS_AS(carry_out(file_loop(read, own, kPage), bench.kernel()), KernelBug);  // it is stored to now
}

TEST_CASE("since 5.16 faults are taken without the glock: calls on the file's own mapping end", "[unit][gfs2]") {
  const auto revision = GENERATE("5.16", "6.1", "6.12", "7.3");
  const auto kind = GENERATE(CallKind::read, CallKind::write);
  const bool direct = GENERATE(false, true);
  Bench bench{{.revision = revision}};
  const std::uint32_t file = add_disk_file(bench, "gfs2", 4 * kPage, !direct);
  const UserPtr own = map_file(bench, file, 1);
  const FileCall c{kind, "gfs2", file, 2 * kPage, direct ? kDirect : OpenFlags{}};
  CHECK(carry_out(file_loop(c, own, kPage), bench.kernel()).result == kPage);
  CHECK(bench.machine().locks.held().empty());
}

TEST_CASE("a direct read into a mapping of the very range never ends, without any tag", "[unit][gfs2]") {
  const auto revision = GENERATE("6.1", "6.12", "7.3");
  Bench bench{{.revision = revision}};
  const std::uint32_t file = add_disk_file(bench, "gfs2", 4 * kPage);
  const UserPtr own = map_file(bench, file, 2);
  const FileCall same{CallKind::read, "gfs2", file, 0, kDirect};
  CHECK(carry_out(file_loop(same, own, kPage), bench.kernel()).livelock);
  CHECK(bench.seen().tag_faults.empty());
  const FileCall other{CallKind::read, "gfs2", file, 2 * kPage, kDirect};
  CHECK(carry_out(file_loop(other, own, kPage), bench.kernel()).result == kPage);
}

}  // namespace
}  // namespace mtesim::test
