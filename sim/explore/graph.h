#pragma once

#include <algorithm>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <limits>
#include <optional>
#include <vector>

#include "model/base/check.h"
#include "sim/explore/chunked.h"

namespace mtesim::explore {

struct NodeId {
  std::uint32_t index = 0;
  auto operator<=>(const NodeId&) const = default;
};

struct EdgeId {
  std::uint32_t index = 0;
  auto operator<=>(const EdgeId&) const = default;
};

/// Ids in a row, for range-for.
template <class Id>
struct IdRange {
  struct Iterator {
    using iterator_category = std::forward_iterator_tag;
    using value_type = Id;
    using difference_type = std::ptrdiff_t;
    using pointer = const Id*;
    using reference = Id;
    std::uint32_t at = 0;
    Id operator*() const { return Id{at}; }
    Iterator& operator++() { return ++at, *this; }
    Iterator operator++(int) { return Iterator{at++}; }
    bool operator==(const Iterator&) const = default;
  };
  std::uint32_t first = 0;
  std::uint32_t last = 0;  // one past the end
  [[nodiscard]] Iterator begin() const { return {first}; }
  [[nodiscard]] Iterator end() const { return {last}; }
  [[nodiscard]] std::size_t size() const { return last - first; }
  [[nodiscard]] bool empty() const { return first == last; }
};

using Task = std::uint8_t;
using TaskSet = std::uint32_t;                  // bit t stands for task t
inline constexpr Task kEnvironmentOnly = 0xff;  // on an edge: no task moved

/// The set of one task; the environment is in no set.
[[nodiscard]] constexpr TaskSet only(Task t) { return t < 32 ? TaskSet{1} << t : TaskSet{0}; }

/// What is known of a state besides its number.
struct NodeInfo {
  TaskSet enabled = 0;       // who can step here
  std::uint32_t result = 0;  // the caller's number for how it ended; means nothing unless `ended`
  bool ended = false;        // all tasks are done
  bool operator==(const NodeInfo&) const = default;
};

/// What is known of a transition besides its ends.
struct EdgeInfo {
  std::uint64_t label = 0;    // the caller's number, by which it can replay the transition
  std::uint32_t actions = 0;  // how often the environment acted on it
  Task task = 0;              // who moved
  bool progress = false;
  [[nodiscard]] bool quiet() const { return actions == 0; }
  bool operator==(const EdgeInfo&) const = default;
};

struct Edge : EdgeInfo {
  NodeId from{};
  NodeId to{};
  bool operator==(const Edge&) const = default;
};

/// The states and transitions reached from one or more roots.
/// Shape:   nodes numbered breadth first, roots in front; edges in the order of the nodes they leave. So a lower number
///          is never deeper, and the first edge that enters a node is the last of a shortest way to it.
///          An edge takes 8 bytes, and 8 more for its label unless every label is the edge's place among those that
///          leave its node; its `from` is looked up. Whoever walks all edges of a node spares that with edge().
/// Growth:  add roots, then nodes and edges as a breadth-first search meets them: an edge leaves the same node as the
///          last one or a later node, and nodes are first entered in the order of their numbers.
///          Two edges with the same ends are two.
/// Value:   copied and compared whole.
/// Errors:  drawing out of order is our own bug, and MTESIM_CHECK stops the program.
class Graph {
 public:
  static constexpr std::uint32_t kMaxIds = std::numeric_limits<std::uint32_t>::max();
  static constexpr std::uint32_t kMaxActions = (1u << 23) - 1;  // on one edge

  NodeId add_root(const NodeInfo& info) {
    MTESIM_CHECK(infos_.size() == roots_ && moves_.size() == 0);
    ++roots_;
    return add_node(info);
  }
  NodeId add_node(const NodeInfo& info) {
    MTESIM_CHECK(infos_.size() < kMaxIds);
    infos_.push_back(info);
    return NodeId{static_cast<std::uint32_t>(infos_.size() - 1)};
  }
  EdgeId add_edge(NodeId from, NodeId to, const EdgeInfo& info) {
    const std::uint32_t found = roots_ + static_cast<std::uint32_t>(parents_.size());
    MTESIM_CHECK(from.index < found && from.index + std::size_t{1} >= first_.size());
    MTESIM_CHECK(to.index <= found && to.index < infos_.size() && moves_.size() < kMaxIds);
    MTESIM_CHECK(info.actions <= kMaxActions);
    const EdgeId id{static_cast<std::uint32_t>(moves_.size())};
    while (first_.size() <= from.index) first_.push_back(id);
    if (to.index == found) parents_.push_back(id);
    if (labels_.size() != 0 || info.label != id.index - first_[from.index].index) add_label(info.label);
    moves_.push_back({to, info.actions << 9 | std::uint32_t{info.task} << 1 | (info.progress ? 1u : 0u)});
    return id;
  }
  /// The search stopped before it knew all edges of `first`, of which some may be here, or any of the nodes after it.
  void cut_from(NodeId first) { expanded_ = first.index; }
  /// The search goes on: it will draw what is missing, or cut again.
  void go_on() { expanded_ = kMaxIds; }

