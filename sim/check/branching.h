#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string_view>
#include <vector>

#include "fs_models/workload.h"
#include "model/kernel/action.h"
#include "sim/check/lock_orders.h"
#include "sim/check/price.h"
#include "sim/property/property.h"

namespace mtesim {

/// What the environment did at one site of a step: the sites where it may act are counted from the step's begin.
struct ChoiceAt {
  /// Not what the environment did: the step pauses before it asks for the next lock. Last of all.
  static constexpr std::uint32_t kPauses = ~std::uint32_t{0};

  std::uint32_t site{};
  ActionChoice choice;
  bool operator==(const ChoiceAt&) const = default;
};
/// All that it did on a step, in order.
using Choices = std::vector<ChoiceAt>;
[[nodiscard]] inline bool pauses(const Choices& choices) {
  return !choices.empty() && choices.back().site == ChoiceAt::kPauses;
}

/// A workload's state under an environment: what the tasks and the machine are, and what the environment may still do.
struct CheckState {
  WorkState work;
  std::vector<std::uint8_t> budgets;  ///< left, by action; Action::kUnbounded stays
  /// Which granules an access has looked at, a bit each from the begin of the action with `before_call`, as long as
  /// that may still be used.
  std::vector<std::uint64_t> looked_at;
  /// Where contents are tracked, for the properties: how the call that is under way found the machine.
  Cow<CallBegin> call_begin{};

  [[nodiscard]] Fingerprint fingerprint() const {
    Fingerprint print = work.fingerprint();
    for (std::size_t i = 0; i < budgets.size(); ++i) print += slot_print(~i, budgets[i]);
    for (std::size_t i = 0; i < looked_at.size(); ++i) print += slot_print(~i << 8, looked_at[i]);
    return print;
  }
  friend bool operator==(const CheckState& a, const CheckState& b) {
    return a.budgets == b.budgets && a.looked_at == b.looked_at && a.work == b.work && a.call_begin == b.call_begin;
  }
};

/// What was met on a way, so that no pass is vacuous.
struct Reached {
  bool bytes_delivered{};
  bool tag_fault{};
  bool page_fault_handled{};
  bool page_fault_refused{};
  bool retried{};
  bool environment_acted{};
  bool signal_seen{};
  bool returned_success{};
  bool returned_error{};

  void note(const Event& event);
  Reached& operator|=(const Reached& other);
  bool operator==(const Reached&) const = default;
};

/// The facts by name, for reports and expectations.
struct ReachedFact {
  std::string_view name;
  std::string_view about;
  bool Reached::*field;
};
[[nodiscard]] std::span<const ReachedFact> reached_facts();

[[nodiscard]] CheckState start_of_check(const Workload& workload, std::span<const Action> actions);

/// How one step can come out.
struct Branch {
  CheckState to;
  bool blocked{};  ///< of several tasks, it sleeps: from this step on, or still
  std::uint32_t actions{};
  Choices choices;
  Reached reached;
  Bytes delivered{};  ///< what the loop told last
  LockOrders orders;
  StepPrice price;  ///< where ways are priced
  /// It made a trip, or lay down to sleep. Who sleeps for what it slept for before has not moved.
  [[nodiscard]] bool moved(const CheckState& from, TaskId task) const;
};

/// How the branches of a step are searched.
struct BranchRules {
  SiteRule sites{SiteRule::lazy};
  /// Two ways through a step that reach the same site with the same machine, the same budgets and the same things seen
  /// have the same future: the second is given up.
  bool join_histories{true};
  /// Tags that no pointer has are alike (sim/check/reduction.h).
  bool merge_tags{true};
  /// What no call can come to any more is forgotten (sim/check/reduction.h).
  bool forget_untouched{true};
  /// Not null: ways are priced, and do not join if they cost otherwise.
  const CostTable* costs{};
};

/// Every way in which one step of `task` can come out, the quiet one first: the step is replayed once a branch, so that
/// the path itself knows nothing of branching.
/// Exact:   joined histories are compared in full, not by their prints.
/// `observe`: told the events of all branches, also of those that are given up since they join.
void for_each_branch(const Workload& workload, const CheckState& from, TaskId task, std::span<const Action> actions,
                     const BranchRules& rules, const std::function<bool(Branch&&)>& take,
                     const std::function<void(const Event&)>& observe = {});

/// Carries out one step under given choices, for replays and stories.
/// Errors:  a choice that the environment does not have at that site, and all behind it, are left out: then `actions`
///          are fewer than the choices.
Branch replay_branch(const Workload& workload, const CheckState& from, TaskId task, std::span<const Action> actions,
                     const BranchRules& rules, const Choices& choices, const std::function<void(const Event&)>& observe,
                     const std::function<void(const ActionChoice&)>& acted);

}  // namespace mtesim
