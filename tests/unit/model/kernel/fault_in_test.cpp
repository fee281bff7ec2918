#include "model/kernel/fault_in.h"

#include <catch2/catch.hpp>

#include "tests/support/bench.h"

namespace mtesim::test {
namespace {

constexpr std::uint64_t kPage = 4096;
constexpr auto kLoad = AccessKind::load;
constexpr auto kStore = AccessKind::store;

using Offsets = std::vector<std::uint64_t>;

/// Where the one-byte accesses of a probe went; all of them must be of this kind.
Offsets touched(Bench& bench, AccessKind kind) {
  Offsets offsets;
  for (const Touch& t : bench.seen().touches) {
    CHECK(t.width == 1);
    CHECK(t.kind == kind);
    offsets.push_back(t.offset);
  }
  bench.seen().forget();
  return offsets;
}

struct Walk {
  std::uint64_t from;
  std::uint64_t size;
  Offsets touches;
};

TEST_CASE("up to 5.15 a probe strides from the first byte, and may end with the last one", "[unit][fault-in]") {
  const auto walk = GENERATE(values<Walk>({
      {0, 0, {}},
      {0, 1, {0}},
      {0, 2, {0}},  // the stride overshot, and stayed in no other page
      {0, kPage, {0}},
      {0, kPage + 1, {0, kPage}},
      {100, kPage, {100, kPage + 99}},  // the last byte lies in one more page
      {100, kPage - 100, {100}},        // it does not
      {100, kPage - 99, {100, kPage}},
      {100, kPage + 1, {100, kPage + 100}},  // the stride touched the last byte itself
      {100, 2 * kPage, {100, kPage + 100, 2 * kPage + 99}},
  }));
  CAPTURE(walk.from, walk.size);
  Bench bench{{.pages = 4}};
  CHECK(fault_in_pages_readable(bench.kernel(), bench.user(walk.from), Bytes{walk.size}) == Errno::ok);
  CHECK(touched(bench, kLoad) == walk.touches);
  CHECK(fault_in_pages_writeable(bench.kernel(), bench.user(walk.from), Bytes{walk.size}) == Errno::ok);
  CHECK(touched(bench, kStore) == walk.touches);
}

TEST_CASE("since 5.16 a probe touches the first byte and each later page's first", "[unit][fault-in]") {
  const auto walk = GENERATE(values<Walk>({
      {0, 0, {}},
      {0, 1, {0}},
      {0, kPage, {0}},
      {0, kPage + 1, {0, kPage}},
      {100, kPage - 100, {100}},
      {100, kPage - 99, {100, kPage}},
      {100, 2 * kPage, {100, kPage, 2 * kPage}},
      {kPage, kPage, {kPage}},
  }));
  CAPTURE(walk.from, walk.size);
  Bench bench{{.pages = 4}};
  CHECK(fault_in_readable(bench.kernel(), bench.user(walk.from), Bytes{walk.size}) == Bytes{0});
  CHECK(touched(bench, kLoad) == walk.touches);
  CHECK(fault_in_writeable(bench.kernel(), bench.user(walk.from), Bytes{walk.size}) == Bytes{0});
  CHECK(touched(bench, kStore) == walk.touches);
}

TEST_CASE("a write probe leaves zeroes where it touched, a read probe nothing", "[unit][fault-in]") {
  Bench bench{{.pages = 2}};
  const Machine before = bench.machine();
  CHECK(fault_in_readable(bench.kernel(), bench.user(100), Bytes{kPage}) == Bytes{0});
  CHECK(bench.machine() == before);
  CHECK(fault_in_writeable(bench.kernel(), bench.user(100), Bytes{kPage}) == Bytes{0});
  CHECK(bench.in_user(99, 1) == Bench::untouched(99, 1));
  CHECK(bench.in_user(100, 1) == zeroes(1));
  CHECK(bench.in_user(101, kPage - 101) == Bench::untouched(101, kPage - 101));
  CHECK(bench.in_user(kPage, 1) == zeroes(1));
}

TEST_CASE("up to 5.15 one bad page anywhere is EFAULT for all", "[unit][fault-in]") {
  const auto missing = GENERATE(as<std::uint64_t>{}, 0, 1, 2);
  Bench bench{{.pages = 3}};
  CHECK(fault_in_pages_readable(bench.kernel(), bench.user(), Bytes{3 * kPage}) == Errno::ok);
  bench.unmap_page(missing);
  CHECK(fault_in_pages_readable(bench.kernel(), bench.user(), Bytes{3 * kPage}) == Errno::efault);
  CHECK(fault_in_pages_writeable(bench.kernel(), bench.user(), Bytes{3 * kPage}) == Errno::efault);
}

TEST_CASE("an old probe whose end wraps round is EFAULT without an access", "[unit][fault-in]") {
  Bench bench;
  CHECK(fault_in_pages_readable(bench.kernel(), bench.user(), Bytes{~std::uint64_t{0}}) == Errno::efault);
  CHECK(bench.seen().looks == 0);
}

TEST_CASE("since 5.16 a probe counts what it did not reach, to the byte", "[unit][fault-in]") {
  struct Row {
    std::uint64_t from;
    std::uint64_t size;
    std::uint64_t missing_page;
    std::uint64_t left;
  };
  const auto row = GENERATE(values<Row>({
      {0, 3 * kPage, 0, 3 * kPage},
      {0, 3 * kPage, 1, 2 * kPage},
      {0, 3 * kPage, 2, kPage},
      {100, 2 * kPage, 0, 2 * kPage},
      {100, 2 * kPage, 1, kPage + 100},
      {100, 2 * kPage, 2, 100},
      {100, kPage - 100, 1, 0},  // ends just before it
      {100, kPage - 99, 1, 1},
  }));
  CAPTURE(row.from, row.size, row.missing_page);
  Bench bench{{.pages = 3}};
  bench.unmap_page(row.missing_page);
  CHECK(fault_in_readable(bench.kernel(), bench.user(row.from), Bytes{row.size}) == Bytes{row.left});
  CHECK(fault_in_writeable(bench.kernel(), bench.user(row.from), Bytes{row.size}) == Bytes{row.left});
}

TEST_CASE("a page probe brings absent pages in, and sees the tags of the bytes it touches alone", "[unit][fault-in]") {
  Bench bench{{.pages = 2}};
  bench.evict_page(0);
  bench.evict_page(1);
  CHECK(fault_in_writeable(bench.kernel(), bench.user(), Bytes{2 * kPage}) == Bytes{0});
  CHECK(bench.pte(1).state == PteState::present);
  for (const std::uint64_t unseen : {1, 255, 257, 511}) bench.spoil_granule(unseen);
  CHECK(fault_in_writeable(bench.kernel(), bench.user(), Bytes{2 * kPage}) == Bytes{0});
  CHECK(fault_in_readable(bench.kernel(), bench.user(), Bytes{2 * kPage}) == Bytes{0});
  CHECK(fault_in_pages_readable(bench.kernel(), bench.user(), Bytes{2 * kPage}) == Errno::ok);
  CHECK(fault_in_pages_readable(bench.kernel(), bench.user(1), Bytes{2 * kPage - 1}) == Errno::ok);
  CHECK(fault_in_pages_readable(bench.kernel(), bench.user(2), Bytes{2 * kPage - 1}) ==
        Errno::efault);  // the last byte
  bench.spoil_granule(256);
  CHECK(fault_in_writeable(bench.kernel(), bench.user(), Bytes{2 * kPage}) == Bytes{kPage});
  bench.spoil_granule(0);
  CHECK(fault_in_writeable(bench.kernel(), bench.user(), Bytes{2 * kPage}) == Bytes{2 * kPage});
}

TEST_CASE("a sub-page probe loads the first byte and each granule's first, an aligned first one twice",
          "[unit][fault-in]") {
  const auto walk = GENERATE(values<Walk>({
      {0, 0, {}},
      {0, 1, {0, 0}},
      {0, 16, {0, 0}},
      {0, 17, {0, 0, 16}},
      {5, 11, {5}},
      {5, 12, {5, 16}},
      {15, 34, {15, 16, 32, 48}},
      {4090, 20, {4090, 4096}},
  }));
  CAPTURE(walk.from, walk.size);
  Bench bench{{.pages = 2}};
  CHECK(probe_subpage_writeable(bench.kernel(), bench.user(walk.from), Bytes{walk.size}) == Bytes{0});
  CHECK(touched(bench, kLoad) == walk.touches);
}

TEST_CASE("a sub-page probe stops at exactly the first mismatched granule", "[unit][fault-in]") {
  const auto bad = GENERATE(as<std::uint64_t>{}, 0, 1, 7, 255, 256);
  const auto from = GENERATE(as<std::uint64_t>{}, 0, 1, 15);
  Bench bench{{.pages = 2}};
  bench.spoil_granule(bad);
  const Bytes clean{bad == 0 ? 0 : bad * 16 - from};
  CHECK(fault_in_subpage_writeable(bench.kernel(), bench.user(from), clean) == Bytes{0});             // all of it
  CHECK(fault_in_subpage_writeable(bench.kernel(), bench.user(from), clean + Bytes{1}) == Bytes{1});  // not that byte
  CHECK(fault_in_subpage_writeable(bench.kernel(), bench.user(from), Bytes{6000}) == Bytes{6000} - clean);
}

TEST_CASE("a sub-page probe first faults pages in for writing, and looks at what passed", "[unit][fault-in]") {
  Bench bench{{.pages = 2}};
  bench.protect_page(1, {true, false, false});
  CHECK(fault_in_subpage_writeable(bench.kernel(), bench.user(), Bytes{kPage + 100}) == Bytes{100});
  std::uint64_t loads = 0;
  for (const Touch& t : bench.seen().touches) loads += t.kind == kLoad ? 1 : 0;
  CHECK(loads == 1 + kPage / 16);  // page 1 could have been read, but was not reached
}

TEST_CASE("a sub-page probe reads: it sees nothing where stores alone are checked, too much under ASYMM",
          "[unit][fault-in][tcf]") {
  Bench store_only{{.revision = "7.3", .store_only = true}};
  store_only.spoil_granule(1);
  CHECK(fault_in_subpage_writeable(store_only.kernel(), store_only.user(), Bytes{64}) == Bytes{0});
  CHECK(copy_to_user(store_only.kernel(), store_only.user(), {kernel_made(0, 64), 0}) == Bytes{48});
  Bench asymm{{.tcf = TcfMode::asymm}};
  asymm.spoil_granule(1);
  CHECK(fault_in_subpage_writeable(asymm.kernel(), asymm.user(), Bytes{64}) == Bytes{48});
  CHECK(copy_to_user(asymm.kernel(), asymm.user(), {kernel_made(0, 64), 0}) == Bytes{0});
}

TEST_CASE("a probe of granules by stores sees what the copy will see", "[unit][fault-in][tcf]") {
  constexpr Probe kByStore{ProbeKind::probe_granule_store, {}};
  Bench store_only{{.revision = "7.3", .store_only = true}};
  store_only.spoil_granule(1);
  CHECK(fault_in(store_only.kernel(), kByStore, store_only.user(), Bytes{16}) == Bytes{0});
  CHECK(fault_in(store_only.kernel(), kByStore, store_only.user(), Bytes{64}) == Bytes{48});
  CHECK(store_only.in_user(1, 4095) == Bench::untouched(1, 4095));  // those stores change nothing
}

TEST_CASE("min_size bounds what is looked at granule by granule", "[unit][fault-in]") {
  Bench bench{{.pages = 2}};
  bench.spoil_granule(4);
  const auto left = [&](std::uint64_t min_size, std::uint64_t size) {
    return fault_in(bench.kernel(), {ProbeKind::fault_in_subpage_writeable, Bytes{min_size}}, bench.user(), Bytes{size})
        .n;
  };
  CHECK(left(64, 6000) == 0);  // the bad granule begins where the look ends
  CHECK(left(65, 6000) == 6000 - 64);
  CHECK(left(0, 6000) == 6000 - 64);  // 0: all
  CHECK(left(65, 64) == 0);           // no further than the request
  bench.unmap_page(1);
  CHECK(left(64, 6000) == 6000 - 4096);  // the page probe's shortfall is told as well
}

TEST_CASE("on a CPU without tags the sub-page hook looks at nothing", "[unit][fault-in]") {
  Bench bench;
  bench.machine().scheme = find_subpage_scheme("page");
  CHECK(fault_in_subpage_writeable(bench.kernel(), bench.user(), Bytes{256}) == Bytes{0});
  CHECK(touched(bench, kStore) == Offsets{0});
}

TEST_CASE("whichever probe is named answers in bytes not faulted in", "[unit][fault-in]") {
  constexpr Bytes kSize{2 * kPage};
  const auto left = [&](Bench& bench, ProbeKind kind) {
    return fault_in(bench.kernel(), {kind, {}}, bench.user(), kSize);
  };
  Bench bench{{.pages = 2}};
  for (std::size_t kind = 0; kind <= static_cast<std::size_t>(ProbeKind::probe_granule_store); ++kind) {
    CHECK(left(bench, static_cast<ProbeKind>(kind)) == Bytes{0});
  }
  bench.unmap_page(1);
  CHECK(left(bench, ProbeKind::none) == Bytes{0});
  CHECK(left(bench, ProbeKind::fault_in_pages_readable) == kSize);  // all or nothing
  CHECK(left(bench, ProbeKind::fault_in_pages_writeable) == kSize);
  CHECK(left(bench, ProbeKind::fault_in_readable) == Bytes{kPage});
  CHECK(left(bench, ProbeKind::fault_in_writeable) == Bytes{kPage});
  CHECK(left(bench, ProbeKind::fault_in_safe_writeable) == Bytes{kPage});
  CHECK(left(bench, ProbeKind::fault_in_subpage_writeable) == Bytes{kPage});
  CHECK(left(bench, ProbeKind::probe_granule_store) == Bytes{kPage});
}

TEST_CASE("a tagged pointer without the ABI is not faulted in, and not touched", "[unit][fault-in]") {
  Bench bench{{.tagged_addr_abi = false}};
  CHECK(fault_in_writeable(bench.kernel(), bench.user(), Bytes{64}) == Bytes{64});
  CHECK(fault_in_subpage_writeable(bench.kernel(), bench.user(), Bytes{64}) == Bytes{64});
  CHECK(fault_in_pages_readable(bench.kernel(), bench.user(), Bytes{64}) == Errno::efault);
  CHECK(bench.seen().looks == 0);
}

}  // namespace
}  // namespace mtesim::test
