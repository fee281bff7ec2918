// The explorer against a system whose counts and verdicts three other checkers agree on.
#include <catch2/catch.hpp>
#include <cstdint>

#include "sim/explore/cycles.h"
#include "sim/explore/search.h"
#include "tests/support/copyloop_system.h"

namespace mtesim::explore {
namespace {

using test::CopyLoop;

bool without_progress(const Edge& e) { return !e.progress; }

CopyLoop small_loop(bool subpage, bool heal) {
  CopyLoop loop;
  loop.subpage = subpage;
  loop.heal = heal;
  return loop;
}

TEST_CASE("the copy loop has the states, transitions and levels that other checkers count", "[unit][explore]") {
  struct Row {
    bool subpage, heal;
    std::uint64_t states, edges, levels;  // 0: not known
  };
  const auto row = GENERATE(Row{true, false, 9'976, 33'345, 27}, Row{false, false, 6'480, 21'761, 24},
                            Row{false, true, 8'248, 35'933, 0}, Row{true, true, 12'588, 54'931, 0});
  const auto seen = explore(small_loop(row.subpage, row.heal));
  CHECK(seen.complete());
  CHECK(seen.tally.states == row.states);
  CHECK(seen.tally.edges == row.edges);
  if (row.levels != 0) CHECK(seen.tally.levels == row.levels);
  CHECK(seen.graph.nodes().size() == row.states);
  CHECK(seen.graph.edges().size() == row.edges);
}

TEST_CASE("the copy loop livelocks exactly where other checkers say it does", "[unit][explore]") {
  struct Row {
    bool subpage, heal;
    bool any_schedule, weakly_fair;
  };
  const auto row = GENERATE(Row{false, false, true, true}, Row{false, true, true, false},
                            Row{true, false, false, false}, Row{true, true, false, false});
  const auto seen = explore(small_loop(row.subpage, row.heal));
  CHECK(find_lasso(seen.graph, without_progress).has_value() == row.any_schedule);
  CHECK(find_fair_lasso(seen.graph, without_progress, CopyLoop::kAllTasks).has_value() == row.weakly_fair);
}

TEST_CASE("the SCCs without progress of the page-wise copy loop are as many as an independent search counts",
          "[unit][explore]") {
  const bool heal = GENERATE(false, true);
  const auto seen = explore(small_loop(false, heal));
  std::uint64_t cyclic = 0, fair = 0, fair_states = 0;
  for (const Component& scc : components(seen.graph, without_progress).all) {
    if (scc.cyclic) ++cyclic;
    if (!scc.fair(CopyLoop::kAllTasks)) continue;
    ++fair;
    fair_states += scc.nodes;
  }
  CHECK(cyclic == (heal ? 122u : 106u));
  CHECK(fair == (heal ? 0u : 34u));
  CHECK(fair_states == (heal ? 0u : 146u));
}

TEST_CASE("a livelock of the copy loop needs one retag, and the copier alone keeps it going", "[unit][explore]") {
  const auto seen = explore(small_loop(false, false));
  const auto lasso = find_lasso(seen.graph, without_progress);
  REQUIRE(lasso);
  std::uint64_t stem_actions = 0;
  for (const EdgeId e : lasso->stem) stem_actions += seen.graph[e].actions;
  CHECK(stem_actions == 1);
  for (const EdgeId e : lasso->loop) CHECK(seen.graph[e].quiet());
  const auto least = min_cycle_mean(seen.graph, without_progress);
  REQUIRE(least);
  CHECK(least->actions == 0);
}

TEST_CASE("the copy loop with larger budgets keeps its counts", "[unit][explore]") {
  CopyLoop loop;
  loop.evict = loop.retag = 4;
  const auto seen = explore<Keep::states>(loop);
  CHECK(seen.tally.states == 121'923);
  CHECK(seen.tally.edges == 692'994);
  CHECK(seen.tally.levels == 30);
  CHECK_FALSE(find_lasso(explore(loop).graph, without_progress));
}

TEST_CASE("the copy loop always comes to an end it can reach, and to no deadlock, unless tags stay wrong",
          "[unit][explore]") {
  CHECK(deadlocks(explore(small_loop(true, false)).graph).empty());
  CHECK(cannot_end(explore(small_loop(true, false)).graph).empty());
  CHECK(deadlocks(explore(small_loop(false, false)).graph).empty());
  CHECK_FALSE(cannot_end(explore(small_loop(false, false)).graph).empty());
}

TEST_CASE("the number of rounds of the copy loop is bounded exactly when no cycle is there", "[unit][explore]") {
  const auto bound = longest_path(explore(small_loop(true, false)).graph);
  REQUIRE(bound);
  CHECK(bound->weight == bound->edges.size());
  CHECK_FALSE(longest_path(explore(small_loop(false, false)).graph));
}

}  // namespace
}  // namespace mtesim::explore
