// Graphs drawn by hand.
#pragma once

#include <cstdint>
#include <vector>

#include "sim/explore/cycles.h"
#include "sim/explore/graph.h"

namespace mtesim::explore {

struct Arrow {
  std::uint32_t from = 0;
  std::uint32_t to = 0;
  EdgeInfo info{};
};

inline EdgeInfo noisy(std::uint32_t actions) { return {.actions = actions}; }
inline EdgeInfo moved(Task t) { return {.task = t}; }
inline EdgeInfo gain() { return {.progress = true}; }

inline constexpr NodeInfo kPlain{};
inline constexpr NodeInfo kEnded{.ended = true};

/// The arrows stand in the order of the nodes they leave, and first enter the nodes in the order of their numbers.
inline Graph draw(const std::vector<NodeInfo>& nodes, const std::vector<Arrow>& arrows, std::uint32_t roots = 1) {
  Graph graph;
  for (std::uint32_t n = 0; n < nodes.size(); ++n) n < roots ? graph.add_root(nodes[n]) : graph.add_node(nodes[n]);
  for (const Arrow& arrow : arrows) graph.add_edge(NodeId{arrow.from}, NodeId{arrow.to}, arrow.info);
  return graph;
}
inline Graph draw(std::uint32_t nodes, const std::vector<Arrow>& arrows, std::uint32_t roots = 1) {
  return draw(std::vector<NodeInfo>(nodes), arrows, roots);
}

inline bool any(const Edge&) { return true; }
inline bool quiet_and_idle(const Edge& e) { return e.quiet() && !e.progress; }

/// Ids as plain numbers, for comparison.
template <class Id>
std::vector<std::uint32_t> numbers(const std::vector<Id>& ids) {
  std::vector<std::uint32_t> plain;
  for (const Id id : ids) plain.push_back(id.index);
  return plain;
}
using Numbers = std::vector<std::uint32_t>;

}  // namespace mtesim::explore
