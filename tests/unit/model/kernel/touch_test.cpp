#include "model/kernel/touch.h"

#include <catch2/catch.hpp>

#include "tests/support/bench.h"

namespace mtesim::test {
namespace {

constexpr std::uint64_t kPage = 4096;

AccessRun stores(Bench& bench, std::uint64_t at, std::uint64_t count) {
  return {bench.user(at), 8, 8, count, AccessKind::store};
}

TEST_CASE("a run carries bytes over page boundaries, and touches nothing beside it", "[unit][touch]") {
  Bench bench{{.pages = 3}};
  const Provenance bytes = kernel_made(0, kPage + 16);
  const Touched done = touch(bench.kernel(), stores(bench, kPage - 8, bytes.size().n / 8), &bytes, nullptr);
  CHECK(done.done == 514);
  CHECK_FALSE(done.faulted);
  CHECK(bench.in_user(0, kPage - 8) == Bench::untouched(0, kPage - 8));
  CHECK(bench.in_user(kPage - 8, bytes.size().n) == bytes);
  CHECK(bench.in_user(2 * kPage + 8, 8) == Bench::untouched(2 * kPage + 8, 8));

  Provenance loaded;
  REQUIRE(touch(bench.kernel(), {bench.user(kPage - 9), 1, 1, kPage + 18, AccessKind::load}, nullptr, &loaded).done ==
          kPage + 18);
  CHECK(loaded.slice(0, 1) == Bench::untouched(kPage - 9, 1));
  CHECK(loaded.slice(1, bytes.size().n) == bytes);
}

TEST_CASE("an access that faults is not carried out, those before it are", "[unit][touch]") {
  Bench bench;
  bench.spoil_granule(4);
  const Provenance bytes = kernel_made(0, 128);
  const Touched done = touch(bench.kernel(), stores(bench, 4, 16), &bytes, nullptr);  // the 8th straddles into it
  CHECK(done.done == 7);
  CHECK(done.faulted);
  CHECK(bench.in_user(4, 56) == kernel_made(0, 56));
  CHECK(bench.in_user(60, 68) == Bench::untouched(60, 68));
  CHECK(bench.seen().tag_faults == std::vector<TagFault>{{64, AccessKind::store}});
}

TEST_CASE("a tag check fault is the same with page faults enabled or disabled", "[unit][touch]") {
  const bool disabled = GENERATE(false, true);
  Bench bench;
  bench.spoil_granule(4);
  bench.task().pagefault_disabled = disabled ? 1 : 0;
  const Touched done = touch(bench.kernel(), stores(bench, 0, 16), nullptr, nullptr);
  CHECK(done.done == 8);
  CHECK(done.faulted);
  CHECK(bench.seen().page_faults.empty());
}

TEST_CASE("a tag check fault tells both tags, and who met it", "[unit][touch]") {
  Bench bench{{.tag = Tag{3}}};
  bench.retag_granule(1, Tag{12});
  CHECK(touch(bench.kernel(), stores(bench, 12, 1), nullptr, nullptr).faulted);
  REQUIRE(bench.seen().last_tag_fault);
  CHECK(bench.seen().last_tag_fault->address == bench.user(16));  // the first granule that differs
  CHECK(bench.seen().last_tag_fault->memory == Tag{12});
  CHECK_FALSE(bench.seen().last_tag_fault->from_user_mode);
  CHECK(touch(bench.kernel(), stores(bench, 16, 1), nullptr, nullptr, Accessor::user_mode).faulted);
  CHECK(bench.seen().last_tag_fault->from_user_mode);
}

TEST_CASE("a page fault is handled unless page faults are disabled", "[unit][touch]") {
  Bench bench{{.pages = 2}};
  bench.evict_page(1);
  SECTION("enabled") {
    CHECK(touch(bench.kernel(), stores(bench, kPage - 16, 4), nullptr, nullptr).done == 4);
    REQUIRE(bench.seen().page_faults.size() == 1);
    CHECK(bench.seen().page_faults[0].result == PageFaultResult::major);
    CHECK(bench.seen().page_faults[0].address == bench.address(Bytes{kPage}));
    CHECK_FALSE(bench.seen().page_faults[0].by_software);
  }
  SECTION("disabled") {
    bench.task().pagefault_disabled = 1;
    const Touched done = touch(bench.kernel(), stores(bench, kPage - 16, 4), nullptr, nullptr);
    CHECK(done.done == 2);
    CHECK(done.faulted);
    CHECK(bench.seen().page_faults[0].result == PageFaultResult::disabled);
    CHECK(bench.pte(1).state == PteState::swapped);
  }
  SECTION("nothing there to be had") {
    bench.unmap_page(1);
    const Touched done = touch(bench.kernel(), stores(bench, kPage - 16, 4), nullptr, nullptr);
    CHECK(done.done == 2);
    CHECK(done.faulted);
    CHECK(bench.seen().page_faults[0].result == PageFaultResult::failed);
  }
}

TEST_CASE("an access across two absent pages has both faulted in", "[unit][touch]") {
  Bench bench{{.pages = 2}};
  bench.evict_page(0);
  bench.evict_page(1);
  CHECK(touch(bench.kernel(), stores(bench, kPage - 4, 1), nullptr, nullptr).done == 1);
  CHECK(bench.seen().page_faults.size() == 2);
}

TEST_CASE("the page fault comes first, and then the tag check of the page that came in", "[unit][touch]") {
  Bench bench{{.tag = Tag{3}}};
  bench.spoil_granule(0);
  bench.evict_page(0);
  CHECK(touch(bench.kernel(), stores(bench, 0, 1), nullptr, nullptr).faulted);
  CHECK(bench.seen().page_faults.size() == 1);
  CHECK(bench.seen().tag_faults.size() == 1);
}

TEST_CASE("a store without bytes is checked and changes nothing", "[unit][touch]") {
  Bench bench;
  const Machine before = bench.machine();
  CHECK(touch(bench.kernel(), stores(bench, 0, 512), nullptr, nullptr).done == 512);
  CHECK(bench.machine() == before);
}

TEST_CASE("the world may act before any access, and the run goes on with what it left", "[unit][touch]") {
  Bench bench{{.pages = 2}};
  bench.seen().act = [&](const Look& next, Machine&) -> std::uint64_t {
    const auto& run = std::get<AccessRun>(next);
    if (run.first == bench.user(64)) bench.spoil_granule(4);  // just in time
    return run.first == bench.user() ? 8 : 1;
  };
  const Touched done = touch(bench.kernel(), stores(bench, 0, 16), nullptr, nullptr);
  CHECK(done.done == 8);
  CHECK(done.faulted);
  CHECK(bench.seen().looks == 2);
}

TEST_CASE("the world is not asked again between a page fault and the retry", "[unit][touch]") {
  Bench bench{{.pages = 1}};
  bench.evict_page(0);
  bench.seen().act = [&](const Look&, Machine&) -> std::uint64_t {
    if (bench.pte(0).state == PteState::present) bench.evict_page(0);
    return 1;
  };
  // Evicted before every access, and yet each is made.
  CHECK(touch(bench.kernel(), stores(bench, 0, 4), nullptr, nullptr).done == 4);
  CHECK(bench.seen().looks == 4);
  CHECK(bench.seen().page_faults.size() == 4);
}

TEST_CASE("an empty run looks at nothing", "[unit][touch]") {
  Bench bench{{.present = false}};
  CHECK_FALSE(touch(bench.kernel(), stores(bench, 0, 0), nullptr, nullptr).faulted);
  CHECK(bench.seen().looks == 0);
}

TEST_CASE("a load of an untouched page sees zeroes and tag 0", "[unit][touch]") {
  Bench bench{{.tag = Tag{3}, .present = false}};
  Provenance loaded;
  const AccessRun untagged{UserPtr(bench.address({}), Tag{0}), 8, 8, 2, AccessKind::load};
  CHECK(touch(bench.kernel(), untagged, nullptr, &loaded).done == 2);
  CHECK(loaded == zeroes(16));
  CHECK(touch(bench.kernel(), {bench.user(), 8, 8, 2, AccessKind::load}, nullptr, &loaded).faulted);
}

TEST_CASE("a machine that keeps no track of bytes checks every access, and knows of none what it is", "[unit][touch]") {
  Bench bench;
  bench.machine().track_contents = false;
  bench.spoil_granule(4);
  const Provenance bytes = kernel_made(0, 128);
  CHECK(touch(bench.kernel(), stores(bench, 0, 16), &bytes, nullptr).done == 8);
  CHECK(bench.in_user(0, 64) == Bench::untouched(0, 64));
  Provenance loaded;
  CHECK(touch(bench.kernel(), {bench.user(), 8, 8, 16, AccessKind::load}, nullptr, &loaded).done == 8);
  CHECK(loaded == Provenance(Origin{kUninitialisedSource, 0}, Bytes{64}));
}

}  // namespace
}  // namespace mtesim::test
