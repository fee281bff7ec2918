#include "fs_models/user_access.h"

#include <catch2/catch.hpp>

#include "fs_models/process_calls.h"
#include "fs_models/workload.h"
#include "tests/support/calls.h"

namespace mtesim::test {
namespace {

constexpr Guard kGuarded{true};
const std::int64_t kSynchronous = signal_result({0, kSigsegv, kSegvMteserr});
const std::int64_t kAsynchronous = signal_result({0, kSigsegv, kSegvMteaerr});

CopyLoop load(UserPtr at, Guard guard = {}) {
  return CopyLoop(UserLoadStore{{}, at, Bytes{1}, AccessKind::load, 0, guard});
}
CopyLoop store(UserPtr at, std::uint64_t size = 1, std::uint8_t value = 0) {
  return CopyLoop(UserLoadStore{{}, at, Bytes{size}, AccessKind::store, value, {}});
}
CopyLoop ldg(UserPtr at) { return CopyLoop(UserLoadTag{{}, at, {}}); }
CopyLoop stg(UserPtr at, std::uint64_t granules, Tag tag, unsigned step = 0) {
  return CopyLoop(UserStoreTags{{}, at, granules, tag, step, {}});
}

/// Carries a program out on the bench's machine, to its end.
WorkState carried_out(Bench& bench, std::vector<CopyLoop> program, bool handler = true) {
  bench.task().handles_faults = handler;
  const Workload work{bench.kernel().revision, bench.machine(), {std::move(program)}};
  WorkState state = begin(work);
  while (!is_done(work, state)) static_cast<void>(step(work, state, TaskId{0}, bench.seen()));
  return state;
}

TEST_CASE("signals are results apart from counts and errors", "[unit][user]") {
  CHECK(signal_of(0) == std::nullopt);
  CHECK(signal_of(-4095) == std::nullopt);
  CHECK(signal_of(kSynchronous) == SigInfo{0, kSigsegv, kSegvMteserr});
  CHECK(signal_name(*signal_of(kAsynchronous)) == "SIGSEGV SEGV_MTEAERR");
  CHECK(signal_name({0, kSigbus, kBusAdrerr}) == "SIGBUS BUS_ADRERR");
}

TEST_CASE("a synchronous mismatch is the result of the access, and told with its address", "[unit][user]") {
  Bench bench{{.tag = Tag{3}}};
  bench.spoil_granule(1);
  const WorkState state = carried_out(bench, {load(bench.user(15)), load(bench.user(16)), store(bench.user(0), 32)});
  CHECK(state.tasks[0].results == std::vector<std::int64_t>{1, kSynchronous, kSynchronous});
  REQUIRE(state.tasks[0].signals.size() == 2);
  CHECK(state.tasks[0].signals[0] == SignalTaken{1, {bench.address(Bytes{16}), kSigsegv, kSegvMteserr}});
  CHECK_FALSE(state.tasks[0].killed);
}

TEST_CASE("without a handler the access ends the program", "[unit][user]") {
  Bench bench;
  bench.spoil_granule(0);
  const WorkState state = carried_out(bench, {load(bench.user()), load(bench.user(16))}, false);
  CHECK(state.tasks[0].killed);
  CHECK(state.tasks[0].results == std::vector<std::int64_t>{kSynchronous});
}

TEST_CASE("what is not mapped, not allowed or behind the end of a file has signals of its own", "[unit][user]") {
  Bench bench{{.pages = 2}};
  bench.protect_page(1, {true, false, true});
  const std::uint32_t file = add_file(bench.machine(), "ext4", Bytes{0});
  const std::uint64_t at = bench.address(Bytes{16 * 4096});
  REQUIRE(map_memory(bench.machine(), 0, {at, at + 4096, {true, false, false}, true, file, 0}) == Errno::ok);
  const WorkState state =
      carried_out(bench, {load(bench.user(2 * 4096)), store(bench.user(4096)), load(UserPtr(at, Tag{0}))});
  const std::vector<std::int64_t> expected{signal_result({0, kSigsegv, kSegvMaperr}),
                                           signal_result({0, kSigsegv, kSegvAccerr}),
                                           signal_result({0, kSigbus, kBusAdrerr})};
  CHECK(state.tasks[0].results == expected);
}

TEST_CASE("user mode does not enter the kernel: a recorded mismatch waits for a system call", "[unit][user][tcf]") {
  Bench bench{{.tcf = TcfMode::async}};
  bench.spoil_granule(0);
  const WorkState state = carried_out(bench, {load(bench.user()), load(bench.user()), CopyLoop(Getppid{})});
  CHECK(state.tasks[0].results == std::vector<std::int64_t>{1, 1, 1});
  CHECK(state.tasks[0].signals == std::vector<SignalTaken>{{2, {0, kSigsegv, kSegvMteaerr}}});
  CHECK_FALSE(state.machine.tasks[0].pending.mteaerr);
}

TEST_CASE("a guard meets the signal of the access before, and gives its own access up", "[unit][user][tcf]") {
  Bench bench{{.tcf = TcfMode::async}};
  bench.spoil_granule(0);
  const CopyLoop mismatch = load(bench.user(), kGuarded);
  const CopyLoop match = load(bench.user(16), kGuarded);
  const WorkState state = carried_out(bench, {mismatch, mismatch, mismatch, match, match});
  CHECK(state.tasks[0].results == std::vector<std::int64_t>{1, kAsynchronous, 1, kAsynchronous, 1});
}

TEST_CASE("TCO keeps a program's accesses from being checked", "[unit][user][tcf]") {
  Bench bench;
  bench.spoil_granule(0);
  const CopyLoop on(UserSetTco{{}, true});
  const CopyLoop off(UserSetTco{{}, false});
  const WorkState state = carried_out(bench, {on, load(bench.user()), off, load(bench.user())});
  CHECK(state.tasks[0].results == std::vector<std::int64_t>{0, 1, 0, kSynchronous});
}

TEST_CASE("stores have the value that the program gives them", "[unit][user]") {
  Bench bench;
  const WorkState state = carried_out(bench, {store(bench.user(8), 16, 0x33)});
  const Folio& folio = state.machine.folio({Bench::kBufferObject, 0});
  CHECK(folio.contents.read(8, 24) == Provenance(Origin{source_of_value(0x33), 0}, Bytes{16}));
  CHECK(folio.contents.read(24, 32) == Bench::untouched(24, 8));
  CHECK(source_of_value(0) == kZeroSource);
}

TEST_CASE("STG and LDG check no tag, and go by granules", "[unit][user]") {
  Bench bench{{.tag = Tag{3}}};
  const UserPtr untagged(bench.address(Bytes{8}), Tag{0});
  const WorkState state = carried_out(bench, {stg(untagged, 3, Tag{15}, 1), ldg(untagged), ldg(untagged + Bytes{16}),
                                              ldg(untagged + Bytes{32}), ldg(untagged + Bytes{48})});
  CHECK(state.tasks[0].results == std::vector<std::int64_t>{3, 15, 0, 1, 3});
}

TEST_CASE("STG needs a page that may be written, but not one that keeps tags", "[unit][user]") {
  Bench plain{{.tag = Tag{0}, .prot = {true, true, false}}};
  CHECK(carried_out(plain, {stg(plain.user(), 2, Tag{5}), ldg(plain.user())}).tasks[0].results ==
        std::vector<std::int64_t>{2, 0});
  Bench read_only;
  read_only.protect_page(0, {true, false, true});
  CHECK(carried_out(read_only, {stg(read_only.user(), 1, Tag{5})}).tasks[0].results ==
        std::vector<std::int64_t>{signal_result({0, kSigsegv, kSegvAccerr})});
}

TEST_CASE("STG brings a fresh page in, and copies one that is shared with a child", "[unit][user]") {
  Bench fresh{{.present = false}};
  CHECK(carried_out(fresh, {ldg(fresh.user()), stg(fresh.user(), 1, Tag{5}), ldg(fresh.user())}).tasks[0].results ==
        std::vector<std::int64_t>{0, 1, 5});
  Bench forked{{.tag = Tag{3}}};
  const CopyLoop in_child = stg(forked.user(), 1, Tag{5}).by_child();
  const WorkState state =
      carried_out(forked, {CopyLoop(Fork{}), in_child, ldg(forked.user()).by_child(), ldg(forked.user())});
  CHECK(state.tasks[0].results == std::vector<std::int64_t>{1, 1, 5, 3});
}

TEST_CASE("IRG is one instruction a step", "[unit][user]") {
  Bench bench;
  bench.task().tag_mask = 0x10;
  const Outcome outcome = carry_out(CopyLoop(UserRandomTags{7}), bench.kernel());
  CHECK(outcome == Outcome{0x10, 7, false, false});
}

}  // namespace
}  // namespace mtesim::test
