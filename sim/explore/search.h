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
#include "sim/explore/buffer.h"
#include "sim/explore/crew.h"
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
/// A system may also have `bytes()`: what it keeps itself, in all, besides the states, with what they refer to; and
/// `is_enough(edge)`: whether the search, if it keeps a graph, may end with the transitions of the edge's state.
/// Threads: a search with several calls `successors`, `info`, `fingerprint` and `==` from all of them at a time, and
///          `successors` of a few more states than it takes up if it is cut. With one thread, states are expanded in
///          the order of their numbers.
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

/// How far a search may go, and with how many threads. The number of states is exact; time is looked at every 64 edges
/// or so, memory every 1024; with several threads both at least every few hundredths of a second.
struct Limits {
  std::uint64_t max_states = std::numeric_limits<std::uint32_t>::max();
  std::uint64_t max_bytes = std::numeric_limits<std::uint64_t>::max();  // as counted in Tally::bytes
  std::optional<std::chrono::steady_clock::time_point> deadline{};
  const std::atomic<bool>* interrupt = nullptr;  // stop once it is true
  unsigned threads = 1;
};

/// How far a search has come.
struct Tally {
  std::uint64_t states = 0;
  std::uint64_t edges = 0;
  std::uint64_t levels = 0;  // depths begun to expand; in the end, one more than the greatest depth
  std::uint64_t queue = 0;   // states met and not yet expanded
  std::uint64_t bytes = 0;   // allocated for states, index and graph, and what the system says of itself
  bool operator==(const Tally&) const = default;
};

/// Whom to tell, and when: after so many more states, or, if that is set, after so much time.
struct Progress {
  std::function<void(const Tally&)> report;
  std::uint64_t every = 65536;
  std::chrono::nanoseconds interval{0};
};

/// What to keep: the graph, or the states and the counts alone, which is enough to know what is reachable.
enum class Keep : std::uint8_t { graph, states };

/// What a search found. If it was cut, the graph is a part of the whole and marks where it ends.
template <TransitionSystem System, Keep keep = Keep::graph>
struct Explored {
  using State = typename System::State;
  Graph graph;
  StateStore<State, keep == Keep::graph || !SmallState<State>> states;  // with a graph, states[n] is that of node n
  Tally tally;
  Cut cut = Cut::none;
  [[nodiscard]] bool complete() const { return cut == Cut::none; }

  struct Frontier {
    std::uint64_t next = 0;   // the state to expand, by order of arrival
    std::uint64_t taken = 0;  // those of its transitions that have been taken up
    std::uint64_t end = 0;    // of the level that is being expanded
  } frontier;                 // where go_on() goes on
};

namespace detail {

struct Nothing {
  Nothing() = default;
  explicit Nothing(const EdgeInfo&) {}
};

/// One run of explore() or go_on().
///
/// States are expanded in batches: first all transitions of a batch are made, and the places of their ends in the table
/// asked for from memory; then they are taken up one after the other. So the order is that of a plain search. With
/// several threads, a batch is larger and falls into chunks; each is made by one thread, then each group of the table
/// is worked on by one thread, and at last what is new is numbered in the order.
template <TransitionSystem System, Keep keep>
class Search {
 public:
  using Found = Explored<System, keep>;

  Search(const System& system, const Limits& limits, const Progress* progress, Found&& found)
      : system_(system), limits_(limits), progress_(progress), found_(std::move(found)), crew_(limits.threads) {
    found_.cut = Cut::none;
    found_.graph.go_on();
    if (progress == nullptr) return;
    timed_ = progress->interval.count() > 0;
    if (timed_) report_at_ = Clock::now() + progress->interval;
    if (!timed_) next_report_ = (states() / progress->every + 1) * progress->every;
  }

  Found run() {
    if (found_.tally.levels == 0) take_up_roots();
    MTESIM_CHECK(states() > 0 || !going());  // a system without a start is no system
    while (here().next < states() && going()) {
      if (here().next == here().end) {
        ++found_.tally.levels;
        here().end = states();
      }
      heed_limits();
      if (!going()) break;
      const std::uint64_t nodes = std::min(here().end - here().next, batch_);
      crew_.size() > 1 && here().taken == 0 && nodes > 1 && nodes* cost_ >= kWorthSharing ? expand_together(nodes)
                                                                                          : expand_alone();
      found_.states.let_go_before(here().next);
    }
    if (!going()) found_.graph.cut_from(node(here().next));
    count();
    return std::move(found_);
  }

