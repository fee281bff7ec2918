#include "sim/explore/cycles.h"

#include <algorithm>
#include <cstddef>
#include <limits>
#include <unordered_set>
#include <utility>

#include "model/base/check.h"

namespace mtesim::explore {
namespace {

constexpr std::uint32_t kNone = std::numeric_limits<std::uint32_t>::max();

bool inside(const Components& sccs, const Edge& edge) { return sccs.of[edge.from.index] == sccs.of[edge.to.index]; }

/// The shortest loop of edges that pass, from `entry` back to it, on which each of `tasks` is met: breadth first over
/// pairs of a node and the tasks met so far.
std::vector<EdgeId> shortest_loop(const Graph& graph, const EdgeFilter& passes, const Components& sccs, NodeId entry,
                                  TaskSet tasks) {
  struct Place {
    NodeId node;
    TaskSet met;
    std::size_t before;  // the place we came from
    EdgeId by;
  };
  const auto key = [](NodeId n, TaskSet met) { return std::uint64_t{n.index} << 32 | met; };
  std::vector<Place> queue{{entry, ~graph[entry].enabled & tasks, 0, {}}};
  std::unordered_set<std::uint64_t> seen;
  for (std::size_t at = 0; at < queue.size(); ++at) {
    const Place here = queue[at];
    for (const EdgeId e : graph.out(here.node)) {
      const Edge edge = graph.edge(here.node, e);
      if (!inside(sccs, edge) || !passes(edge)) continue;
      const TaskSet met = here.met | ((only(edge.task) | ~graph[edge.to].enabled) & tasks);
      if (edge.to == entry && met == tasks) {
        std::vector<EdgeId> loop{e};
        for (std::size_t back = at; back != 0; back = queue[back].before) loop.push_back(queue[back].by);
        std::reverse(loop.begin(), loop.end());
        return loop;
      }
      if (seen.insert(key(edge.to, met)).second) queue.push_back({edge.to, met, at, e});
    }
  }
  MTESIM_CHECK(false && "a fair SCC has a fair loop through each of its nodes");
  return {};
}

/// Each node's favourite edge, or none: a graph in which every walk is forced.
using Choice = std::vector<std::uint32_t>;

struct ForcedCycle {
  std::uint64_t actions = 0;
  std::uint64_t edges = 0;
  NodeId at{};
};

/// The cycle of least mean among those that the choice forces.
std::optional<ForcedCycle> best_forced_cycle(const Graph& graph, const Choice& choice) {
  std::optional<ForcedCycle> best;
  std::vector<std::uint32_t> walked(choice.size(), kNone);  // the start of the walk that came by
  for (const NodeId start : graph.nodes()) {
    NodeId at = start;
    while (walked[at.index] == kNone && choice[at.index] != kNone) {
      walked[at.index] = start.index;
      at = graph.edge(at, EdgeId{choice[at.index]}).to;
    }
    if (walked[at.index] != start.index) continue;  // it came to a stop, or to where an earlier walk had been
    ForcedCycle cycle{0, 0, at};
    do {
      const Edge edge = graph.edge(at, EdgeId{choice[at.index]});
      cycle.actions += edge.actions;
      ++cycle.edges;
      at = edge.to;
    } while (at != cycle.at);
    if (!best || cycle.actions * best->edges < best->actions * cycle.edges) best = cycle;
  }
  return best;
}

Lasso lasso_of(const Graph& graph, const Choice& choice, const ForcedCycle& cycle) {
  const auto next = [&](NodeId n) { return graph.edge(n, EdgeId{choice[n.index]}).to; };
  NodeId entry = cycle.at;
  for (NodeId n = next(cycle.at); n != cycle.at; n = next(n)) entry = std::min(entry, n);
  Lasso lasso{graph.stem(entry), {}};
  NodeId n = entry;
  do {
    lasso.loop.push_back(EdgeId{choice[n.index]});
    n = next(n);
  } while (n != entry);
  return lasso;
}

}  // namespace

std::optional<Lasso> detail::nearest_fair_lasso(const Graph& graph, const Components& sccs, const EdgeFilter& passes,
                                                TaskSet tasks) {
  for (const NodeId n : graph.nodes()) {  // breadth first: the first is the nearest
    if (!sccs.all[sccs.of[n.index]].fair(tasks)) continue;
    return Lasso{graph.stem(n), shortest_loop(graph, passes, sccs, n, tasks)};
  }
  return std::nullopt;
}

std::optional<Path> longest_path(const Graph& graph, const EdgeWeight& weight) {
  const std::size_t count = graph.nodes().size();
  std::vector<std::uint32_t> waiting(count, 0);  // edges into it not yet taken
  std::vector<std::uint64_t> most(count, 0);
  std::vector<std::uint32_t> by(count, kNone);  // the last edge of the heaviest path
  for (const EdgeId e : graph.edges()) ++waiting[graph.to(e).index];
  std::vector<NodeId> ready;
  for (const NodeId n : graph.nodes()) {
    if (waiting[n.index] == 0) ready.push_back(n);
  }
  std::size_t done = 0;
  NodeId end{};
  for (; !ready.empty(); ++done) {
    const NodeId n = ready.back();
    ready.pop_back();
    if (most[n.index] > most[end.index]) end = n;
    for (const EdgeId e : graph.out(n)) {
      const Edge edge = graph.edge(n, e);
      const std::uint32_t to = edge.to.index;
      const std::uint64_t sum = most[n.index] + weight(edge);
      if (by[to] == kNone || sum > most[to]) {
        most[to] = sum;
        by[to] = e.index;
      }
      if (--waiting[to] == 0) ready.push_back(NodeId{to});
    }
  }
  if (done != count) return std::nullopt;
  Path path{count == 0 ? 0 : most[end.index], {}};
  for (std::uint32_t e = count == 0 ? kNone : by[end.index]; e != kNone; e = by[graph[EdgeId{e}].from.index]) {
    path.edges.push_back(EdgeId{e});
  }
  std::reverse(path.edges.begin(), path.edges.end());
  return path;
}

std::optional<Path> longest_path(const Graph& graph) {
  return longest_path(graph, [](const Edge&) { return std::uint64_t{1}; });
}

std::optional<CycleMean> min_cycle_mean(const Graph& graph, const EdgeFilter& passes) {
  const std::size_t count = graph.nodes().size();
  const Components sccs = components(graph, passes);
  std::vector<Edge> edges;  // those that can be on a cycle
  std::vector<EdgeId> ids;  // of the same
  Choice choice(count, kNone);
  std::uint64_t busiest = 1;
  for (const NodeId n : graph.nodes()) {
    for (const EdgeId e : graph.out(n)) {
      const Edge edge = graph.edge(n, e);
      if (!inside(sccs, edge) || !passes(edge)) continue;
      edges.push_back(edge);
      ids.push_back(e);
      busiest = std::max<std::uint64_t>(busiest, edge.actions);
      std::uint32_t& chosen = choice[n.index];
      if (chosen == kNone || edge.actions < graph.edge(n, EdgeId{chosen}).actions) chosen = e.index;
    }
  }
  if (edges.empty()) return std::nullopt;
  MTESIM_CHECK(busiest < (std::uint64_t{1} << 61) / count / count);  // then no sum below can overflow

  // Bellman and Ford's passes for a cycle below the mean p/q: an edge costs q * actions - p, and `cost` is the least
  // found of any walk from a node. A cycle that the choices force was closed by a cost that fell, so its mean is below
  // p/q; the mean is then lowered to that. Once no cost falls, the costs prove that no cycle is below.
  ForcedCycle best = *best_forced_cycle(graph, choice);  // every node of a cyclic SCC has chosen, so there is one
  CycleMean least{best.actions, best.edges, lasso_of(graph, choice, best)};
  for (bool fell = true; fell && least.actions != 0;) {
    const auto p = static_cast<std::int64_t>(least.actions);
    const auto q = static_cast<std::int64_t>(least.edges);
    std::vector<std::int64_t> cost(count, 0);
    std::fill(choice.begin(), choice.end(), kNone);
    for (std::optional<ForcedCycle> lower; fell && !lower;) {
      fell = false;
      for (std::size_t i = edges.size(); i-- > 0;) {  // from the deep end, whither most edges lead
        const Edge& edge = edges[i];
        const std::int64_t sum = q * static_cast<std::int64_t>(edge.actions) - p + cost[edge.to.index];
        if (sum >= cost[edge.from.index]) continue;
        cost[edge.from.index] = sum;
        choice[edge.from.index] = ids[i].index;
        fell = true;
      }
      lower = best_forced_cycle(graph, choice);
      if (lower) least = CycleMean{lower->actions, lower->edges, lasso_of(graph, choice, *lower)};
    }
  }
  return least;
}

std::vector<NodeId> cannot_end(const Graph& graph) {
  const std::size_t count = graph.nodes().size();
  std::vector<std::uint32_t> first(count + 1, 0);  // the edges of the graph, sorted by the node they enter
  for (const EdgeId e : graph.edges()) ++first[graph.to(e).index + std::size_t{1}];
  for (std::size_t i = 0; i < count; ++i) first[i + 1] += first[i];
  std::vector<NodeId> before(graph.edges().size());
  std::vector<std::uint32_t> fill(first.begin(), first.end() - 1);
  for (const NodeId n : graph.nodes()) {
    for (const EdgeId e : graph.out(n)) before[fill[graph.to(e).index]++] = n;
  }

  std::vector<std::uint8_t> may_end(count, 0);
  std::vector<NodeId> queue;
  const auto mark = [&](NodeId n) {
    if (may_end[n.index] != 0) return;
    may_end[n.index] = 1;
    queue.push_back(n);
  };
  for (const NodeId n : graph.nodes()) {
    if (graph[n].ended || !graph.expanded(n)) mark(n);
  }
  for (std::size_t at = 0; at < queue.size(); ++at) {
    const std::size_t n = queue[at].index;
    for (std::uint32_t i = first[n]; i < first[n + 1]; ++i) mark(before[i]);
  }
  std::vector<NodeId> trapped;
  for (const NodeId n : graph.nodes()) {
    if (may_end[n.index] == 0) trapped.push_back(n);
  }
  return trapped;
}

std::vector<NodeId> deadlocks(const Graph& graph) {
  std::vector<NodeId> stuck;
  for (const NodeId n : graph.nodes()) {
    if (graph.expanded(n) && !graph[n].ended && graph.out(n).empty()) stuck.push_back(n);
  }
  return stuck;
}

}  // namespace mtesim::explore
