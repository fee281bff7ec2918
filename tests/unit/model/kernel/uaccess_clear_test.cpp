#include <catch2/catch.hpp>

#include "model/kernel/uaccess.h"
#include "tests/support/bench.h"

namespace mtesim::test {
namespace {

using Counts = std::vector<std::uint64_t>;

/// Bytes that successive calls report as cleared, each resuming where the one before stopped.
Counts clears(Bench& bench, std::uint64_t uoff, std::uint64_t size) {
  Counts counts;
  for (std::uint64_t done = 0; done < size;) {
    const Bytes rest{size - done};
    counts.push_back((rest - clear_user(bench.kernel(), bench.user(uoff + done), rest)).n);
    done += counts.back();
    if (counts.back() == 0) break;
  }
  return counts;
}

/// How many bytes from `uoff` on are zero; none behind them is.
std::uint64_t zeroed(const Bench& bench, std::uint64_t uoff) {
  const std::uint64_t n = common_prefix(bench.in_user(uoff, 1024), zeroes(1024));
  CHECK(bench.in_user(uoff + n, 1024) == Bench::untouched(uoff + n, 1024));
  CHECK(bench.in_user(0, uoff) == Bench::untouched(0, uoff));
  return n;
}

TEST_CASE("a clear zeroes the request and nothing beside it, in every revision", "[unit][uaccess]") {
  const auto revision = GENERATE("5.10", "5.15", "5.16", "6.12", "7.3");
  for (std::uint64_t uoff = 0; uoff < 16; ++uoff) {
    for (std::uint64_t size = 0; size <= 40; ++size) {
      Bench bench{{.revision = revision}};
      REQUIRE(clear_user(bench.kernel(), bench.user(uoff), Bytes{size}) == Bytes{0});
      REQUIRE(zeroed(bench, uoff) == size);
    }
  }
}

TEST_CASE("since 5.16 a clear reports the whole stores before the one that failed", "[unit][uaccess]") {
  struct Row {
    std::uint64_t uoff;
    std::uint64_t size;
    Counts counts;  // bad granule at 16
  };
  const auto row = GENERATE(values<Row>({
      {3, 200, {8, 0}},  // five good bytes are never cleared
      {13, 200, {0}},
      {8, 200, {8, 0}},
      {0, 200, {16, 0}},
      {0, 16, {16}},  // the last that works
      {0, 17, {16, 0}},
      {12, 4, {4}},
      {13, 4, {0}},        // the first of two overlapping 4-byte stores
      {10, 7, {4, 2, 0}},  // the second
      {14, 3, {2, 0}},
      {15, 2, {0}},
      {15, 1, {1}},
      {16, 1, {0}},
  }));
  CAPTURE(row.uoff, row.size);
  const auto revision = GENERATE("5.16", "6.1", "6.12");
  Bench bench{{.revision = revision}};
  bench.spoil_granule(1);
  CHECK(clears(bench, row.uoff, row.size) == row.counts);
}

TEST_CASE("the last store of a clear ends at the end and overlaps the one before", "[unit][uaccess]") {
  const auto stores = [](std::uint64_t size) {
    Bench bench;
    CHECK(clear_user(bench.kernel(), bench.user(), Bytes{size}) == Bytes{0});
    return bench.seen().touches;
  };
  constexpr auto kStore = AccessKind::store;
  using Touches = std::vector<Touch>;
  CHECK(stores(13) == Touches{{0, 8, kStore}, {5, 8, kStore}});
  CHECK(stores(16) == Touches{{0, 8, kStore}, {8, 8, kStore}});
  CHECK(stores(17) == Touches{{0, 8, kStore}, {8, 8, kStore}, {9, 8, kStore}});
  CHECK(stores(8) == Touches{{0, 8, kStore}, {0, 8, kStore}});
  CHECK(stores(7) == Touches{{0, 4, kStore}, {3, 4, kStore}});
  CHECK(stores(4) == Touches{{0, 4, kStore}, {0, 4, kStore}});
  CHECK(stores(3) == Touches{{0, 2, kStore}, {2, 1, kStore}});
  CHECK(stores(1) == Touches{{0, 1, kStore}});
}

TEST_CASE("up to 5.15 a clear that faults reports nothing, whatever it had cleared", "[unit][uaccess]") {
  struct Row {
    std::uint64_t size;
    std::uint64_t reported;
    std::uint64_t zeroed;
  };
  const auto row = GENERATE(values<Row>({{15, 15, 15}, {16, 16, 16}, {17, 0, 16}, {24, 0, 16}, {200, 0, 16}}));
  const auto revision = GENERATE("5.10", "5.13", "5.15");
  Bench bench{{.revision = revision}};
  bench.spoil_granule(1);
  CHECK(clear_user(bench.kernel(), bench.user(), Bytes{row.size}) == Bytes{row.size - row.reported});
  CHECK(zeroed(bench, 0) == row.zeroed);
}

TEST_CASE("no revision retries a clear with one byte", "[unit][uaccess]") {
  for (const Revision& revision : revisions()) {
    Bench bench{{.revision = revision.name}};
    bench.spoil_granule(1);
    CHECK(clear_user(bench.kernel(), bench.user(15), Bytes{64}) == Bytes{64});
    CHECK(bench.seen().tag_faults == std::vector<TagFault>{{16, AccessKind::store}});
    CHECK(zeroed(bench, 15) == 0);
  }
}

TEST_CASE("with MOPS a clear stops at the last whole step before the bad granule", "[unit][uaccess][mops]") {
  Bench exact{{.revision = "7.3", .change = {{"uaccess.mops", "on"}}}};
  exact.spoil_granule(1);
  CHECK(clears(exact, 3, 200) == Counts{13, 0});
  Bench coarse{{.revision = "7.3", .change = {{"uaccess.mops", "on"}, {"uaccess.mops_chunk", "16"}}}};
  coarse.spoil_granule(2);
  CHECK(clears(coarse, 3, 200) == Counts{16, 0});
}

TEST_CASE("a clear faults absent pages in unless page faults are disabled", "[unit][uaccess]") {
  const bool disabled = GENERATE(false, true);
  Bench bench{{.pages = 2}};
  bench.evict_page(1);
  bench.task().pagefault_disabled = disabled ? 1 : 0;
  CHECK(clear_user(bench.kernel(), bench.user(4080), Bytes{16}) == Bytes{0});
  CHECK(clear_user(bench.kernel(), bench.user(4080), Bytes{17}) == Bytes{disabled ? 1u : 0u});
}

}  // namespace
}  // namespace mtesim::test