 private:
  using State = typename System::State;
  using Clock = std::chrono::steady_clock;
  static constexpr bool kGraph = keep == Keep::graph;
  static constexpr bool kNumbered = kGraph || !SmallState<State>;
  static constexpr std::uint64_t kNever = std::numeric_limits<std::uint64_t>::max();
  static constexpr std::uint64_t kFew = 64;               // nodes or edges between two looks at the limits
  static constexpr std::uint64_t kWeighEvery = 1024;      // edges between two looks at the memory
  static constexpr std::uint64_t kMostShared = 16384;     // nodes in a batch
  static constexpr std::uint64_t kChunkBits = 16;         // a chunk has at most 2^16 arrivals
  static constexpr std::uint64_t kWorthSharing = 50'000;  // ns: some times what it takes to wake a thread
  static constexpr std::uint64_t kShareFor = 20'000'000;  // ns: then look at the limits

  /// The end of a transition on its way into the store.
  struct Arrival {
    State state;
    std::uint64_t hash;
    [[no_unique_address]] std::conditional_t<kGraph, EdgeInfo, Nothing> edge;
    std::uint32_t node = 0;  // its number or, until it has one, its claim
    bool fresh = false;
    [[no_unique_address]] std::conditional_t<kGraph, NodeInfo, Nothing> info{};
    Arrival(State&& to, std::uint64_t print, const EdgeInfo& by) : state(std::move(to)), hash(print), edge(by) {}
  };
  struct Chunk {
    Buffer<Arrival> arrivals;
    std::vector<std::uint32_t> ends;  // by node: how many arrivals there are with those of this one
    bool unfinished = false;          // the last node has more
    std::vector<std::uint32_t> by_group[Table<State>::kGroups];
    void clear() {
      arrivals.clear();
      ends.clear();
      unfinished = false;
    }
  };

  [[nodiscard]] bool going() const { return found_.cut == Cut::none; }
  [[nodiscard]] typename Found::Frontier& here() { return found_.frontier; }
  [[nodiscard]] std::uint64_t states() const { return found_.states.size(); }
  [[nodiscard]] static NodeId node(std::uint64_t n) { return NodeId{static_cast<std::uint32_t>(n)}; }
  [[nodiscard]] std::uint64_t room() const {
    const std::uint64_t most = kNumbered ? std::min<std::uint64_t>(limits_.max_states, 3u << 30) : limits_.max_states;
    return most - std::min(most, states());
  }
  [[nodiscard]] std::uint64_t hash(const State& state) const { return mixed(system_.fingerprint(state)); }
  [[nodiscard]] auto hash_of() const {
    return [this](const State& state) { return hash(state); };
  }
  [[nodiscard]] std::optional<Cut> out_of_time() const {
    if (limits_.interrupt != nullptr && limits_.interrupt->load(std::memory_order_relaxed)) return Cut::interrupt;
    if (limits_.deadline && Clock::now() >= *limits_.deadline) return Cut::deadline;
    return std::nullopt;
  }

  void take_up_roots() {
    for (State state : system_.initial()) {
      const std::uint64_t print = hash(state);
      if (!going() || !arrive(Arrival(std::move(state), print, EdgeInfo{}), true)) return;
    }
  }

  /// All transitions of a state, or so many that the chunk has `most` or that time is up.
  template <bool together>
  void expand(Chunk& chunk, std::uint64_t n, std::uint64_t most) {
    system_.successors(found_.states.at(n), [&chunk, most, this](State&& to, const EdgeInfo& info) {
      if (chunk.arrivals.full() && !allow_more(chunk, most)) return false;
      const std::uint64_t print = hash(to);
      if constexpr (together) {
        const auto place = static_cast<std::uint32_t>(chunk.arrivals.size());
        chunk.by_group[Table<State>::group(print)].push_back(place);
      } else {
        fetch_ahead(print);
      }
      chunk.arrivals.put(std::move(to), print, info);
      return true;
    });
    chunk.ends.push_back(static_cast<std::uint32_t>(chunk.arrivals.size()));
  }

  [[gnu::noinline]] bool allow_more(Chunk& chunk, std::uint64_t most) const {
    chunk.unfinished |= chunk.arrivals.size() >= most || (chunk.arrivals.size() > 0 && out_of_time());
    if (!chunk.unfinished) chunk.arrivals.allow(kFew);
    return !chunk.unfinished;
  }

  [[gnu::always_inline]] void fetch_ahead(std::uint64_t print) const {
    const char* const home = found_.states.home(print);
    __builtin_prefetch(home);
    __builtin_prefetch(home + 32);
  }

