#include "sim/explore/graph.h"

#include <catch2/catch.hpp>
#include <vector>

#include "tests/unit/sim/explore/draw.h"

namespace mtesim::explore {
namespace {

Numbers out_of(const Graph& graph, std::uint32_t node) {
  Numbers to;
  for (const EdgeId e : graph.out(NodeId{node})) to.push_back(graph[e].to.index);
  return to;
}

TEST_CASE("a single node is a root without edges", "[unit][explore]") {
  const Graph graph = draw(1, {});
  CHECK(graph.nodes().size() == 1);
  CHECK(graph.edges().empty());
  CHECK(graph.out(NodeId{0}).empty());
  CHECK_FALSE(graph.parent(NodeId{0}));
  CHECK(graph.stem(NodeId{0}).empty());
  CHECK(graph.complete());
}

TEST_CASE("each node has its own edges, also before, between and after nodes without any", "[unit][explore]") {
  const Graph graph = draw(5, {{0, 1}, {0, 2}, {0, 3}, {2, 4}, {2, 0}});
  CHECK(out_of(graph, 0) == Numbers{1, 2, 3});
  CHECK(out_of(graph, 1).empty());
  CHECK(out_of(graph, 2) == Numbers{4, 0});
  CHECK(out_of(graph, 3).empty());
  CHECK(out_of(graph, 4).empty());
}

TEST_CASE("two edges with the same ends are two", "[unit][explore]") {
  CHECK(out_of(draw(2, {{0, 1}, {0, 1}}), 0) == Numbers{1, 1});
  CHECK(draw(2, {{0, 1}, {0, 1}}) != draw(2, {{0, 1}}));
}

TEST_CASE("a stem is a shortest way, by the edge that came first", "[unit][explore]") {
  const Graph graph = draw(5, {{0, 1}, {0, 2}, {1, 3}, {2, 3}, {2, 4}, {3, 4}});
  CHECK(numbers(graph.stem(NodeId{3})) == Numbers{0, 2});
  CHECK(numbers(graph.stem(NodeId{4})) == Numbers{1, 4});
}

TEST_CASE("a stem leads from the nearest of several roots", "[unit][explore]") {
  const Graph graph = draw(4, {{0, 2}, {1, 3}, {2, 3}}, 2);
  CHECK(graph.roots().size() == 2);
  CHECK(graph.stem(NodeId{1}).empty());
  CHECK(numbers(graph.stem(NodeId{2})) == Numbers{0});
  CHECK(numbers(graph.stem(NodeId{3})) == Numbers{1});
}

TEST_CASE("a cut graph is expanded up to the cut", "[unit][explore]") {
  Graph graph = draw(3, {{0, 1}, {1, 2}});
  CHECK(graph.complete());
  graph.cut_from(NodeId{1});
  CHECK_FALSE(graph.complete());
  CHECK(graph.expanded(NodeId{0}));
  CHECK_FALSE(graph.expanded(NodeId{1}));
  CHECK_FALSE(graph.expanded(NodeId{2}));
}

TEST_CASE("a graph of more than one chunk is as good as a small one", "[unit][explore]") {
  constexpr std::uint32_t kNodes = 100'000;
  std::vector<Arrow> arrows;
  for (std::uint32_t n = 0; n + 1 < kNodes; ++n) arrows.push_back({n, n + 1});
  const Graph graph = draw(kNodes, arrows);
  CHECK(graph.stem(NodeId{kNodes - 1}).size() == kNodes - 1);
  CHECK(graph == draw(kNodes, arrows));
}

}  // namespace
}  // namespace mtesim::explore
