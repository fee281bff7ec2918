#include "fs_models/legacy_dio.h"

#include <catch2/catch.hpp>

#include "tests/support/stored_file.h"

namespace mtesim::test {
namespace {

constexpr std::uint64_t kPage = 4096;
constexpr std::int64_t kEfault = -14;
constexpr std::int64_t kEinval = -22;

CopyLoop direct_loop(Bench& bench, CallKind kind, std::uint32_t file, std::uint64_t offset, std::uint64_t length,
                     std::uint64_t position = 0, std::string_view fs = "vfat") {
  SystemCall call = transfer(kind, fs, file, {{bench.user(offset), Bytes{length}}}, position);
  call.flags.direct = true;
  return loop_of(call);
}
Outcome direct(Bench& bench, CallKind kind, std::uint32_t file, std::uint64_t offset, std::uint64_t length,
               std::uint64_t position = 0, std::string_view fs = "vfat") {
  const Outcome outcome = carry_out(direct_loop(bench, kind, file, offset, length, position, fs), bench.kernel());
  CHECK(bench.machine().locks.held().empty());
  return outcome;
}

TEST_CASE("direct I/O moves bytes between the user's pages and the disk, tags or no tags", "[unit][legacy-dio]") {
  const auto revision = GENERATE("5.10", "6.1", "7.3");
  const bool cached = GENERATE(true, false);
  Bench bench{{.revision = revision, .pages = 4}};
  bench.spoil_granule(100);
  bench.spoil_granule(700);
  const std::uint32_t file = add_stored_file(bench.machine(), "vfat", Bytes{4 * kPage}, cached);
  CHECK(direct(bench, CallKind::read, file, 512, 2 * kPage, 1024) == Outcome{2 * kPage, 1, false, false});
  CHECK(bench.in_user(512, 2 * kPage) == on_disk(file, 1024, 2 * kPage));
  CHECK(bench.in_user(0, 512) == Bench::untouched(0, 512));
  CHECK(direct(bench, CallKind::write, file, 3 * kPage, kPage, 2048) == Outcome{kPage, 1, false, false});
  CHECK(on_disk_now(bench.machine(), file, 2048, kPage) == Bench::untouched(3 * kPage, kPage));
  CHECK(on_disk_now(bench.machine(), file, 0, 2048) == on_disk(file, 0, 2048));
  CHECK_FALSE(bench.machine().folio({file, 0}).in_cache);
  CHECK(bench.seen().tag_faults.empty());
}

TEST_CASE("what is dirty in the cache is written back before a direct read", "[unit][legacy-dio]") {
  Bench bench{{.revision = "7.3", .pages = 2}};
  const std::uint32_t file = add_stored_file(bench.machine(), "vfat", Bytes{kPage});
  const SystemCall buffered = transfer(CallKind::write, "vfat", file, {{bench.user(), Bytes{100}}});
  CHECK(carry_out(loop_of(buffered), bench.kernel()).result == 100);
  CHECK(direct(bench, CallKind::read, file, kPage, kPage).result == kPage);
  CHECK(bench.in_user(kPage, 100) == Bench::untouched(0, 100));
}

TEST_CASE("direct I/O wants sectors, and a read ends with the file", "[unit][legacy-dio]") {
  Bench bench{{.revision = "7.3", .pages = 3}};
  const std::uint32_t file = add_stored_file(bench.machine(), "vfat", Bytes{kPage + 100});
  CHECK(direct(bench, CallKind::read, file, 512, 1024, 512).result == 1024);
  CHECK(direct(bench, CallKind::read, file, 16, 1024).result == kEinval);
  CHECK(direct(bench, CallKind::read, file, 0, 1000).result == kEinval);
  CHECK(direct(bench, CallKind::read, file, 0, 1024, 100).result == kEinval);
  CHECK(direct(bench, CallKind::read, file, 0, 2 * kPage).result == kPage + 100);
  CHECK(direct(bench, CallKind::read, file, 0, 2 * kPage, 2 * kPage).result == 0);
}

TEST_CASE("a write uses up the blocks that are mapped with zeroes when the user's pages end", "[unit][legacy-dio]") {
  Bench bench{{.revision = "7.3", .pages = 4}};
  const std::uint32_t file = add_stored_file(bench.machine(), "vfat", Bytes{5 * kPage}, false);
  SECTION("up to the end of the request, and not further") {
    bench.unmap_page(2);
    CHECK(direct(bench, CallKind::write, file, 0, 4 * kPage).result == kEfault);
    CHECK(on_disk_now(bench.machine(), file, 0, 2 * kPage) == Bench::untouched(0, 2 * kPage));
    CHECK(on_disk_now(bench.machine(), file, 2 * kPage, 2 * kPage) == zeroes(2 * kPage));
    CHECK(on_disk_now(bench.machine(), file, 4 * kPage, kPage) == on_disk(file, 4 * kPage, kPage));
  }
  SECTION("but none where not even the first page is there, as no block is mapped then") {
    bench.unmap_page(0);
    CHECK(direct(bench, CallKind::write, file, 0, 4 * kPage).result == kEfault);
    CHECK(on_disk_now(bench.machine(), file, 0, 5 * kPage) == on_disk(file, 0, 5 * kPage));
  }
  SECTION("and a read just ends") {
    bench.unmap_page(2);
    CHECK(direct(bench, CallKind::read, file, 0, 4 * kPage).result == kEfault);
    CHECK(bench.in_user(0, 2 * kPage) == on_disk(file, 0, 2 * kPage));
  }
}

TEST_CASE("a page that comes back while zeroes are written goes to where the zeroes are", "[unit][legacy-dio]") {
  Bench bench{{.revision = "7.3", .pages = 4}};
  const std::uint32_t file = add_stored_file(bench.machine(), "vfat", Bytes{4 * kPage}, false);
  bench.protect_page(1, {false, false, true});
  std::uint64_t walks = 0;
  bench.seen().act = [&](const Look& next, Machine& machine) -> std::uint64_t {
    const std::uint64_t begin = machine.page_address(Bench::kFirstPage + 1);
    if (std::holds_alternative<PageWalk>(next) && ++walks == 3) {
      CHECK(protect_memory(machine, 0, begin, begin + kPage, {true, true, true}) == Errno::ok);
    }
    return 0;
  };
  CHECK(carry_out_among_others(direct_loop(bench, CallKind::write, file, 0, 4 * kPage), bench.kernel()).result ==
        kEfault);
  CHECK(on_disk_now(bench.machine(), file, kPage, kPage) == zeroes(kPage));
  CHECK(on_disk_now(bench.machine(), file, 2 * kPage, kPage) == Bench::untouched(kPage, kPage));
}

TEST_CASE("f2fs reads a hole by the kernel's mapping to 5.16, by the user's pointer from 5.17 on",
          "[unit][legacy-dio]") {
  const auto revision = GENERATE("5.10", "5.16", "5.17", "6.1", "7.3");
  const bool legacy = find_revision(revision)->f2fs_direct_io == DirectIoForm::legacy;
  CHECK(legacy == (std::string_view(revision) == "5.10" || std::string_view(revision) == "5.16"));
  Bench bench{{.revision = revision, .pages = 2}};
  bench.spoil_granule(100);
  const std::uint32_t file = add_file(bench.machine(), "f2fs", Bytes{2 * kPage}, false);
  bench.machine().objects[file].write().blocks = BlockKind::hole;
  bench.machine().objects[file].write().laid_out = Bytes{2 * kPage};
  const Outcome outcome = direct(bench, CallKind::read, file, 0, 2 * kPage, 0, "f2fs");
  CHECK(bench.in_user(0, 1600) == zeroes(1600));
  CHECK(bench.seen().tag_faults.empty() == legacy);
  if (legacy) {
    CHECK(outcome.result == 2 * kPage);
    CHECK(bench.in_user(0, 2 * kPage) == zeroes(2 * kPage));
  } else {
    CHECK(bench.in_user(1600, 100) == Bench::untouched(1600, 100));
  }
}

TEST_CASE("a direct write behind the file's end is a buffered one, and on the disk in the end", "[unit][legacy-dio]") {
  Bench bench{{.revision = "7.3", .pages = 2}};
  bench.spoil_granule(300);
  const std::uint32_t file = add_stored_file(bench.machine(), "vfat", Bytes{kPage}, false);
  CHECK(direct(bench, CallKind::write, file, 0, 2 * kPage).result == 4800);
  CHECK(on_disk_now(bench.machine(), file, 0, 4800) == Bench::untouched(0, 4800));
  CHECK_FALSE(bench.machine().folio({file, 0}).in_cache);
  CHECK(bench.machine().objects[file]->size == Bytes{4800});
}

}  // namespace
}  // namespace mtesim::test
