#include "fs_models/workload.h"

#include <catch2/catch.hpp>

#include "tests/support/calls.h"

namespace mtesim::test {
namespace {

/// One task of the bench's process that makes these calls one after another.
Workload of_one_task(Bench& bench, std::vector<SystemCall> calls, std::string_view revision = "6.12") {
  Workload work{*find_revision(revision), bench.machine(), {{}}};
  for (const SystemCall& call : calls) work.calls[0].push_back(loop_of(call));
  return work;
}

SystemCall read_zero(const Bench& bench, std::uint64_t length) {
  return transfer(CallKind::read, "zero", 0, {{bench.user(), Bytes{length}}});
}

TEST_CASE("a task makes its calls one after another, and is done behind the last", "[unit][workload]") {
  Bench bench{{.pages = 2}};
  const Workload work = of_one_task(bench, {read_zero(bench, 5000), read_zero(bench, 10)});
  WorkState state = begin(work);
  const TaskId task{0};
  CHECK_FALSE(is_done(work, state));
  CHECK(std::holds_alternative<Advanced>(step(work, state, task, bench.seen())));
  CHECK(state.tasks[0].in_kernel);
  CHECK(progress(work, state, task) == Bytes{4096});
  CHECK(std::holds_alternative<Finished>(step(work, state, task, bench.seen())));
  CHECK_FALSE(state.tasks[0].in_kernel);
  CHECK(progress(work, state, task) == Bytes{0});
  CHECK_FALSE(is_done(work, state, task));
  CHECK(std::holds_alternative<Finished>(step(work, state, task, bench.seen())));
  CHECK(state.tasks[0].results == std::vector<std::int64_t>{5000, 10});
  CHECK(is_done(work, state));
}

TEST_CASE("a call enters the kernel at its first round and leaves it with its last", "[unit][workload][tcf]") {
  Bench bench{{.revision = "5.10", .tcf = TcfMode::async}};
  bench.spoil_granule(0);
  bench.machine().tasks[0].tfsre0 = false;
  const Workload work = of_one_task(bench, {read_zero(bench, 100)}, "5.10");
  WorkState state = begin(work);
  CHECK(std::holds_alternative<Finished>(step(work, state, TaskId{0}, bench.seen())));
  CHECK(state.tasks[0].results == std::vector<std::int64_t>{100});
  CHECK_FALSE(state.machine.tasks[0].tfsre0);  // recorded by the clear, and dropped
  CHECK_FALSE(state.tasks[0].killed);
}

TEST_CASE("a mismatch that user mode recorded kills the task when its call returns", "[unit][workload][tcf]") {
  Bench bench{{.tcf = TcfMode::async}};
  bench.machine().tasks[0].tfsre0 = true;
  const Workload work = of_one_task(bench, {read_zero(bench, 100), read_zero(bench, 100)});
  WorkState state = begin(work);
  CHECK(std::holds_alternative<Finished>(step(work, state, TaskId{0}, bench.seen())));
  CHECK(state.tasks[0].results == std::vector<std::int64_t>{100});
  CHECK(state.tasks[0].killed);
  CHECK(is_done(work, state));
}

TEST_CASE("a signal with a handler is delivered between calls, a fatal one ends the task", "[unit][workload]") {
  const bool fatal = GENERATE(false, true);
  Bench bench{{.pages = 2}};
  (fatal ? bench.task().pending.fatal : bench.task().pending.other) = true;
  const Workload work = of_one_task(bench, {read_zero(bench, 8192), read_zero(bench, 8192)});
  WorkState state = begin(work);
  CHECK(std::holds_alternative<Finished>(step(work, state, TaskId{0}, bench.seen())));
  CHECK(state.tasks[0].results == std::vector<std::int64_t>{4096});
  CHECK(state.tasks[0].killed == fatal);
  CHECK(is_done(work, state) == fatal);
  CHECK_FALSE(state.machine.tasks[0].pending.other);
}

TEST_CASE("a step that sleeps can be made again, and has changed nothing", "[unit][workload]") {
  Bench bench;
  const std::uint32_t pipe = add_pipe(bench.machine());
  REQUIRE(bench.machine().locks.try_lock({LockKind::pipe, pipe, 0}, TaskId{7}, LockMode::exclusive));
  const Workload work = of_one_task(bench, {transfer(CallKind::write, "pipe", pipe, {{bench.user(), Bytes{10}}})});
  WorkState state = begin(work);
  CHECK(std::holds_alternative<Blocked>(step(work, state, TaskId{0}, bench.seen())));
  const WorkState asleep = state;
  CHECK(std::holds_alternative<Blocked>(step(work, state, TaskId{0}, bench.seen())));
  CHECK(state == asleep);
  CHECK(state.fingerprint() == asleep.fingerprint());
}

TEST_CASE("states that differ in one task's place differ, and print differently", "[unit][workload]") {
  Bench bench;
  const Workload work = of_one_task(bench, {read_zero(bench, 0), read_zero(bench, 0)});
  WorkState state = begin(work);
  const WorkState at_start = state;
  CHECK(std::holds_alternative<Finished>(step(work, state, TaskId{0}, bench.seen())));
  CHECK(state.machine == at_start.machine);
  CHECK_FALSE(state == at_start);
  CHECK(state.fingerprint() != at_start.fingerprint());
}

}  // namespace
}  // namespace mtesim::test
