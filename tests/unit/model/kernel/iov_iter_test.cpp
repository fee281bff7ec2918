#include "model/kernel/iov_iter.h"

#include <catch2/catch.hpp>

#include "tests/support/bench.h"

namespace mtesim::test {
namespace {

constexpr std::uint64_t kPage = 4096;
constexpr Probe kReadable{ProbeKind::fault_in_readable, {}};
constexpr Probe kWriteable{ProbeKind::fault_in_safe_writeable, {}};

/// Three segments of the buffer with an empty one on each side and in between: 10 bytes, 20 bytes, 30 bytes.
UserSegments three(const Bench& bench) {
  return {{bench.user(5), Bytes{0}},     {bench.user(100), Bytes{10}}, {bench.user(7), Bytes{0}},
          {bench.user(1000), Bytes{20}}, {bench.user(50), Bytes{30}},  {bench.user(9), Bytes{0}}};
}

TEST_CASE("an iterator begins at the first segment that has bytes", "[unit][iov-iter]") {
  Bench bench;
  const UserSegments segments = three(bench);
  IovPosition at = iov_begin(segments);
  CHECK(at == IovPosition{1, Bytes{0}, Bytes{60}});
  const IovIter iter{segments, at};
  CHECK(iter.pointer() == bench.user(100));
  CHECK(iter.single_seg_count() == Bytes{10});
}

TEST_CASE("an iterator over nothing has nothing", "[unit][iov-iter]") {
  const UserSegments empty;
  const UserSegments zero{{UserPtr{}, Bytes{0}}, {UserPtr{}, Bytes{0}}};
  for (const UserSegments* segments : {&empty, &zero}) {
    IovPosition at = iov_begin(*segments);
    const IovIter iter{*segments, at};
    CHECK(iter.count() == Bytes{0});
    CHECK(iter.single_seg_count() == Bytes{0});
  }
}

TEST_CASE("an iterator steps over empty segments, and back", "[unit][iov-iter]") {
  Bench bench;
  const UserSegments segments = three(bench);
  IovPosition at = iov_begin(segments);
  IovIter iter{segments, at};
  iter.advance(Bytes{9});
  CHECK(iter.single_seg_count() == Bytes{1});
  iter.advance(Bytes{1});
  CHECK(at == IovPosition{3, Bytes{0}, Bytes{50}});
  iter.advance(Bytes{21});
  CHECK(iter.pointer() == bench.user(51));
  iter.revert(Bytes{1});
  CHECK(iter.pointer() == bench.user(50));
  iter.revert(Bytes{1});
  CHECK(iter.pointer() == bench.user(1019));
  iter.revert(Bytes{20});
  CHECK(iter.pointer() == bench.user(109));
  iter.advance(Bytes{51});
  CHECK(iter.count() == Bytes{0});
  iter.revert(Bytes{60});
  CHECK(at == iov_begin(segments));
}

TEST_CASE("a copy goes through the segments in order, the kernel's pointer along with it", "[unit][iov-iter]") {
  Bench bench;
  const UserSegments segments = three(bench);
  IovPosition at = iov_begin(segments);
  IovIter iter{segments, at};
  CHECK(copy_to_iter(bench.kernel(), iter, {kernel_made(0, 50), 3}) == Bytes{50});
  CHECK(bench.in_user(100, 10) == kernel_made(0, 10));
  CHECK(bench.in_user(1000, 20) == kernel_made(10, 20));
  CHECK(bench.in_user(50, 20) == kernel_made(30, 20));
  CHECK(bench.in_user(70, 10) == Bench::untouched(70, 10));
  CHECK(iter.count() == Bytes{10});

  iter.revert(Bytes{50});
  Provenance back;
  CHECK(copy_from_iter(bench.kernel(), back, iter, Bytes{50}) == Bytes{50});
  CHECK(back == kernel_made(0, 50));
  CHECK(copy_to_iter(bench.kernel(), iter, {kernel_made(0, 100), 0}) == Bytes{10});  // no more than it holds
}

TEST_CASE("a segment that comes back short ends the copy, and the next is not touched", "[unit][iov-iter]") {
  Bench bench;
  bench.spoil_granule(1000 / 16 + 1);  // eight bytes into the second of three
  const UserSegments segments = three(bench);
  IovPosition at = iov_begin(segments);
  IovIter iter{segments, at};
  CHECK(copy_to_iter(bench.kernel(), iter, {kernel_made(0, 60), 6}) == Bytes{11});  // a pair was cut: one byte of it
  CHECK(iter.pointer() == bench.user(1001));
  CHECK(bench.in_user(50, 30) == Bench::untouched(50, 30));
}

TEST_CASE("clearing an iterator stops where clear_user does", "[unit][iov-iter]") {
  Bench bench;
  bench.spoil_granule(1);
  const UserSegments segments{{bench.user(3), Bytes{40}}};
  IovPosition at = iov_begin(segments);
  IovIter iter{segments, at};
  CHECK(iov_iter_zero(bench.kernel(), iter, Bytes{40}) == Bytes{8});
  CHECK(at.skip == Bytes{8});
  CHECK(bench.in_user(3, 8) == zeroes(8));
}

TEST_CASE("a page's bytes are copied again until nothing moves, or once", "[unit][iov-iter]") {
  struct Row {
    std::string_view revision;
    std::uint64_t to_user;    // 13 good bytes, page offset 0, 16 bytes and more asked for
    std::uint64_t from_user;  // 32 good bytes: one block, whose loads run ahead of its stores
    std::uint64_t atomic;     // the same with page faults disabled
  };
  const auto row = GENERATE(values<Row>({
      {"5.10", 1, 16, 16},
      {"5.13", 0, 16, 16},  // no one-byte retry
      {"5.14", 13, 32, 16},
      {"6.12", 13, 32, 16},
      {"7.3", 13, 32, 32},
  }));
  CAPTURE(row.revision);
  Bench bench{{.revision = row.revision}};
  bench.spoil_granule(2);
  const auto copy = [&](std::uint64_t from, auto&& with) {
    const UserSegments segments{{bench.user(from), Bytes{100}}};
    IovPosition at = iov_begin(segments);
    IovIter iter{segments, at};
    const Bytes moved = with(iter);
    CHECK(at.skip == moved);
    return moved.n;
  };
  Provenance got;
  CHECK(copy(0, [&](IovIter& i) { return copy_page_from_iter(bench.kernel(), got, i, Bytes{100}); }) == row.from_user);
  CHECK(got == Bench::untouched(0, row.from_user));
  CHECK(copy(0, [&](IovIter& i) { return copy_page_from_iter_atomic(bench.kernel(), got, i, Bytes{100}); }) ==
        row.atomic);
  CHECK(copy(19, [&](IovIter& i) {
          return copy_page_to_iter(bench.kernel(), i, {kernel_made(0, 100), 0});
        }) == row.to_user);
}

TEST_CASE("an atomic copy does not fault pages in", "[unit][iov-iter]") {
  const auto revision = GENERATE("5.10", "6.12", "7.3");
  Bench bench{{.revision = revision, .pages = 2}};
  bench.evict_page(1);
  const UserSegments segments{{bench.user(kPage - 32), Bytes{64}}};
  IovPosition at = iov_begin(segments);
  IovIter iter{segments, at};
  Provenance got;
  CHECK(copy_page_from_iter_atomic(bench.kernel(), got, iter, Bytes{32}) == Bytes{32});
  CHECK(copy_page_from_iter_atomic(bench.kernel(), got, iter, Bytes{32}) == Bytes{0});
  CHECK(bench.task().pagefault_disabled == 0);
  CHECK(copy_page_from_iter(bench.kernel(), got, iter, Bytes{32}) == Bytes{32});
}

TEST_CASE("a nofault page copy is all or nothing, segment by segment", "[unit][iov-iter]") {
  Bench bench;
  bench.spoil_granule(1000 / 16 + 1);  // in the second of three
  const UserSegments segments = three(bench);
  IovPosition at = iov_begin(segments);
  IovIter iter{segments, at};
  CHECK(copy_page_to_iter_nofault(bench.kernel(), iter, {kernel_made(0, 60), 0}) == Bytes{10});
  CHECK(iter.pointer() == bench.user(1000));
}

TEST_CASE("fault-in goes segment by segment and stops at the first shortfall", "[unit][iov-iter][fault-in]") {
  const auto probe = GENERATE(kReadable, kWriteable);
  Bench bench{{.pages = 4}};
  bench.unmap_page(1);
  const UserSegments segments{
      {bench.user(0), Bytes{100}}, {bench.user(kPage - 10), Bytes{30}}, {bench.user(2 * kPage), Bytes{200}}};
  IovPosition at = iov_begin(segments);
  const IovIter iter{segments, at};
  const auto left = [&](std::uint64_t size) { return fault_in_iov_iter(bench.kernel(), iter, Bytes{size}, probe).n; };
  CHECK(left(100) == 0);
  CHECK(left(110) == 0);
  CHECK(left(111) == 1);
  CHECK(left(330) == 220);
  CHECK(left(331) == 221);           // more than the iterator holds: not faulted in
  CHECK(at == iov_begin(segments));  // the iterator stays where it is
}

TEST_CASE("what exceeds the iterator counts as not faulted in", "[unit][iov-iter][fault-in]") {
  Bench bench;
  const UserSegments segments{{bench.user(0), Bytes{100}}};
  IovPosition at = iov_begin(segments);
  IovIter iter{segments, at};
  CHECK(fault_in_iov_iter(bench.kernel(), iter, Bytes{100}, kReadable) == Bytes{0});
  CHECK(fault_in_iov_iter(bench.kernel(), iter, Bytes{150}, kReadable) == Bytes{50});
  iter.advance(Bytes{100});
  CHECK(fault_in_iov_iter(bench.kernel(), iter, Bytes{1}, kReadable) == Bytes{1});
}

TEST_CASE("nofault is for page extraction, copies fault pages in all the same", "[unit][iov-iter]") {
  Bench bench{{.pages = 1}};
  bench.evict_page(0);
  const UserSegments segments{{bench.user(0), Bytes{64}}};
  IovPosition at = iov_begin(segments);
  IovIter iter{segments, at, true};
  CHECK(iov_iter_get_pages(bench.kernel(), iter, Bytes{64}, AccessKind::store).got.error == Errno::efault);
  CHECK(at.skip == Bytes{0});
  CHECK(copy_to_iter(bench.kernel(), iter, {kernel_made(0, 64), 0}) == Bytes{64});
}

}  // namespace
}  // namespace mtesim::test
