#include "model/mm/address_space.h"

#include <catch2/catch.hpp>
#include <tuple>

#include "tests/support/bench.h"

namespace mtesim::test {
namespace {

constexpr std::uint64_t kPage = 4096;
constexpr std::uint64_t kBase = AddressSpace::kBaseAddress;
constexpr std::uint64_t page(std::uint64_t n) { return kBase + n * kPage; }

constexpr Vma kData{{true, true, false}, false, 1, 0};
constexpr Vma kTagged{{true, true, true}, false, 1, 0};

using Row = std::tuple<std::uint64_t, std::uint64_t, bool>;
std::vector<Row> rows(const AddressSpace& space) {
  std::vector<Row> all;
  space.for_each_vma(
      [&](std::uint64_t begin, std::uint64_t end, const Vma& vma) { all.emplace_back(begin, end, vma.prot.mte); });
  return all;
}

TEST_CASE("a mapping covers its first byte and not the byte behind its last", "[unit][mmap]") {
  AddressSpace space;
  space.map(page(1), page(3), kData);
  CHECK(space.find(page(1) - 1) == nullptr);
  REQUIRE(space.find(page(1)) != nullptr);
  CHECK(*space.find(page(1)) == kData);
  CHECK(space.find(page(3) - 1) != nullptr);
  CHECK(space.find(page(3)) == nullptr);
}

TEST_CASE("neighbours with the same properties are one mapping", "[unit][mmap]") {
  AddressSpace joined;
  joined.map(page(1), page(2), kData);
  joined.map(page(3), page(4), kData);
  joined.map(page(2), page(3), kData);
  AddressSpace whole;
  whole.map(page(1), page(4), kData);
  CHECK(rows(joined) == rows(whole));
  CHECK(joined == whole);
  CHECK(joined.fingerprint() == whole.fingerprint());
}

TEST_CASE("a mapping over the middle of another splits it", "[unit][mmap]") {
  AddressSpace space;
  space.map(page(0), page(4), kData);
  space.map(page(1), page(2), kTagged);
  CHECK(rows(space) ==
        std::vector<Row>{{page(0), page(1), false}, {page(1), page(2), true}, {page(2), page(4), false}});
  CHECK(space.fingerprint() == space.recomputed_fingerprint());
  space.map(page(1), page(2), kData);
  CHECK(rows(space) == std::vector<Row>{{page(0), page(4), false}});
}

TEST_CASE("unmapping takes what lies inside and leaves what does not", "[unit][mmap]") {
  AddressSpace space;
  space.map(page(0), page(3), kData);
  space.unmap(page(1), page(2));
  CHECK(space.find(page(1) - 1) != nullptr);
  CHECK(space.find(page(1)) == nullptr);
  CHECK(space.find(page(2) - 1) == nullptr);
  CHECK(space.find(page(2)) != nullptr);
  CHECK(space.fingerprint() == space.recomputed_fingerprint());
  space.unmap(page(0), page(9));
  CHECK(space == AddressSpace{});
  CHECK(space.fingerprint() == AddressSpace{}.fingerprint());
}

TEST_CASE("mappings that differ in one property are different", "[unit][mmap]") {
  AddressSpace plain;
  plain.map(page(0), page(1), kData);
  Vma other = kData;
  SECTION("readable") { other.prot.read = false; }
  SECTION("writable") { other.prot.write = false; }
  SECTION("tagged") { other.prot.mte = true; }
  SECTION("shared") { other.shared = true; }
  SECTION("object") { other.object = 2; }
  SECTION("page of the object") { other.page_delta = 1; }
  AddressSpace changed;
  changed.map(page(0), page(1), other);
  CHECK_FALSE(plain == changed);
  CHECK(plain.fingerprint() != changed.fingerprint());
}

TEST_CASE("a page table entry reads back and takes its print along", "[unit][mmap]") {
  AddressSpace space;
  const Fingerprint empty = space.fingerprint();
  const Pte there{{1, 7}, PteState::present, true};
  space.set_pte(100, there);
  CHECK(space.pte(100) == there);
  CHECK(space.pte(99) == Pte{});
  CHECK(space.pte(101) == Pte{});
  CHECK(space.fingerprint() != empty);
  CHECK(space.fingerprint() == space.recomputed_fingerprint());
  space.set_pte(100, {there.folio, PteState::present, false});
  CHECK(space.fingerprint() == space.recomputed_fingerprint());
  space.set_pte(100, Pte{});
  CHECK(space.fingerprint() == empty);
  CHECK(space == AddressSpace{});
}

}  // namespace
}  // namespace mtesim::test
