#include "sim/check/dearest.h"

#include <algorithm>
#include <map>

#include "sim/explore/cycles.h"

namespace mtesim {

namespace {

/// Nodes in an order in which no edge leads back.
std::vector<explore::NodeId> in_order(const explore::Graph& graph) {
  const explore::Components parts = explore::components(graph, [](const explore::Edge&) { return true; });
  MTESIM_CHECK(parts.all.size() == graph.nodes().size());  // else there is a cycle
  std::vector<explore::NodeId> order(graph.nodes().size());
  for (const explore::NodeId node : graph.nodes()) order[order.size() - 1 - parts.of[node.index]] = node;
  return order;
}

/// What one task has held a lock for, at a node: the most of any path that leads there.
using Holding = std::map<std::pair<std::uint8_t, LockKind>, std::uint64_t>;

}  // namespace

Dearest dearest_of(const WorkloadSystem& system, const ExploredWorkload& found) {
  const explore::Graph& graph = found.graph;
  std::vector<std::uint64_t> most(graph.nodes().size(), 0);
  std::vector<Holding> holding(graph.nodes().size());
  Dearest dearest;
  std::map<LockKind, std::uint64_t> longest;
  const auto ends = [&](LockKind kind, std::uint64_t cycles) { longest[kind] = std::max(longest[kind], cycles); };
  const auto raise = [](std::uint64_t& known, std::uint64_t cycles) { known = std::max(known, cycles); };
  for (const explore::NodeId node : in_order(graph)) {
    raise(dearest.cycles, most[node.index]);
    for (const explore::EdgeId id : graph.out(node)) {
      const explore::Edge edge = graph.edge(node, id);
      const StepPrice price = system.note(edge).price;
      raise(most[edge.to.index], most[node.index] + price.cycles);
      Holding& after = holding[edge.to.index];
      for (const auto& [who, cycles] : holding[node.index]) {
        if (who.first != edge.task) raise(after[who], cycles);  // what another does meanwhile costs nothing here
      }
      for (const auto& [kind, work] : price.locked) {
        const auto held = holding[node.index].find({edge.task, kind});
        const std::uint64_t before = held == holding[node.index].end() ? 0 : held->second;
        ends(kind, work.within);
        if (work.before_release) ends(kind, before + *work.before_release);
        if (work.throughout) raise(after[{edge.task, kind}], before + price.cycles);
        if (work.since_taken) raise(after[{edge.task, kind}], *work.since_taken);
      }
    }
    if (!graph[node].ended) continue;
    for (const auto& [who, cycles] : holding[node.index]) ends(who.second, cycles);  // a kernel BUG lets go of nothing
  }
  dearest.under_lock.assign(longest.begin(), longest.end());
  return dearest;
}

}  // namespace mtesim
