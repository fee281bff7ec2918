#include "fs_models/memory_calls.h"

#include <catch2/catch.hpp>

#include "tests/support/calls.h"

namespace mtesim::test {
namespace {

constexpr std::uint64_t kPage = 4096;
constexpr Tag kNone{};

template <class L>
std::int64_t result(Bench& bench, L loop) {
  return carry_out(CopyLoop(std::move(loop)), bench.kernel()).result;
}
std::int64_t error(Errno e) { return -static_cast<std::int64_t>(e); }

TEST_CASE("calls on memory strip the tag, with the tagged-address ABI or without", "[unit][memory-calls]") {
  const bool abi = GENERATE(false, true);
  Bench bench{{.pages = 4, .tagged_addr_abi = abi}};
  const UserPtr at = bench.user();  // tagged
  CHECK(result(bench, Mprotect{{}, at, Bytes{kPage}, {true, true, false}}) == 0);
  CHECK(result(bench, Madvise{{}, at, Bytes{kPage}, Advice::dontneed}) == 0);
  CHECK(bench.pte(0).state == PteState::none);
  CHECK(result(bench, Mlock{{}, at, Bytes{kPage}}) == 0);
  CHECK(bench.pte(0).state == PteState::present);
  CHECK(result(bench, Mremap{{}, at, Bytes{kPage}, 0, Bytes{kPage}}) == 0);
  CHECK(result(bench, Munmap{{}, at, Bytes{kPage}}) == 0);
  CHECK(bench.machine().spaces[0]->find(bench.address({})) == nullptr);
}

TEST_CASE("mmap knows no tagged place: a hint is passed over, a fixed one ENOMEM", "[unit][memory-calls]") {
  Bench bench;
  const std::uint64_t at = bench.address(Bytes{16 * kPage});
  bench.machine().objects.emplace_back(MemoryObject{ObjectKind::anonymous, Bytes{kPage}});
  const MapRequest request{at, at + kPage, {true, true, false}, false, 2, 0};
  CHECK(result(bench, Mmap{{}, request, Tag{5}, true}) == error(Errno::enomem));
  CHECK(result(bench, Mmap{{}, request, Tag{5}, false}) == 1);
  CHECK(bench.machine().spaces[0]->find(at) == nullptr);
  CHECK(result(bench, Mmap{{}, request, kNone, false}) == 0);
  CHECK(bench.machine().spaces[0]->find(at) != nullptr);
  CHECK(result(bench, Mmap{{}, request, kNone, false}) == 1);  // taken
  CHECK(result(bench, Mmap{{}, request, kNone, true}) == 0);   // replaced
}

TEST_CASE("huge pages with PROT_MTE are EINVAL or ENOMEM, by revision", "[unit][memory-calls]") {
  const auto [revision, expected] = GENERATE(table<std::string_view, Errno>(
      {{"5.10", Errno::enomem}, {"6.1", Errno::einval}, {"6.12", Errno::einval}, {"7.3", Errno::enomem}}));
  Bench bench{{.revision = revision}};
  bench.machine().objects.emplace_back(MemoryObject{ObjectKind::hugetlb, Bytes{kPage}});
  const std::uint64_t at = bench.address(Bytes{16 * kPage});
  CHECK(result(bench, Mmap{{}, {at, at + kPage, {true, true, true}, false, 2, 0}, kNone, true}) == error(expected));
  CHECK(result(bench, Mmap{{}, {at, at + kPage, {true, true, false}, false, 2, 0}, kNone, true}) ==
        error(Errno::enomem));
}

TEST_CASE("a range that does not begin with a page is EINVAL, one with a hole ENOMEM", "[unit][memory-calls]") {
  Bench bench{{.pages = 2}};
  const UserPtr at = bench.user();
  CHECK(result(bench, Madvise{{}, at + Bytes{1}, Bytes{kPage}, Advice::cold}) == error(Errno::einval));
  CHECK(result(bench, Munmap{{}, at + Bytes{1}, Bytes{kPage}}) == error(Errno::einval));
  CHECK(result(bench, Munmap{{}, at, Bytes{0}}) == error(Errno::einval));
  CHECK(result(bench, Madvise{{}, at, Bytes{2 * kPage}, Advice::cold}) == 0);
  CHECK(result(bench, Madvise{{}, at, Bytes{2 * kPage + 1}, Advice::cold}) == error(Errno::enomem));
  CHECK(result(bench, Mlock{{}, at, Bytes{2 * kPage + 1}}) == error(Errno::enomem));
  CHECK(result(bench, Mincore{{}, at, Bytes{2 * kPage + 1}, at}) == error(Errno::enomem));
}

TEST_CASE("mincore stores a byte a page where the caller says", "[unit][memory-calls]") {
  Bench bench{{.pages = 3}};
  bench.evict_page(1);
  CHECK(result(bench, Mincore{{}, bench.user(), Bytes{3 * kPage}, bench.user(100)}) == 0);
  Provenance expected(Origin{source_of_value(1), 0}, Bytes{1});
  expected.append(Origin{}, 1);
  expected.append(Origin{source_of_value(1), 0}, 1);
  CHECK(bench.in_user(100, 3) == expected);
  bench.spoil_granule(0);
  CHECK(result(bench, Mincore{{}, bench.user(), Bytes{kPage}, bench.user(0)}) == error(Errno::efault));
}

TEST_CASE("mremap to another place takes tags along, and not onto itself", "[unit][memory-calls]") {
  Bench bench{{.pages = 2, .tag = Tag{3}}};
  const std::uint64_t to = bench.address(Bytes{32 * kPage});
  const std::uint64_t inside = bench.address(Bytes{kPage});
  CHECK(result(bench, Mremap{{}, bench.user(), Bytes{2 * kPage}, inside, Bytes{kPage}}) == error(Errno::einval));
  CHECK(result(bench, Mremap{{}, bench.user(), Bytes{2 * kPage}, to, Bytes{2 * kPage}}) == 0);
  CHECK(load_tag(bench.machine(), 0, to) == Tag{3});
}

TEST_CASE("brk moves for an address, and not for a tagged one", "[unit][memory-calls]") {
  Bench bench;
  CHECK(result(bench, Brk{{}, Bytes{kPage}, kNone}) == kPage);
  CHECK(result(bench, Brk{{}, Bytes{kPage}, Tag{5}}) == 0);
}

}  // namespace
}  // namespace mtesim::test
