#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

#include "model/base/check.h"
#include "sim/explore/graph.h"
#include "sim/explore/state_store.h"

namespace mtesim::explore {

/// The shape of a sink: it takes one transition, and says whether any more are wanted.
template <class State>
struct AnySink {
  bool operator()(State&&, const EdgeInfo&) const { return true; }
};

/// What can be explored. `initial` gives the start states, one or a family. `successors` hands each transition of a
/// state to the sink, in the same order each time. Equal states have equal fingerprints; the converse only saves time.
/// A system may also have `bytes()`, what it keeps of its own beside the states, and `is_enough(edge)`: whether the
/// search may end with the transitions of this one's state.
template <class S>
concept TransitionSystem = requires(const S& system, const typename S::State& state, AnySink<typename S::State> sink) {
  { *system.initial().begin() } -> std::convertible_to<typename S::State>;
  { system.fingerprint(state) } -> std::convertible_to<std::uint64_t>;
  { system.info(state) } -> std::same_as<NodeInfo>;
  { state == state } -> std::convertible_to<bool>;
  system.successors(state, sink);
};

/// Which limit stopped a search; `none` alone means that all has been seen. `numbers`: EdgeId cannot name any more;
/// `enough`: the system said so.
enum class Cut : std::uint8_t { none, states, bytes, deadline, interrupt, numbers, enough };

/// How far a search may go. The number of states is exact; the others are looked at every 64 edges or nodes.
struct Limits {
  std::uint64_t max_states = std::numeric_limits<std::uint32_t>::max();
  std::uint64_t max_bytes = std::numeric_limits<std::uint64_t>::max();  // as counted in Tally::bytes
  std::optional<std::chrono::steady_clock::time_point> deadline{};
  const std::atomic<bool>* interrupt = nullptr;  // stop once it is true
};

/// How far a search has come.
struct Tally {
  std::uint64_t states = 0;
  std::uint64_t edges = 0;
  std::uint64_t levels = 0;  // depths begun to expand; in the end, one more than the greatest depth
  std::uint64_t queue = 0;   // states met and not yet expanded
  std::uint64_t bytes = 0;   // of the states, their index and the graph, about
  bool operator==(const Tally&) const = default;
};

/// Whom to tell, and after how many more states.
struct Progress {
  std::function<void(const Tally&)> report;
  std::uint64_t every = 65536;
};

/// What a search found. If it was cut, the graph is a part of the whole and marks where it ends.
template <TransitionSystem System>
struct Explored {
  Graph graph;
  StateStore<typename System::State> states;  // states[n] is the state of node n
  Tally tally;
  Cut cut = Cut::none;
  [[nodiscard]] bool complete() const { return cut == Cut::none; }
};

/// What to keep: the graph, or the states and the counts alone, which is enough to know what is reachable.
enum class Keep : std::uint8_t { graph, states };

namespace detail {

/// One run of explore().
template <TransitionSystem System, Keep keep>
class Search {
 public:
  Search(const System& system, const Limits& limits, const Progress* progress)
      : system_(system), limits_(limits), progress_(progress), next_report_(progress ? progress->every : kNever) {}

  Explored<System> run() {
    for (State state : system_.initial()) arrive(std::move(state), nullptr);
    MTESIM_CHECK(found_.states.size() > 0 || !going());  // a system without a start is no system
    while (next_ < found_.states.size() && going()) {
      ++found_.tally.levels;
      for (const std::size_t end = found_.states.size(); next_ < end && expand();) ++next_;
    }
    if (!going()) found_.graph.cut_from(here());
    count();
    return std::move(found_);
  }

 private:
  using State = typename System::State;
  using Insert = typename StateStore<State>::Insert;
  static constexpr std::uint64_t kNever = std::numeric_limits<std::uint64_t>::max();

  [[nodiscard]] bool going() const { return found_.cut == Cut::none; }
  [[nodiscard]] NodeId here() const { return NodeId{static_cast<std::uint32_t>(next_)}; }

  /// Returns: whether all transitions of the next state were taken up.
  bool expand() {
    heed_limits();
    if (!going()) return false;
    system_.successors(found_.states[here()], [this](State&& to, const EdgeInfo& info) {
      if (going()) heed_limits();
      if (going()) arrive(std::move(to), &info);
      return going();
    });
    if (going() && enough_) found_.cut = Cut::enough;
    return going();
  }

  /// Take a state up, and the edge that leads to it from here; a start state has none.
  void arrive(State&& state, const EdgeInfo* info) {
    const std::uint64_t print = system_.fingerprint(state);
    const auto place = found_.states.insert(std::move(state), print, limits_.max_states);
    if (place.how == Insert::full) found_.cut = Cut::states;
    if (place.how == Insert::fresh) note(place.node, info == nullptr);
    if (info == nullptr || !going()) return;
    ++found_.tally.edges;
    if constexpr (keep == Keep::graph) {
      const EdgeId edge = found_.graph.add_edge(here(), place.node, *info);
      if constexpr (requires { system_.is_enough(found_.graph[edge]); }) {
        enough_ |= system_.is_enough(found_.graph[edge]);
      }
      if (found_.tally.edges == Graph::kMaxIds) found_.cut = Cut::numbers;
    }
  }

  void note(NodeId node, bool root) {
    const State& state = found_.states[node];
    if constexpr (keep == Keep::graph) {
      const NodeInfo info = system_.info(state);
      root ? found_.graph.add_root(info) : found_.graph.add_node(info);
    }
    if (found_.states.size() < next_report_) return;
    next_report_ += progress_->every;
    count();
    progress_->report(found_.tally);
  }

  void heed_limits() {
    if (++heeded_ % 64 != 1) return;
    count();
    if (limits_.interrupt != nullptr && limits_.interrupt->load(std::memory_order_relaxed)) found_.cut = Cut::interrupt;
    if (limits_.deadline && std::chrono::steady_clock::now() >= *limits_.deadline) found_.cut = Cut::deadline;
    if (found_.tally.bytes > limits_.max_bytes) found_.cut = Cut::bytes;
  }

  void count() {
    Tally& tally = found_.tally;
    tally.states = found_.states.size();
    tally.queue = tally.states - next_;
    tally.bytes = tally.states * sizeof(State) + found_.states.index_bytes();
    if constexpr (requires { system_.bytes(); }) tally.bytes += system_.bytes();
    if constexpr (keep == Keep::graph) {
      tally.bytes += tally.states * (sizeof(NodeInfo) + 2 * sizeof(EdgeId)) + tally.edges * sizeof(Edge);
    }
  }

  const System& system_;
  const Limits& limits_;
  const Progress* progress_;
  std::uint64_t next_report_;
  Explored<System> found_{};
  std::size_t next_ = 0;  // the node that is being expanded
  std::uint64_t heeded_ = 0;
  bool enough_ = false;
};

}  // namespace detail

/// Every state that can be reached, breadth first: numbers, counts and edges are exact, and the same each time.
/// Returns: all of it, or the part seen before a limit was met; `cut` says which.
template <Keep keep = Keep::graph, TransitionSystem System>
[[nodiscard]] Explored<System> explore(const System& system, const Limits& limits = {},
                                       const Progress* progress = nullptr) {
  return detail::Search<System, keep>(system, limits, progress).run();
}

}  // namespace mtesim::explore
