#include <catch2/catch.hpp>
#include <numeric>

#include "model/kernel/uaccess.h"
#include "tests/support/bench.h"

namespace mtesim::test {
namespace {

using Counts = std::vector<std::uint64_t>;

constexpr bool kFromUser = false;
constexpr bool kToUser = true;

/// Bytes reported by successive calls that each resume at the first byte not copied, as a loop would, until one
/// reports none or all is done. The kernel's pointer moves along with the user's.
Counts calls(Bench& bench, bool to_user, std::uint64_t uoff, std::uint32_t koff, std::uint64_t size) {
  Counts counts;
  Provenance arrived;
  const KernelBytes source{kernel_made(0, size), koff};
  for (std::uint64_t done = 0; done < size;) {
    const Bytes rest{size - done};
    const Bytes left = to_user ? copy_to_user(bench.kernel(), bench.user(uoff + done), source.from(Bytes{done}))
                               : copy_from_user(bench.kernel(), arrived, bench.user(uoff + done), rest);
    counts.push_back((rest - left).n);
    done += counts.back();
    if (counts.back() == 0) break;
  }
  if (!to_user) CHECK(arrived == Bench::untouched(uoff, arrived.size().n));
  return counts;
}

struct Vector {
  bool to_user;
  std::uint64_t uoff;
  std::uint32_t koff;
  std::uint64_t bad;     // offset of the bad granule
  Counts with_retry;     // 5.14, and 5.10 with the back-port
  Counts without_retry;  // 5.13
};

const std::vector<Vector> kVectors{
    {kFromUser, 0, 0, 16, {1, 15, 0}, {0}},
    {kFromUser, 0, 8, 16, {1, 15, 0}, {0}},
    {kFromUser, 0, 0, 32, {1, 15, 1, 15, 0}, {0}},
    {kFromUser, 0, 0, 64, {16, 1, 15, 1, 15, 1, 15, 0}, {16, 0}},
    {kFromUser, 0, 0, 80, {32, 1, 15, 1, 15, 1, 15, 0}, {32, 0}},
    {kFromUser, 0, 0, 3200, {3152, 1, 15, 1, 15, 1, 15, 0}, {3152, 0}},
    {kFromUser, 8, 0, 16, {8, 0}, {8, 0}},
    {kFromUser, 13, 0, 80, {19, 1, 15, 1, 15, 1, 15, 0}, {19, 0}},
    {kToUser, 0, 0, 64, {64, 0}, {64, 0}},
    {kToUser, 0, 8, 64, {56, 1, 7, 0}, {56, 0}},
    {kToUser, 1, 0, 16, {1, 7, 1, 3, 1, 1, 1, 0}, {0}},
    {kToUser, 8, 0, 16, {1, 7, 0}, {0}},
    {kToUser, 13, 0, 16, {1, 1, 1, 0}, {0}},
};

TEST_CASE("successive copies report the counts of the kernel's copy routine", "[unit][uaccess]") {
  for (const Vector& v : kVectors) {
    CAPTURE(v.to_user, v.uoff, v.koff, v.bad);
    for (const char* revision : {"5.10", "5.14", "5.15", "6.1", "6.12", "7.3"}) {
      Bench bench{{.revision = revision, .pages = 2}};
      bench.spoil_granule(v.bad / 16);
      CHECK(calls(bench, v.to_user, v.uoff, v.koff, 4096) == v.with_retry);
    }
    Bench bench{{.revision = "5.13", .pages = 2}};
    bench.spoil_granule(v.bad / 16);
    CHECK(calls(bench, v.to_user, v.uoff, v.koff, 4096) == v.without_retry);
  }
}

std::vector<std::uint32_t> widths(Bench& bench) {
  std::vector<std::uint32_t> all;
  for (const Touch& t : bench.seen().touches) all.push_back(t.width);
  bench.seen().forget();
  return all;
}

TEST_CASE("copy_to_user aligns the kernel's pointer and copy_from_user the user's", "[unit][uaccess]") {
  Bench bench;
  using Widths = std::vector<std::uint32_t>;
  CHECK(calls(bench, kToUser, 0, 5, 31) == Counts{31});
  CHECK(widths(bench) == Widths{1, 2, 8, /*pair*/ 8, 8, 4});
  CHECK(calls(bench, kToUser, 5, 0, 31) == Counts{31});
  CHECK(widths(bench) == Widths{/*pair*/ 8, 8, 8, 4, 2, 1});
  Provenance got;
  CHECK(copy_from_user(bench.kernel(), got, bench.user(5), Bytes{31}) == Bytes{0});
  CHECK(widths(bench) == Widths{1, 2, 8, 8, 8, 4});
  CHECK(calls(bench, kToUser, 0, 5, 15) == Counts{15});  // fewer than 16: no head
  CHECK(widths(bench) == Widths{8, 4, 2, 1});
}

TEST_CASE("a copy touches each byte of the request once, in order, and none beside it", "[unit][uaccess]") {
  const bool to_user = GENERATE(kFromUser, kToUser);
  const auto size = GENERATE(as<std::uint64_t>{}, 0, 1, 7, 15, 16, 17, 63, 64, 79, 80, 127, 128, 143, 144, 300);
  Bench bench{{.pages = 1}};
  for (std::uint64_t uoff = 0; uoff < 16; ++uoff) {
    for (std::uint32_t koff = 0; koff < 16; koff += to_user ? 1 : 16) {
      bench.seen().forget();
      const Counts counts = calls(bench, to_user, 512 + uoff, koff, size);
      REQUIRE(counts == (size == 0 ? Counts{} : Counts{size}));
      std::uint64_t next = 512 + uoff;
      for (const Touch& t : bench.seen().touches) {
        if (t.offset != next) FAIL("gap or overlap at " << t);
        next += t.width;
      }
      CHECK(next == 512 + uoff + size);
    }
  }
}

TEST_CASE("every byte before a bad granule is copied in the end, in a bounded number of calls", "[unit][uaccess]") {
  struct Limit {
    bool to_user;
    std::uint64_t calls;
    std::uint64_t over_write;
    std::uint64_t shortfall;  // of the first call
  };
  const auto limit = GENERATE(values<Limit>({{kFromUser, 8, 0, 48}, {kToUser, 11, 8, 15}}));
  std::uint64_t most_calls = 0;
  std::uint64_t most_over_write = 0;
  std::uint64_t most_shortfall = 0;
  const Bench clean{{.pages = 2}};
  for (const std::uint64_t size : {1, 7, 15, 16, 31, 32, 63, 64, 80, 100, 127, 128, 143, 192, 300, 4096}) {
    for (std::uint64_t uoff = 0; uoff < 16; ++uoff) {
      for (std::uint32_t koff = 0; koff < 16; koff += limit.to_user ? 1 : 16) {
        for (std::uint64_t bad = 0; bad * 16 < uoff + size; bad = bad < 12 ? bad + 1 : bad * 3) {
          Bench bench{{.pages = 2}};
          bench.spoil_granule(bad);
          const std::uint64_t good = bad * 16 < uoff ? 0 : bad * 16 - uoff;
          const Counts counts = calls(bench, limit.to_user, uoff, koff, size);
          if (std::accumulate(counts.begin(), counts.end(), std::uint64_t{0}) != good) FAIL("not exact");
          most_calls = std::max<std::uint64_t>(most_calls, counts.size());
          most_shortfall = std::max(most_shortfall, good - counts.front());
          if (!limit.to_user) continue;
          Bench again{{.pages = 2}};
          again.spoil_granule(bad);
          const KernelBytes source{kernel_made(0, size), koff};
          const std::uint64_t reported = size - copy_to_user(again.kernel(), again.user(uoff), source).n;
          const std::uint64_t stored = common_prefix(again.in_user(uoff, size), source.bytes);
          most_over_write = std::max(most_over_write, stored - reported);
          if (again.in_user(uoff + stored, 4096) != Bench::untouched(uoff + stored, 4096)) FAIL("stray bytes");
        }
      }
    }
  }
  CHECK(most_calls == limit.calls);  // reached, and not passed
  CHECK(most_over_write == limit.over_write);
  CHECK(most_shortfall == limit.shortfall);
}

TEST_CASE("without the one-byte retry a copy can be stuck before good bytes", "[unit][uaccess]") {
  const auto on = GENERATE("on", "off");
  Bench bench{{.change = {{"uaccess.one_byte_retry", on}}}};
  bench.spoil_granule(1);
  CHECK(calls(bench, kToUser, 15, 0, 1) == Counts{1});  // a one-byte copy needs no retry
  CHECK(calls(bench, kToUser, 15, 0, 2) == (on == std::string("on") ? Counts{1, 0} : Counts{0}));
}

TEST_CASE("a copy onto the bad granule itself reports nothing, and tries one byte in vain", "[unit][uaccess]") {
  Bench bench;
  bench.spoil_granule(1);
  CHECK(copy_to_user(bench.kernel(), bench.user(16), {kernel_made(0, 16), 0}) == Bytes{16});
  CHECK(bench.seen().tag_faults == std::vector<TagFault>{{16, AccessKind::store}, {16, AccessKind::store}});
  bench.seen().forget();
  CHECK(copy_to_user(bench.kernel(), bench.user(16), {kernel_made(0, 1), 0}) == Bytes{1});
  CHECK(bench.seen().tag_faults.size() == 1);  // it was a one-byte access already
  CHECK(bench.in_user(0, 4096) == Bench::untouched(0, 4096));
}

TEST_CASE("a copy faults absent pages in unless page faults are disabled", "[unit][uaccess]") {
  const bool disabled = GENERATE(false, true);
  Bench bench{{.pages = 2}};
  bench.evict_page(1);
  bench.task().pagefault_disabled = disabled ? 1 : 0;
  CHECK(copy_to_user(bench.kernel(), bench.user(), {kernel_made(0, 4096), 0}) == Bytes{0});  // the page that is there
  CHECK(copy_to_user(bench.kernel(), bench.user(), {kernel_made(0, 4097), 0}) == Bytes{disabled ? 1u : 0u});
  Provenance got;
  CHECK(copy_from_user(bench.kernel(), got, bench.user(4080), Bytes{32}) == Bytes{disabled ? 16u : 0u});
}

TEST_CASE("a tag check fault shortens a copy alike with page faults enabled or disabled", "[unit][uaccess]") {
  const auto uoff = GENERATE(as<std::uint64_t>{}, 0, 1, 8, 13);
  Bench enabled;
  Bench disabled;
  enabled.spoil_granule(6);
  disabled.spoil_granule(6);
  disabled.task().pagefault_disabled = 1;
  CHECK(calls(enabled, kFromUser, uoff, 0, 200) == calls(disabled, kFromUser, uoff, 0, 200));
  CHECK(calls(enabled, kToUser, uoff, 0, 200) == calls(disabled, kToUser, uoff, 0, 200));
  CHECK(enabled.in_user(0, 4096) == disabled.in_user(0, 4096));
  CHECK(enabled.seen().tag_faults == disabled.seen().tag_faults);
  CHECK(enabled.seen().tag_faults.size() > 4);
}

TEST_CASE("with MOPS a copy stops at the last whole step before the bad granule", "[unit][uaccess][mops]") {
  const auto uoff = GENERATE(as<std::uint64_t>{}, 0, 1, 8, 13, 15);
  SECTION("of one byte: exactly at the granule") {
    Bench bench{{.revision = "7.3", .change = {{"uaccess.mops", "on"}}}};
    bench.spoil_granule(4);
    CHECK(calls(bench, kToUser, uoff, 5, 200) == Counts{64 - uoff, 0});
    CHECK(bench.in_user(uoff, 64 - uoff) == kernel_made(0, 64 - uoff));
    Bench source{{.revision = "7.3", .change = {{"uaccess.mops", "on"}}}};
    source.spoil_granule(4);
    CHECK(calls(source, kFromUser, uoff, 0, 200) == Counts{64 - uoff, 0});
  }
  SECTION("of 16 bytes: rounded down, then byte by byte") {
    Bench bench{{.revision = "7.3", .change = {{"uaccess.mops", "on"}, {"uaccess.mops_chunk", "16"}}}};
    bench.spoil_granule(4);
    const Counts counts = calls(bench, kToUser, uoff, 5, 200);
    CHECK(counts.front() == (64 - uoff) / 16 * 16);
    CHECK(std::accumulate(counts.begin(), counts.end(), std::uint64_t{0}) == 64 - uoff);
    CHECK(counts.size() == 1 + (64 - uoff) % 16 + 1);  // the rest by the one-byte retry, then none
  }
}

}  // namespace
}  // namespace mtesim::test
