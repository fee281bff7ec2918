#include "fs_models/iomap_dio.h"

#include <catch2/catch.hpp>

#include "tests/support/file_calls.h"

namespace mtesim::test {
namespace {

constexpr std::uint64_t kPage = 4096;
constexpr std::int64_t kEfault = -14;
constexpr std::int64_t kEinval = -22;
constexpr OpenFlags kDirect{.direct = true};

Outcome direct(Bench& bench, CallKind kind, std::string_view fs, std::uint32_t file, std::uint64_t offset,
               std::uint64_t length, std::uint64_t position = 0) {
  return call_file(bench, {kind, fs, file, position, kDirect}, offset, length);
}

TEST_CASE("direct I/O of ext4 and xfs moves bytes, tags or no tags", "[unit][iomap-dio]") {
  const auto fs = GENERATE("ext4", "xfs");
  const auto revision = GENERATE("5.10", "6.1", "6.12", "7.3");
  Bench bench{{.revision = revision, .pages = 4}};
  bench.spoil_granule(100);
  bench.spoil_granule(900);
  const std::uint32_t file = add_disk_file(bench, fs, 4 * kPage, true);
  CHECK(direct(bench, CallKind::read, fs, file, 512, 2 * kPage, 1024) == Outcome{2 * kPage, 1, false, false});
  CHECK(bench.in_user(512, 2 * kPage) == on_disk(file, 1024, 2 * kPage));
  CHECK(bench.in_user(0, 512) == Bench::untouched(0, 512));
  CHECK(direct(bench, CallKind::write, fs, file, 3 * kPage, kPage, 2048).result == kPage);
  CHECK(on_disk_now(bench.machine(), file, 2048, kPage) == Bench::untouched(3 * kPage, kPage));
  CHECK(on_disk_now(bench.machine(), file, 0, 2048) == on_disk(file, 0, 2048));
  CHECK_FALSE(bench.machine().folio({file, 0}).in_cache);  // what was cached is thrown away
  CHECK(bench.machine().folio({file, 2}).in_cache);
  CHECK(bench.seen().tag_faults.empty());
}

TEST_CASE("offset, length and address are multiples of 512", "[unit][iomap-dio]") {
  const auto fs = GENERATE("ext4", "xfs");
  const auto kind = GENERATE(CallKind::read, CallKind::write);
  Bench bench{{.revision = "7.3", .pages = 2}};
  const std::uint32_t file = add_disk_file(bench, fs, 4 * kPage);
  CHECK(direct(bench, kind, fs, file, 512, 512, 512).result == 512);
  CHECK(direct(bench, kind, fs, file, 511, 512, 512).result == kEinval);
  CHECK(direct(bench, kind, fs, file, 512, 511, 512).result == kEinval);
  CHECK(direct(bench, kind, fs, file, 512, 512, 511).result == kEinval);
}

TEST_CASE("a hole is read by the user's pointer: 0 in 5.10, EFAULT since, and the good bytes are zeroed",
          "[unit][iomap-dio]") {
  const auto fs = GENERATE("ext4", "xfs");
  const auto revision = GENERATE("5.10", "6.1", "7.3");
  const auto blocks = GENERATE(BlockKind::hole, BlockKind::unwritten);
  Bench bench{{.revision = revision, .pages = 2}};
  bench.spoil_granule(128);
  const std::uint32_t file = add_disk_file(bench, fs, 2 * kPage, false, blocks);
  CHECK(direct(bench, CallKind::read, fs, file, 0, 2048).result == 2048);
  CHECK(bench.seen().tag_faults.empty());
  const std::int64_t result = direct(bench, CallKind::read, fs, file, 0, 2048 + 512).result;
  CHECK(result == (std::string_view(revision) == "5.10" ? 0 : kEfault));
  CHECK(bench.changed_prefix(0) == 2048);
}

TEST_CASE("what is dirty in the cache is read directly all the same", "[unit][iomap-dio]") {
  Bench bench{{.revision = "7.3", .pages = 2}};
  const std::uint32_t file = add_disk_file(bench, "xfs", kPage, true);
  CHECK(call_file(bench, {CallKind::write, "xfs", file}, 0, 100).result == 100);
  CHECK(direct(bench, CallKind::read, "xfs", file, kPage, kPage).result == kPage);
  CHECK(bench.in_user(kPage, 100) == Bench::untouched(0, 100));
  CHECK_FALSE(bench.machine().folio({file, 0}).dirty);
}

TEST_CASE("a page of the buffer that cannot be had is EFAULT, behind blocks that were moved", "[unit][iomap-dio]") {
  const auto kind = GENERATE(CallKind::read, CallKind::write);
  Bench bench{{.revision = "6.1", .pages = 3}};
  bench.unmap_page(1);
  const std::uint32_t file = add_disk_file(bench, "ext4", 3 * kPage);
  CHECK(direct(bench, kind, "ext4", file, 0, kPage).result == kPage);
  CHECK(direct(bench, kind, "ext4", file, 0, kPage + 512, kPage).result == kEfault);
  if (kind == CallKind::read) CHECK(bench.in_user(0, kPage) == on_disk(file, kPage, kPage));
  if (kind == CallKind::write) {
    CHECK(on_disk_now(bench.machine(), file, kPage, kPage) == Bench::untouched(0, kPage));
    CHECK(on_disk_now(bench.machine(), file, 2 * kPage, kPage) == on_disk(file, 2 * kPage, kPage));
  }
}

TEST_CASE("a read ends with the file; since 6.1 the buffer is zeroed behind that", "[unit][iomap-dio]") {
  const auto revision = GENERATE("5.10", "6.1");
  Bench bench{{.revision = revision, .pages = 3}};
  const std::uint32_t file = add_disk_file(bench, "ext4", kPage + 1024);
  CHECK(direct(bench, CallKind::read, "ext4", file, 0, 3 * kPage).result == kPage + 1024);
  CHECK(bench.in_user(0, kPage + 1024) == on_disk(file, 0, kPage + 1024));
  const bool stops = std::string_view(revision) == "5.10";
  CHECK((bench.in_user(2 * kPage, kPage) == zeroes(kPage)) != stops);
  CHECK(direct(bench, CallKind::read, "ext4", file, 0, kPage, 2 * kPage).result == 0);
}

TEST_CASE("a write of part of a new block leaves zeroes in the rest, and makes the file longer", "[unit][iomap-dio]") {
  Bench bench{{.revision = "7.3"}};
  const std::uint32_t file = add_disk_file(bench, "xfs", 0);
  CHECK(direct(bench, CallKind::write, "xfs", file, 0, 512, 1024).result == 512);
  CHECK(bench.machine().objects[file]->size == Bytes{1536});
  CHECK(on_disk_now(bench.machine(), file, 0, 1024) == zeroes(1024));
  CHECK(on_disk_now(bench.machine(), file, 1024, 512) == Bench::untouched(0, 512));
  CHECK(on_disk_now(bench.machine(), file, 1536, 512) == zeroes(512));
}

TEST_CASE("zeroing the rest of a new block hides the fault from 6.12 on", "[unit][iomap-dio]") {
  const auto revision = GENERATE("6.1", "6.12");
  const std::uint64_t position = GENERATE(0, 512);
  const bool hides = std::string_view(revision) == "6.12" && position != 0;
  Bench bench{{.revision = revision}};
  bench.unmap_page(0);
  const std::uint32_t file = add_disk_file(bench, "ext4", kPage, false, BlockKind::hole);
  CHECK(direct(bench, CallKind::write, "ext4", file, 0, 512, position).result == (hides ? 0 : kEfault));
}

TEST_CASE("an iterator is aligned if each address and each length is", "[unit][iomap-dio]") {
  Bench bench{{.pages = 2}};
  const auto aligned = [&](const UserSegments& segments, std::uint64_t alignment) {
    IovPosition at = iov_begin(segments);
    return is_aligned(IovIter{segments, at}, Bytes{alignment});
  };
  const UserSegments good{{bench.user(512), Bytes{1024}}, {bench.user(kPage), Bytes{512}}};
  CHECK(aligned(good, 512));
  CHECK_FALSE(aligned(good, 1024));
  CHECK_FALSE(aligned({{bench.user(512), Bytes{1024}}, {bench.user(kPage + 16), Bytes{512}}}, 512));
  CHECK_FALSE(aligned({{bench.user(512), Bytes{1024}}, {bench.user(kPage), Bytes{500}}}, 512));
  CHECK(aligned({}, 512));
}

}  // namespace
}  // namespace mtesim::test
