// Small random graphs, on which every question can also be answered by trying everything.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cstddef>
#include <optional>
#include <random>
#include <set>
#include <utility>
#include <vector>

#include "sim/explore/cycles.h"
#include "sim/explore/search.h"
#include "tests/unit/sim/explore/draw.h"

namespace mtesim::explore {
namespace {

constexpr TaskSet kTasks = 0b11;

struct RandomSystem {
  using State = std::uint32_t;
  std::vector<std::vector<std::pair<State, EdgeInfo>>> next;
  std::vector<NodeInfo> infos;
  [[nodiscard]] std::vector<State> initial() const { return {0}; }
  [[nodiscard]] std::uint64_t fingerprint(State s) const { return s; }
  [[nodiscard]] NodeInfo info(State s) const { return infos[s]; }
  template <class Sink>
  void successors(State s, Sink&& sink) const {
    for (const auto& [to, edge] : next[s]) sink(State{to}, edge);
  }
};

/// A graph of at most `nodes` nodes, all within reach of the first.
Graph random_graph(std::mt19937& random, std::uint32_t nodes, std::uint32_t edges) {
  RandomSystem system;
  const auto below = [&](std::uint32_t n) { return static_cast<std::uint32_t>(random() % n); };
  system.next.resize(nodes);
  for (std::uint32_t n = 0; n < nodes; ++n) system.infos.push_back({.enabled = below(4), .ended = below(8) == 0});
  for (std::uint32_t e = 0; e < edges; ++e) {
    const std::uint32_t from = below(nodes);
    const std::uint32_t to = below(nodes);
    const EdgeInfo info{.actions = below(4), .task = static_cast<Task>(below(3)), .progress = below(6) == 0};
    system.next[from].emplace_back(to, info);
  }
  return explore(system).graph;
}

bool idle(const Edge& e) { return !e.progress; }

/// reach[a][b]: a way of at least one edge that passes.
std::vector<std::vector<bool>> closure(const Graph& graph, const EdgeFilter& passes) {
  const std::size_t count = graph.nodes().size();
  std::vector<std::vector<bool>> reach(count, std::vector<bool>(count));
  for (const EdgeId e : graph.edges()) {
    if (passes(graph[e])) reach[graph[e].from.index][graph[e].to.index] = true;
  }
  for (std::size_t via = 0; via < count; ++via) {
    for (std::size_t a = 0; a < count; ++a) {
      for (std::size_t b = 0; b < count; ++b) reach[a][b] = reach[a][b] || (reach[a][via] && reach[via][b]);
    }
  }
  return reach;
}

/// The length of the shortest closed walk through `entry` that meets `tasks`, walk length by walk length.
std::optional<std::size_t> shortest_fair_walk(const Graph& graph, const EdgeFilter& passes, NodeId entry,
                                              TaskSet tasks) {
  std::set<std::pair<NodeId, TaskSet>> ends{{entry, ~graph[entry].enabled & tasks}};
  for (std::size_t length = 1; length <= graph.nodes().size() * 4; ++length) {
    std::set<std::pair<NodeId, TaskSet>> longer;
    for (const auto& [node, met] : ends) {
      for (const EdgeId e : graph.out(node)) {
        if (!passes(graph[e])) continue;
        const NodeId to = graph[e].to;
        longer.emplace(to, met | ((only(graph[e].task) | ~graph[to].enabled) & tasks));
      }
    }
    if (longer.count({entry, tasks}) != 0) return length;
    ends = std::move(longer);
  }
  return std::nullopt;
}

void require_lasso(const Graph& graph, const Lasso& lasso, const EdgeFilter& passes) {
  NodeId at{0};
  for (const EdgeId e : lasso.stem) {
    REQUIRE(graph[e].from == at);
    at = graph[e].to;
  }
  const NodeId entry = at;
  REQUIRE_FALSE(lasso.loop.empty());
  for (const EdgeId e : lasso.loop) {
    REQUIRE(graph[e].from == at);
    REQUIRE(passes(graph[e]));
    at = graph[e].to;
  }
  REQUIRE(at == entry);
}

/// Every cycle that visits no node twice.
struct SimpleCycles {
  const Graph& graph;
  EdgeFilter passes;
  std::vector<std::vector<EdgeId>> found{};
  std::vector<EdgeId> way{};
  std::set<NodeId> on{};

