#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

#include "sim/explore/graph.h"

namespace mtesim::explore {

/// Which edges count: anything that says so of an edge. Where all edges are asked about it is a template's argument.
using EdgeFilter = std::function<bool(const Edge&)>;
using EdgeWeight = std::function<std::uint64_t(const Edge&)>;

namespace detail {
template <class Passes>
class SccSearch;
}  // namespace detail

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
template <class Passes>
[[nodiscard]] Components components(const Graph& graph, const Passes& passes) {
  return detail::SccSearch<Passes>(graph, passes).run();
}

/// An endless run: the stem leads from a root to the entry, by whatever edges; the loop from the entry back to it.
struct Lasso {
  std::vector<EdgeId> stem;
  std::vector<EdgeId> loop;  // never empty
  bool operator==(const Lasso&) const = default;
};

namespace detail {
[[nodiscard]] std::optional<Lasso> nearest_fair_lasso(const Graph& graph, const Components& sccs,
                                                      const EdgeFilter& passes, TaskSet tasks);
}  // namespace detail

/// A cycle of edges that pass, on which each of `tasks` moves or is disabled somewhere (weak fairness by task).
/// Returns: none if there is none. Else the stem is as short as that of any such lasso, the entry is the node of lowest
///          number on any such cycle, and the loop is the shortest through it. Their sum need not be the least.
/// Time:    linear to know; to show, at most the SCC times the subsets of `tasks`, and most often far less.
template <class Passes>
[[nodiscard]] std::optional<Lasso> find_fair_lasso(const Graph& graph, const Passes& passes, TaskSet tasks) {
  return detail::nearest_fair_lasso(graph, components(graph, passes), passes, tasks);
}

/// The same without fairness: any cycle of edges that pass will do.
template <class Passes>
[[nodiscard]] std::optional<Lasso> find_lasso(const Graph& graph, const Passes& passes) {
  return find_fair_lasso(graph, passes, 0);
}

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

namespace detail {

/// One run of components(). Of each node it keeps one number, in `of`: 0 as long as it has not been met; then the
/// earliest open node that its subtree leads back to, by order; and in the end, from the top down, that of its SCC,
/// which is above all of those, so that an edge to a node that is done never lowers anything.
/// Source: Tarjan's algorithm in the form of [pearce-2016]
template <class Passes>
class SccSearch {
 public:
  SccSearch(const Graph& graph, const Passes& passes) : graph_(graph), passes_(passes) {}

  Components run() {
    found_.of.resize(graph_.nodes().size());
    for (const NodeId root : graph_.nodes()) {
      if (found_.of[root.index] == 0) walk(root);
    }
    for (std::uint32_t& number : found_.of) number = kTop - number;
    describe();
    return std::move(found_);
  }

 private:
  static constexpr std::uint32_t kTop = std::numeric_limits<std::uint32_t>::max();
  struct Frame {  // of the call stack
    NodeId node;
    EdgeId next;  // the edge to look at
    EdgeId last;  // one past its last edge
    std::uint32_t low;
  };

  [[nodiscard]] Frame enter(NodeId n) {
    found_.of[n.index] = ++clock_;
    const auto out = graph_.out(n);
    return {n, EdgeId{out.first}, EdgeId{out.last}, clock_};
  }

  void walk(NodeId root) {
    Frame top = enter(root);
    for (;;) {
      if (const auto to = step(top)) {
        frames_.push_back(top);
        top = enter(*to);
        continue;
      }
      leave(top);
      if (frames_.empty()) return;
      const std::uint32_t low = found_.of[top.node.index];
      top = frames_.back();
      frames_.pop_back();
      top.low = std::min(top.low, low);
    }
  }

  /// The next node to enter from here.
  [[nodiscard]] std::optional<NodeId> step(Frame& top) {
    while (top.next != top.last) {
      const Edge edge = graph_.edge(top.node, top.next);
      ++top.next.index;
      if (!passes_(edge)) continue;
      const std::uint32_t there = found_.of[edge.to.index];
      if (there == 0) return edge.to;
      if (there > top.low) continue;
      if (edge.to == top.node) self_loops_.push_back(top.node);
      top.low = there;
    }
    return std::nullopt;
  }

  void leave(const Frame& top) {
    std::uint32_t& mine = found_.of[top.node.index];
    if (top.low != mine) {
      mine = top.low;
      open_.push_back(top.node);
      return;
    }
    const std::uint32_t number = kTop - static_cast<std::uint32_t>(found_.all.size());
    Component& scc = found_.all.emplace_back();
    for (scc.nodes = 1; !open_.empty() && found_.of[open_.back().index] >= mine; ++scc.nodes) {
      found_.of[open_.back().index] = number;
      open_.pop_back();
    }
    mine = number;
    clock_ -= scc.nodes;
  }

  /// What each SCC is like, now that it is known who belongs to which.
  void describe() {
    for (Component& scc : found_.all) scc.cyclic = scc.nodes > 1;
    for (const NodeId n : self_loops_) found_.all[found_.of[n.index]].cyclic = true;
    for (const NodeId n : graph_.nodes()) {
      const std::uint32_t number = found_.of[n.index];
      Component& scc = found_.all[number];
      scc.met |= ~graph_[n].enabled;
      if (!scc.cyclic) continue;
      for (const EdgeId e : graph_.out(n)) {
        const Edge edge = graph_.edge(n, e);
        if (found_.of[edge.to.index] == number && passes_(edge)) scc.met |= only(edge.task);
      }
    }
  }

  const Graph& graph_;
  const Passes& passes_;
  Components found_;
  std::vector<NodeId> open_;  // left, and not yet in an SCC
  std::vector<Frame> frames_;
  std::vector<NodeId> self_loops_;
  std::uint32_t clock_ = 0;
};

}  // namespace detail

}  // namespace mtesim::explore
