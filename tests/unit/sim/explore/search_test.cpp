#include "sim/explore/search.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "tests/unit/sim/explore/draw.h"
#include "tests/unit/sim/explore/table_system.h"

namespace mtesim::explore {
namespace {

using State = TableSystem::State;

std::vector<State> states_of(const Explored<TableSystem>& seen) {
  std::vector<State> states;
  for (const NodeId n : seen.graph.nodes()) states.push_back(seen.states[n]);
  return states;
}

/// A binary tree of the numbers below `count`, and from each an edge to 0: `count` states, 2 * count - 1 edges.
TableSystem tree(State count) {
  TableSystem system;
  system.next.resize(count);
  for (State s = 0; s < count; ++s) {
    system.next[s].push_back(0);
    for (const State child : {2 * s + 1, 2 * s + 2}) {
      if (child < count) system.next[s].push_back(child);
    }
  }
  return system;
}

TEST_CASE("a state without transitions is a graph of one node", "[unit][explore]") {
  const auto seen = explore(TableSystem{.next = {{}}});
  CHECK(seen.complete());
  CHECK(seen.graph == draw(std::vector<NodeInfo>{kEnded}, {}));
  CHECK(seen.tally.states == 1);
  CHECK(seen.tally.edges == 0);
  CHECK(seen.tally.levels == 1);
  CHECK(seen.tally.queue == 0);
}

TEST_CASE("nodes are numbered breadth first, and labels lead back to transitions", "[unit][explore]") {
  const auto seen = explore(TableSystem{.next = {{3, 1}, {2}, {}, {2, 0}}});
  CHECK(states_of(seen) == std::vector<State>{0, 3, 1, 2});
  CHECK(seen.tally.levels == 3);
  const auto stem = seen.graph.stem(NodeId{3});
  REQUIRE(stem.size() == 2);
  CHECK(seen.graph[stem[0]].label == 0);
  CHECK(seen.graph[stem[1]].label == 0);
  CHECK(seen.graph[stem[1]].from == NodeId{1});
  CHECK(seen.graph[NodeId{3}].result == 2);
}

TEST_CASE("transitions that lead to the same state count twice", "[unit][explore]") {
  const auto seen = explore(TableSystem{.next = {{1, 1, 0}, {}}});
  CHECK(seen.tally.states == 2);
  CHECK(seen.tally.edges == 3);
  CHECK(seen.graph.out(NodeId{0}).size() == 3);
}

TEST_CASE("what no start state reaches is not explored", "[unit][explore]") {
  CHECK(explore(TableSystem{.next = {{1}, {}, {0}}}).tally.states == 2);
  CHECK(explore(TableSystem{.next = {{1}, {}, {0}}, .start = {0, 2}}).tally.states == 3);
}

TEST_CASE("several start states come first, each once", "[unit][explore]") {
  const auto seen = explore(TableSystem{.next = {{2}, {3}, {}, {2}}, .start = {1, 0, 1}});
  CHECK(seen.graph.roots().size() == 2);
  CHECK(states_of(seen) == std::vector<State>{1, 0, 3, 2});
  CHECK(numbers(seen.graph.stem(NodeId{3})) == Numbers{1});
}

TEST_CASE("fingerprints that are all alike change nothing but the time", "[unit][explore]") {
  TableSystem system = tree(1'000);
  const auto apart = explore(system);
  system.collide = true;
  const auto together = explore(system);
  CHECK(together.tally.states == 1'000);
  CHECK(together.tally.edges == 1'999);
  CHECK(together.graph == apart.graph);
}

TEST_CASE("the same system twice gives the same graph", "[unit][explore]") {
  CHECK(explore(tree(100'000)).graph == explore(tree(100'000)).graph);
}

TEST_CASE("states alone are counted like the graph", "[unit][explore]") {
  const auto graph = explore(tree(1'000));
  const auto states = explore<Keep::states>(tree(1'000));
  CHECK(states.tally.states == graph.tally.states);
  CHECK(states.tally.edges == graph.tally.edges);
  CHECK(states.tally.levels == graph.tally.levels);
  CHECK(states.tally.bytes < graph.tally.bytes);
  CHECK(states.graph.nodes().empty());
}

TEST_CASE("a limit of as many states as there are cuts nothing, and one fewer does", "[unit][explore]") {
  const auto all = explore(tree(1'000), {.max_states = 1'000});
  CHECK(all.complete());
  CHECK(all.graph.complete());
  const auto cut = explore(tree(1'000), {.max_states = 999});
  CHECK(cut.cut == Cut::states);
  CHECK_FALSE(cut.complete());
  CHECK_FALSE(cut.graph.complete());
  CHECK(cut.tally.states == 999);
  CHECK(cut.tally.edges < all.tally.edges);
  CHECK(cut.tally.queue > 0);
}

TEST_CASE("a cut graph is exact where it is expanded, and its frontier is no deadlock", "[unit][explore]") {
  const auto whole = explore(tree(1'000));
  const auto cut = explore(tree(1'000), {.max_states = 100});
  std::size_t expanded = 0;
  for (const NodeId n : cut.graph.nodes()) {
    CHECK(cut.graph[n] == whole.graph[n]);
    if (!cut.graph.expanded(n)) continue;
    ++expanded;
    CHECK(cut.graph.out(n).size() == whole.graph.out(n).size());
  }
  CHECK(expanded == 49);  // nodes 0..48 have children up to 98; node 49 has its first child, 99, and not its second
  CHECK(cut.tally.queue == 51);
  CHECK(deadlocks(cut.graph).empty());
}

TEST_CASE("start states count against the limit", "[unit][explore]") {
  const TableSystem family{.next = {{}, {}}, .start = {0, 1}};
  CHECK(explore(family, {.max_states = 2}).complete());
  CHECK(explore(family, {.max_states = 1}).cut == Cut::states);
  CHECK(explore(family, {.max_states = 0}).cut == Cut::states);
}

TEST_CASE("an interrupt stops a search", "[unit][explore]") {
  std::atomic<bool> stop{false};
  CHECK(explore(tree(1'000), {.interrupt = &stop}).complete());
  stop = true;
  const auto cut = explore(tree(1'000), {.interrupt = &stop});
  CHECK(cut.cut == Cut::interrupt);
  CHECK(cut.tally.states == 1);
  CHECK(cut.tally.queue == 1);
}

TEST_CASE("an interrupt in the middle stops a search soon", "[unit][explore]") {
  std::atomic<bool> stop{false};
  const Progress progress{.report = [&](const Tally& tally) { stop = tally.states >= 500; }, .every = 100};
  const auto cut = explore(tree(10'000), {.interrupt = &stop}, &progress);
  CHECK(cut.cut == Cut::interrupt);
  CHECK(cut.tally.states >= 500);
  CHECK(cut.tally.states < 600);
}

TEST_CASE("a deadline that has passed stops a search, and one far off does not", "[unit][explore]") {
  const auto now = std::chrono::steady_clock::now();
  CHECK(explore(tree(1'000), {.deadline = now}).cut == Cut::deadline);
  CHECK(explore(tree(1'000), {.deadline = now + std::chrono::hours{1}}).complete());
}

TEST_CASE("a limit of bytes stops a search", "[unit][explore]") {
  const auto all = explore(tree(10'000));
  CHECK(explore(tree(10'000), {.max_bytes = all.tally.bytes}).complete());
  CHECK(explore(tree(10'000), {.max_bytes = all.tally.bytes / 2}).cut == Cut::bytes);
}

TEST_CASE("a state with transitions without end is cut like any other", "[unit][explore]") {
  struct Endless {
    using State = std::uint64_t;
    [[nodiscard]] std::vector<State> initial() const { return {0}; }
    [[nodiscard]] std::uint64_t fingerprint(State s) const { return s; }
    [[nodiscard]] NodeInfo info(State) const { return {}; }
    void successors(State, const std::function<bool(State&&, const EdgeInfo&)>& sink) const {
      State to = 1;
      while (sink(State{to}, EdgeInfo{})) ++to;
    }
  };
  const auto cut = explore(Endless{}, {.max_states = 1'000});
  CHECK(cut.cut == Cut::states);
  CHECK(cut.tally.states == 1'000);
  CHECK(cut.tally.edges == 999);
  CHECK(cut.tally.queue == 1'000);
}

TEST_CASE("a system may say what it weighs itself", "[unit][explore]") {
  struct Heavy : TableSystem {
    [[nodiscard]] std::size_t bytes() const { return 1'000'000'000; }
  };
  const Heavy heavy{tree(1'000)};
  CHECK(explore(heavy).tally.bytes > 1'000'000'000);
  CHECK(explore(tree(1'000)).tally.bytes < 1'000'000);
  CHECK(explore(heavy, {.max_bytes = 500'000'000}).cut == Cut::bytes);
}

TEST_CASE("progress is reported every so many states", "[unit][explore]") {
  std::vector<Tally> tallies;
  const Progress progress{.report = [&](const Tally& tally) { tallies.push_back(tally); }, .every = 250};
  const auto seen = explore(tree(1'000), {}, &progress);
  REQUIRE(tallies.size() == 4);
  CHECK(tallies[0].states == 250);
  CHECK(tallies[3].states == 1'000);
  CHECK(tallies[0].queue == 126);  // 124 expanded: state 249 is a child of state 124
  CHECK(tallies[3].edges < seen.tally.edges);
  CHECK(tallies[0].levels == 7);
  CHECK(tallies[3].levels == 9);  // state 999 is a child of state 499, at depth 8
}

}  // namespace
}  // namespace mtesim::explore
