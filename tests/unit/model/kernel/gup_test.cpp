#include "model/kernel/gup.h"

#include <catch2/catch.hpp>

#include "model/kernel/iov_iter.h"
#include "tests/support/bench.h"

namespace mtesim::test {
namespace {

constexpr std::uint64_t kPage = 4096;

TEST_CASE("a software walk looks at no tag and makes no access", "[unit][gup]") {
  Bench bench{{.pages = 2}};
  for (std::uint64_t g = 0; g < 512; ++g) bench.spoil_granule(g);
  const Machine before = bench.machine();
  const GotPages got = get_user_pages(bench.kernel(), bench.user(100), Bytes{kPage}, {.write = true});
  CHECK(got.error == Errno::ok);
  CHECK(got.pages.size() == 2);
  CHECK(got.pages[1].folio == bench.pte(1).folio);
  CHECK(bench.seen().touches.empty());
  CHECK(bench.machine() == before);
}

TEST_CASE("as many pages are got as the bytes lie in", "[unit][gup]") {
  Bench bench{{.pages = 3}};
  const auto pages = [&](std::uint64_t from, std::uint64_t size) {
    return pin_user_pages(bench.kernel(), bench.user(from), Bytes{size}, {}).pages.size();
  };
  CHECK(pages(0, 0) == 0);
  CHECK(pages(0, kPage) == 1);
  CHECK(pages(0, kPage + 1) == 2);
  CHECK(pages(kPage - 1, 1) == 1);
  CHECK(pages(kPage - 1, 2) == 2);
  CHECK(pages(kPage - 1, kPage + 2) == 3);
}

TEST_CASE("the error is told only if there is not even one page", "[unit][gup]") {
  Bench bench{{.pages = 3}};
  bench.unmap_page(1);
  const GotPages some = get_user_pages(bench.kernel(), bench.user(), Bytes{3 * kPage}, {});
  CHECK(some.error == Errno::ok);
  CHECK(some.pages.size() == 1);
  const GotPages none = get_user_pages(bench.kernel(), bench.user(kPage), Bytes{kPage}, {});
  CHECK(none.error == Errno::efault);
  CHECK(none.pages.empty());
}

TEST_CASE("a fatal signal ends the walk between pages", "[unit][gup]") {
  const std::uint64_t at_check = GENERATE(1, 2);
  Bench bench{{.pages = 2}};
  std::uint64_t checks = 0;
  bench.seen().act = [&](const Look& next, Machine& machine) -> std::uint64_t {
    if (std::holds_alternative<SignalCheck>(next) && ++checks == at_check) machine.tasks[0].pending.fatal = true;
    return 0;
  };
  const GotPages got = get_user_pages(bench.kernel(), bench.user(), Bytes{2 * kPage}, {});
  CHECK(got.error == (at_check == 1 ? Errno::eintr : Errno::ok));
  CHECK(got.pages.size() == at_check - 1);
}

TEST_CASE("with nofault only what is mapped suitably is taken", "[unit][gup]") {
  Bench bench{{.pages = 2}};
  bench.evict_page(1);
  const GotPages got = get_user_pages(bench.kernel(), bench.user(), Bytes{2 * kPage}, {.write = true, .nofault = true});
  CHECK(got.pages.size() == 1);
  CHECK(bench.pte(1).state == PteState::swapped);
  fork_space(bench.machine(), 0);  // present, but a store would have to copy
  CHECK(get_user_page(bench.kernel(), bench.user(), {.write = false, .nofault = true}).error == Errno::ok);
  CHECK(get_user_page(bench.kernel(), bench.user(), {.write = true, .nofault = true}).error == Errno::efault);
  CHECK(get_user_page(bench.kernel(), bench.user(), {.write = true, .nofault = false}).error == Errno::ok);
  CHECK(bench.pte(0).writable);
}

TEST_CASE("a walk for reading is content with the zero page, one for writing is not", "[unit][gup]") {
  Bench bench{{.present = false}};
  const GotPage read = get_user_page(bench.kernel(), bench.user(), {.write = false});
  CHECK(read.error == Errno::ok);
  CHECK(read.zero_page);
  const GotPage written = get_user_page(bench.kernel(), bench.user(), {.write = true});
  CHECK(written.error == Errno::ok);
  CHECK_FALSE(written.zero_page);
  CHECK(written.folio == bench.pte(0).folio);
}

TEST_CASE("PROT_NONE and read-only pages are refused as their mapping says", "[unit][gup]") {
  Bench bench;
  bench.protect_page(0, {true, false, false});
  CHECK(get_user_page(bench.kernel(), bench.user(), {.write = false}).error == Errno::ok);
  CHECK(get_user_page(bench.kernel(), bench.user(), {.write = true}).error == Errno::efault);
  bench.protect_page(0, {false, false, false});
  CHECK(get_user_page(bench.kernel(), bench.user(), {.write = false}).error == Errno::efault);
}

TEST_CASE("an iterator gives up the pages of its first segment alone", "[unit][gup][iov-iter]") {
  Bench bench{{.pages = 4}};
  const UserSegments segments{{bench.user(100), Bytes{kPage}}, {bench.user(3 * kPage), Bytes{10}}};
  IovPosition at = iov_begin(segments);
  IovIter iter{segments, at};
  const IterPages first = iov_iter_get_pages(bench.kernel(), iter, Bytes{100000}, AccessKind::store);
  CHECK(first.bytes == Bytes{kPage});
  CHECK(first.got.pages.size() == 2);
  CHECK(iter.pointer() == bench.user(3 * kPage));
  const IterPages second = iov_iter_get_pages(bench.kernel(), iter, Bytes{4}, AccessKind::store);
  CHECK(second.bytes == Bytes{4});
  CHECK(iter.count() == Bytes{6});
}

TEST_CASE("an iterator moves by the bytes of the pages that could be had", "[unit][gup][iov-iter]") {
  const bool nofault = GENERATE(false, true);
  Bench bench{{.pages = 3}};
  bench.evict_page(1);
  bench.unmap_page(2);
  const UserSegments segments{{bench.user(100), Bytes{3 * kPage - 100}}};
  IovPosition at = iov_begin(segments);
  IovIter iter{segments, at, nofault};
  const IterPages got = iov_iter_get_pages(bench.kernel(), iter, iter.count(), AccessKind::store);
  CHECK(got.bytes == Bytes{nofault ? kPage - 100 : 2 * kPage - 100});
  CHECK(at.skip == got.bytes);
}

}  // namespace
}  // namespace mtesim::test
