#include "model/mm/mmap.h"

#include <catch2/catch.hpp>

#include "model/kernel/touch.h"
#include "tests/support/bench.h"
#include "tests/support/calls.h"

namespace mtesim::test {
namespace {

constexpr std::uint64_t kPage = 4096;
constexpr Prot kPlain{true, true, false};
constexpr Prot kTagged{true, true, true};

Errno map_one_page(Bench& bench, std::uint32_t object, Prot prot, bool shared) {
  const std::uint64_t at = bench.address(Bytes{16 * kPage});
  return map_memory(bench.machine(), 0, {at, at + kPage, prot, shared, object, 0});
}

TEST_CASE("PROT_MTE is for memory that can hold tags: anonymous and tmpfs, no file on a disk", "[unit][mmap]") {
  struct Row {
    std::string_view fs;
    bool may;
  };
  const auto row = GENERATE(values<Row>({{"tmpfs", true}, {"ramfs", false}, {"ext4", false}, {"btrfs", false}}));
  const bool shared = GENERATE(false, true);
  Bench bench;
  const std::uint32_t file = add_file(bench.machine(), row.fs, Bytes{kPage});
  CHECK(map_one_page(bench, file, kPlain, shared) == Errno::ok);
  CHECK(map_one_page(bench, file, kTagged, shared) == (row.may ? Errno::ok : Errno::einval));
  CHECK(map_one_page(bench, Bench::kBufferObject, kTagged, shared) == Errno::ok);
}

TEST_CASE("mmap that is refused leaves what was there", "[unit][mmap]") {
  Bench bench;
  const std::uint32_t file = add_file(bench.machine(), "ext4", Bytes{kPage});
  const Machine before = bench.machine();
  CHECK(map_memory(bench.machine(), 0, {bench.address({}), bench.address(Bytes{kPage}), kTagged, false, file, 0}) ==
        Errno::einval);
  CHECK(bench.machine() == before);
}

TEST_CASE("a mapping over another takes its pages away", "[unit][mmap]") {
  Bench bench{{.pages = 2}};
  bench.machine().objects.emplace_back(MemoryObject{ObjectKind::anonymous, Bytes{kPage}});
  REQUIRE(map_memory(bench.machine(), 0, {bench.address({}), bench.address(Bytes{kPage}), kPlain, false, 2, 0}) ==
          Errno::ok);
  CHECK(bench.pte(0).state == PteState::none);
  CHECK(bench.machine().folio({Bench::kBufferObject, 0}) == Folio{});  // freed: nobody names it any more
  CHECK(bench.in_user(kPage, kPage) == Bench::untouched(kPage, kPage));
}

TEST_CASE("mprotect cannot take PROT_MTE away", "[unit][mmap]") {
  Bench bench{{.prot = kTagged}};
  bench.protect_page(0, kPlain);
  CHECK(bench.machine().spaces[0]->find(bench.address({}))->prot.mte);
  CHECK(bench.tag_at(0) == Tag{3});
}

TEST_CASE("mprotect that adds PROT_MTE finds tags 0", "[unit][mmap]") {
  Bench bench{{.tag = Tag{0}, .prot = kPlain}};
  CHECK_FALSE(bench.folio(0).mte_tagged);
  CHECK_FALSE(store_tag(bench.machine(), 0, bench.address({}), Tag{5}));  // STG on such memory is ignored
  bench.protect_page(0, kTagged);
  CHECK(bench.folio(0).mte_tagged);
  CHECK(bench.tag_at(0) == Tag{0});
  CHECK(store_tag(bench.machine(), 0, bench.address({}), Tag{5}));
  CHECK(bench.tag_at(0) == Tag{5});
}

TEST_CASE("mprotect over a hole is ENOMEM, over a file with PROT_MTE EINVAL, and changes nothing", "[unit][mmap]") {
  Bench bench{{.pages = 3}};
  const auto protect = [&](std::uint64_t from, std::uint64_t to, Prot prot) {
    return protect_memory(bench.machine(), 0, bench.address(Bytes{from * kPage}), bench.address(Bytes{to * kPage}),
                          prot);
  };
  bench.unmap_page(1);
  const Machine before = bench.machine();
  CHECK(protect(0, 1, kTagged) == Errno::ok);
  CHECK(protect(0, 2, {true, false, false}) == Errno::enomem);
  CHECK(protect(1, 3, {true, false, false}) == Errno::enomem);
  CHECK(protect(2, 4, {true, false, false}) == Errno::enomem);
  CHECK(bench.machine() == before);
  const std::uint32_t file = add_file(bench.machine(), "ext4", Bytes{kPage});
  const std::uint64_t at = bench.address(Bytes{kPage});
  REQUIRE(map_memory(bench.machine(), 0, {at, at + kPage, kPlain, false, file, 0}) == Errno::ok);
  const Machine with_file = bench.machine();
  CHECK(protect(0, 3, kTagged) == Errno::einval);
  CHECK(bench.machine() == with_file);
}

TEST_CASE("mprotect of part of a mapping leaves the rest", "[unit][mmap]") {
  Bench bench{{.pages = 3}};
  bench.protect_page(1, {true, false, false});
  CHECK(bench.pte(0).writable);
  CHECK_FALSE(bench.pte(1).writable);
  CHECK(bench.pte(2).writable);
  CHECK(bench.machine().spaces[0]->find(bench.address(Bytes{2 * kPage - 1}))->prot.write == false);
  CHECK(bench.machine().spaces[0]->find(bench.address(Bytes{2 * kPage}))->prot.write == true);
}

TEST_CASE("MADV_DONTNEED drops a private page with its tags", "[unit][mmap]") {
  Bench bench{{.pages = 2, .tag = Tag{3}}};
  dontneed(bench.machine(), 0, bench.address({}), bench.address(Bytes{kPage}));
  CHECK(bench.pte(0).state == PteState::none);
  CHECK(bench.tag_at(0) == Tag{0});
  CHECK(bench.tag_at(256) == Tag{3});  // the next page was not asked about
  REQUIRE(handle_mm_fault(bench.machine(), 0, bench.address({}), AccessKind::store) == VmFault::minor);
  CHECK(bench.tag_at(0) == Tag{0});
  CHECK(bench.in_user(0, kPage) == zeroes(kPage));
  CHECK(bench.in_user(kPage, kPage) == Bench::untouched(kPage, kPage));
}

TEST_CASE("MADV_DONTNEED drops a page that is in swap as well", "[unit][mmap]") {
  Bench bench{{.tag = Tag{3}}};
  bench.evict_page(0);
  dontneed(bench.machine(), 0, bench.address({}), bench.address(Bytes{kPage}));
  CHECK(bench.machine().folio({Bench::kBufferObject, 0}) == Folio{});
  CHECK(handle_mm_fault(bench.machine(), 0, bench.address({}), AccessKind::store) == VmFault::minor);
  CHECK(bench.tag_at(0) == Tag{0});
}

TEST_CASE("a tmpfs page keeps its bytes and tags over MADV_DONTNEED and munmap", "[unit][mmap]") {
  Bench bench;
  const std::uint32_t file = add_file(bench.machine(), "tmpfs", Bytes{kPage}, false);
  const std::uint64_t at = bench.address(Bytes{16 * kPage});
  REQUIRE(map_one_page(bench, file, kTagged, true) == Errno::ok);
  REQUIRE(handle_mm_fault(bench.machine(), 0, at, AccessKind::store) == VmFault::minor);
  REQUIRE(store_tag(bench.machine(), 0, at + 16, Tag{11}));
  const bool unmapped = GENERATE(false, true);
  if (unmapped) {
    unmap_memory(bench.machine(), 0, at, at + kPage);
    REQUIRE(map_one_page(bench, file, kTagged, true) == Errno::ok);
  } else {
    dontneed(bench.machine(), 0, at, at + kPage);
  }
  CHECK(load_tag(bench.machine(), 0, at + 16) == Tag{0});  // no entry: nothing to look at
  REQUIRE(handle_mm_fault(bench.machine(), 0, at, AccessKind::load) == VmFault::minor);
  CHECK(load_tag(bench.machine(), 0, at + 16) == Tag{11});
  CHECK(load_tag(bench.machine(), 0, at) == Tag{0});
}

TEST_CASE("reclaim sends tags to swap with the page, for every process that has it", "[unit][mmap]") {
  Bench bench{{.pages = 2, .tag = Tag{3}}};
  const std::uint32_t child = fork_space(bench.machine(), 0);
  CHECK(evict(bench.machine(), child, Bench::kFirstPage));
  CHECK(bench.pte(0).state == PteState::swapped);
  CHECK(bench.pte(1).state == PteState::present);
  CHECK(load_tag(bench.machine(), child, bench.address({})) == Tag{3});
  CHECK_FALSE(evict(bench.machine(), 0, Bench::kFirstPage));  // gone already
}

TEST_CASE("reclaim drops the zero page and a file's entry, not the file's page", "[unit][mmap]") {
  Bench bench{{.present = false}};
  CHECK_FALSE(evict(bench.machine(), 0, Bench::kFirstPage));
  REQUIRE(handle_mm_fault(bench.machine(), 0, bench.address({}), AccessKind::load) == VmFault::minor);
  CHECK(evict(bench.machine(), 0, Bench::kFirstPage));
  CHECK(bench.pte(0).state == PteState::none);

  const std::uint32_t file = add_file(bench.machine(), "ext4", Bytes{kPage});
  REQUIRE(map_one_page(bench, file, kPlain, true) == Errno::ok);
  const std::uint64_t at = bench.address(Bytes{16 * kPage});
  REQUIRE(handle_mm_fault(bench.machine(), 0, at, AccessKind::load) == VmFault::minor);
  CHECK(evict(bench.machine(), 0, bench.machine().page_index(at)));
  CHECK(bench.machine().folio({file, 0}).in_cache);
  CHECK(bench.machine().folio({file, 0}).maps == 0);
}

TEST_CASE("fork shares private pages copy-on-write, tags and all", "[unit][mmap]") {
  Bench bench{{.pages = 2, .tag = Tag{3}}};
  bench.evict_page(1);
  const std::uint32_t child = fork_space(bench.machine(), 0);
  for (const std::uint32_t space : {0u, child}) {
    CHECK(load_tag(bench.machine(), space, bench.address({})) == Tag{3});
    CHECK(load_tag(bench.machine(), space, bench.address(Bytes{kPage})) == Tag{3});
    CHECK_FALSE(bench.machine().spaces[space]->pte(Bench::kFirstPage).writable);
    CHECK_FALSE(store_tag(bench.machine(), space, bench.address({}), Tag{1}));  // STG would have to copy first
  }
  CHECK(bench.folio(0).maps == 2);
  CHECK(bench.folio(1).maps == 2);
  unmap_memory(bench.machine(), child, bench.address({}), bench.address(Bytes{2 * kPage}));
  CHECK(bench.folio(0).maps == 1);
  CHECK(bench.machine().fingerprint() == bench.machine().recomputed_fingerprint());
}

TEST_CASE("STG and LDG work on one granule of a present, writable page with PROT_MTE", "[unit][mmap]") {
  Bench bench{{.tag = Tag{3}}};
  CHECK(store_tag(bench.machine(), 0, bench.address(Bytes{31}), Tag{8}));
  CHECK(bench.tag_at(0) == Tag{3});
  CHECK(bench.tag_at(1) == Tag{8});
  CHECK(bench.tag_at(2) == Tag{3});
  bench.protect_page(0, {true, false, false});
  CHECK_FALSE(store_tag(bench.machine(), 0, bench.address({}), Tag{8}));
  CHECK(bench.tag_at(0) == Tag{3});
  CHECK_FALSE(store_tag(bench.machine(), 0, bench.address(Bytes{kPage}), Tag{8}));  // nothing mapped
  CHECK(load_tag(bench.machine(), 0, bench.address(Bytes{kPage})) == Tag{0});
}

}  // namespace
}  // namespace mtesim::test
