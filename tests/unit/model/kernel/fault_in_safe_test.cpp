#include <catch2/catch.hpp>

#include "model/kernel/fault_in.h"
#include "tests/support/bench.h"

namespace mtesim::test {
namespace {

constexpr std::uint64_t kPage = 4096;

TEST_CASE("fault_in_safe_writeable has the return value of its time", "[unit][fault-in]") {
  struct Row {
    std::uint64_t from;
    std::uint64_t missing_page;
    std::uint64_t truly_left;  // of two pages' length from there
    std::uint64_t gup;         // 5.16
    std::uint64_t swapped;     // 5.17
  };
  const auto row = GENERATE(values<Row>({
      {0, 0, 2 * kPage, 2 * kPage, 2 * kPage},
      {0, 1, kPage, kPage, 0},            // 5.17: operands swapped, a failure behind the first page is success
      {100, 0, 2 * kPage, 0, 2 * kPage},  // 5.16: the cursor was rounded down, an unaligned first page is success
      {100, 1, kPage + 100, kPage + 100, 0},
      {100, 2, 100, 100, 0},
      {100, 3, 0, 0, 0},
  }));
  CAPTURE(row.from, row.missing_page);
  const auto left = [&](const char* revision) {
    Bench bench{{.revision = revision, .pages = 4}};
    bench.unmap_page(row.missing_page);
    return fault_in_safe_writeable(bench.kernel(), bench.user(row.from), Bytes{2 * kPage}).n;
  };
  CHECK(left("5.16") == row.gup);
  CHECK(left("5.17") == row.swapped);
  CHECK(left("5.19") == row.swapped);
  CHECK(left("6.1") == row.truly_left);
  CHECK(left("7.3") == row.truly_left);
}

TEST_CASE("fault_in_safe_writeable makes pages writable without touching them or their tags", "[unit][fault-in]") {
  const auto revision = GENERATE("5.16", "5.17", "6.1");
  Bench bench{{.revision = revision, .pages = 3}};
  bench.spoil_granule(0);
  bench.spoil_granule(300);
  bench.evict_page(1);
  fork_space(bench.machine(), 0);
  const PageTags tags = bench.folio(0).tags;
  CHECK(fault_in_safe_writeable(bench.kernel(), bench.user(), Bytes{3 * kPage}) == Bytes{0});
  for (const std::uint64_t page : {0, 1, 2}) CHECK(bench.pte(page).writable);
  CHECK(bench.seen().touches.empty());
  CHECK(bench.seen().tag_faults.empty());
  CHECK(bench.folio(0).tags == tags);
  CHECK(bench.in_user(0, 3 * kPage) == Bench::untouched(0, 3 * kPage));
  CHECK(bench.machine().locks.held().empty());
}

TEST_CASE("fault_in_safe_writeable of nothing takes no lock", "[unit][fault-in]") {
  Bench bench;
  CHECK(fault_in_safe_writeable(bench.kernel(), bench.user(), Bytes{0}) == Bytes{0});
  CHECK(bench.seen().looks == 0);
}

TEST_CASE("a fatal signal ends fault_in_safe_writeable where it stands", "[unit][fault-in]") {
  const auto revision = GENERATE("5.16", "6.1");
  Bench bench{{.revision = revision, .pages = 3}};
  std::uint64_t checks = 0;
  bench.seen().act = [&](const Look& next, Machine& machine) -> std::uint64_t {
    if (std::holds_alternative<SignalCheck>(next) && ++checks == 2) machine.tasks[0].pending.fatal = true;
    return 0;
  };
  CHECK(fault_in_safe_writeable(bench.kernel(), bench.user(), Bytes{3 * kPage}) == Bytes{2 * kPage});
}

TEST_CASE("fixup_user_fault gives up on a fatal signal only if it may retry", "[unit][fault-in]") {
  Bench bench{{.present = false}};
  bench.task().pending.other = true;
  CHECK(fixup_user_fault(bench.kernel(), bench.user(), AccessKind::store, true) == Errno::ok);
  bench.task().pending.fatal = true;
  CHECK(fixup_user_fault(bench.kernel(), bench.user(), AccessKind::store, true) == Errno::eintr);
  CHECK(fixup_user_fault(bench.kernel(), bench.user(), AccessKind::store, false) == Errno::ok);
}

TEST_CASE("fixup_user_fault succeeds on a granule that no access can touch", "[unit][fault-in]") {
  Bench bench;
  bench.spoil_granule(0);
  CHECK(fixup_user_fault(bench.kernel(), bench.user(), AccessKind::store, false) == Errno::ok);
  CHECK(put_user(bench.kernel(), bench.user(), kernel_made(0, 4)) == Errno::efault);
  CHECK(bench.seen().page_faults.size() == 1);
  CHECK(bench.seen().page_faults[0].by_software);
}

TEST_CASE("fixup_user_fault is EFAULT where the mapping forbids, or is not", "[unit][fault-in]") {
  Bench bench;
  bench.protect_page(0, {true, false, false});
  CHECK(fixup_user_fault(bench.kernel(), bench.user(), AccessKind::load, true) == Errno::ok);
  CHECK(fixup_user_fault(bench.kernel(), bench.user(), AccessKind::store, true) == Errno::efault);
  CHECK(fixup_user_fault(bench.kernel(), bench.user(kPage), AccessKind::load, true) == Errno::efault);
}

}  // namespace
}  // namespace mtesim::test
