#include "model/arch/tag_check_mode.h"

#include <catch2/catch.hpp>

#include "tests/support/bench.h"

namespace mtesim::test {
namespace {

constexpr auto kIgnored = OnMismatch::ignored;
constexpr auto kFault = OnMismatch::fault;
constexpr auto kRecorded = OnMismatch::recorded;

TEST_CASE("the thread's mode decides what becomes of a mismatch, for loads and stores apart", "[unit][tcf]") {
  struct Row {
    TcfMode mode;
    OnMismatch load;
    OnMismatch store;
  };
  const auto row = GENERATE(values<Row>({
      {TcfMode::none, kIgnored, kIgnored},
      {TcfMode::sync, kFault, kFault},
      {TcfMode::async, kRecorded, kRecorded},
      {TcfMode::asymm, kFault, kRecorded},
  }));
  CHECK(on_mismatch(row.mode, false, false, AccessKind::load) == row.load);
  CHECK(on_mismatch(row.mode, false, false, AccessKind::store) == row.store);

  SECTION("store-only checking takes the loads out and leaves the stores") {
    CHECK(on_mismatch(row.mode, true, false, AccessKind::load) == kIgnored);
    CHECK(on_mismatch(row.mode, true, false, AccessKind::store) == row.store);
  }
  SECTION("TCO switches all of it off") {
    CHECK(on_mismatch(row.mode, false, true, AccessKind::load) == kIgnored);
    CHECK(on_mismatch(row.mode, false, true, AccessKind::store) == kIgnored);
  }
}

}  // namespace
}  // namespace mtesim::test
