#include "sim/run/run.h"

#include <catch2/catch.hpp>

#include "sim/run/cost_meter.h"
#include "tests/support/workloads.h"

namespace mtesim::test {
namespace {

RunResult run_still(const Workload& workload, std::uint64_t max_rounds = 10'000) {
  return run(workload, {}, max_rounds);
}

/// Counts up to `stem`, then goes round `cycle` states for ever.
Trip lasso(std::uint64_t stem, std::uint64_t cycle) {
  return [=](ToyState& s, Kernel&) -> Step {
    s.at = s.at + 1 == stem + cycle ? stem : s.at + 1;
    return Advanced{};
  };
}

/// Returns 7 in round `rounds`.
Trip ends_after(std::uint64_t rounds) {
  return [=](ToyState& s, Kernel&) -> Step {
    if (++s.at == rounds) return Finished{7};
    return Advanced{};
  };
}

TEST_CASE("a run that ends says in which round and with what", "[unit][run]") {
  const auto rounds = GENERATE(1u, 2u, 3u, 64u, 65u);
  const RunResult result = run_still(toy_workload({ends_after(rounds)}));
  CHECK(result.end == RunEnd::returned);
  CHECK(result.rounds == rounds);
  CHECK(result.results == std::vector<std::vector<std::int64_t>>{{7}});
  CHECK(result.stem_rounds == 0);
  CHECK(result.cycle_rounds == 0);
}

TEST_CASE("a cycle is found with its exact length behind a stem of any length", "[unit][run]") {
  const auto stem = GENERATE(0u, 1u, 2u, 3u, 7u, 8u, 9u, 100u);
  const auto cycle = GENERATE(1u, 2u, 3u, 5u, 16u, 17u);
  CAPTURE(stem, cycle);
  const RunResult result = run_still(toy_workload({lasso(stem, cycle)}));
  CHECK(result.end == RunEnd::livelock);
  // The call is entered in the first round, so the state before that never comes back.
  CHECK(result.stem_rounds == std::max(stem, 1u));
  CHECK(result.cycle_rounds == cycle);
  CHECK_FALSE(result.killable);
  CHECK(result.results == std::vector<std::vector<std::int64_t>>{{}});
}

TEST_CASE("a loop that looks for fatal signals is killable, one that looks for none is not", "[unit][run]") {
  const Trip looks = [](ToyState&, Kernel& k) -> Step {
    if (fatal_signal_pending(k)) return Finished{-4};
    return Advanced{};
  };
  CHECK(run_still(toy_workload({looks})).killable);
  CHECK_FALSE(run_still(toy_workload({lasso(0, 1)})).killable);
}

TEST_CASE("a signal that is looked for only on the way in does not make a cycle killable", "[unit][run]") {
  const Trip looks_once = [](ToyState& s, Kernel& k) -> Step {
    if (s.at == 0 && fatal_signal_pending(k)) return Finished{-4};
    s.at = 1;
    return Advanced{};
  };
  CHECK_FALSE(run_still(toy_workload({looks_once})).killable);
}

TEST_CASE("killing means that all tasks end", "[unit][run]") {
  const Trip looks = [](ToyState&, Kernel& k) -> Step {
    if (fatal_signal_pending(k)) return Finished{-4};
    return Advanced{};
  };
  CHECK(run_still(toy_workload({looks, looks})).killable);
  CHECK_FALSE(run_still(toy_workload({looks, lasso(0, 1)})).killable);
}

TEST_CASE("a task that waits for its own lock is a deadlock", "[unit][run]") {
  const LockId id{LockKind::inode, 1, 0};
  const Trip twice = [=](ToyState& s, Kernel& k) -> Step {
    if (!lock(k, id, LockMode::exclusive)) return Blocked{id};
    ++s.at;
    return Advanced{};
  };
  const RunResult result = run_still(toy_workload({twice}));
  CHECK(result.end == RunEnd::deadlock);
  CHECK(result.rounds == 1);
}

/// Takes `first`, then `second`, then gives both back and returns.
Trip takes(LockId first, LockId second) {
  return [=](ToyState& s, Kernel& k) -> Step {
    if (s.at == 0) {
      if (!lock(k, first, LockMode::exclusive)) return Blocked{first};
      s.at = 1;
      return Advanced{};
    }
    if (!lock(k, second, LockMode::exclusive)) return Blocked{second};
    unlock(k, second);
    unlock(k, first);
    return Finished{0};
  };
}
constexpr LockId kA{LockKind::inode, 1, 0};
constexpr LockId kB{LockKind::inode, 2, 0};

TEST_CASE("two tasks that take two locks in opposite order deadlock, in one order they do not", "[unit][run]") {
  CHECK(run_still(toy_workload({takes(kA, kB), takes(kB, kA)})).end == RunEnd::deadlock);
  const RunResult fine = run_still(toy_workload({takes(kA, kB), takes(kA, kB)}));
  CHECK(fine.end == RunEnd::returned);
  CHECK(fine.rounds == 5);  // the second lies down to sleep once
}

TEST_CASE("a run is cut one round short of its end and not at it", "[unit][run]") {
  const Workload workload = toy_workload({ends_after(10)});
  CHECK(run_still(workload, 10).end == RunEnd::returned);
  const RunResult cut = run_still(workload, 9);
  CHECK(cut.end == RunEnd::cut);
  CHECK(cut.rounds == 9);
}

TEST_CASE("a cycle is cut before it has come round and not afterwards", "[unit][run]") {
  const Workload workload = toy_workload({lasso(1, 4)});
  const std::uint64_t enough = run_still(workload).rounds;
  CHECK(run_still(workload, enough).end == RunEnd::livelock);
  CHECK(run_still(workload, enough - 1).end == RunEnd::cut);
}

TEST_CASE("a task in turn goes on while another goes round", "[unit][run]") {
  const RunResult result = run_still(toy_workload({ends_after(5), lasso(0, 3)}));
  CHECK(result.end == RunEnd::livelock);
  CHECK(result.results == std::vector<std::vector<std::int64_t>>{{7}, {}});
  CHECK(result.cycle_rounds == 3);
}

class Ear final : public Observer {
 public:
  void observe(const Event&) override { ++events; }
  std::uint64_t events{};
};

TEST_CASE("a run comes out the same whoever watches", "[unit][run]") {
  std::mt19937_64 random(3);
  for (int i = 0; i < 300; ++i) {
    const SmallSystem system = small_system(random_genes(random));
    CAPTURE(system.told);
    Meter meter;
    CostMeter cost(cpus().front().cpu, {});
    Ear ear;
    Observer* const all[] = {&meter, &cost, &ear};
    const RunResult watched = run(system.workload, all);
    const RunResult alone = run(system.workload, {});
    Ear unpriced;
    Observer* const one[] = {&unpriced};
    CHECK(run(system.workload, one).results == alone.results);
    CHECK(unpriced.events == ear.events);
    CHECK(watched.end == alone.end);
    CHECK(watched.end != RunEnd::cut);
    CHECK(watched.rounds == alone.rounds);
    CHECK(watched.results == alone.results);
    CHECK(watched.cycle_rounds == alone.cycle_rounds);
    CHECK(watched.stem_rounds == alone.stem_rounds);
    CHECK(watched.killable == alone.killable);
    CHECK(watched.final_state == alone.final_state);
    CHECK(watched.final_state.machine.fingerprint() == watched.final_state.machine.recomputed_fingerprint());
    CHECK(meter.counts().rounds >= watched.rounds);  // a task that blocks began a round, too
    CHECK(ear.events > 0);
  }
}

TEST_CASE("a check in a still world says what a run says", "[unit][run][check]") {
  std::mt19937_64 random(4);
  int livelocks = 0;
  for (int i = 0; i < 300; ++i) {
    const SmallSystem system = small_system(random_genes(random));
    if (system.workload.calls.size() > 1) continue;
    CAPTURE(system.told);
    const RunResult one = run(system.workload, {});
    const CheckResult all = check(system.workload, {});
    REQUIRE((one.end == RunEnd::livelock) == (all.verdict == Verdict::livelock));
    REQUIRE((one.end == RunEnd::returned) == (all.verdict == Verdict::returns));
    if (one.end == RunEnd::livelock) {
      ++livelocks;
      CHECK(one.killable == all.killable);
    } else if (one.end == RunEnd::returned) {
      CHECK(all.most_rounds == one.rounds);
      CHECK(all.results == std::set<std::vector<std::int64_t>>{one.results.front()});
    }
  }
  CHECK(livelocks > 10);
}

}  // namespace
}  // namespace mtesim::test