  void expand_alone() {
    const auto begin = crew_.size() > 1 ? Clock::now() : Clock::time_point{};
    if (chunks_.empty()) chunks_.resize(1);
    Chunk& chunk = chunks_[0];
    chunk.clear();
    const std::uint64_t first = here().next;
    const std::uint64_t most = std::min(here().end, first + kFew);
    const std::uint64_t enough = std::min(kFew, room());
    std::uint64_t n = first;
    do {
      expand<false>(chunk, n, std::max(std::uint64_t{1} << kChunkBits, 2 * here().taken));
    } while (++n < most && chunk.arrivals.size() < enough && !chunk.unfinished);
    take_up<false>(chunk);
    if (crew_.size() > 1) note_cost(begin, n - first, 1);
  }

  void expand_together(std::uint64_t nodes) {
    const auto begin = Clock::now();
    const std::uint64_t first = here().next;
    const std::uint64_t size = std::max<std::uint64_t>(1, nodes / (8 * crew_.size()));
    auto count = static_cast<std::uint32_t>((nodes + size - 1) / size);
    if (chunks_.size() < count) chunks_.resize(count);
    crew_.share(count, [&](std::uint32_t c) {
      Chunk& chunk = chunks_[c];
      chunk.clear();
      for (auto& group : chunk.by_group) group.clear();
      const std::uint64_t end = first + std::min(nodes, (c + 1) * size);
      for (std::uint64_t n = first + c * size; n < end && !chunk.unfinished; ++n) {
        expand<true>(chunk, n, std::uint64_t{1} << kChunkBits);
      }
    });
    std::uint64_t arrivals = 0;
    for (std::uint32_t c = 0; c < count; ++c) {
      arrivals += chunks_[c].arrivals.size();
      if (chunks_[c].unfinished) count = c + 1;  // what comes after it has to wait for the rest of it
    }
    const bool roomy = arrivals <= room();
    if (roomy) claim_together(count);
    for (std::uint32_t c = 0; c < count && going(); ++c) {
      roomy ? take_up<true>(chunks_[c]) : take_up<false>(chunks_[c]);
    }
    note_cost(begin, here().next - first, crew_.size());
  }

  void claim_together(std::uint32_t count) {
    const auto first = static_cast<std::uint32_t>(states());
    crew_.share(Table<State>::kGroups, [&](std::uint32_t group) {
      for (std::uint32_t c = 0; c < count; ++c) claim(chunks_[c], chunks_[c].by_group[group], c, first);
    });
    if constexpr (kGraph) {
      crew_.share(count, [&](std::uint32_t c) {
        for (Arrival& arrival : chunks_[c].arrivals) {
          if (arrival.fresh) arrival.info = system_.info(arrival.state);
        }
      });
    }
    claims_from_ = first;
  }

  void claim(Chunk& chunk, const std::vector<std::uint32_t>& group, std::uint32_t c, std::uint32_t first) {
    constexpr std::size_t kAhead = 16;
    for (std::size_t i = 0; i < group.size(); ++i) {
      if (i + kAhead < group.size()) fetch_ahead(chunk.arrivals[group[i + kAhead]].hash);
      Arrival& arrival = chunk.arrivals[group[i]];
      if constexpr (kNumbered) {
        const std::uint32_t mine = first + (c << kChunkBits) + group[i];
        const auto claimed = [&](std::uint32_t n) -> const State& { return claimant(n, first).state; };
        arrival.node = found_.states.claim(arrival.state, arrival.hash, mine, first, claimed);
        arrival.fresh = arrival.node == mine;
      } else {
        arrival.fresh = found_.states.claim(arrival.state, arrival.hash, hash_of());
      }
    }
  }
  [[nodiscard]] const Arrival& claimant(std::uint32_t claim, std::uint32_t first) const {
    return chunks_[(claim - first) >> kChunkBits].arrivals[(claim - first) & ((1u << kChunkBits) - 1)];
  }

  /// Take up what arrived, in the order. `claimed`: it is known already which are new.
  template <bool claimed>
  void take_up(Chunk& chunk) {
    std::uint64_t at = here().taken;
    std::uint64_t begin = 0;
    for (std::size_t i = 0; i < chunk.ends.size(); ++i) {
      for (const std::uint64_t end = chunk.ends[i]; at < end; ++at) {
        Arrival& arrival = chunk.arrivals[at];
        if (claimed ? settle(arrival) : arrive(std::move(arrival), false)) continue;
        here().taken = at - begin;
        return;
      }
      if (chunk.unfinished && i + 1 == chunk.ends.size()) {
        here().taken = at - begin;
        return;
      }
      begin = at;
      ++here().next;
      here().taken = 0;
      if (enough_) {
        found_.cut = Cut::enough;
        return;
      }
    }
  }

