#include "fs_models/filemap_read.h"

#include <catch2/catch.hpp>

#include "tests/support/calls.h"

namespace mtesim::test {
namespace {

constexpr std::uint64_t kPage = 4096;
constexpr std::int64_t kEfault = -14;
constexpr std::int64_t kEintr = -4;

/// read(2) of `length` bytes of a file at `position`, to `offset` of the buffer.
Outcome read(Bench& bench, std::uint32_t file, std::uint64_t offset, std::uint64_t length, std::uint64_t position = 0,
             std::string_view fs = "ext4") {
  const SystemCall call = transfer(CallKind::read, fs, file, {{bench.user(offset), Bytes{length}}}, position);
  return carry_out(loop_of(call), bench.kernel());
}

TEST_CASE("a read brings the file's bytes, page by page, and nothing more", "[unit][filemap]") {
  const bool cached = GENERATE(false, true);
  const auto revision = GENERATE("5.10", "6.12", "7.3");
  Bench bench{{.revision = revision, .pages = 4}};
  const std::uint32_t file = add_file(bench.machine(), "ext4", Bytes{20000}, cached);
  const Outcome outcome = read(bench, file, 100, 2 * kPage, 1000);
  CHECK(outcome.result == 2 * kPage);
  CHECK(outcome.rounds == 3);  // the pages of the file that it touches
  CHECK(bench.in_user(100, 2 * kPage) == on_disk(file, 1000, 2 * kPage));
  CHECK(bench.changed_prefix(100) == 2 * kPage);
}

TEST_CASE("a read ends at the end of the file", "[unit][filemap]") {
  Bench bench{{.pages = 2}};
  const std::uint32_t file = add_file(bench.machine(), "ext4", Bytes{5000});
  CHECK(read(bench, file, 0, 6000).result == 5000);
  CHECK(read(bench, file, 0, 6000, 4999).result == 1);
  CHECK(read(bench, file, 0, 6000, 5000).result == 0);
  CHECK(read(bench, file, 0, 0).result == 0);
}

TEST_CASE("since 5.14 a read returns exactly the bytes before the bad granule", "[unit][filemap]") {
  const auto revision = GENERATE("5.14", "6.1", "7.3");
  const auto offset = GENERATE(as<std::uint64_t>{}, 0, 3, 8, 15);
  const auto bad = GENERATE(as<std::uint64_t>{}, 1, 5, 255, 256, 300);
  Bench bench{{.revision = revision, .pages = 3}};
  bench.spoil_granule(bad);
  const std::uint32_t file = add_file(bench.machine(), "ext4", Bytes{20000});
  const std::uint64_t good = bad * 16 - offset;
  CHECK(read(bench, file, offset, 2 * kPage).result == static_cast<std::int64_t>(good));
  CHECK(bench.changed_prefix(offset) == good);
  CHECK(bench.in_user(offset, good) == on_disk(file, 0, good));
}

TEST_CASE("5.10 makes one copy a page, and an unaligned buffer returns less", "[unit][filemap]") {
  struct Row {
    std::uint64_t offset;
    std::uint64_t length;
    std::int64_t result;
    std::uint64_t changed;
  };
  const auto row = GENERATE(values<Row>({
      {3, 29, 29, 29},   // ends with the last good byte
      {3, 100, 16, 24},  // 29 good bytes
      {19, 15, 12, 12},  // 13 good bytes: pieces of 8 and 4
      {19, 16, 1, 8},    // half a pair, and then one byte
      {19, 100, 1, 8},
      {0, 100, 32, 32},
      {31, 2, 1, 1},
      {32, 1, kEfault, 0},
  }));
  CAPTURE(row.offset, row.length);
  const auto fs = GENERATE("ext4", "tmpfs");
  Bench bench{{.revision = "5.10"}};
  bench.spoil_granule(2);
  const std::uint32_t file = add_file(bench.machine(), fs, Bytes{20000});
  CHECK(read(bench, file, row.offset, row.length, 0, fs).result == row.result);
  CHECK(bench.changed_prefix(row.offset) == row.changed);
}

TEST_CASE("a read onto a bad granule is EFAULT, one that got somewhere before is short", "[unit][filemap]") {
  Bench bench{{.pages = 3}};
  bench.spoil_granule(256);
  const std::uint32_t file = add_file(bench.machine(), "ext4", Bytes{20000});
  CHECK(read(bench, file, kPage, 100).result == kEfault);
  CHECK(read(bench, file, kPage - 1, 100).result == 1);
  CHECK(read(bench, file, 0, 3 * kPage).result == kPage);
}

TEST_CASE("a read faults the buffer in where it has to", "[unit][filemap]") {
  Bench bench{{.pages = 2}};
  bench.evict_page(1);
  const std::uint32_t file = add_file(bench.machine(), "ext4", Bytes{20000});
  CHECK(read(bench, file, 0, 2 * kPage).result == 2 * kPage);
  CHECK(bench.seen().page_faults.size() == 1);
}

TEST_CASE("a fatal signal ends a read between pages", "[unit][filemap]") {
  const std::uint64_t at_check = GENERATE(1, 2, 3);
  Bench bench{{.pages = 2}};
  const std::uint32_t file = add_file(bench.machine(), "ext4", Bytes{20000});
  std::uint64_t checks = 0;
  bench.seen().act = [&](const Look& next, Machine& machine) -> std::uint64_t {
    if (std::holds_alternative<SignalCheck>(next) && ++checks == at_check) machine.tasks[0].pending.fatal = true;
    return 0;
  };
  const std::int64_t wanted = at_check == 1 ? kEintr : at_check == 2 ? kPage : 2 * kPage;
  CHECK(read(bench, file, 0, 2 * kPage).result == wanted);
}

TEST_CASE("a vectored read fills its segments in order, and stops in the one that is bad", "[unit][filemap]") {
  Bench bench{{.pages = 2}};
  const std::uint32_t file = add_file(bench.machine(), "ext4", Bytes{20000});
  const UserSegments segments{{bench.user(0), Bytes{40}},
                              {bench.user(5), Bytes{0}},
                              {bench.user(1024), Bytes{200}},
                              {bench.user(2048), Bytes{10}}};
  const CopyLoop loop = loop_of(transfer(CallKind::readv, "ext4", file, segments));
  CHECK(carry_out(loop, bench.kernel()).result == 250);
  CHECK(bench.in_user(1024, 200) == on_disk(file, 40, 200));
  CHECK(bench.in_user(2048, 10) == on_disk(file, 240, 10));
  bench.spoil_granule(1024 / 16 + 2);
  CHECK(carry_out(loop, bench.kernel()).result == 72);
}

TEST_CASE("a file that shrinks under a read ends it where the file ends now", "[unit][filemap]") {
  Bench bench{{.pages = 3}};
  const std::uint32_t file = add_file(bench.machine(), "ext4", Bytes{3 * kPage});
  bench.seen().act = [&](const Look& next, Machine& machine) -> std::uint64_t {
    const auto* lookup = std::get_if<CacheLookup>(&next);
    if (lookup != nullptr && lookup->folio.index == 1) machine.objects[file].write().size = Bytes{kPage + 10};
    return 0;
  };
  CHECK(read(bench, file, 0, 3 * kPage).result == kPage + 10);
}

}  // namespace
}  // namespace mtesim::test
