#include "sim/check/search_image.h"

namespace mtesim {

SearchImage image_of(const WorkloadSystem& system, const ExploredWorkload& found) {
  SearchImage image;
  const explore::Graph& graph = found.graph;
  std::vector<std::uint32_t> number;  // of a note in the image, by its label; one past it
  for (const explore::NodeId node : graph.nodes()) {
    image.prints.push_back(system.state(found.states[node]).fingerprint().bits);
    for (const explore::EdgeId id : graph.out(node)) {
      const explore::Edge edge = graph.edge(node, id);
      if (edge.label >= number.size()) number.resize(edge.label + 1);
      std::uint32_t& note = number[edge.label];
      if (note == 0) {
        image.notes.push_back(system.note(edge));
        note = static_cast<std::uint32_t>(image.notes.size());
      }
      image.transitions.push_back({node.index, edge.to.index, note - 1, edge.actions, edge.task});
    }
  }
  image.accessed = system.accessed();
  image.levels = found.tally.levels;
  image.next = found.frontier.next;
  image.taken = found.frontier.taken;
  image.end = found.frontier.end;
  return image;
}

ExploredWorkload search_of(const SearchImage& image, const WorkloadSystem& system) {
  ExploredWorkload found;
  const auto add = [&](WorkloadSystem::State state) {
    const std::size_t number = found.states.size();
    if (number >= image.prints.size() || system.state(state).fingerprint().bits != image.prints[number]) {
      throw WrongImage("a state comes out otherwise than it was: the model is another one");
    }
    const auto place = found.states.insert(WorkloadSystem::State{state}, explore::mixed(system.fingerprint(state)),
                                           std::numeric_limits<std::uint32_t>::max(), 0);
    if (place.how != explore::Insert::fresh) throw WrongImage("it names a state twice");
    const explore::NodeInfo info = system.info(found.states[place.node]);
    number == 0 ? found.graph.add_root(info) : found.graph.add_node(info);
  };
  add(system.initial().front());
  std::uint32_t from = 0;
  for (const SearchImage::Transition& transition : image.transitions) {
    const std::size_t states = found.states.size();
    const bool in_order = transition.from >= from && transition.from < states && transition.to <= states;
    if (!in_order || transition.note >= image.notes.size()) throw WrongImage("its transitions are out of order");
    from = transition.from;
    const StepNote& note = image.notes[transition.note];
    const TaskId task{transition.task};
    if (transition.to == states) add(system.step_of(found.states[explore::NodeId{from}], task, note.choices));
    explore::EdgeInfo edge;
    edge.label = system.label_of(note);
    edge.task = transition.task;
    edge.actions = transition.actions;
    found.graph.add_edge({from}, {transition.to}, edge);
  }
  if (found.states.size() != image.prints.size() || image.next > image.end || image.end > image.prints.size()) {
    throw WrongImage("it is not whole");
  }
  system.add_accessed(image.accessed);
  found.tally.edges = image.transitions.size();
  found.tally.levels = image.levels;
  found.frontier = {image.next, image.taken, image.end};
  found.graph.cut_from({static_cast<std::uint32_t>(image.next)});
  return found;
}

}  // namespace mtesim