  void from(NodeId start, NodeId at) {
    for (const EdgeId e : graph.out(at)) {
      const NodeId to = graph[e].to;
      if (!passes(graph[e]) || to < start || on.count(to) != 0) continue;
      way.push_back(e);
      if (to == start) {
        found.push_back(way);
      } else {
        on.insert(to);
        from(start, to);
        on.erase(to);
      }
      way.pop_back();
    }
  }
};

std::vector<std::vector<EdgeId>> simple_cycles(const Graph& graph, const EdgeFilter& passes) {
  SimpleCycles cycles{graph, passes};
  for (const NodeId start : graph.nodes()) cycles.from(start, start);
  return cycles.found;
}

TEST_CASE("on random graphs a lasso is found where there is one, as near and as short as promised", "[unit][explore]") {
  std::mt19937 random(1);
  int lassos = 0, none = 0;
  for (std::uint32_t round = 0; round < 3'000; ++round) {
    const Graph graph = random_graph(random, 2 + round % 8, 3 + round % 13);
    const TaskSet tasks = round % 2 == 0 ? 0 : kTasks;
    std::optional<NodeId> entry;  // the first node with a fair closed walk
    for (const NodeId n : graph.nodes()) {
      if (!entry && shortest_fair_walk(graph, idle, n, tasks)) entry = n;
    }
    const auto lasso = find_fair_lasso(graph, idle, tasks);
    REQUIRE(lasso.has_value() == entry.has_value());
    ++(lasso ? lassos : none);
    if (!lasso) continue;
    require_lasso(graph, *lasso, idle);
    REQUIRE(graph[lasso->loop.front()].from == *entry);
    REQUIRE(lasso->stem == graph.stem(*entry));
    REQUIRE(lasso->loop.size() == shortest_fair_walk(graph, idle, *entry, tasks));
  }
  CHECK(lassos > 500);
  CHECK(none > 500);
}

TEST_CASE("on random graphs two nodes share an SCC exactly if each reaches the other", "[unit][explore]") {
  std::mt19937 random(2);
  for (std::uint32_t round = 0; round < 1'000; ++round) {
    const Graph graph = random_graph(random, 2 + round % 9, 3 + round % 17);
    const auto reach = closure(graph, idle);
    const Components sccs = components(graph, idle);
    for (const NodeId a : graph.nodes()) {
      const auto i = a.index;
      REQUIRE(sccs.all[sccs.of[i]].cyclic == reach[i][i]);
      for (const NodeId b : graph.nodes()) {
        const auto j = b.index;
        REQUIRE((sccs.of[i] == sccs.of[j]) == (i == j || (reach[i][j] && reach[j][i])));
        if (reach[i][j]) REQUIRE(sccs.of[i] >= sccs.of[j]);
      }
    }
  }
}

TEST_CASE("on random graphs no cycle has a lesser mean than the one found", "[unit][explore]") {
  std::mt19937 random(3);
  int cyclic = 0;
  for (std::uint32_t round = 0; round < 3'000; ++round) {
    const Graph graph = random_graph(random, 2 + round % 7, 4 + round % 14);
    const auto cycles = simple_cycles(graph, idle);
    const auto least = min_cycle_mean(graph, idle);
    REQUIRE(least.has_value() == !cycles.empty());
    if (!least) continue;
    ++cyclic;
    const auto actions = [&](const std::vector<EdgeId>& cycle) {
      std::uint64_t sum = 0;
      for (const EdgeId e : cycle) sum += graph[e].actions;
      return sum;
    };
    require_lasso(graph, least->lasso, idle);
    REQUIRE(least->lasso.stem == graph.stem(graph[least->lasso.loop.front()].from));
    REQUIRE(least->actions == actions(least->lasso.loop));
    REQUIRE(least->edges == least->lasso.loop.size());
    for (const auto& cycle : cycles) REQUIRE(least->actions * cycle.size() <= actions(cycle) * least->edges);
  }
  CHECK(cyclic > 1'000);
}

TEST_CASE("on random graphs the longest path is as long as any, and there is none on a cycle", "[unit][explore]") {
  std::mt19937 random(4);
  int acyclic = 0;
  for (std::uint32_t round = 0; round < 3'000; ++round) {
    const Graph graph = random_graph(random, 3 + round % 8, 3 + round % 6);
    const auto reach = closure(graph, any);
    bool cycle = false;
    for (const NodeId n : graph.nodes()) cycle = cycle || reach[n.index][n.index];
    const EdgeWeight weight = [](const Edge& e) { return std::uint64_t{e.actions}; };
    const auto path = longest_path(graph, weight);
    REQUIRE(path.has_value() == !cycle);
    if (cycle) continue;
    ++acyclic;
    std::vector<std::uint64_t> most(graph.nodes().size(), 0);  // as many passes as there are nodes settle it
    for (std::size_t pass = 0; pass < most.size(); ++pass) {
      for (const EdgeId e : graph.edges()) {
        const Edge& edge = graph[e];
        most[edge.to.index] = std::max(most[edge.to.index], most[edge.from.index] + weight(edge));
      }
    }
    REQUIRE(path->weight == *std::max_element(most.begin(), most.end()));
    std::uint64_t sum = 0;
    NodeId at{0};
    for (const EdgeId e : path->edges) {
      REQUIRE(graph[e].from == at);
      at = graph[e].to;
      sum += weight(graph[e]);
    }
    REQUIRE(sum == path->weight);
  }
  CHECK(acyclic > 500);
}

TEST_CASE("on random graphs a node is a trap exactly if it reaches no end", "[unit][explore]") {
  std::mt19937 random(5);
  for (std::uint32_t round = 0; round < 1'000; ++round) {
    const Graph graph = random_graph(random, 2 + round % 9, 3 + round % 17);
    const auto reach = closure(graph, any);
    Numbers trapped;
    for (const NodeId a : graph.nodes()) {
      bool may_end = graph[a].ended;
      for (const NodeId b : graph.nodes()) may_end = may_end || (graph[b].ended && reach[a.index][b.index]);
      if (!may_end) trapped.push_back(a.index);
    }
    REQUIRE(numbers(cannot_end(graph)) == trapped);
  }
}

}  // namespace
}  // namespace mtesim::explore
