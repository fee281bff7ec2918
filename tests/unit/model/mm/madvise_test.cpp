// What calls on memory beside mmap, munmap and mprotect make of pages and tags.
#include <catch2/catch.hpp>

#include "tests/support/bench.h"
#include "tests/support/calls.h"

namespace mtesim::test {
namespace {

constexpr std::uint64_t kPage = 4096;
constexpr Prot kTagged{true, true, true};

/// A bench with one page of a tmpfs file or of other memory beside its buffer, written and tagged 11.
struct Beside {
  Bench bench;
  std::uint32_t object{};
  std::uint64_t at{};

  explicit Beside(ObjectKind kind, bool shared, Prot prot = kTagged) {
    Machine& machine = bench.machine();
    machine.objects.emplace_back(MemoryObject{kind, Bytes{2 * kPage}});
    object = static_cast<std::uint32_t>(machine.objects.size() - 1);
    at = bench.address(Bytes{16 * kPage});
    REQUIRE(map_memory(machine, 0, {at, at + 2 * kPage, prot, shared, object, 0}) == Errno::ok);
    REQUIRE(handle_mm_fault(machine, 0, at, AccessKind::store) == VmFault::minor);
    if (prot.mte) REQUIRE(store_tag(machine, 0, at, Tag{11}));
  }
  [[nodiscard]] std::uint64_t end() const { return at + 2 * kPage; }
  [[nodiscard]] Tag tag() {
    static_cast<void>(handle_mm_fault(bench.machine(), 0, at, AccessKind::load));
    return load_tag(bench.machine(), 0, at);
  }
};

TEST_CASE("/dev/zero gives memory like anonymous memory, without PROT_MTE", "[unit][mmap]") {
  const bool shared = GENERATE(false, true);
  Beside beside(ObjectKind::dev_zero, shared, {true, true, false});
  Machine& machine = beside.bench.machine();
  CHECK(protect_memory(machine, 0, beside.at, beside.end(), kTagged) == Errno::einval);
  CHECK(map_memory(machine, 0, {beside.at, beside.end(), kTagged, shared, beside.object, 0}) == Errno::einval);
  CHECK(evict(machine, 0, machine.page_index(beside.at)));
  CHECK(machine.spaces[0]->pte(machine.page_index(beside.at)).state == PteState::swapped);
}

TEST_CASE("huge pages are not to be had", "[unit][mmap]") {
  Bench bench;
  bench.machine().objects.emplace_back(MemoryObject{ObjectKind::hugetlb, Bytes{kPage}});
  const std::uint64_t at = bench.address({});
  const Machine before = bench.machine();
  CHECK(map_memory(bench.machine(), 0, {at, at + kPage, kTagged, false, 2, 0}) == Errno::enomem);
  CHECK(bench.machine() == before);
}

TEST_CASE("MADV_FREE is for private anonymous memory, and takes nothing while memory is plenty", "[unit][madvise]") {
  Beside own(ObjectKind::anonymous, false);
  CHECK(free_lazily(own.bench.machine(), 0, own.at, own.end()) == Errno::ok);
  CHECK(own.tag() == Tag{11});
  CHECK(free_lazily(own.bench.machine(), 0, own.at, own.end() + kPage) == Errno::enomem);
  Beside shared(ObjectKind::anonymous, true);
  CHECK(free_lazily(shared.bench.machine(), 0, shared.at, shared.end()) == Errno::einval);
  Beside file(ObjectKind::shmem, false);
  CHECK(free_lazily(file.bench.machine(), 0, file.at, file.end()) == Errno::einval);
}

TEST_CASE("MADV_REMOVE punches bytes and tags out of shared memory, for all who map it", "[unit][madvise]") {
  const auto kind = GENERATE(ObjectKind::anonymous, ObjectKind::shmem);
  Beside beside(kind, true);
  Machine& machine = beside.bench.machine();
  const std::uint32_t child = fork_space(machine, 0);
  CHECK(remove_pages(machine, 0, beside.at, beside.end()) == Errno::ok);
  CHECK(machine.spaces[child]->pte(machine.page_index(beside.at)).state == PteState::none);
  CHECK(machine.folio({beside.object, 0}) == Folio{});
  CHECK(beside.tag() == Tag{0});
  CHECK(machine.fingerprint() == machine.recomputed_fingerprint());
}

TEST_CASE("MADV_REMOVE is refused where there is no shared file to punch", "[unit][madvise]") {
  Beside own(ObjectKind::anonymous, false);
  CHECK(remove_pages(own.bench.machine(), 0, own.at, own.end()) == Errno::einval);
  Beside copy(ObjectKind::shmem, false);
  CHECK(remove_pages(copy.bench.machine(), 0, copy.at, copy.end()) == Errno::eacces);
  Beside shared(ObjectKind::shmem, true);
  REQUIRE(protect_memory(shared.bench.machine(), 0, shared.at, shared.end(), {true, false, true}) == Errno::ok);
  CHECK(remove_pages(shared.bench.machine(), 0, shared.at, shared.end()) == Errno::eacces);
  for (Beside* kept : {&own, &copy, &shared}) CHECK(kept->tag() == Tag{11});
}

TEST_CASE("truncation drops the pages behind the end, with their tags, and private copies", "[unit][madvise]") {
  Beside shared(ObjectKind::shmem, true);
  truncate_object(shared.bench.machine(), shared.object, Bytes{0});
  CHECK(handle_mm_fault(shared.bench.machine(), 0, shared.at, AccessKind::load) == VmFault::sigbus);
  truncate_object(shared.bench.machine(), shared.object, Bytes{2 * kPage});
  CHECK(shared.tag() == Tag{0});

  Beside copy(ObjectKind::shmem, false);
  truncate_object(copy.bench.machine(), copy.object, Bytes{0});
  CHECK(handle_mm_fault(copy.bench.machine(), 0, copy.at, AccessKind::load) == VmFault::sigbus);
}

TEST_CASE("truncation within a page zeroes its rest and keeps its tags", "[unit][madvise]") {
  Beside beside(ObjectKind::shmem, true);
  Machine& machine = beside.bench.machine();
  machine.edit_folio({beside.object, 0}, [](Folio& folio) { folio.contents.write(0, kernel_made(0, kPage)); });
  truncate_object(machine, beside.object, Bytes{100});
  CHECK(machine.folio({beside.object, 0}).contents.read(0, 100) == kernel_made(0, 100));
  CHECK(machine.folio({beside.object, 0}).contents.read(100, kPage) == zeroes(kPage - 100));
  CHECK(beside.tag() == Tag{11});
}

TEST_CASE("MADV_PAGEOUT sends a page away and it comes back from swap with its tags", "[unit][madvise]") {
  struct Row {
    ObjectKind kind;
    bool shared;
  };
  const auto row =
      GENERATE(values<Row>({{ObjectKind::anonymous, false}, {ObjectKind::anonymous, true}, {ObjectKind::shmem, true}}));
  Beside beside(row.kind, row.shared);
  Machine& machine = beside.bench.machine();
  const std::uint64_t page = machine.page_index(beside.at);
  CHECK(resident(machine, 0, page));
  CHECK_FALSE(resident(machine, 0, page + 1));  // never touched
  CHECK(page_out(machine, 0, beside.at, beside.end()) == Errno::ok);
  CHECK_FALSE(resident(machine, 0, page));
  CHECK(handle_mm_fault(machine, 0, beside.at, AccessKind::load) == VmFault::major);
  CHECK(resident(machine, 0, page));
  CHECK(load_tag(machine, 0, beside.at) == Tag{11});
  CHECK(page_out(machine, 0, beside.at, beside.end() + kPage) == Errno::enomem);
}

TEST_CASE("MADV_PAGEOUT leaves a page that two processes have", "[unit][madvise]") {
  Bench bench;
  const std::uint32_t child = fork_space(bench.machine(), 0);
  const std::uint64_t at = bench.address({});
  CHECK(page_out(bench.machine(), 0, at, at + kPage) == Errno::ok);
  CHECK(bench.pte(0).state == PteState::present);
  CHECK(bench.machine().spaces[child]->pte(Bench::kFirstPage).state == PteState::present);
}

TEST_CASE("mremap takes bytes and tags along; what it gains is untouched", "[unit][madvise]") {
  Bench bench{{.pages = 2, .tag = Tag{3}}};
  Machine& machine = bench.machine();
  const std::uint64_t from = bench.address({});
  const std::uint64_t to = bench.address(Bytes{32 * kPage});
  CHECK(move_mapping(machine, 0, from, Bytes{2 * kPage}, to, Bytes{4 * kPage}) == Errno::ok);
  CHECK(machine.spaces[0]->find(from) == nullptr);
  CHECK(bench.pte(0).state == PteState::none);
  CHECK(load_tag(machine, 0, to + kPage) == Tag{3});
  CHECK(load_tag(machine, 0, to + 2 * kPage) == Tag{0});
  CHECK(handle_mm_fault(machine, 0, to + 3 * kPage, AccessKind::store) == VmFault::minor);
  CHECK(store_tag(machine, 0, to + 3 * kPage, Tag{4}));
  CHECK(load_tag(machine, 0, to) == Tag{3});
  CHECK(machine.fingerprint() == machine.recomputed_fingerprint());
}

TEST_CASE("mremap that makes smaller frees the rest, and refuses what is not one mapping", "[unit][madvise]") {
  Bench bench{{.pages = 3}};
  Machine& machine = bench.machine();
  const std::uint64_t to = bench.address(Bytes{32 * kPage});
  CHECK(move_mapping(machine, 0, bench.address({}), Bytes{4 * kPage}, to, Bytes{kPage}) == Errno::efault);
  CHECK(move_mapping(machine, 0, bench.address({}), Bytes{3 * kPage}, to, Bytes{kPage}) == Errno::ok);
  CHECK(machine.spaces[0]->find(to + kPage) == nullptr);
  CHECK(machine.folio({Bench::kBufferObject, 1}) == Folio{});
}

TEST_CASE("a file's page is resident as long as its cache has it, mapped or not", "[unit][madvise]") {
  Bench bench;
  Machine& machine = bench.machine();
  const std::uint32_t file = add_file(machine, "ext4", Bytes{kPage});
  const std::uint64_t at = bench.address(Bytes{16 * kPage});
  REQUIRE(map_memory(machine, 0, {at, at + kPage, {true, false, false}, true, file, 0}) == Errno::ok);
  CHECK(resident(machine, 0, machine.page_index(at)));
  machine.edit_folio({file, 0}, [](Folio& folio) { folio = Folio{}; });
  CHECK_FALSE(resident(machine, 0, machine.page_index(at)));
}

TEST_CASE("a space that is emptied leaves no page behind", "[unit][madvise]") {
  Bench bench{{.pages = 2}};
  unmap_all(bench.machine(), 0);
  CHECK(bench.machine().spaces[0]->find(bench.address({})) == nullptr);
  CHECK(bench.machine().folio({Bench::kBufferObject, 0}) == Folio{});
}

}  // namespace
}  // namespace mtesim::test