  /// Returns: whether to go on.
  [[gnu::always_inline]] bool arrive(Arrival&& arrival, bool root) {
    const Place place = found_.states.insert(std::move(arrival.state), arrival.hash, limits_.max_states, hash_of());
    if (place.how == Insert::full) {
      found_.cut = Cut::states;
      return false;
    }
    if (place.how == Insert::fresh) {
      if constexpr (kGraph) {
        const NodeInfo info = system_.info(found_.states[place.node]);
        root ? found_.graph.add_root(info) : found_.graph.add_node(info);
      }
      report_if_due();
    }
    return root || draw(place.node, arrival);
  }

  bool settle(Arrival& arrival) {
    if (arrival.fresh) {
      if constexpr (kNumbered) {
        arrival.node = found_.states.settle(std::move(arrival.state), arrival.hash, arrival.node).index;
      } else {
        found_.states.settle(arrival.state);
      }
      if constexpr (kGraph) found_.graph.add_node(arrival.info);
      report_if_due();
    } else if (kNumbered && arrival.node >= claims_from_) {
      arrival.node = claimant(arrival.node, claims_from_).node;  // which came before it and has its number
    }
    return draw(NodeId{arrival.node}, arrival);
  }

  bool draw([[maybe_unused]] NodeId to, [[maybe_unused]] const Arrival& arrival) {
    ++found_.tally.edges;
    if constexpr (kGraph) {
      const EdgeId edge = found_.graph.add_edge(node(here().next), to, arrival.edge);
      if constexpr (requires { system_.is_enough(Edge{}); }) {
        enough_ |= system_.is_enough(found_.graph.edge(node(here().next), edge));
      }
      if (found_.tally.edges == Graph::kMaxIds) found_.cut = Cut::numbers;
      return going();
    }
    return true;
  }

  void report_if_due() {
    if (states() < next_report_) return;
    next_report_ += progress_->every;
    count();
    progress_->report(found_.tally);
  }

  void heed_limits() {
    if (const auto cut = out_of_time()) found_.cut = *cut;
    if (found_.tally.edges >= weigh_at_) {
      weigh_at_ = found_.tally.edges + kWeighEvery;
      count();
      if (found_.tally.bytes > limits_.max_bytes) found_.cut = Cut::bytes;
    }
    if (timed_ && Clock::now() >= report_at_) {
      report_at_ = Clock::now() + progress_->interval;
      count();
      progress_->report(found_.tally);
    }
  }

  void count() {
    Tally& tally = found_.tally;
    tally.states = states();
    tally.queue = tally.states - here().next;
    tally.bytes = found_.states.bytes() + found_.graph.bytes();
    if constexpr (requires { system_.bytes(); }) tally.bytes += system_.bytes();
  }

  /// What a node takes one thread, and so how many to expand together.
  void note_cost(Clock::time_point begin, std::uint64_t nodes, unsigned threads) {
    const auto ns = std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now() - begin).count();
    cost_ = static_cast<std::uint64_t>(ns) * threads / std::max<std::uint64_t>(nodes, 1) + 1;
    batch_ = std::clamp<std::uint64_t>(kShareFor * crew_.size() / cost_, crew_.size(), kMostShared);
  }

  const System& system_;
  const Limits& limits_;
  const Progress* progress_;
  Found found_;
  Crew crew_;
  std::vector<Chunk> chunks_;
  bool enough_ = false;            // the node that is being taken up is the last
  std::uint32_t claims_from_ = 0;  // a number from here on was a claim
  std::uint64_t cost_ = 0;         // ns a node, as the last batch had it
  std::uint64_t batch_ = kFew;     // nodes to expand together
  std::uint64_t weigh_at_ = 0;     // edges
  std::uint64_t next_report_ = kNever;
  bool timed_ = false;
  Clock::time_point report_at_{};
};

}  // namespace detail

/// Every state that can be reached, breadth first: numbers, counts and edges are exact, and the same each time, with
/// any number of threads.
/// Returns: all of it, or the part seen before a limit was met; `cut` says which.
template <Keep keep = Keep::graph, TransitionSystem System>
[[nodiscard]] Explored<System, keep> explore(const System& system, const Limits& limits = {},
                                             const Progress* progress = nullptr) {
  return detail::Search<System, keep>(system, limits, progress, {}).run();
}

/// Goes on with a search that was cut, by whatever limit, under other limits.
/// Returns: exactly what a search that was not cut gives.
template <TransitionSystem System, Keep keep>
[[nodiscard]] Explored<System, keep> go_on(const System& system, Explored<System, keep>&& cut,
                                           const Limits& limits = {}, const Progress* progress = nullptr) {
  return detail::Search<System, keep>(system, limits, progress, std::move(cut)).run();
}

}  // namespace mtesim::explore
