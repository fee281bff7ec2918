#include "fs_models/ntfs_compress_write.h"

#include <catch2/catch.hpp>

#include "tests/support/stored_file.h"

namespace mtesim::test {
namespace {

constexpr std::uint64_t kPage = 4096;
constexpr std::uint64_t kFrame = NtfsCompressWrite::kFrame.n;
constexpr std::int64_t kEfault = -14;

Outcome write(Bench& bench, std::uint32_t file, std::uint64_t offset, std::uint64_t length,
              std::uint64_t position = 0) {
  SystemCall call = transfer(CallKind::write, "ntfs3", file, {{bench.user(offset), Bytes{length}}}, position);
  call.flags.compressed = true;
  const Outcome outcome = carry_out(loop_of(call), bench.kernel());
  CHECK(bench.machine().locks.held().empty());
  return outcome;
}

Provenance uninitialised(std::uint64_t length) { return Provenance(Origin{kUninitialisedSource, 0}, Bytes{length}); }

TEST_CASE("a compressed file is written frame by frame, and read first where a frame is not overwritten whole",
          "[unit][ntfs3]") {
  const auto revision = GENERATE("5.15", "6.1", "7.3");
  const bool cached = GENERATE(true, false);
  Bench bench{{.revision = revision, .pages = 33}};
  const std::uint32_t file = add_stored_file(bench.machine(), "ntfs3", Bytes{3 * kFrame}, cached);
  CHECK(write(bench, file, 10, 2 * kFrame, 1000) == Outcome{2 * kFrame, 3, false, false});
  CHECK(in_cache(bench.machine(), file, 0, 1000) == on_disk(file, 0, 1000));
  CHECK(on_disk_now(bench.machine(), file, 1000, 2 * kFrame) == Bench::untouched(10, 2 * kFrame));
  const std::uint64_t behind = 1000 + 2 * kFrame;
  CHECK(on_disk_now(bench.machine(), file, behind, 3 * kFrame - behind) == on_disk(file, behind, 3 * kFrame - behind));
  CHECK(bench.machine().objects[file]->size == Bytes{3 * kFrame});
  CHECK(write(bench, file, 0, 100, 3 * kFrame).result == 100);
  CHECK(bench.machine().objects[file]->size == Bytes{3 * kFrame + 100});
}

TEST_CASE("a frame that is overwritten whole and comes short goes to the disk with what memory held", "[unit][ntfs3]") {
  const auto revision = GENERATE("5.15", "6.12", "7.3");
  Bench bench{{.revision = revision, .pages = 16}};
  bench.spoil_granule(300);
  const std::uint32_t file = add_stored_file(bench.machine(), "ntfs3", Bytes{kFrame}, false);
  CHECK(write(bench, file, 0, kFrame).result == kEfault);
  CHECK(on_disk_now(bench.machine(), file, 0, 4800) == Bench::untouched(0, 4800));
  CHECK(on_disk_now(bench.machine(), file, 4800, kFrame - 4800) == uninitialised(kFrame - 4800));
  for (const std::uint32_t page : {0u, 1u, 15u}) CHECK(bench.machine().folio({file, page}).uptodate);
}

TEST_CASE("nothing stale reaches the disk where the frame was there before", "[unit][ntfs3]") {
  Bench bench{{.revision = "7.3", .pages = 16}};
  bench.spoil_granule(300);
  SECTION("as in the page cache") {
    const std::uint32_t file = add_stored_file(bench.machine(), "ntfs3", Bytes{kFrame});
    CHECK(write(bench, file, 0, kFrame).result == kEfault);
    CHECK(on_disk_now(bench.machine(), file, 4800, kFrame - 4800) == on_disk(file, 4800, kFrame - 4800));
  }
  SECTION("as it was read, a byte of it being kept") {
    const std::uint32_t file = add_stored_file(bench.machine(), "ntfs3", Bytes{kFrame}, false);
    CHECK(write(bench, file, 0, kFrame - 1).result == kEfault);
    CHECK(on_disk_now(bench.machine(), file, 4800, kFrame - 4800) == on_disk(file, 4800, kFrame - 4800));
  }
}

TEST_CASE("behind the file's end a frame is not read, though it is not overwritten whole", "[unit][ntfs3]") {
  Bench bench{{.revision = "7.3", .pages = 16}};
  bench.spoil_granule(300);
  const std::uint32_t file = add_stored_file(bench.machine(), "ntfs3", Bytes{2 * kPage}, false);
  CHECK(write(bench, file, 0, 4 * kPage).result == kEfault);
  CHECK(on_disk_now(bench.machine(), file, 4800, 100) == uninitialised(100));
  CHECK(bench.machine().objects[file]->size == Bytes{2 * kPage});
}

TEST_CASE("the probe of a frame refuses it for one page", "[unit][ntfs3]") {
  Bench bench{{.revision = "6.12", .pages = 16}};
  bench.unmap_page(15);
  const std::uint32_t file = add_stored_file(bench.machine(), "ntfs3", Bytes{kFrame}, false);
  CHECK(write(bench, file, 0, 15 * kPage + 1) == Outcome{kEfault, 1, false, false});
  CHECK(on_disk_now(bench.machine(), file, 0, kFrame) == on_disk(file, 0, kFrame));
  CHECK(write(bench, file, 0, 15 * kPage).result == 15 * kPage);
}

}  // namespace
}  // namespace mtesim::test
