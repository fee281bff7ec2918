#include <catch2/catch.hpp>

#include "model/kernel/uaccess.h"
#include "tests/support/bench.h"

namespace mtesim::test {
namespace {

TEST_CASE("access_ok takes a tagged pointer only under the tagged-address ABI", "[unit][uaccess]") {
  const bool abi = GENERATE(false, true);
  Bench bench{{.tag = Tag{3}, .tagged_addr_abi = abi}};
  CHECK(access_ok(bench.kernel(), bench.user(), Bytes{16}) == abi);
  CHECK(access_ok(bench.kernel(), UserPtr(bench.address({}), Tag{0}), Bytes{16}));
  CHECK(access_ok(bench.kernel(), UserPtr(bench.address({}) | std::uint64_t{1} << 60), Bytes{16}) ==
        abi);  // no tag bit
}

TEST_CASE("access_ok takes a range that ends at the end of user space, and not one byte more", "[unit][uaccess]") {
  Bench bench;
  const UserPtr last(kUserEnd - 16, Tag{3});
  CHECK(access_ok(bench.kernel(), last, Bytes{16}));
  CHECK_FALSE(access_ok(bench.kernel(), last, Bytes{17}));
  CHECK_FALSE(access_ok(bench.kernel(), last, Bytes{~std::uint64_t{0}}));
  CHECK(access_ok(bench.kernel(), UserPtr(kUserEnd, Tag{3}), Bytes{0}));
  CHECK_FALSE(access_ok(bench.kernel(), UserPtr(kUserEnd + 1, Tag{3}), Bytes{0}));
}

TEST_CASE("a tagged pointer without the ABI is EFAULT before any access", "[unit][uaccess]") {
  Bench bench{{.tag = Tag{3}, .tagged_addr_abi = false}};
  Kernel& k = bench.kernel();
  Provenance got;
  CHECK(copy_to_user(k, bench.user(), {kernel_made(0, 16), 0}) == Bytes{16});
  CHECK(copy_from_user(k, got, bench.user(), Bytes{16}) == Bytes{16});
  CHECK(clear_user(k, bench.user(), Bytes{16}) == Bytes{16});
  CHECK(get_user(k, got, bench.user(), Bytes{8}) == Errno::efault);
  CHECK(put_user(k, bench.user(), kernel_made(0, 8)) == Errno::efault);
  CHECK(copy_to_user_nofault(k, bench.user(), {kernel_made(0, 16), 0}) == Errno::efault);
  CHECK(strncpy_from_user(k, bench.user(), Bytes{3}, Bytes{16}).error == Errno::efault);
  CHECK(bench.seen().looks == 0);
  CHECK(got == Provenance{});
}

TEST_CASE("get_user and put_user are one access of their size, all or nothing", "[unit][uaccess]") {
  const auto size = GENERATE(as<std::uint64_t>{}, 1, 2, 4, 8);
  Bench bench;
  bench.spoil_granule(1);
  Provenance value;
  CHECK(get_user(bench.kernel(), value, bench.user(16 - size), Bytes{size}) == Errno::ok);
  CHECK(value == Bench::untouched(16 - size, size));
  CHECK(put_user(bench.kernel(), bench.user(16 - size), kernel_made(0, size)) == Errno::ok);
  CHECK(bench.in_user(16 - size, size) == kernel_made(0, size));
  CHECK(bench.seen().touches.size() == 2);

  Bench next;
  next.spoil_granule(1);
  Provenance none;
  CHECK(get_user(next.kernel(), none, next.user(17 - size), Bytes{size}) == Errno::efault);
  CHECK(put_user(next.kernel(), next.user(17 - size), kernel_made(0, size)) == Errno::efault);
  CHECK(none == Provenance{});
  CHECK(next.in_user(0, 4096) == Bench::untouched(0, 4096));
}

TEST_CASE("get_user and put_user fault a page in, unless page faults are disabled", "[unit][uaccess]") {
  const bool disabled = GENERATE(false, true);
  const Errno wanted = disabled ? Errno::efault : Errno::ok;
  Bench bench{{.pages = 2}};
  bench.evict_page(0);
  bench.evict_page(1);
  bench.task().pagefault_disabled = disabled ? 1 : 0;
  Provenance value;
  CHECK(get_user(bench.kernel(), value, bench.user(), Bytes{8}) == wanted);
  CHECK(put_user(bench.kernel(), bench.user(4096), kernel_made(0, 8)) == wanted);
}

TEST_CASE("a nofault copy is all or nothing, though what it stored stays", "[unit][uaccess]") {
  Bench bench;
  bench.spoil_granule(4);
  CHECK(copy_to_user_nofault(bench.kernel(), bench.user(), {kernel_made(0, 64), 0}) == Errno::ok);
  CHECK(copy_to_user_nofault(bench.kernel(), bench.user(), {kernel_made(100, 65), 0}) == Errno::efault);
  CHECK(bench.in_user(0, 64) == kernel_made(100, 64));
  Provenance got;
  CHECK(copy_from_user_nofault(bench.kernel(), got, bench.user(), Bytes{64}) == Errno::ok);
  CHECK(copy_from_user_nofault(bench.kernel(), got, bench.user(), Bytes{65}) == Errno::efault);
}

TEST_CASE("a nofault copy does not fault pages in, and leaves page faults as they were", "[unit][uaccess]") {
  const std::uint8_t depth = GENERATE(as<std::uint8_t>{}, 0, 1);
  Bench bench{{.pages = 2}};
  bench.evict_page(1);
  bench.task().pagefault_disabled = depth;
  CHECK(copy_to_user_nofault(bench.kernel(), bench.user(), {kernel_made(0, 4096), 0}) == Errno::ok);
  CHECK(copy_to_user_nofault(bench.kernel(), bench.user(), {kernel_made(0, 4097), 0}) == Errno::efault);
  CHECK(bench.pte(1).state == PteState::swapped);
  CHECK(bench.task().pagefault_disabled == depth);
}

TEST_CASE("a string ends at its NUL, however close behind it the bad granule is", "[unit][uaccess]") {
  const auto start = GENERATE(as<std::uint64_t>{}, 0, 3, 7, 8);
  Bench bench;
  bench.spoil_granule(2);
  const std::uint64_t good = 32 - start;
  const StringCopied fits = strncpy_from_user(bench.kernel(), bench.user(start), Bytes{good - 1}, Bytes{256});
  CHECK(fits.error == Errno::ok);
  CHECK(fits.length == Bytes{good - 1});  // the NUL is the last good byte
  CHECK(strncpy_from_user(bench.kernel(), bench.user(start), Bytes{good}, Bytes{256}).error == Errno::efault);
}

TEST_CASE("a string longer than the kernel's buffer fills it, and what lies behind is not looked at",
          "[unit][uaccess]") {
  Bench bench;
  bench.spoil_granule(2);
  const StringCopied full = strncpy_from_user(bench.kernel(), bench.user(), Bytes{100}, Bytes{32});
  CHECK(full.error == Errno::ok);
  CHECK(full.length == Bytes{32});
  CHECK(bench.seen().tag_faults.empty());
  CHECK(strncpy_from_user(bench.kernel(), bench.user(), Bytes{100}, Bytes{33}).error == Errno::efault);
}

TEST_CASE("a string is read by eights, and by ones from where that faults", "[unit][uaccess]") {
  Bench bench;
  bench.spoil_granule(1);
  CHECK(strncpy_from_user(bench.kernel(), bench.user(), Bytes{14}, Bytes{64}).length == Bytes{14});
  constexpr auto kLoad = AccessKind::load;
  CHECK(bench.seen().touches == std::vector<Touch>{{0, 8, kLoad}, {8, 8, kLoad}});
  bench.seen().forget();
  CHECK(strncpy_from_user(bench.kernel(), bench.user(4), Bytes{11}, Bytes{64}).length == Bytes{11});
  CHECK(bench.seen().touches.front() == Touch{4, 8, kLoad});
  CHECK(bench.seen().touches.back() == Touch{15, 1, kLoad});
  CHECK(bench.seen().tag_faults == std::vector<TagFault>{{16, kLoad}});  // of the second eight, at 12
}

}  // namespace
}  // namespace mtesim::test
