#include "sim/explore/cycles.h"

#include <catch2/catch.hpp>
#include <optional>

#include "tests/unit/sim/explore/draw.h"

namespace mtesim::explore {
namespace {

constexpr TaskSet kTasks12 = 0b110;

NodeInfo can_step(TaskSet tasks) { return {.enabled = tasks}; }

Numbers stem_of(const std::optional<Lasso>& lasso) { return numbers(lasso.value().stem); }
Numbers loop_of(const std::optional<Lasso>& lasso) { return numbers(lasso.value().loop); }

// --- lasso

TEST_CASE("a single node has no lasso, and with an edge to itself it has one", "[unit][explore]") {
  CHECK_FALSE(find_lasso(draw(1, {}), any));
  const auto lasso = find_lasso(draw(1, {{0, 0}}), any);
  CHECK(stem_of(lasso).empty());
  CHECK(loop_of(lasso) == Numbers{0});
}

TEST_CASE("a cycle is a lasso, and a join is not", "[unit][explore]") {
  CHECK(loop_of(find_lasso(draw(3, {{0, 1}, {1, 2}, {2, 0}}), any)) == Numbers{0, 1, 2});
  CHECK_FALSE(find_lasso(draw(4, {{0, 1}, {0, 2}, {1, 3}, {2, 3}}), any));
  CHECK_FALSE(find_lasso(draw(3, {{0, 1}, {0, 2}, {1, 2}, {1, 2}}), any));
}

TEST_CASE("a graph without nodes has nothing", "[unit][explore]") {
  CHECK_FALSE(find_lasso(Graph{}, any));
  CHECK_FALSE(min_cycle_mean(Graph{}, any));
  CHECK(longest_path(Graph{}) == Path{});
  CHECK(cannot_end(Graph{}).empty());
  CHECK(deadlocks(Graph{}).empty());
}

TEST_CASE("a cycle with one edge that does not pass is no lasso", "[unit][explore]") {
  CHECK(find_lasso(draw(2, {{0, 1}, {1, 0}}), quiet_and_idle));
  CHECK_FALSE(find_lasso(draw(2, {{0, 1}, {1, 0, noisy(1)}}), quiet_and_idle));
  CHECK_FALSE(find_lasso(draw(2, {{0, 1, gain()}, {1, 0}}), quiet_and_idle));
}

TEST_CASE("a noisy cycle with a quiet chord has the quiet cycle alone", "[unit][explore]") {
  // 0 -> 1 -> 2 -> 0, where the way back is noisy; the chord 2 -> 1 is quiet
  const Graph graph = draw(3, {{0, 1}, {1, 2}, {2, 0, noisy(1)}, {2, 1}});
  CHECK(loop_of(find_lasso(graph, any)) == Numbers{0, 1, 2});
  CHECK(stem_of(find_lasso(graph, quiet_and_idle)) == Numbers{0});
  CHECK(loop_of(find_lasso(graph, quiet_and_idle)) == Numbers{1, 3});
}

TEST_CASE("the stem may take any edge, the loop only those that pass", "[unit][explore]") {
  const auto lasso = find_lasso(draw(2, {{0, 1, noisy(3)}, {1, 1}}), quiet_and_idle);
  CHECK(stem_of(lasso) == Numbers{0});
  CHECK(loop_of(lasso) == Numbers{1});
}

TEST_CASE("of two SCCs, the one that passes is shown, though it lies deeper", "[unit][explore]") {
  const Graph graph = draw(4, {{0, 1}, {1, 2}, {1, 0, noisy(1)}, {2, 3}, {3, 2}});
  CHECK(stem_of(find_lasso(graph, quiet_and_idle)) == Numbers{0, 1});
  CHECK(loop_of(find_lasso(graph, quiet_and_idle)) == Numbers{3, 4});
}

TEST_CASE("of two SCCs that pass, the nearer is shown, though its loop is longer", "[unit][explore]") {
  const Graph graph = draw(6, {{0, 1}, {0, 2}, {1, 3}, {2, 4}, {3, 5}, {4, 4}, {5, 1}});
  CHECK(stem_of(find_lasso(graph, any)) == Numbers{0});
  CHECK(loop_of(find_lasso(graph, any)) == Numbers{2, 4, 6});
}

TEST_CASE("the loop is the shortest through its entry", "[unit][explore]") {
  const Graph graph = draw(4, {{0, 1}, {0, 2}, {1, 3}, {2, 0}, {3, 0}});
  CHECK(loop_of(find_lasso(graph, any)) == Numbers{1, 3});
}

TEST_CASE("a cycle of a million nodes needs no deep call stack", "[unit][explore]") {
  constexpr std::uint32_t kNodes = 1'000'000;
  Graph graph;
  graph.add_root({});
  for (std::uint32_t n = 1; n < kNodes; ++n) {
    graph.add_node({});
    graph.add_edge(NodeId{n - 1}, NodeId{n}, {});
  }
  CHECK_FALSE(find_lasso(graph, any));
  CHECK(longest_path(graph)->weight == kNodes - 1);
  graph.add_edge(NodeId{kNodes - 1}, NodeId{0}, noisy(1));
  CHECK(find_lasso(graph, any)->loop.size() == kNodes);
  CHECK_FALSE(longest_path(graph));
  CHECK(min_cycle_mean(graph, any)->edges == kNodes);
}

// --- SCCs

TEST_CASE("SCCs are numbered so that no edge leads to a higher number", "[unit][explore]") {
  const Graph graph = draw(4, {{0, 1}, {0, 2}, {1, 0}, {2, 3}, {3, 2}});
  const Components sccs = components(graph, any);
  CHECK(sccs.of == Numbers{1, 1, 0, 0});
  CHECK(sccs.all.size() == 2);
}

TEST_CASE("a node alone is an SCC, and cyclic only with an edge to itself that passes", "[unit][explore]") {
  CHECK_FALSE(components(draw(1, {}), any).all.at(0).cyclic);
  CHECK_FALSE(components(draw(1, {{0, 0, noisy(1)}}), quiet_and_idle).all.at(0).cyclic);
  CHECK(components(draw(1, {{0, 0}}), quiet_and_idle).all.at(0).cyclic);
}

// --- weak fairness

TEST_CASE("a cycle that leaves out a task enabled throughout is unfair; disabled once, it is fair", "[unit][explore]") {
  const std::vector<Arrow> arrows{{0, 1, moved(1)}, {1, 0, moved(1)}};
  const Graph left_out = draw({can_step(0b110), can_step(0b110)}, arrows);
  const Graph disabled_once = draw({can_step(0b110), can_step(0b010)}, arrows);
  CHECK(find_lasso(left_out, any));
  CHECK_FALSE(find_fair_lasso(left_out, any, kTasks12));
  CHECK(find_fair_lasso(left_out, any, only(1)));
  CHECK(loop_of(find_fair_lasso(disabled_once, any, kTasks12)) == Numbers{0, 1});
}

TEST_CASE("a task that moves on an edge that passes is not left out; on one that does not, it is", "[unit][explore]") {
  const std::vector<NodeInfo> nodes(2, can_step(0b110));
  const Graph passes = draw(nodes, {{0, 1, moved(1)}, {0, 1, moved(2)}, {1, 0, moved(1)}});
  const Graph fails = draw(nodes, {{0, 1, moved(1)}, {0, 1, {.actions = 1, .task = 2}}, {1, 0, moved(1)}});
  CHECK(find_fair_lasso(passes, quiet_and_idle, kTasks12));
  CHECK_FALSE(find_fair_lasso(fails, quiet_and_idle, kTasks12));
}

TEST_CASE("a task that can only leave the SCC is left out of it", "[unit][explore]") {
  const Graph graph = draw({can_step(0b110), kEnded}, {{0, 0, moved(1)}, {0, 1, moved(2)}});
  CHECK(find_lasso(graph, any));
  CHECK_FALSE(find_fair_lasso(graph, any, kTasks12));
}

TEST_CASE("a fair loop goes out of its way to meet each task, and no further", "[unit][explore]") {
  // a short cycle 0 -> 1 -> 0 of task 1; task 2 moves on 1 -> 2 alone, and is enabled everywhere
  const std::vector<NodeInfo> nodes(4, can_step(0b110));
  const std::vector<Arrow> arrows{{0, 1, moved(1)}, {1, 0, moved(1)}, {1, 2, moved(2)},
                                  {1, 3, moved(1)}, {2, 0, moved(1)}, {3, 1, moved(1)}};
  const Graph graph = draw(nodes, arrows);
  CHECK(loop_of(find_lasso(graph, any)) == Numbers{0, 1});
  CHECK(loop_of(find_fair_lasso(graph, any, kTasks12)) == Numbers{0, 2, 4});
}

TEST_CASE("a fair loop may pass its entry more than once", "[unit][explore]") {
  const Graph graph = draw({can_step(0b110)}, {{0, 0, moved(1)}, {0, 0, moved(2)}});
  CHECK(loop_of(find_fair_lasso(graph, any, kTasks12)) == Numbers{0, 1});
}

TEST_CASE("the environment's own moves are no task's", "[unit][explore]") {
  const Graph graph = draw({can_step(0b1)}, {{0, 0, moved(kEnvironmentOnly)}});
  CHECK(find_lasso(graph, any));
  CHECK_FALSE(find_fair_lasso(graph, any, 0b1));
}

TEST_CASE("of two cycles the nearer and unfair one is passed over", "[unit][explore]") {
  const Graph graph = draw({can_step(0b110), can_step(0b110), can_step(0b010)},
                           {{0, 0, moved(1)}, {0, 1, moved(2)}, {1, 2, moved(2)}, {2, 2, moved(1)}});
  CHECK(stem_of(find_lasso(graph, any)).empty());
  CHECK(stem_of(find_fair_lasso(graph, any, kTasks12)) == Numbers{1, 2});
  CHECK(loop_of(find_fair_lasso(graph, any, kTasks12)) == Numbers{3});
}

// --- longest path

TEST_CASE("the longest path of a join takes the longer side, and a cycle has none", "[unit][explore]") {
  const std::vector<Arrow> join{{0, 1}, {0, 2}, {1, 3}, {2, 4}, {3, 4}};
  CHECK(longest_path(draw(1, {})) == Path{});
  CHECK(longest_path(draw(5, join)) == Path{3, {EdgeId{0}, EdgeId{2}, EdgeId{4}}});
  CHECK_FALSE(longest_path(draw(1, {{0, 0}})));
  CHECK_FALSE(longest_path(draw(3, {{0, 1}, {1, 2}, {2, 1}})));
}

TEST_CASE("the heaviest path may have fewer edges than the longest", "[unit][explore]") {
  const Graph dag = draw(4, {{0, 1}, {0, 2, noisy(5)}, {1, 3}, {3, 2, noisy(4)}});
  CHECK(longest_path(dag)->weight == 3);
  CHECK(longest_path(dag, [](const Edge& e) { return std::uint64_t{e.actions}; }) == Path{5, {EdgeId{1}}});
}

TEST_CASE("the longest path may start at any root", "[unit][explore]") {
  CHECK(longest_path(draw(4, {{0, 2}, {1, 3}, {3, 2}}, 2)) == Path{2, {EdgeId{1}, EdgeId{2}}});
}

// --- least mean

TEST_CASE("the cycle of least mean is found exactly, whatever its length", "[unit][explore]") {
  // 0 -> 1 -> 2 -> 0 costs 2 on 3 edges; 0 -> 0 costs 1 on 1
  const auto two_thirds = min_cycle_mean(draw(3, {{0, 0, noisy(1)}, {0, 1, noisy(1)}, {1, 2, noisy(1)}, {2, 0}}), any);
  REQUIRE(two_thirds);
  CHECK(two_thirds->actions == 2);
  CHECK(two_thirds->edges == 3);
  CHECK(numbers(two_thirds->lasso.loop) == Numbers{1, 2, 3});
  // two actions more, and the edge to itself is the least
  const auto one =
      min_cycle_mean(draw(3, {{0, 0, noisy(1)}, {0, 1, noisy(1)}, {1, 2, noisy(2)}, {2, 0, noisy(1)}}), any);
  REQUIRE(one);
  CHECK(one->actions == 1);
  CHECK(numbers(one->lasso.loop) == Numbers{0});
}

TEST_CASE("only cycles of edges that pass count for the mean", "[unit][explore]") {
  const Graph graph = draw(2, {{0, 0, {.progress = true}}, {0, 1}, {1, 1, noisy(2)}});
  CHECK(min_cycle_mean(graph, any)->actions == 0);
  const auto idle = min_cycle_mean(graph, [](const Edge& e) { return !e.progress; });
  CHECK(idle->actions == 2);
  CHECK(numbers(idle->lasso.stem) == Numbers{1});
  CHECK_FALSE(min_cycle_mean(graph, quiet_and_idle));
}

TEST_CASE("a greedy choice of the least busy edge is not enough for the least mean", "[unit][explore]") {
  // from 1 the edge of 1 action leads back over 9; the edge of 2 actions leads back over 0
  const Graph graph = draw(4, {{0, 1}, {1, 2, noisy(1)}, {1, 3, noisy(2)}, {2, 0, noisy(9)}, {3, 0}});
  const auto least = min_cycle_mean(graph, any);
  CHECK(least->actions == 2);
  CHECK(least->edges == 3);
}

// --- ends

TEST_CASE("a dead end traps only what cannot turn elsewhere", "[unit][explore]") {
  // 0 may end in 1, or go to 2, whence only 3
  const Graph graph = draw({kPlain, kEnded, kPlain, kPlain}, {{0, 1}, {0, 2}, {2, 3}});
  CHECK(numbers(cannot_end(graph)) == Numbers{2, 3});
  CHECK(numbers(deadlocks(graph)) == Numbers{3});
}

TEST_CASE("a cycle that can be left is no trap, and one that cannot is, but no deadlock", "[unit][explore]") {
  CHECK(cannot_end(draw({kPlain, kPlain, kEnded}, {{0, 1}, {1, 0}, {1, 2}})).empty());
  const Graph trap = draw({kPlain, kPlain, kEnded}, {{0, 1}, {0, 2}, {1, 1}});
  CHECK(numbers(cannot_end(trap)) == Numbers{1});
  CHECK(deadlocks(trap).empty());
}

TEST_CASE("a node that ended is no deadlock, and one not expanded is neither deadlock nor trap", "[unit][explore]") {
  CHECK(deadlocks(draw({kEnded}, {})).empty());
  Graph graph = draw(2, {{0, 1}});
  CHECK(numbers(deadlocks(graph)) == Numbers{1});
  CHECK(numbers(cannot_end(graph)) == Numbers{0, 1});
  graph.cut_from(NodeId{1});
  CHECK(deadlocks(graph).empty());
  CHECK(cannot_end(graph).empty());
}

}  // namespace
}  // namespace mtesim::explore
