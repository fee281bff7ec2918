#include "fs_models/dev_zero.h"

#include <catch2/catch.hpp>

#include "tests/support/calls.h"

namespace mtesim::test {
namespace {

constexpr std::uint64_t kPage = 4096;
constexpr std::int64_t kEfault = -14;
constexpr std::int64_t kEintr = -4;

Outcome call(Bench& bench, CallKind kind, std::uint64_t offset, std::uint64_t length) {
  return carry_out(loop_of(transfer(kind, "zero", 0, {{bench.user(offset), Bytes{length}}})), bench.kernel());
}

TEST_CASE("a read of /dev/zero clears the buffer a page at a time", "[unit][zero]") {
  const auto kind = GENERATE(CallKind::read, CallKind::readv);
  Bench bench{{.pages = 3}};
  CHECK(call(bench, kind, 100, 2 * kPage + 1) == Outcome{2 * kPage + 1, 3, false, false});
  CHECK(bench.in_user(100, 2 * kPage + 1) == zeroes(2 * kPage + 1));
  CHECK(bench.changed_prefix(100) == 2 * kPage + 1);
  CHECK(call(bench, kind, 0, 0).result == 0);
}

TEST_CASE("up to 5.15 a fault in a chunk loses the chunk, since 5.16 what lies behind", "[unit][zero]") {
  struct Row {
    const char* revision;
    std::uint64_t length;
    std::int64_t result;
    std::uint64_t zeroed;
  };
  const auto row = GENERATE(values<Row>({
      {"5.10", 29, 29, 29},
      {"5.10", 30, kEfault, 28},  // three eights and a four
      {"5.15", 200, kEfault, 24},
      {"5.16", 29, 29, 29},
      {"5.16", 30, 24, 24},
      {"6.12", 200, 24, 24},
  }));
  CAPTURE(row.revision, row.length);
  Bench bench{{.revision = row.revision}};
  bench.spoil_granule(2);  // 29 good bytes from offset 3
  CHECK(call(bench, CallKind::read, 3, row.length).result == row.result);
  CHECK(bench.changed_prefix(3) == row.zeroed);
}

TEST_CASE("chunks that were cleared before the fault count in every revision", "[unit][zero]") {
  const auto revision = GENERATE("5.10", "6.12");
  Bench bench{{.revision = revision, .pages = 2}};
  bench.spoil_granule(256);
  CHECK(call(bench, CallKind::read, 0, 2 * kPage).result == kPage);
}

TEST_CASE("a good byte that no whole store reaches is never cleared", "[unit][zero]") {
  Bench bench;
  bench.spoil_granule(1);
  CHECK(call(bench, CallKind::read, 9, 64).result == kEfault);
  CHECK(bench.in_user(0, kPage) == Bench::untouched(0, kPage));
  CHECK(call(bench, CallKind::read, 8, 64).result == 8);
}

TEST_CASE("a vectored read goes on until a clear clears nothing", "[unit][zero]") {
  Bench bench;
  bench.spoil_granule(2);
  const Outcome once = call(bench, CallKind::read, 3, 200);
  CHECK(once.result == 24);
  CHECK(once.rounds == 1);
  const Outcome again = call(bench, CallKind::readv, 3, 200);
  CHECK(again.result == 24);
  CHECK(again.rounds == 2);
}

TEST_CASE("any signal ends a read of /dev/zero between chunks", "[unit][zero]") {
  Bench bench{{.pages = 2}};
  bench.task().pending.other = true;
  CHECK(call(bench, CallKind::read, 0, kPage + 1).result == kPage);
  CHECK(call(bench, CallKind::read, 0, kPage).result == kPage);  // there is no "between"
  CHECK(kEintr == finished(Errno::eintr).result);
}

TEST_CASE("a write to /dev/zero takes everything and looks at nothing", "[unit][zero]") {
  Bench bench;
  bench.spoil_granule(0);
  bench.unmap_page(0);
  CHECK(call(bench, CallKind::write, 0, 12345) == Outcome{12345, 1, false, false});
  CHECK(bench.seen().looks == 0);
}

}  // namespace
}  // namespace mtesim::test
