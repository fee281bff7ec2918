#include "fs_models/netfs_write.h"

#include <catch2/catch.hpp>
#include <utility>

#include "tests/support/stored_file.h"

namespace mtesim::test {
namespace {

constexpr std::uint64_t kPage = 4096;
constexpr std::int64_t kEfault = -14;
constexpr std::int64_t kEintr = -4;

CopyLoop write_loop(Bench& bench, std::uint32_t file, std::uint64_t offset, std::uint64_t length,
                    std::uint64_t position = 0) {
  return loop_of(transfer(CallKind::write, "9p", file, {{bench.user(offset), Bytes{length}}}, position));
}
Outcome write(Bench& bench, std::uint32_t file, std::uint64_t offset, std::uint64_t length,
              std::uint64_t position = 0) {
  const Outcome outcome = carry_out(write_loop(bench, file, offset, length, position), bench.kernel());
  CHECK(bench.machine().locks.held().empty());
  return outcome;
}

TEST_CASE("a write through netfs puts the user's bytes into the cache and leaves the others", "[unit][netfs]") {
  const auto revision = GENERATE("6.12", "7.3");
  const bool cached = GENERATE(true, false);
  Bench bench{{.revision = revision, .pages = 4}};
  const std::uint32_t file = add_stored_file(bench.machine(), "9p", Bytes{3 * kPage}, cached);
  CHECK(write(bench, file, 50, 2 * kPage, 1000) == Outcome{2 * kPage, 3, false, false});
  CHECK(in_cache(bench.machine(), file, 0, 1000) == on_disk(file, 0, 1000));
  CHECK(in_cache(bench.machine(), file, 1000, 2 * kPage) == Bench::untouched(50, 2 * kPage));
  const std::uint64_t behind = 1000 + 2 * kPage;
  CHECK(in_cache(bench.machine(), file, behind, 3 * kPage - behind) == on_disk(file, behind, 3 * kPage - behind));
  CHECK(write(bench, file, 0, 10, 3 * kPage + 5).result == 10);  // a page that the server does not have
  CHECK(in_cache(bench.machine(), file, 3 * kPage, 5) == zeroes(5));
  CHECK(in_cache(bench.machine(), file, 3 * kPage + 15, 100) == zeroes(100));
  CHECK(bench.machine().objects[file]->size == Bytes{3 * kPage + 15});
}

TEST_CASE("a write through netfs counts exactly the bytes before the bad granule", "[unit][netfs]") {
  const auto revision = GENERATE("6.12", "7.3");
  const auto offset = GENERATE(as<std::uint64_t>{}, 0, 7, 15);
  const auto bad = GENERATE(as<std::uint64_t>{}, 1, 6, 255, 300);
  const bool cached = GENERATE(true, false);
  Bench bench{{.revision = revision, .pages = 3}};
  bench.spoil_granule(bad);
  const std::uint32_t file = add_stored_file(bench.machine(), "9p", Bytes{3 * kPage}, cached);
  const std::uint64_t good = bad * 16 - offset;
  CHECK(write(bench, file, offset, 2 * kPage).result == static_cast<std::int64_t>(good));
  CHECK(in_cache(bench.machine(), file, 0, good) == Bench::untouched(offset, good));
  CHECK(in_cache(bench.machine(), file, good, 16) == on_disk(file, good, 16));
  CHECK(write(bench, file, bad * 16, 100).result == kEfault);
}

TEST_CASE("a short copy over a whole page is dropped once, and pages are read first from then on", "[unit][netfs]") {
  Bench bench{{.revision = "7.3", .pages = 2}};
  bench.spoil_granule(300);
  const std::uint32_t file = add_stored_file(bench.machine(), "9p", Bytes{2 * kPage}, false);
  // Page 0: whole. Page 1: whole, dropped; read, 704 bytes; the granule.
  CHECK(write(bench, file, 0, 2 * kPage) == Outcome{4800, 4, false, false});
  CHECK(in_cache(bench.machine(), file, 4800, 100) == on_disk(file, 4800, 100));
}

TEST_CASE("a page that goes between probe and copy is EFAULT at once", "[unit][netfs]") {
  Bench bench{{.revision = "7.3"}};
  const std::uint32_t file = add_stored_file(bench.machine(), "9p", Bytes{kPage});
  bool evicted = false;
  bench.seen().act = [&](const Look& next, Machine& machine) -> std::uint64_t {
    if (std::holds_alternative<CacheLookup>(next) && !std::exchange(evicted, true)) {
      CHECK(evict(machine, 0, Bench::kFirstPage));
    }
    return 0;
  };
  CHECK(carry_out_among_others(write_loop(bench, file, 0, kPage), bench.kernel()) == Outcome{kEfault, 1, false, false});
  CHECK(carry_out_among_others(write_loop(bench, file, 0, kPage), bench.kernel()).result == kPage);
}

TEST_CASE("any signal ends a write through netfs, behind the probe", "[unit][netfs]") {
  Bench bench{{.revision = "7.3"}};
  const std::uint32_t file = add_stored_file(bench.machine(), "9p", Bytes{kPage});
  bench.task().pending.other = true;
  CHECK(write(bench, file, 0, kPage).result == kEintr);
  CHECK(bench.seen().touches.size() == 1);
  CHECK(in_cache(bench.machine(), file, 0, kPage) == on_disk(file, 0, kPage));
}

}  // namespace
}  // namespace mtesim::test
