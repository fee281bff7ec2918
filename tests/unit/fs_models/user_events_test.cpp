#include "fs_models/user_events.h"

#include <catch2/catch.hpp>

#include "model/mm/fault.h"
#include "tests/support/calls.h"

namespace mtesim::test {
namespace {

constexpr std::uint64_t kPage = 4096;
constexpr std::int64_t kEnomem = -12;
constexpr std::int64_t kEfault = -14;
constexpr std::int64_t kEinval = -22;

Outcome write(Bench& bench, std::uint64_t offset, std::uint64_t length) {
  const SystemCall call = transfer(CallKind::write, "user_events", 0, {{bench.user(offset), Bytes{length}}});
  return carry_out(loop_of(call), bench.kernel());
}

/// The structure lies at 0, the word at `word`.
CopyLoop register_loop(Bench& bench, UserPtr word, std::uint64_t size = 4) {
  SystemCall call{.kind = CallKind::user_event_register, .fs = find_file_system("user_events")};
  call.segments = {{bench.user(), Bytes{28}}};
  call.remote = {{word, Bytes{size}}};
  return loop_of(call);
}
Outcome register_event(Bench& bench, UserPtr word, std::uint64_t size = 4) {
  const Outcome outcome = carry_out(register_loop(bench, word, size), bench.kernel());
  CHECK(bench.machine().locks.held().empty());
  return outcome;
}

TEST_CASE("a user event is written whole or not at all", "[unit][user-events]") {
  const auto revision = GENERATE("6.12", "7.3");
  Bench bench{{.revision = revision, .pages = 2}};
  bench.spoil_granule(10);
  CHECK(write(bench, 0, 160) == Outcome{160, 1, false, false});
  CHECK(write(bench, 0, 161) == Outcome{kEfault, 1, false, false});
  CHECK(write(bench, 158, 10) == Outcome{kEfault, 1, false, false});  // the index itself
  CHECK(write(bench, 176, 8000).result == 8000);
  CHECK(write(bench, 0, 3).result == kEfault);  // there is no index
}

TEST_CASE("a page that goes between probe and copy loses the event", "[unit][user-events]") {
  Bench bench{{.revision = "7.3", .pages = 2}};
  bench.evict_page(1);
  CHECK(write(bench, kPage - 8, 16).result == 16);  // the probe brings the second page in
  std::uint64_t loads = 0;
  bench.seen().act = [&](const Look& next, Machine& machine) -> std::uint64_t {
    // 1: the index; 2, 3: the probe of both pages; 4: the copy begins
    if (std::holds_alternative<AccessRun>(next) && ++loads == 4) CHECK(evict(machine, 0, Bench::kFirstPage + 1));
    return 0;
  };
  const SystemCall call = transfer(CallKind::write, "user_events", 0, {{bench.user(kPage - 8), Bytes{16}}});
  CHECK(carry_out_among_others(loop_of(call), bench.kernel()).result == kEfault);
}

TEST_CASE("the enable bit is set by the kernel's mapping, the word's tag is not looked at", "[unit][user-events]") {
  Bench bench{{.revision = "7.3"}};
  bench.spoil_granule(8);
  CHECK(register_event(bench, bench.user(128)) == Outcome{0, 1, false, false});
  CHECK(bench.in_user(128, 4) == kernel_made(0, 4));
  CHECK(bench.in_user(132, 4) == Bench::untouched(132, 4));
  CHECK(bench.in_user(24, 4) == kernel_made(0, 4));  // write_index
  CHECK(register_event(bench, bench.user(136), 8).result == 0);
  CHECK(register_event(bench, bench.user(140), 8).result == kEinval);
}

TEST_CASE("the structure is read by the user's pointer, and an index that cannot be told is not missed",
          "[unit][user-events]") {
  Bench bench{{.revision = "7.3", .pages = 2}};
  bench.protect_page(0, {true, false, true});
  CHECK(register_event(bench, bench.user(kPage)).result == 0);
  CHECK(bench.in_user(24, 4) == Bench::untouched(24, 4));
  bench.spoil_granule(1);
  CHECK(register_event(bench, bench.user(kPage)).result == kEfault);
}

TEST_CASE("a word whose page is missing is found at the second look", "[unit][user-events]") {
  Bench bench{{.revision = "7.3", .pages = 2}};
  bench.evict_page(1);
  CHECK(register_event(bench, bench.user(kPage)) == Outcome{0, 2, false, false});
  bench.unmap_page(1);
  CHECK(register_event(bench, bench.user(kPage)) == Outcome{kEnomem, 1, false, false});
}

TEST_CASE("behind the tenth attempt there is one more look, and then it gives up", "[unit][user-events]") {
  struct Row {
    std::string_view attempts;
    std::uint64_t rounds;
  };
  const auto row = GENERATE(values<Row>({{"10", 11}, {"1", 2}, {"3", 4}}));
  Bench bench{{.revision = "7.3", .change = {{"user_event_enabler_write.attempts", row.attempts}}, .pages = 2}};
  bench.seen().act = [&](const Look& next, Machine& machine) -> std::uint64_t {
    if (std::holds_alternative<PageWalk>(next)) static_cast<void>(evict(machine, 0, Bench::kFirstPage + 1));
    return 0;
  };
  CHECK(carry_out_among_others(register_loop(bench, bench.user(kPage)), bench.kernel()) ==
        Outcome{kEnomem, row.rounds, false, false});
  CHECK(bench.machine().locks.held().empty());
}

TEST_CASE("a fatal signal ends the registration in the software walk", "[unit][user-events]") {
  Bench bench{{.revision = "7.3", .pages = 2}};
  bench.evict_page(1);
  bench.task().pending.fatal = true;
  CHECK(register_event(bench, bench.user(kPage)) == Outcome{kEnomem, 1, false, false});
}

}  // namespace
}  // namespace mtesim::test
