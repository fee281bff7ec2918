#include "sim/check/search_image.h"

#include <catch2/catch.hpp>

#include "sim/scenario/checkpoint.h"
#include "tests/support/workloads.h"

namespace mtesim::test {
namespace {

CheckOptions options_for(const SmallSystem& system) {
  CheckOptions options;
  options.actions = system.actions;
  options.stop_at_livelock = false;
  options.max_states = 3000;
  return options;
}

bool same(const CheckResult& a, const CheckResult& b) {
  return a.verdict == b.verdict && a.complete == b.complete && a.states == b.states && a.transitions == b.transitions &&
         a.levels == b.levels && a.most_rounds == b.most_rounds && a.results == b.results && a.killable == b.killable &&
         a.least_actions == b.least_actions && a.least_rounds == b.least_rounds && a.reached == b.reached &&
         a.accessed == b.accessed && a.trapped_states == b.trapped_states &&
         a.properties.judged == b.properties.judged && a.witnesses.size() == b.witnesses.size();
}

TEST_CASE("a number stands for one state, and a state has one number", "[unit][check]") {
  std::mt19937_64 random(3);
  std::uint64_t states = 0;
  for (int i = 0; i < 40; ++i) {
    const SmallSystem system = small_system(random_genes(random));
    StateTable table;
    std::vector<CheckState> met;
    met.push_back(start_of_check(system.workload, system.actions));
    for (std::size_t at = 0; at < met.size() && met.size() < 60; ++at) {
      const CheckState from = met[at];
      CHECK(table.number(from) == table.number(from));
      CHECK(table[table.number(from)] == from);
      if (is_done(system.workload, from.work)) continue;
      for (std::uint32_t t = 0; t < from.work.tasks.size(); ++t) {
        if (is_done(system.workload, from.work, TaskId{t})) continue;
        for_each_branch(system.workload, from, TaskId{t}, system.actions, {}, [&](Branch&& branch) {
          met.push_back(std::move(branch.to));
          return met.size() < 60;
        });
      }
    }
    for (const CheckState& a : met) {
      for (const CheckState& b : met) REQUIRE((a == b) == (table.number(a) == table.number(b)));
    }
    states += met.size();
  }
  CHECK(states > 400);
}

TEST_CASE("any number of threads finds the same", "[unit][check]") {
  std::mt19937_64 random(5);
  for (int i = 0; i < 60; ++i) {
    const SmallSystem system = small_system(random_genes(random));
    CAPTURE(i, system.told);
    CheckOptions options = options_for(system);
    options.stop_at_livelock = i % 2 == 0;
    const CheckResult one = check(system.workload, options);
    for (const unsigned threads : {2u, 3u}) {
      options.threads = threads;
      const CheckResult many = check(system.workload, options);
      CHECK(same(one, many));
      for (std::size_t w = 0; w < std::min(one.witnesses.size(), many.witnesses.size()); ++w) {
        CHECK(one.witnesses[w].stem.size() == many.witnesses[w].stem.size());
        CHECK(one.witnesses[w].loop.size() == many.witnesses[w].loop.size());
      }
    }
  }
}

TEST_CASE("a check that is cut, kept as bytes and resumed finds what one in a piece finds", "[unit][check]") {
  std::mt19937_64 random(7);
  int resumed = 0;
  for (int i = 0; i < 60; ++i) {
    const SmallSystem system = small_system(random_genes(random));
    CAPTURE(i, system.told);
    CheckOptions options = options_for(system);
    const CheckResult whole = check(system.workload, options);
    if (!whole.complete || whole.states < 3) continue;
    std::string kept;
    CheckOptions cut = options;
    cut.max_states = 1 + random() % (whole.states - 1);
    cut.judge_properties = false;
    cut.keep = [&](const SearchImage& image) { kept = write_checkpoint(image, "this one"); };
    const CheckResult part = check(system.workload, cut);
    REQUIRE_FALSE(part.complete);
    REQUIRE_FALSE(kept.empty());
    const SearchImage image = read_checkpoint(kept, "this one");
    options.resume = &image;
    CHECK(same(check(system.workload, options), whole));
    ++resumed;
  }
  CHECK(resumed > 20);
}

TEST_CASE("a checkpoint of another check, or a damaged one, is refused", "[unit][check]") {
  const Workload workload =
      toy_workload({[](ToyState& s, Kernel&) -> Step { return ++s.at == 9 ? Step{Finished{1}} : Step{Advanced{}}; }});
  std::string kept;
  CheckOptions options;
  options.max_states = 5;
  options.keep = [&](const SearchImage& image) { kept = write_checkpoint(image, "a"); };
  static_cast<void>(check(workload, options));
  REQUIRE_FALSE(kept.empty());
  CHECK_NOTHROW(read_checkpoint(kept, "a"));
  CHECK_THROWS_AS(read_checkpoint(kept, "b"), CheckpointError);
  CHECK_THROWS_AS(read_checkpoint(kept.substr(0, kept.size() - 1), "a"), CheckpointError);
  CHECK_THROWS_AS(read_checkpoint("{}", "a"), CheckpointError);
  std::string damaged = kept;
  damaged[kept.size() / 2] = static_cast<char>(damaged[kept.size() / 2] ^ 1);
  CHECK_THROWS_AS(read_checkpoint(damaged, "a"), CheckpointError);

  // Another model under the same name: a state does not come out as it was.
  const Workload other = toy_workload({[](ToyState& s, Kernel&) -> Step {
    s.done = 1;
    return ++s.at == 9 ? Step{Finished{1}} : Step{Advanced{}};
  }});
  const SearchImage image = read_checkpoint(kept, "a");
  options.resume = &image;
  options.keep = {};
  CHECK_THROWS_AS(check(other, options), WrongImage);
}

}  // namespace
}  // namespace mtesim::test
