#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "sim/explore/graph.h"

namespace mtesim::explore {

using EdgeFilter = std::function<bool(const Edge&)>;
using EdgeWeight = std::function<std::uint64_t(const Edge&)>;

/// A strongly connected component (SCC) of the edges that pass a filter.
struct Component {
  std::uint32_t nodes = 0;
  bool cyclic = false;  // an edge that passes runs inside it: it holds a cycle
  TaskSet met = 0;      // tasks that move on such an edge, or are disabled in some node of it

  /// It holds a cycle on which each of `tasks` moves or is disabled somewhere: the one through all of it, for one.
  [[nodiscard]] bool fair(TaskSet tasks) const { return cyclic && (tasks & ~met) == 0; }
  bool operator==(const Component&) const = default;
};

/// Shape: `of` by node, a number into `all`; an edge that passes never leads to an SCC of a higher number.
struct Components {
  std::vector<std::uint32_t> of;
  std::vector<Component> all;
};

/// The SCCs of the edges that pass. Time: linear; the call stack does not grow with the graph.
/// Source: [tarjan-1972]
[[nodiscard]] Components components(const Graph& graph, const EdgeFilter& passes);

/// An endless run: the stem leads from a root to the entry, by whatever edges; the loop from the entry back to it.
struct Lasso {
  std::vector<EdgeId> stem;
  std::vector<EdgeId> loop;  // never empty
  bool operator==(const Lasso&) const = default;
};

/// A cycle of edges that pass, on which each of `tasks` moves or is disabled somewhere (weak fairness by task).
/// Returns: none if there is none. Else the stem is as short as that of any such lasso, the entry is the node of lowest
///          number on any such cycle, and the loop is the shortest through it. Their sum need not be the least.
/// Time:    linear to know; to show, at most the SCC times the subsets of `tasks`, and most often far less.
[[nodiscard]] std::optional<Lasso> find_fair_lasso(const Graph& graph, const EdgeFilter& passes, TaskSet tasks);

/// The same without fairness: any cycle of edges that pass will do.
[[nodiscard]] std::optional<Lasso> find_lasso(const Graph& graph, const EdgeFilter& passes);

struct Path {
  std::uint64_t weight = 0;
  std::vector<EdgeId> edges;  // from a root
  bool operator==(const Path&) const = default;
};

/// A heaviest path from a root to anywhere: with weight 1 an edge, the exact bound on the number of transitions.
/// Returns: none if the graph has a cycle, of whatever weight; of a cut graph, the longest path seen. Time: linear.
[[nodiscard]] std::optional<Path> longest_path(const Graph& graph, const EdgeWeight& weight);
[[nodiscard]] std::optional<Path> longest_path(const Graph& graph);

/// The mean is exactly actions / edges; those are the sums over the loop of the lasso, not reduced.
struct CycleMean {
  std::uint64_t actions = 0;
  std::uint64_t edges = 0;
  Lasso lasso;
};

/// A cycle of edges that pass with the least mean of `actions` an edge: the least that keeps a run going for ever.
/// Returns: none if there is no such cycle. The loop starts at its node of lowest number, with a shortest stem to that;
///          among cycles of equal mean it is any, but the same each time.
/// Time:    some tens of passes over the edges inside SCCs; nodes * edges for each mean tried in the worst case.
///          Memory is linear, where [karp-1978] would keep a square table.
/// Source:  [lawler-1976]; but the mean is lowered to that of a cycle found, not halved, so all is in whole numbers.
[[nodiscard]] std::optional<CycleMean> min_cycle_mean(const Graph& graph, const EdgeFilter& passes);

/// The nodes from which no ended node can be reached. In a cut graph, a node not expanded might yet end.
[[nodiscard]] std::vector<NodeId> cannot_end(const Graph& graph);

/// The nodes that have not ended and that no edge leaves.
[[nodiscard]] std::vector<NodeId> deadlocks(const Graph& graph);

}  // namespace mtesim::explore
