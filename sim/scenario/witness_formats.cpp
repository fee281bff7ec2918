#include "sim/scenario/witness_formats.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <map>
#include <nlohmann/json.hpp>

#include "sim/scenario/json_text.h"
#include "sim/scenario/result.h"

namespace mtesim {

namespace {

using Json = nlohmann::ordered_json;

Json itf_value(const StateValue& value) {
  const auto* number = std::get_if<std::int64_t>(&value);
  if (number == nullptr) return std::get<std::string>(value);
  if (*number<kLargestJsonInteger&& * number> - kLargestJsonInteger) return *number;
  return {{"#bigint", std::to_string(*number)}};
}

/// A variable's name as TLA+ and Quint take it.
std::string identifier(const std::string& text) {
  std::string name;
  for (const char c : text) name += std::isalnum(static_cast<unsigned char>(c)) != 0 ? c : '_';
  if (name.empty() || std::isdigit(static_cast<unsigned char>(name.front())) != 0) name.insert(0, "_");
  return name;
}

bool is_number(const std::string& text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](unsigned char c) { return std::isdigit(c) != 0; });
}

/// The values of one group in one state, by key.
using Group = std::map<std::string, StateValue>;
/// By group.
using Shown = std::map<std::string, Group>;

Json itf_group(const Group& group) {
  const bool numbered = std::all_of(group.begin(), group.end(), [](const auto& e) { return is_number(e.first); });
  if (!numbered) {
    Json record = Json::object();
    for (const auto& [key, value] : group) record[key] = itf_value(value);
    return record;
  }
  std::map<std::uint64_t, StateValue> in_order;
  for (const auto& [key, value] : group) in_order.emplace(std::stoull(key), value);
  Json pairs = Json::array();
  for (const auto& [key, value] : in_order) pairs.push_back(Json::array({key, itf_value(value)}));
  return {{"#map", std::move(pairs)}};
}

/// What is shown of each state: what is always of interest, and what changes anywhere, in every state.
std::vector<Shown> shown_states(const Built& built, const Walk& walk) {
  const StateComparison comparison(built);
  Shown now;
  for (const StateDifference& d : comparison.always_shown(walk.start)) now[d.group][d.key] = d.from;
  now["locks"];
  for (std::size_t i = walk.steps.size(); i-- > 0;) {  // the first change decides what it was in the beginning
    for (const StateDifference& d : walk.steps[i].changes) now[d.group][d.key] = d.from;
  }
  std::vector<Shown> states{now};
  for (const WalkStep& step : walk.steps) {
    for (const StateDifference& d : step.changes) now[d.group][d.key] = d.to;
    states.push_back(now);
  }
  return states;
}

Json itf_step(const Built& built, const Walk& walk, std::size_t state) {
  Json step = {{"task", -1}, {"call", ""}, {"environment", Json::array()}, {"came", Json::array()}};
  if (state == 0) return step;
  const WalkStep& made = walk.steps[state - 1];
  step["task"] = made.task.n;
  step["call"] = made.call;
  for (const ChoiceAt& at : made.choices) step["environment"].push_back(choice_name(built, at.choice));
  step["came"] = made.came;
  return step;
}

std::string dot_text(const std::string& text) {
  std::string escaped;
  for (const char c : text) {
    if (c == '"' || c == '\\') escaped += '\\';
    escaped += c;
  }
  return escaped;
}

constexpr std::size_t kMostLabelLines = 3;

std::string label_of(std::vector<std::string> lines) {
  if (lines.size() > kMostLabelLines) {
    const std::size_t more = lines.size() - kMostLabelLines;
    lines.resize(kMostLabelLines);
    lines.push_back(fmt::format("… {} more", more));
  }
  std::string label;
  for (const std::string& line : lines) label += (label.empty() ? "" : "\\n") + dot_text(line);
  return label;
}

std::string node_label(const Built& built, const StateGraph::Node& node, std::size_t number) {
  std::vector<std::string> lines{std::to_string(number)};
  for (std::uint32_t t = 0; t < node.state.work.tasks.size(); ++t) {
    const TaskState& task = node.state.work.tasks[t];
    if (node.ended) {
      lines.push_back("returned " + (task.results.empty() ? "nothing" : result_words(task.results)));
    } else if (task.in_kernel) {
      lines.push_back(fmt::format("progress {}", progress(built.workload, node.state.work, TaskId{t}).n));
    } else {
      lines.push_back(where_task_is(built, node.state.work, TaskId{t}));
    }
  }
  return label_of(std::move(lines));
}

