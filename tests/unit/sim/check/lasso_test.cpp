#include "sim/check/lasso.h"

#include <catch2/catch.hpp>

#include "tests/unit/sim/explore/draw.h"

namespace mtesim::test {
namespace {

using explore::any;
using explore::draw;
using explore::EdgeId;
using explore::Graph;
using explore::NodeId;
using explore::noisy;
using explore::numbers;
using explore::Numbers;

bool quiet(const explore::Edge& edge) { return edge.quiet(); }

TEST_CASE("of the shortest ways to a node, the one with the least actions is taken", "[unit][check]") {
  // To 4 by way of 1 with two actions, of 2 with one, and of 3 and 5 with none, but that is longer.
  const Graph graph =
      draw(6, {{0, 1, noisy(1)}, {0, 2, noisy(1)}, {0, 3, {}}, {1, 4, noisy(1)}, {2, 4, {}}, {3, 5, {}}, {5, 4, {}}});
  const Ways ways(graph);
  CHECK(ways.depth(NodeId{4}) == 2);
  CHECK(ways.actions(NodeId{4}) == 1);
  CHECK(numbers(ways.to(NodeId{4})) == Numbers{1, 4});
  CHECK(numbers(graph.stem(NodeId{4})) == Numbers{0, 3});
  CHECK(ways.to(NodeId{0}).empty());
}

TEST_CASE("of two edges between the same states the quieter one is on the way", "[unit][check]") {
  const Graph graph = draw(2, {{0, 1, noisy(2)}, {0, 1, noisy(1)}});
  CHECK(numbers(Ways(graph).to(NodeId{1})) == Numbers{1});
}

TEST_CASE("stem and loop together are the shortest, not the stem alone", "[unit][check]") {
  // At depth 1 a loop of four; at depth 2 one of one.
  const Graph graph =
      draw(7, {{0, 1, {}}, {0, 2, noisy(1)}, {1, 3, {}}, {2, 4, {}}, {3, 5, {}}, {4, 4, {}}, {5, 6, {}}, {6, 1, {}}});
  const Ways ways(graph);
  const auto all = shortest_lassos(graph, ways, quiet, 1, 10);
  REQUIRE(all.size() == 2);
  CHECK(numbers(all[0].stem) == Numbers{1, 3});
  CHECK(numbers(all[0].loop) == Numbers{5});
  CHECK(numbers(all[1].loop) == Numbers{2, 4, 6, 7});
  CHECK(shortest_lassos(graph, ways, quiet, 1, 1).size() == 1);
}

TEST_CASE("within a component the entry may lie deeper than its first node", "[unit][check]") {
  // 0 -> 1 -> 2 -> 3 -> 1 is a loop of three through depth 1; 2 -> 2 one of one at depth 2.
  const Graph graph = draw(4, {{0, 1, {}}, {1, 2, {}}, {2, 2, {}}, {2, 3, {}}, {3, 1, {}}});
  const auto all = shortest_lassos(graph, Ways(graph), any, 1, 10);
  REQUIRE(all.size() == 1);
  CHECK(numbers(all[0].stem) == Numbers{0, 1});
  CHECK(numbers(all[0].loop) == Numbers{2});
}

TEST_CASE("edges that do not pass are on no loop, and a graph without one has no lasso", "[unit][check]") {
  const Graph graph = draw(2, {{0, 1, {}}, {1, 0, noisy(1)}});
  CHECK(shortest_lassos(graph, Ways(graph), quiet, 1, 10).empty());
  CHECK(shortest_lassos(graph, Ways(graph), any, 1, 10).size() == 1);
}

TEST_CASE("of several tasks each moves on the loop, or is disabled there", "[unit][check]") {
  const explore::NodeInfo both{.enabled = 3};
  const Graph graph =
      draw({both, both}, {{0, 0, explore::moved(0)}, {0, 1, explore::moved(1)}, {1, 0, explore::moved(0)}});
  const auto all = shortest_lassos(graph, Ways(graph), any, 3, 10);
  REQUIRE(all.size() == 1);
  CHECK(all[0].loop.size() == 2);
}

}  // namespace
}  // namespace mtesim::test
