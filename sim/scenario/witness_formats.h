#pragma once

#include <cstddef>
#include <string>

#include "sim/check/state_graph.h"
#include "sim/scenario/walk.h"

// Witnesses for programs of others.

namespace mtesim {

/// The trace format of Apalache and Quint, ITF: one JSON object.
/// Shape:   a variable `step` (who moved, what the environment did, what came of it), and one for each group of things
///          that are always of interest or change anywhere on the way (sim/scenario/difference.h): tasks, locks,
///          budgets, pages and tags. A group is a record; of pages and tags it is a map from their numbers. State 0 is
///          the start, state i what step i reached; `loop` is the state to which the last one returns.
/// Source:  [apalache-itf]
[[nodiscard]] std::string to_itf(const Built& built, const Walk& walk, const std::string& name,
                                 const std::string& program_version);

/// The explored states as a graph for graphviz; the witness, if there is one, in colour.
/// Shape:   at most `most_nodes` states besides those of the witness, which a note in the picture then says.
[[nodiscard]] std::string to_dot(const Built& built, const StateGraph& graph, const std::string& name);
constexpr std::size_t kMostNodesDrawn = 300;

/// The states that a check meets, and the witness among them; without any but those of the witness, `most_nodes` is 0.
[[nodiscard]] StateGraph draw(const Built& built, const Walk* witness, std::size_t most_nodes = kMostNodesDrawn);

}  // namespace mtesim