/// What the environment did, and what is otherwise afterwards; numbers that the nodes show are left out.
std::string edge_label(const Built& built, const StateGraph& graph, const StateGraph::Edge& edge) {
  std::vector<std::string> lines;
  if (built.workload.calls.size() > 1) lines.push_back(fmt::format("task {}", edge.task.n));
  for (const ChoiceAt& at : edge.choices) lines.push_back(choice_name(built, at.choice));
  if (graph.nodes[edge.to].ended) return label_of(std::move(lines));
  const StateComparison comparison(built);
  for (const StateDifference& d : comparison.between(graph.nodes[edge.from].state, graph.nodes[edge.to].state)) {
    const bool told = d.group.starts_with("task") || d.group == "budgets" || d.group == "rest";
    if (!told) lines.push_back(to_line(d));
  }
  return label_of(std::move(lines));
}

}  // namespace

std::string to_itf(const Built& built, const Walk& walk, const std::string& name, const std::string& program_version) {
  const std::vector<Shown> states = shown_states(built, walk);
  Json j;
  j["#meta"] = {{"format", "ITF"},
                {"format-description", "https://apalache.informal.systems/docs/adr/015adr-trace.html"},
                {"source", name},
                {"description", "written by mtesim " + program_version}};
  j["vars"] = Json::array({"step"});
  for (const auto& [group, values] : states.front()) j["vars"].push_back(identifier(group));
  j["states"] = Json::array();
  for (std::size_t i = 0; i < states.size(); ++i) {
    Json state;
    state["#meta"] = {{"index", i}};
    state["step"] = itf_step(built, walk, i);
    for (const auto& [group, values] : states[i]) state[identifier(group)] = itf_group(values);
    j["states"].push_back(std::move(state));
  }
  // The state behind the last step is that in which the loop begins, but for `step`: the one behind the loop's first
  // step follows it.
  if (walk.closes) j["loop"] = walk.stem + 1;
  return j.dump(1) + "\n";
}

StateGraph draw(const Built& built, const Walk* witness, std::size_t most_nodes) {
  StateGraphDrawing drawing(built.workload, built.check);
  if (most_nodes > 0) drawing.explore(most_nodes);
  if (witness != nullptr) {
    for (std::size_t i = 0; i < witness->steps.size(); ++i) {
      const WalkStep& step = witness->steps[i];
      drawing.add_witness_step(witness->before(i), step.task, step.choices, step.to);
    }
  }
  return drawing.graph();
}

std::string to_dot(const Built& built, const StateGraph& graph, const std::string& name) {
  std::vector<bool> on_witness(graph.nodes.size());
  for (const StateGraph::Edge& edge : graph.edges) {
    if (!edge.on_witness) continue;
    on_witness[edge.from] = true;
    on_witness[edge.to] = true;
  }
  std::string dot = fmt::format("digraph \"{}\" {{\n", dot_text(name));
  dot += "  node [shape=box, style=rounded, fontname=\"sans-serif\", fontsize=10];\n";
  dot += "  edge [fontname=\"sans-serif\", fontsize=9];\n";
  if (graph.cut) {
    dot += fmt::format("  label=\"the first {} states; there are more\";\n", graph.nodes.size());
  }
  for (std::size_t n = 0; n < graph.nodes.size(); ++n) {
    const StateGraph::Node& node = graph.nodes[n];
    std::string style = "rounded";
    if (node.ended) style += ",bold";
    if (!node.expanded) style += ",dashed";
    dot += fmt::format("  s{} [label=\"{}\"", n, node_label(built, node, n));
    if (style != "rounded") dot += fmt::format(", style=\"{}\"", style);
    if (on_witness[n]) dot += ", color=\"#c02020\", fontcolor=\"#c02020\"";
    dot += "];\n";
  }
  for (const StateGraph::Edge& edge : graph.edges) {
    dot += fmt::format("  s{} -> s{}", edge.from, edge.to);
    std::vector<std::string> attributes;
    if (const std::string label = edge_label(built, graph, edge); !label.empty()) {
      attributes.push_back(fmt::format("label=\"{}\"", label));
    }
    if (edge.on_witness) attributes.emplace_back("color=\"#c02020\", fontcolor=\"#c02020\", penwidth=2");
    if (!attributes.empty()) dot += fmt::format(" [{}]", fmt::join(attributes, ", "));
    dot += ";\n";
  }
  return dot + "}\n";
}

}  // namespace mtesim
