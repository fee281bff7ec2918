#pragma once

#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "sim/check/check.h"

namespace mtesim {

/// The first states of a check with what leads from one to another, to be looked at: breadth first, as a check meets
/// them. States in which every task is done are one for each set of results, as in a check.
struct StateGraph {
  struct Node {
    CheckState state;
    bool ended{};
    bool expanded{};  ///< all that leads away from it is known
  };
  struct Edge {
    std::size_t from{};
    std::size_t to{};
    TaskId task;
    Choices choices;
    bool on_witness{};
  };
  std::vector<Node> nodes;
  std::vector<Edge> edges;
  bool cut{};  ///< there are more states or edges
};

/// Draws it. With so many nodes or edges, no more are added.
class StateGraphDrawing {
 public:
  StateGraphDrawing(const Workload& workload, const CheckOptions& options) : workload_(workload), options_(options) {}
  /// From the start, until `most_nodes` are met or four times as many edges.
  void explore(std::size_t most_nodes);
  /// A step that is to be seen, whether or not there is room for it.
  void add_witness_step(const CheckState& from, TaskId task, const Choices& choices, const CheckState& to);
  [[nodiscard]] const StateGraph& graph() const { return graph_; }

 private:
  struct Found {
    std::size_t number{};
    bool fresh{};
  };
  Found find_or_add(const CheckState& state);
  [[nodiscard]] bool same(const StateGraph::Node& node, const CheckState& state, bool ended) const;

  const Workload& workload_;
  const CheckOptions& options_;
  StateGraph graph_;
  std::unordered_map<std::uint64_t, std::vector<std::size_t>> by_print_;
};

}  // namespace mtesim
