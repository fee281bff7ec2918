#include "sim/check/lasso.h"

#include <algorithm>
#include <bit>
#include <limits>
#include <optional>
#include <tuple>
#include <utility>

namespace mtesim {

using explore::Components;
using explore::Edge;
using explore::EdgeFilter;
using explore::EdgeId;
using explore::Graph;
using explore::Lasso;
using explore::NodeId;
using explore::TaskSet;

namespace {

/// A loop and where it begins; the sum and the actions of both decide which is better.
struct Found {
  std::uint64_t rounds{};
  std::uint64_t actions{};
  NodeId entry{};
  std::vector<EdgeId> loop;
  [[nodiscard]] auto rank() const { return std::make_tuple(rounds, actions, entry.index); }
};

/// Searches components one after another, as long as the work lasts.
class LoopSearch {
 public:
  LoopSearch(const Graph& graph, const Ways& ways, const EdgeFilter& passes, const Components& parts)
      : graph_(graph), ways_(ways), passes_(passes), parts_(parts), from_(graph.nodes().size(), kNever) {}

  /// A shortest loop through `entry` within its component, if stem and loop have at most `most` rounds.
  std::optional<Found> through(NodeId entry, std::uint64_t most) {
    const std::uint32_t part = parts_.of[entry.index];
    std::vector<NodeId> met{entry};
    std::optional<Found> found;
    std::size_t level_end = 1;
    std::uint64_t rounds = ways_.depth(entry) + std::uint64_t{1};
    for (std::size_t at = 0; at < met.size() && rounds <= most && !found; ++at) {
      if (at == level_end) {
        level_end = met.size();
        if (++rounds > most) break;
      }
      for (const EdgeId id : graph_.out(met[at])) {
        const Edge& edge = graph_[id];
        ++work_;
        if (parts_.of[edge.to.index] != part || !passes_(edge)) continue;
        if (edge.to == entry) {
          found = Found{rounds, ways_.actions(entry), entry, way_back(entry, id)};
          break;
        }
        if (from_[edge.to.index] != kNever) continue;
        from_[edge.to.index] = id.index;
        met.push_back(edge.to);
      }
    }
    for (const NodeId node : met) from_[node.index] = kNever;
    if (found) {
      for (const EdgeId id : found->loop) found->actions += graph_[id].actions;
    }
    return found;
  }
  [[nodiscard]] bool tired() const { return work_ > kMostWork; }

 private:
  static constexpr std::uint32_t kNever = std::numeric_limits<std::uint32_t>::max();

  std::vector<EdgeId> way_back(NodeId entry, EdgeId last) const {
    std::vector<EdgeId> loop{last};
    for (NodeId n = graph_[last].from; n != entry; n = graph_[loop.back()].from) {
      loop.push_back(EdgeId{from_[n.index]});
    }
    std::reverse(loop.begin(), loop.end());
    return loop;
  }

  const Graph& graph_;
  const Ways& ways_;
  const EdgeFilter& passes_;
  const Components& parts_;
  std::vector<std::uint32_t> from_;  // the edge by which the search that is under way came to a node
  std::uint64_t work_ = 0;
};

}  // namespace

Ways::Ways(const Graph& graph) : graph_(graph) {
  const std::size_t nodes = graph.nodes().size();
  if (nodes == 0 || nodes > kMostNodes) return;
  depth_.assign(nodes, 0);
  actions_.assign(nodes, 0);
  last_.assign(nodes, 0);
  for (const NodeId node : graph.nodes()) {
    const auto parent = graph.parent(node);
    if (!parent) continue;
    depth_[node.index] = depth_[graph[*parent].from.index] + 1;
    last_[node.index] = parent->index;
  }
  // Nodes are numbered breadth first and edges follow the nodes they leave: what is asked of `from` is settled by then,
  // and the first edge that enters `to` is its parent.
  for (const EdgeId id : graph.edges()) {
    const Edge& edge = graph[id];
    const std::uint32_t from = edge.from.index;
    const std::uint32_t to = edge.to.index;
    if (depth_[to] != depth_[from] + 1) continue;
    const std::uint32_t actions = actions_[from] + edge.actions;
    if (last_[to] != id.index && actions >= actions_[to]) continue;
    actions_[to] = actions;
    last_[to] = id.index;
  }
}

std::uint32_t Ways::depth(NodeId node) const {
  return looked() ? depth_[node.index] : static_cast<std::uint32_t>(graph_.stem(node).size());
}

std::uint32_t Ways::actions(NodeId node) const { return looked() ? actions_[node.index] : 0; }

std::vector<EdgeId> Ways::to(NodeId node) const {
  if (!looked()) return graph_.stem(node);
  std::vector<EdgeId> way;
  for (NodeId n = node; graph_.parent(n); n = graph_[way.back()].from) way.push_back(EdgeId{last_[n.index]});
  std::reverse(way.begin(), way.end());
  return way;
}

std::vector<Lasso> shortest_lassos(const Graph& graph, const Ways& ways, const EdgeFilter& passes, TaskSet tasks,
                                   std::size_t most) {
  const Components parts = explore::components(graph, passes);
  std::vector<std::vector<NodeId>> members;  // of the components that are looked at
  std::vector<std::size_t> place(parts.all.size(), kMostComponents);
  for (const NodeId node : graph.nodes()) {
    const std::uint32_t part = parts.of[node.index];
    if (!parts.all[part].fair(tasks)) continue;
    if (place[part] == kMostComponents) {
      if (members.size() == kMostComponents) continue;
      place[part] = members.size();
      members.emplace_back();
    }
    members[place[part]].push_back(node);
  }
  LoopSearch search(graph, ways, passes, parts);
  std::vector<Found> all;
  for (const std::vector<NodeId>& nodes : members) {
    const std::uint32_t part = parts.of[nodes.front().index];
    const EdgeFilter within = [&](const Edge& edge) {
      return passes(edge) && parts.of[edge.from.index] == part && parts.of[edge.to.index] == part;
    };
    if (std::popcount(tasks) > 1) {
      const auto lasso = explore::find_fair_lasso(graph, within, tasks);
      if (!lasso) continue;
      const NodeId entry = graph[lasso->loop.front()].from;
      all.push_back({lasso->stem.size() + lasso->loop.size(), ways.actions(entry), entry, lasso->loop});
      continue;
    }
    std::optional<Found> best;
    for (const NodeId node : nodes) {
      if (best && (search.tired() || ways.depth(node) + std::uint64_t{1} > best->rounds)) break;
      auto found = search.through(node, best ? best->rounds : std::numeric_limits<std::uint64_t>::max());
      if (found && (!best || found->rank() < best->rank())) best = std::move(found);
    }
    if (best) all.push_back(std::move(*best));
  }
  std::stable_sort(all.begin(), all.end(), [](const Found& a, const Found& b) { return a.rank() < b.rank(); });
  if (all.size() > most) all.resize(most);
  std::vector<Lasso> lassos;
  for (Found& found : all) lassos.push_back({ways.to(found.entry), std::move(found.loop)});
  return lassos;
}

}  // namespace mtesim