  [[nodiscard]] IdRange<NodeId> nodes() const { return {0, static_cast<std::uint32_t>(infos_.size())}; }
  [[nodiscard]] IdRange<NodeId> roots() const { return {0, roots_}; }
  [[nodiscard]] IdRange<EdgeId> edges() const { return {0, static_cast<std::uint32_t>(moves_.size())}; }
  [[nodiscard]] IdRange<EdgeId> out(NodeId n) const {
    return {first_edge(n.index), first_edge(n.index + std::size_t{1})};
  }
  [[nodiscard]] const NodeInfo& operator[](NodeId n) const { return infos_[n.index]; }
  [[nodiscard]] Edge operator[](EdgeId e) const { return edge(from(e), e); }
  /// The same for an edge of which it is known that it leaves `from`.
  [[nodiscard]] Edge edge(NodeId from, EdgeId e) const {
    const Move move = moves_[e.index];
    const std::uint64_t label = labels_.size() != 0 ? labels_[e.index] : e.index - first_[from.index].index;
    return {{label, move.kind >> 9, static_cast<Task>(move.kind >> 1), (move.kind & 1) != 0}, from, move.to};
  }

  [[nodiscard]] NodeId to(EdgeId e) const { return moves_[e.index].to; }

  /// Whether all edges that leave `n` are here. What is found in a cut graph is real; what is missing is unknown.
  [[nodiscard]] bool expanded(NodeId n) const { return n.index < expanded_; }
  [[nodiscard]] bool complete() const { return expanded_ >= infos_.size(); }

  /// The edge by which the search first came to `n`; none for a root.
  [[nodiscard]] std::optional<EdgeId> parent(NodeId n) const {
    if (n.index < roots_) return std::nullopt;
    MTESIM_CHECK(n.index - roots_ < parents_.size());  // a node that no edge enters is a mistake in the drawing
    return parents_[n.index - roots_];
  }
  /// A shortest way from a root to `n`.
  [[nodiscard]] std::vector<EdgeId> stem(NodeId n) const {
    std::vector<EdgeId> way;
    for (auto e = parent(n); e; e = parent(from(*e))) way.push_back(*e);
    std::reverse(way.begin(), way.end());
    return way;
  }
  /// What is allocated.
  [[nodiscard]] std::size_t bytes() const {
    return infos_.bytes() + moves_.bytes() + labels_.bytes() + first_.bytes() + parents_.bytes();
  }
  bool operator==(const Graph&) const = default;

 private:
  struct Move {
    NodeId to{};
    std::uint32_t kind = 0;  // actions, task, progress
    bool operator==(const Move&) const = default;
  };
  [[nodiscard]] std::uint32_t first_edge(std::size_t n) const {  // a node without edges yet would start at the end
    return n < first_.size() ? first_[n].index : static_cast<std::uint32_t>(moves_.size());
  }
  [[nodiscard]] NodeId from(EdgeId e) const {  // the last node whose edges begin there or before
    std::uint32_t least = 0;
    for (auto end = static_cast<std::uint32_t>(first_.size()); end - least > 1;) {
      const std::uint32_t middle = least + (end - least) / 2;
      (first_[middle] <= e ? least : end) = middle;
    }
    return NodeId{least};
  }
  void add_label(std::uint64_t label) {
    if (labels_.size() == 0) {  // the first that is not its edge's place: from now on all are kept
      for (std::uint32_t n = 0; n < first_.size(); ++n) {
        for (const EdgeId e : out(NodeId{n})) labels_.push_back(e.index - first_[n].index);
      }
    }
    labels_.push_back(label);
  }

  std::uint32_t roots_ = 0;
  std::uint32_t expanded_ = kMaxIds;
  Chunked<NodeInfo> infos_;
  Chunked<Move> moves_;            // by edge
  Chunked<std::uint64_t> labels_;  // by edge; none while they say nothing
  Chunked<EdgeId> first_;          // by node, as far as the last one that has an edge
  Chunked<EdgeId> parents_;        // by node, without the roots
};

}  // namespace mtesim::explore
