#include "sim/check/state_graph.h"

#include <algorithm>
#include <utility>

#include "sim/check/workload_system.h"

namespace mtesim {

bool StateGraphDrawing::same(const StateGraph::Node& node, const CheckState& state, bool ended) const {
  if (node.ended != ended) return false;
  if (!ended) return node.state == state;
  const auto alike = [](const TaskState& a, const TaskState& b) { return a.results == b.results; };
  const std::vector<TaskState>& tasks = node.state.work.tasks;
  return std::equal(tasks.begin(), tasks.end(), state.work.tasks.begin(), state.work.tasks.end(), alike);
}

StateGraphDrawing::Found StateGraphDrawing::find_or_add(const CheckState& state) {
  const bool ended = is_done(workload_, state.work);
  std::vector<std::size_t>& alike = by_print_[ended ? 0 : state.fingerprint().bits];
  for (const std::size_t number : alike) {
    if (same(graph_.nodes[number], state, ended)) return {number, false};
  }
  alike.push_back(graph_.nodes.size());
  graph_.nodes.push_back({state, ended, ended});
  return {graph_.nodes.size() - 1, true};
}

void StateGraphDrawing::explore(std::size_t most_nodes) {
  find_or_add(start_of(workload_, options_));
  for (std::size_t at = 0; at < graph_.nodes.size() && !graph_.cut; ++at) {
    if (graph_.nodes[at].ended) continue;
    const CheckState from = graph_.nodes[at].state;
    const std::size_t first_edge = graph_.edges.size();
    for (std::uint32_t t = 0; t < from.work.tasks.size() && !graph_.cut; ++t) {
      const TaskId task{t};
      if (!can_step(workload_, from.work, task)) continue;
      for_each_branch(workload_, from, task, options_.actions, options_.rules, [&](Branch&& branch) {
        if (!branch.moved(from, task)) return true;  // who sleeps does not step
        if (pauses(branch.choices)) branch.choices.pop_back();
        if (!branch.to.work.tasks.front().in_kernel) branch.to.call_begin.reset();
        if (graph_.nodes.size() >= most_nodes || graph_.edges.size() >= 4 * most_nodes) {
          graph_.cut = true;
          return false;
        }
        const std::size_t to = find_or_add(branch.to).number;
        const bool known =
            std::any_of(graph_.edges.begin() + static_cast<std::ptrdiff_t>(first_edge), graph_.edges.end(),
                        [&](const StateGraph::Edge& edge) {
                          return edge.to == to && edge.task == task && edge.choices.size() == branch.choices.size();
                        });
        if (!known) graph_.edges.push_back({at, to, task, std::move(branch.choices), false});
        return true;
      });
    }
    graph_.nodes[at].expanded = !graph_.cut;
  }
}

void StateGraphDrawing::add_witness_step(const CheckState& from, TaskId task, const Choices& choices,
                                         const CheckState& to) {
  const std::size_t begin = find_or_add(from).number;
  const std::size_t end = find_or_add(to).number;
  for (StateGraph::Edge& edge : graph_.edges) {
    const bool it = edge.from == begin && edge.to == end && edge.task == task && edge.choices.size() == choices.size();
    if (!it) continue;
    edge.choices = choices;
    edge.on_witness = true;
    return;
  }
  graph_.edges.push_back({begin, end, task, choices, true});
}

}  // namespace mtesim
