#pragma once

#include <array>
#include <cstdint>
#include <mutex>
#include <optional>
#include <vector>

#include "sim/check/check.h"
#include "sim/check/state_table.h"
#include "sim/check/user_ranges.h"
#include "sim/explore/graph.h"

namespace mtesim {

/// What a transition of a workload is known by: what the environment did on it, and what was met.
struct StepNote {
  Choices choices;
  Reached reached;
  std::vector<LockOrder> orders{};
  /// A call returned.
  struct Returned {
    std::uint32_t call{};
    std::int64_t result{};
    bool operator==(const Returned&) const = default;
  };
  std::optional<Returned> returned{};  ///< of the one task
  Judgements judged{};                 ///< where contents are tracked and a call returned
  StepPrice price{};                   ///< where ways are priced
  void add_orders(const std::vector<LockOrder>& more);
  [[nodiscard]] Fingerprint fingerprint() const;  // without the orders, which go with the rest
  bool operator==(const StepNote&) const = default;
};

/// A workload as sim/explore sees it: states are numbers of a table, and so are the notes that label transitions.
/// Threads: successors() and info() may be called by several at a time.
class WorkloadSystem {
 public:
  using State = std::uint32_t;

  WorkloadSystem(const Workload& workload, const CheckOptions& options) : workload_(workload), options_(options) {}

  [[nodiscard]] std::array<State, 1> initial() const;
  [[nodiscard]] std::uint64_t fingerprint(State state) const { return state; }
  [[nodiscard]] explore::NodeInfo info(State state) const;
  [[nodiscard]] std::uint64_t bytes() const { return states_.bytes() + notes_.bytes(); }

  template <class Sink>
  void successors(State state, Sink&& sink) const {
    for (const Successor& next : successors_of(state)) {
      if (!sink(State{next.to}, next.edge)) return;
    }
  }
  /// The search may end with this, should the first livelock be all that one wants to know: a state that is
  /// its own quiet successor. Of several tasks, another might step in.
  [[nodiscard]] bool is_enough(const explore::Edge& edge) const {
    return options_.stop_at_livelock && workload_.calls.size() == 1 && edge.quiet() && edge.from == edge.to;
  }

  /// Where accesses to the first address space have looked so far.
  [[nodiscard]] std::vector<UserRange> accessed() const;
  void add_accessed(const std::vector<UserRange>& ranges) const;

  [[nodiscard]] CheckState state(State number) const { return states_[number]; }
  [[nodiscard]] StepNote note(const explore::Edge& edge) const {
    return notes_[static_cast<std::uint32_t>(edge.label)];
  }

  /// One transition by itself: where it leads to, and its label. Of a workload that is ended, the task has nothing to
  /// do, and the state stays as it is.
  [[nodiscard]] State step_of(State from, TaskId task, const Choices& choices) const;
  [[nodiscard]] std::uint64_t label_of(const StepNote& note) const { return notes_.number(note, note.fingerprint()); }

 private:
  struct Successor {
    State to{};
    explore::EdgeInfo edge;
  };
  [[nodiscard]] std::vector<Successor> successors_of(State number) const;
  [[nodiscard]] StepNote note_of(const CheckState& from, const Branch& branch, TaskId task) const;
  [[nodiscard]] State number_of(CheckState&& state) const;

  const Workload& workload_;
  const CheckOptions& options_;
  // Tables of what was met: they grow while the search asks, but what they hold says nothing new.
  mutable StateTable states_;
  mutable Interned<StepNote> notes_;
  mutable std::mutex accessed_mutex_;
  mutable UserRanges accessed_;
};

/// Where a check of the workload begins.
[[nodiscard]] CheckState start_of(const Workload& workload, const CheckOptions& options);

}  // namespace mtesim
