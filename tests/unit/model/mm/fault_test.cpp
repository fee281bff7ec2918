#include "model/mm/fault.h"

#include <catch2/catch.hpp>

#include "tests/support/bench.h"
#include "tests/support/calls.h"

namespace mtesim::test {
namespace {

constexpr std::uint64_t kPage = 4096;
constexpr auto kLoad = AccessKind::load;
constexpr auto kStore = AccessKind::store;

VmFault fault(Bench& bench, std::uint64_t offset, AccessKind kind, std::uint32_t space = 0) {
  return handle_mm_fault(bench.machine(), space, bench.address(Bytes{offset}), kind);
}

/// The bench's buffer, replaced by a mapping of `pages` pages of a file.
std::uint32_t map_file(Bench& bench, std::string_view fs, Prot prot, bool shared, std::uint64_t size) {
  const std::uint32_t file = add_file(bench.machine(), fs, Bytes{size}, false);
  const std::uint64_t begin = bench.address({});
  REQUIRE(map_memory(bench.machine(), 0, {begin, begin + 2 * kPage, prot, shared, file, 0}) == Errno::ok);
  return file;
}

TEST_CASE("a first load finds the zero page, and a later store a page of its own", "[unit][fault]") {
  Bench bench{{.present = false}};
  CHECK(bench.pte(0).state == PteState::none);
  CHECK(fault(bench, 0, kLoad) == VmFault::minor);
  CHECK(bench.pte(0) == Pte{{}, PteState::zero, false});
  CHECK(fault(bench, 0, kLoad) == VmFault::minor);
  CHECK(bench.pte(0).state == PteState::zero);
  CHECK(fault(bench, 0, kStore) == VmFault::minor);
  CHECK(bench.pte(0).state == PteState::present);
  CHECK(bench.pte(0).writable);
  CHECK(bench.in_user(0, kPage) == zeroes(kPage));
  CHECK(bench.tag_at(0) == Tag{0});
  CHECK(bench.folio(0).maps == 1);
  CHECK(bench.folio(0).mte_tagged);
}

TEST_CASE("a page that is usable already comes back as it is", "[unit][fault]") {
  Bench bench;
  const Machine before = bench.machine();
  CHECK(fault(bench, 0, kStore) == VmFault::minor);
  CHECK(bench.machine() == before);
}

TEST_CASE("nothing mapped, or not for this, is SIGSEGV", "[unit][fault]") {
  Bench bench{{.pages = 2, .present = false}};
  CHECK(fault(bench, 2 * kPage - 1, kLoad) == VmFault::minor);
  CHECK(fault(bench, 2 * kPage, kLoad) == VmFault::sigsegv);  // behind the buffer
  CHECK(handle_mm_fault(bench.machine(), 0, bench.address({}) - 1, kLoad) == VmFault::sigsegv);
  bench.protect_page(1, {true, false, false});
  CHECK(fault(bench, kPage, kLoad) == VmFault::minor);
  CHECK(fault(bench, kPage, kStore) == VmFault::sigsegv);
  bench.protect_page(1, {false, false, false});
  CHECK(fault(bench, kPage, kLoad) == VmFault::sigsegv);
  CHECK(handle_mm_fault(bench.machine(), 0, AddressSpace::kBaseAddress - 1, kLoad) == VmFault::sigsegv);
  CHECK(handle_mm_fault(bench.machine(), 0, kUserEnd, kLoad) == VmFault::sigsegv);
}

TEST_CASE("a page made read-only and writable again is itself at the next store", "[unit][fault]") {
  Bench bench;
  const FolioRef page = bench.pte(0).folio;
  bench.protect_page(0, {true, false, false});
  CHECK_FALSE(bench.pte(0).writable);
  bench.protect_page(0, {true, true, false});
  CHECK_FALSE(bench.pte(0).writable);  // the store has to fault first
  CHECK(fault(bench, 0, kStore) == VmFault::minor);
  CHECK(bench.pte(0) == Pte{page, PteState::present, true});
  CHECK(bench.in_user(0, kPage) == Bench::untouched(0, kPage));
}

TEST_CASE("a store after fork copies the page with its tags, and the last user keeps the original", "[unit][fault]") {
  Bench bench{{.tag = Tag{3}}};
  bench.retag_granule(7, Tag{9});
  const FolioRef original = bench.pte(0).folio;
  const std::uint32_t child = fork_space(bench.machine(), 0);
  CHECK(bench.folio(0).maps == 2);
  CHECK_FALSE(bench.pte(0).writable);

  CHECK(fault(bench, 0, kStore, child) == VmFault::minor);
  const Pte& copy = bench.machine().spaces[child]->pte(Bench::kFirstPage);
  CHECK_FALSE(copy.folio == original);
  CHECK(copy.writable);
  CHECK(bench.machine().folio(copy.folio).tags == bench.folio(0).tags);
  CHECK(bench.machine().folio(copy.folio).contents == bench.folio(0).contents);
  CHECK(bench.machine().folio(copy.folio).tags.at(7) == Tag{9});
  CHECK(bench.folio(0).maps == 1);

  CHECK(fault(bench, 0, kStore) == VmFault::minor);  // no copy: nobody else is left
  CHECK(bench.pte(0) == Pte{original, PteState::present, true});
}

TEST_CASE("a child that touches a page first leaves the parent its own", "[unit][fault]") {
  Bench bench{{.present = false}};
  const std::uint32_t child = fork_space(bench.machine(), 0);
  CHECK(fault(bench, 0, kStore, child) == VmFault::minor);
  CHECK(fault(bench, 0, kStore) == VmFault::minor);
  CHECK_FALSE(bench.pte(0).folio == bench.machine().spaces[child]->pte(Bench::kFirstPage).folio);
  CHECK(bench.machine().fingerprint() == bench.machine().recomputed_fingerprint());
}

TEST_CASE("a page comes back from swap with its bytes and tags, and that is a major fault", "[unit][fault]") {
  const auto kind = GENERATE(kLoad, kStore);
  const auto revision = GENERATE("6.1", "6.12");
  const bool writable_at_once = revision == std::string_view("6.12");  // 6.1: a load brings it in read-only
  Bench bench{{.revision = revision, .tag = Tag{3}}};
  bench.retag_granule(255, Tag{1});
  const Machine before = bench.machine();
  bench.evict_page(0);
  CHECK(bench.pte(0).state == PteState::swapped);
  CHECK(fault(bench, 0, kind) == VmFault::major);
  CHECK(bench.pte(0).state == PteState::present);
  CHECK(bench.pte(0).writable == (kind == kStore || writable_at_once));
  CHECK(bench.tag_at(255) == Tag{1});
  CHECK(bench.tag_at(254) == Tag{3});
  CHECK(bench.in_user(0, kPage) == Bench::untouched(0, kPage));
  CHECK(fault(bench, 0, kStore) == VmFault::minor);
  CHECK(bench.machine() == before);
}

TEST_CASE("a load never makes a page writable that others have, or that may not be written", "[unit][fault]") {
  const bool shared_by_fork = GENERATE(true, false);
  Bench bench{{.revision = "6.12"}};
  if (shared_by_fork) {
    fork_space(bench.machine(), 0);
  } else {
    bench.protect_page(0, {true, false, false});
  }
  bench.evict_page(0);
  CHECK(fault(bench, 0, kLoad) == VmFault::major);
  CHECK_FALSE(bench.pte(0).writable);
}

TEST_CASE("a swapped page of two processes is copied when one of them stores", "[unit][fault]") {
  Bench bench{{.tag = Tag{3}}};
  const std::uint32_t child = fork_space(bench.machine(), 0);
  bench.evict_page(0);
  CHECK(bench.machine().spaces[child]->pte(Bench::kFirstPage).state == PteState::swapped);
  CHECK(fault(bench, 0, kStore, child) == VmFault::major);
  const Pte& copy = bench.machine().spaces[child]->pte(Bench::kFirstPage);
  CHECK(copy.writable);
  CHECK_FALSE(copy.folio == bench.pte(0).folio);
  CHECK(bench.machine().folio(copy.folio).tags.at(0) == Tag{3});
  CHECK(bench.pte(0).state == PteState::swapped);
  CHECK(bench.folio(0).maps == 1);
}

TEST_CASE("a mapped file is read from its disk once", "[unit][fault]") {
  Bench bench{{.present = false}};
  const std::uint32_t file = map_file(bench, "ext4", {true, true, false}, true, kPage);
  CHECK(fault(bench, 0, kLoad) == VmFault::major);
  CHECK(bench.pte(0).folio == FolioRef{file, 0});
  CHECK(bench.in_user(0, kPage) == on_disk(file, 0, kPage));
  dontneed(bench.machine(), 0, bench.address({}), bench.address(Bytes{kPage}));
  CHECK(fault(bench, 0, kLoad) == VmFault::minor);  // still in the cache
}

TEST_CASE("behind the last page of a file there is SIGBUS, not behind its last byte", "[unit][fault]") {
  struct Row {
    std::uint64_t size;
    VmFault page_0;
    VmFault page_1;
  };
  const auto row = GENERATE(values<Row>({{0, VmFault::sigbus, VmFault::sigbus},
                                         {1, VmFault::major, VmFault::sigbus},
                                         {kPage, VmFault::major, VmFault::sigbus},
                                         {kPage + 1, VmFault::major, VmFault::major}}));
  Bench bench{{.present = false}};
  map_file(bench, "ext4", {true, true, false}, true, row.size);
  CHECK(fault(bench, kPage - 1, kLoad) == row.page_0);
  CHECK(fault(bench, kPage, kLoad) == row.page_1);
}

TEST_CASE("a shared file page is dirtied by the store and not by the load", "[unit][fault]") {
  Bench bench{{.present = false}};
  map_file(bench, "ext4", {true, true, false}, true, kPage);
  CHECK(fault(bench, 0, kLoad) == VmFault::major);
  CHECK_FALSE(bench.pte(0).writable);
  CHECK_FALSE(bench.folio(0).dirty);
  CHECK(fault(bench, 0, kStore) == VmFault::minor);
  CHECK(bench.pte(0).writable);
  CHECK(bench.folio(0).dirty);
}

TEST_CASE("a private file page is the cache's until the first store", "[unit][fault]") {
  const bool loaded_first = GENERATE(false, true);
  Bench bench{{.present = false}};
  const std::uint32_t file = map_file(bench, "ext4", {true, true, false}, false, kPage);
  if (loaded_first) {
    CHECK(fault(bench, 0, kLoad) == VmFault::major);
    CHECK(bench.pte(0).folio == FolioRef{file, 0});
  }
  CHECK(fault(bench, 0, kStore) == (loaded_first ? VmFault::minor : VmFault::major));
  CHECK_FALSE(bench.pte(0).folio == FolioRef{file, 0});
  CHECK(bench.in_user(0, kPage) == on_disk(file, 0, kPage));
  CHECK(bench.machine().folio({file, 0}).maps == 0);
  CHECK(bench.machine().folio({file, 0}).in_cache);
  CHECK_FALSE(bench.machine().folio({file, 0}).dirty);
}

TEST_CASE("a shared page that one process made is there for the other", "[unit][fault]") {
  Bench bench{{.present = false}};
  bench.machine().objects.emplace_back(MemoryObject{ObjectKind::anonymous, Bytes{kPage}});
  const std::uint64_t at = bench.address(Bytes{8 * kPage});
  REQUIRE(map_memory(bench.machine(), 0, {at, at + kPage, {true, true, true}, true, 2, 0}) == Errno::ok);
  const std::uint32_t child = fork_space(bench.machine(), 0);
  CHECK(handle_mm_fault(bench.machine(), 0, at, kStore) == VmFault::minor);
  CHECK(store_tag(bench.machine(), 0, at, Tag{6}));
  CHECK(handle_mm_fault(bench.machine(), child, at, kLoad) == VmFault::minor);
  CHECK(load_tag(bench.machine(), child, at) == Tag{6});

  SECTION("and outlives the mapping of the one that made it") {
    unmap_memory(bench.machine(), 0, at, at + kPage);
    CHECK(load_tag(bench.machine(), child, at) == Tag{6});
  }
  SECTION("and stays when nobody has it in a page table for a while") {
    dontneed(bench.machine(), 0, at, at + kPage);
    dontneed(bench.machine(), child, at, at + kPage);
    CHECK(handle_mm_fault(bench.machine(), child, at, kLoad) == VmFault::minor);
    CHECK(load_tag(bench.machine(), child, at) == Tag{6});
  }
}

TEST_CASE("a page that is in the cache but not up to date is read from the disk", "[unit][fault]") {
  Bench bench{{.present = false}};
  const std::uint32_t file = add_file(bench.machine(), "ext4", Bytes{kPage}, false);
  bench.machine().edit_folio({file, 0}, [](Folio& folio) {  // as a dropped short write leaves it
    folio.contents = Contents(Origin{kUninitialisedSource, 0});
    folio.allocated = folio.in_cache = true;
  });
  CHECK(read_into_cache(bench.machine(), {file, 0}));
  CHECK(bench.machine().folio({file, 0}).uptodate);
  CHECK(in_cache(bench.machine(), file, 0, kPage) == on_disk(file, 0, kPage));
  CHECK_FALSE(read_into_cache(bench.machine(), {file, 0}));  // once is enough
}

}  // namespace
}  // namespace mtesim::test
