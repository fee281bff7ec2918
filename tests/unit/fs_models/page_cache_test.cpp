#include "fs_models/page_cache.h"

#include <algorithm>
#include <catch2/catch.hpp>

#include "tests/support/file_calls.h"

namespace mtesim::test {
namespace {

constexpr std::uint64_t kPage = 4096;

/// A cached file of two pages, and its first page mapped, there and writable.
struct OwnPage {
  Bench bench{{.revision = "7.3"}};
  std::uint32_t file = add_disk_file(bench, "ext4", 2 * kPage, true);
  UserPtr user = map_file(bench, file, 2);

  explicit OwnPage(AccessKind kind = AccessKind::store) {
    MTESIM_CHECK(!failed(handle_mm_fault(bench.machine(), 0, user.address(), kind)));
  }
  Bytes copy_out(std::uint64_t to, std::uint64_t from, std::uint64_t size) {
    const UserSegments segments{{user + Bytes{to}, Bytes{size}}};
    IovPosition at = iov_begin(segments);
    IovIter iter{segments, at};
    return copy_from_page(bench.kernel(), iter, {file, 0}, Bytes{from}, Bytes{size});
  }
  [[nodiscard]] Provenance holds(std::uint64_t from, std::uint64_t size) {
    return in_cache(bench.machine(), file, from, size);
  }
  [[nodiscard]] Provenance was(std::uint64_t from, std::uint64_t size) const { return on_disk(file, from, size); }
};

TEST_CASE("a copy forward within one page repeats the part in between, from 80 bytes on", "[unit][page-cache]") {
  const std::uint64_t distance = GENERATE(79, 80, 100);
  OwnPage own;
  CHECK(own.copy_out(distance, 0, 300) == Bytes{300});
  if (distance < 80) {
    CHECK(own.holds(distance, 300) == own.was(0, 300));
  } else {
    for (std::uint64_t i = 0; i < 300; i += distance) {
      const std::uint64_t part = std::min(distance, 300 - i);
      CHECK(own.holds(distance + i, part) == own.was(0, part));
    }
  }
  CHECK(own.holds(0, distance) == own.was(0, distance));
  CHECK(own.holds(distance + 300, 100) == own.was(distance + 300, 100));
}

TEST_CASE("what a copy has stored into its page it loads again, also for what goes to the next page",
          "[unit][page-cache]") {
  OwnPage own;
  CHECK(own.copy_out(3900, 3800, 296) == Bytes{296});  // 196 bytes to the page itself, 100 to the next one
  CHECK(own.holds(3900, 100) == own.was(3800, 100));
  CHECK(own.holds(4000, 96) == own.was(3800, 96));
  CHECK(own.holds(kPage, 4) == own.was(3896, 4));
  CHECK(own.holds(kPage + 4, 96) == own.was(3800, 96));
}

TEST_CASE("a copy backward within one page, or into another page, is a plain copy", "[unit][page-cache]") {
  OwnPage own;
  CHECK(own.copy_out(0, 200, 600) == Bytes{600});
  CHECK(own.holds(0, 600) == own.was(200, 600));
  CHECK(own.copy_out(kPage + 100, 1000, 600) == Bytes{600});
  CHECK(own.holds(kPage + 100, 600) == own.was(1000, 600));
}

TEST_CASE("bytes that are to become part of the page they come from repeat in the same way", "[unit][page-cache]") {
  const std::uint64_t distance = GENERATE(79, 80);
  OwnPage own;
  const UserSegments segments{{own.user, Bytes{200}}};
  IovPosition at = iov_begin(segments);
  IovIter iter{segments, at};
  Provenance copied;
  CHECK(copy_into_page(own.bench.kernel(), copied, iter, {own.file, 0}, Bytes{distance}, Bytes{200}) == Bytes{200});
  CHECK(iter.count() == Bytes{0});
  Provenance wanted = own.was(0, 200);
  if (distance == 80) {
    wanted = own.was(0, 80);
    wanted.append(own.was(0, 80));
    wanted.append(own.was(0, 40));
  }
  CHECK(copied == wanted);
}

TEST_CASE("a private copy of the page is another page", "[unit][page-cache]") {
  Bench bench{{.revision = "7.3"}};
  const std::uint32_t file = add_disk_file(bench, "ext4", kPage, true);
  const std::uint64_t begin = bench.machine().page_address(Bench::kFirstPage + 64);
  REQUIRE(map_memory(bench.machine(), 0, {begin, begin + kPage, {true, true, false}, false, file, 0}) == Errno::ok);
  const UserSegments segments{{UserPtr(begin + 100), Bytes{300}}};
  IovPosition at = iov_begin(segments);
  IovIter iter{segments, at};
  CHECK(copy_from_page(bench.kernel(), iter, {file, 0}, Bytes{0}, Bytes{300}) == Bytes{300});
  CHECK(in_cache(bench.machine(), file, 0, kPage) == on_disk(file, 0, kPage));
}

TEST_CASE("write_back() stores dirty pages of the range and takes the right to write from who maps them",
          "[unit][page-cache]") {
  OwnPage own;
  Machine& machine = own.bench.machine();
  const std::uint64_t page = machine.page_index(own.user.address());
  keep_in_page(machine, {own.file, 0}, Bytes{10}, zeroes(20));
  keep_in_page(machine, {own.file, 1}, Bytes{0}, zeroes(20));
  REQUIRE(machine.spaces[0]->pte(page).writable);
  write_back(machine, own.file, Bytes{kPage}, Bytes{2 * kPage});  // the second page only
  CHECK(machine.folio({own.file, 0}).dirty);
  CHECK(machine.spaces[0]->pte(page).writable);
  CHECK_FALSE(machine.folio({own.file, 1}).dirty);
  CHECK(on_disk_now(machine, own.file, kPage, 20) == zeroes(20));

  write_back(machine, own.file, Bytes{kPage - 1}, Bytes{kPage});  // one byte of the first
  CHECK_FALSE(machine.folio({own.file, 0}).dirty);
  CHECK(machine.folio({own.file, 0}).in_cache);
  CHECK(machine.spaces[0]->pte(page).state == PteState::present);
  CHECK_FALSE(machine.spaces[0]->pte(page).writable);
  CHECK(on_disk_now(machine, own.file, 10, 20) == zeroes(20));
}

TEST_CASE("write_back() leaves a clean page as it is", "[unit][page-cache]") {
  OwnPage own(AccessKind::load);
  Machine& machine = own.bench.machine();
  const Machine before = machine;
  write_back(machine, own.file, Bytes{0}, Bytes{2 * kPage});
  CHECK(machine == before);
}

TEST_CASE("invalidate_pages() throws pages of the range away, and who maps them loses them", "[unit][page-cache]") {
  OwnPage own;
  Machine& machine = own.bench.machine();
  const std::uint64_t page = machine.page_index(own.user.address());
  keep_in_page(machine, {own.file, 0}, Bytes{10}, zeroes(20));
  invalidate_pages(machine, own.file, Bytes{kPage}, Bytes{2 * kPage});
  CHECK_FALSE(machine.folio({own.file, 1}).in_cache);
  CHECK(machine.folio({own.file, 0}).in_cache);
  CHECK(machine.spaces[0]->pte(page).state == PteState::present);

  const bool written_back = GENERATE(true, false);
  if (written_back) write_back(machine, own.file, Bytes{0}, Bytes{kPage});
  invalidate_pages(machine, own.file, Bytes{0}, Bytes{1});
  CHECK_FALSE(machine.folio({own.file, 0}).in_cache);
  CHECK(machine.spaces[0]->pte(page).state == PteState::none);
  CHECK(on_disk_now(machine, own.file, 10, 20) == (written_back ? zeroes(20) : own.was(10, 20)));
  CHECK(machine.fingerprint() == machine.recomputed_fingerprint());
}

TEST_CASE("a page that was only grabbed is not up to date; one that keeps bytes is", "[unit][page-cache]") {
  Bench bench{{.revision = "7.3"}};
  const std::uint32_t file = add_disk_file(bench, "btrfs", 2 * kPage);
  grab_page(bench.kernel(), {file, 0}, false);
  CHECK(bench.machine().folio({file, 0}).in_cache);
  CHECK_FALSE(bench.machine().folio({file, 0}).uptodate);
  grab_page(bench.kernel(), {file, 1}, true);
  CHECK(bench.machine().folio({file, 1}).uptodate);
  CHECK(in_cache(bench.machine(), file, kPage, kPage) == on_disk(file, kPage, kPage));
  keep_in_page(bench.machine(), {file, 1}, Bytes{16}, zeroes(16));
  CHECK(bench.machine().folio({file, 1}).dirty);
  CHECK(in_cache(bench.machine(), file, kPage + 32, 16) == on_disk(file, kPage + 32, 16));
}

TEST_CASE("a file is made longer, never shorter", "[unit][page-cache]") {
  Bench bench;
  const std::uint32_t file = add_disk_file(bench, "xfs", 100);
  extend_file(bench.machine(), file, Bytes{100});
  CHECK(bench.machine().objects[file]->size == Bytes{100});
  extend_file(bench.machine(), file, Bytes{101});
  CHECK(bench.machine().objects[file]->size == Bytes{101});
  extend_file(bench.machine(), file, Bytes{50});
  CHECK(bench.machine().objects[file]->size == Bytes{101});
}

}  // namespace
}  // namespace mtesim::test
