#include <catch2/catch.hpp>

#include "model/mm/machine.h"
#include "tests/support/bench.h"

namespace mtesim::test {
namespace {

constexpr std::uint64_t kPage = 4096;

AccessCheck check(Bench& bench, const AccessRun& run, OnMismatch policy = OnMismatch::fault) {
  return check_access(bench.machine(), *bench.machine().spaces[0], run, policy);
}

AccessRun one(Bench& bench, std::uint64_t offset, std::uint32_t width, AccessKind kind = AccessKind::store) {
  return {bench.user(offset), width, width, 1, kind};
}

/// The fault's access, offset in the buffer, and kind.
struct Fault {
  std::uint64_t access{};
  std::uint64_t offset{};
  FaultKind kind{};
  bool operator==(const Fault&) const = default;
  friend std::ostream& operator<<(std::ostream& out, const Fault& f) {
    return out << "access " << f.access << " at " << f.offset << " kind " << static_cast<int>(f.kind);
  }
};
Fault fault(Bench& bench, const AccessRun& run) {
  const AccessCheck result = check(bench, run);
  REQUIRE(result.fault);
  return {result.fault->access, (result.fault->address - bench.user()).n, result.fault->kind};
}

TEST_CASE("an access that ends where the bad granule begins passes, one byte more does not", "[unit][access]") {
  Bench bench{{.pages = 1}};
  bench.spoil_granule(2);
  CHECK_FALSE(check(bench, one(bench, 24, 8)).fault);
  CHECK(fault(bench, one(bench, 25, 8)) == Fault{0, 32, FaultKind::tag});  // reported at the granule
  CHECK(fault(bench, one(bench, 47, 8)) == Fault{0, 47, FaultKind::tag});  // reported at the access
  CHECK_FALSE(check(bench, one(bench, 48, 8)).fault);
}

TEST_CASE("an access across two pages looks at the tags of both", "[unit][access]") {
  Bench bench{{.pages = 2}};
  const AccessRun across = one(bench, kPage - 4, 8);
  CHECK_FALSE(check(bench, across).fault);
  SECTION("the first") {
    bench.spoil_granule(255);
    CHECK(fault(bench, across) == Fault{0, kPage - 4, FaultKind::tag});
  }
  SECTION("the second") {
    bench.spoil_granule(256);
    CHECK(fault(bench, across) == Fault{0, kPage, FaultKind::tag});
  }
}

TEST_CASE("translation comes before the tag check on one access, and after it on an earlier one", "[unit][access]") {
  Bench bench{{.pages = 2}};
  bench.spoil_granule(255);
  bench.unmap_page(1);
  CHECK(fault(bench, one(bench, kPage - 4, 8)) == Fault{0, kPage, FaultKind::translation});
  const AccessRun aligned{bench.user(kPage - 8), 8, 8, 2, AccessKind::store};
  CHECK(fault(bench, aligned) == Fault{0, kPage - 8, FaultKind::tag});
}

TEST_CASE("a mismatch of an access that faults on its other page is not recorded", "[unit][access]") {
  Bench bench{{.pages = 2}};
  bench.spoil_granule(255);
  bench.unmap_page(1);
  const AccessCheck across = check(bench, one(bench, kPage - 4, 8), OnMismatch::recorded);
  CHECK(across.fault);
  CHECK_FALSE(across.mismatch_recorded);
  const AccessRun aligned{bench.user(kPage - 8), 8, 8, 2, AccessKind::store};
  CHECK(check(bench, aligned, OnMismatch::recorded).fault);
  CHECK(check(bench, aligned, OnMismatch::recorded).mismatch_recorded);  // the first of the two went through
}

TEST_CASE("what becomes of a mismatch is the caller's to say", "[unit][access]") {
  Bench bench{{.pages = 1}};
  bench.spoil_granule(3);
  const AccessRun run{bench.user(), 8, 8, 16, AccessKind::store};
  CHECK(check(bench, run, OnMismatch::fault).fault->access == 6);
  CHECK_FALSE(check(bench, run, OnMismatch::recorded).fault);
  CHECK(check(bench, run, OnMismatch::recorded).mismatch_recorded);
  CHECK_FALSE(check(bench, run, OnMismatch::ignored).fault);
  CHECK_FALSE(check(bench, run, OnMismatch::ignored).mismatch_recorded);
  CHECK_FALSE(check(bench, run.upto(6), OnMismatch::recorded).mismatch_recorded);
}

TEST_CASE("a run with one access a granule stops at the access in the bad one", "[unit][access]") {
  const auto bad = GENERATE(as<std::uint64_t>{}, 0, 1, 255, 256, 511);
  const auto first = GENERATE(as<std::uint64_t>{}, 0, 15);  // where in its granule each access is
  Bench bench{{.pages = 2}};
  const AccessRun run{bench.user(first), 1, 16, 512, AccessKind::load};
  CHECK_FALSE(check(bench, run).fault);
  bench.spoil_granule(bad);
  CHECK(fault(bench, run) == Fault{bad, bad * 16 + first, FaultKind::tag});
}

TEST_CASE("a run that leaves granules out does not see them", "[unit][access]") {
  Bench bench{{.pages = 2}};
  const AccessRun run{bench.user(), 1, 32, 256, AccessKind::load};
  bench.spoil_granule(301);
  CHECK_FALSE(check(bench, run).fault);
  bench.spoil_granule(302);
  CHECK(fault(bench, run) == Fault{151, 302 * 16, FaultKind::tag});
}

TEST_CASE("a run stops at the first access to a page that is not there", "[unit][access]") {
  Bench bench{{.pages = 2}};
  bench.evict_page(1);
  CHECK(fault(bench, {bench.user(), 8, 8, 1024, AccessKind::load}) == Fault{512, kPage, FaultKind::translation});
  // The access that reaches across begins four bytes before the page.
  CHECK(fault(bench, {bench.user(4), 8, 8, 600, AccessKind::load}) == Fault{511, kPage, FaultKind::translation});
  CHECK(fault(bench, {bench.user(15), 1, 16, 300, AccessKind::load}) == Fault{256, kPage + 15, FaultKind::translation});
}

TEST_CASE("a store to a page that may only be read is a permission fault, a load passes", "[unit][access]") {
  Bench bench{{.pages = 1}};
  bench.protect_page(0, {true, false, false});
  CHECK_FALSE(check(bench, one(bench, 0, 8, AccessKind::load)).fault);
  CHECK(fault(bench, one(bench, 0, 8, AccessKind::store)) == Fault{0, 0, FaultKind::permission});
  bench.protect_page(0, {false, false, false});
  CHECK(fault(bench, one(bench, 0, 8, AccessKind::load)) == Fault{0, 0, FaultKind::permission});
}

TEST_CASE("a permission fault comes before the tag check too", "[unit][access]") {
  Bench bench{{.pages = 1}};
  bench.spoil_granule(0);
  CHECK(fault(bench, one(bench, 0, 8)) == Fault{0, 0, FaultKind::tag});
  bench.protect_page(0, {true, false, false});
  CHECK(fault(bench, one(bench, 0, 8)) == Fault{0, 0, FaultKind::permission});
}

TEST_CASE("the zero page has tag 0", "[unit][access]") {
  Bench bench{{.pages = 1, .tag = Tag{3}, .present = false}};
  REQUIRE(handle_mm_fault(bench.machine(), 0, bench.address({}), AccessKind::load) == VmFault::minor);
  REQUIRE(bench.pte(0).state == PteState::zero);
  CHECK(fault(bench, one(bench, 0, 1, AccessKind::load)) == Fault{0, 0, FaultKind::tag});
  const AccessRun untagged{UserPtr(bench.address({}), Tag{0}), 1, 1, 1, AccessKind::load};
  CHECK_FALSE(check(bench, untagged).fault);
}

TEST_CASE("memory that is not PROT_MTE is never checked, whatever the pointer's tag", "[unit][access]") {
  Bench bench{{.pages = 1, .prot = {true, true, false}}};
  const AccessRun other{UserPtr(bench.address({}), Tag{9}), 8, 8, 512, AccessKind::store};
  CHECK_FALSE(check(bench, other).fault);
}

TEST_CASE("addresses outside user space and below the first mapping do not translate", "[unit][access]") {
  Bench bench;
  const AccessRun low{UserPtr(AddressSpace::kBaseAddress - 1, Tag{3}), 1, 1, 1, AccessKind::load};
  CHECK(check(bench, low).fault->kind == FaultKind::translation);
  const AccessRun high{UserPtr(kUserEnd, Tag{3}), 1, 1, 1, AccessKind::load};
  CHECK(check(bench, high).fault->kind == FaultKind::translation);
  CHECK_FALSE(check(bench, one(bench, 0, 1).upto(0)).fault);  // no access, no fault
}

}  // namespace
}  // namespace mtesim::test
