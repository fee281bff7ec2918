// A transition system given by a table.
#pragma once

#include <cstdint>
#include <vector>

#include "sim/explore/graph.h"

namespace mtesim::explore {

/// States are numbers; `next[s]` are the ends of the transitions of s, in order, labelled by their place.
struct TableSystem {
  using State = std::uint32_t;
  std::vector<std::vector<State>> next;
  std::vector<State> start{0};
  bool collide = false;  // all fingerprints alike

  [[nodiscard]] const std::vector<State>& initial() const { return start; }
  [[nodiscard]] std::uint64_t fingerprint(State s) const { return collide ? 7 : s; }
  [[nodiscard]] NodeInfo info(State s) const { return {.result = s, .ended = next[s].empty()}; }
  template <class Sink>
  void successors(State s, Sink&& sink) const {
    for (std::uint32_t i = 0; i < next[s].size(); ++i) sink(State{next[s][i]}, EdgeInfo{.label = i});
  }
};

}  // namespace mtesim::explore
