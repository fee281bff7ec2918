#include "sim/check/check.h"

#include <algorithm>
#include <array>
#include <unordered_map>

#include "sim/explore/cycles.h"
#include "sim/explore/search.h"
#include "sim/run/run.h"

namespace mtesim {

namespace {

CheckState start_of(const Workload& workload, const CheckOptions& options) {
  CheckState start = start_of_check(workload, options.actions);
  start.work.machine.track_contents = options.track_contents;
  return start;
}

/// The workload as sim/explore sees it: states and transitions, and a number for each vector of choices.
class WorkloadSystem {
 public:
  using State = CheckState;

  WorkloadSystem(const Workload& workload, const CheckOptions& options) : workload_(workload), options_(options) {}

  [[nodiscard]] std::array<State, 1> initial() const { return {start_of(workload_, options_)}; }
  /// Set as soon as a state was met that is its own quiet successor, should that be all one wants to know.
  [[nodiscard]] bool livelock_found() const { return livelock_found_; }
  [[nodiscard]] std::uint64_t fingerprint(const State& state) const { return state.fingerprint().bits; }
  /// What a state adds: a reference for each part it shares, a page or two of what it does not.
  [[nodiscard]] std::uint64_t bytes(const State& state) const {
    return sizeof(State) + 1024 + state.work.tasks.size() * sizeof(TaskState);
  }

  [[nodiscard]] explore::NodeInfo info(const State& state) const {
    explore::NodeInfo info;
    info.ended = is_done(workload_, state.work);
    for (std::uint32_t t = 0; t < state.work.tasks.size(); ++t) {
      if (can_step(state.work, TaskId{t})) info.enabled |= explore::TaskSet{1} << t;
    }
    return info;
  }

  template <class Sink>
  void successors(const State& state, Sink&& sink) const {
    for (std::uint32_t t = 0; t < state.work.tasks.size(); ++t) {
      const TaskId task{t};
      if (is_done(workload_, state.work, task)) continue;
      if (livelock_found_) return;
      bool more = true;
      std::unordered_map<std::uint64_t, std::vector<State>> met;  // where this step ends, by print and actions
      for_each_branch(workload_, state, task, options_.actions, options_.rules, [&](Branch&& branch) {
        if (branch.blocked) return true;  // who sleeps does not step
        note(state, branch, task);
        if (is_done(workload_, branch.to.work)) forget_machine(branch.to);
        // Ways that differ only in how they got there are one transition.
        std::vector<State>& alike = met[slot_print(branch.actions, branch.to.fingerprint()).bits];
        if (std::find(alike.begin(), alike.end(), branch.to) != alike.end()) return true;
        alike.push_back(branch.to);
        explore::EdgeInfo info;
        info.task = static_cast<explore::Task>(t);
        info.actions = branch.actions;
        info.label = labels_.size();
        labels_.push_back(std::move(branch.choices));
        const bool alone = state.work.tasks.size() == 1;  // of several tasks, another might step in
        if (options_.stop_at_livelock && alone && branch.actions == 0 && branch.to == state) livelock_found_ = true;
        more = sink(std::move(branch.to), info);
        return more;
      });
      if (!more) return;
    }
  }

  [[nodiscard]] const Choices& choices(std::uint64_t label) const { return labels_[label]; }
  [[nodiscard]] const Reached& reached() const { return reached_; }

 private:
  /// It has something to do, and no lock keeps it from that. Alone, a task that sleeps is a deadlock anyway.
  [[nodiscard]] bool can_step(const WorkState& state, TaskId task) const {
    if (is_done(workload_, state, task)) return false;
    if (state.tasks.size() == 1) return true;
    WorkState attempt = state;
    StillEnvironment still;
    return !std::holds_alternative<Blocked>(step(workload_, attempt, task, still));
  }

  /// Behind the last call only the results count: a path that has ended has ended, be it by the last call's return or
  /// by a signal before that.
  void forget_machine(State& state) const {
    state.work.machine = Machine{};
    for (std::size_t t = 0; t < state.work.tasks.size(); ++t) {
      TaskState& task = state.work.tasks[t];
      const auto made = static_cast<std::uint32_t>(workload_.calls[t].size());
      task = {made, false, false, {}, std::move(task.results)};
    }
    state.budgets.clear();
    state.looked_at.clear();
  }

  /// Numbers and notes grow while the search asks; the graph does not depend on them.
  void note(const CheckState& from, const Branch& branch, TaskId task) const {
    reached_ |= branch.reached;
    reached_.environment_acted |= branch.actions > 0;
    const TaskState& now = branch.to.work.tasks[task.n];
    if (now.call > from.work.tasks[task.n].call) {
      (now.results.back() < 0 ? reached_.returned_error : reached_.returned_success) = true;
    } else if (progress(workload_, branch.to.work, task) <= progress(workload_, from.work, task)) {
      reached_.retried = true;
    }
  }

  const Workload& workload_;
  const CheckOptions& options_;
  mutable std::vector<Choices> labels_;
  mutable Reached reached_;
  mutable bool livelock_found_{};
};

using Explored = explore::Explored<WorkloadSystem>;

std::vector<WitnessStep> steps_of(const Workload& workload, const WorkloadSystem& system, const Explored& found,
                                  const std::vector<explore::EdgeId>& edges) {
  std::vector<WitnessStep> steps;
  for (const explore::EdgeId id : edges) {
    const explore::Edge& edge = found.graph[id];
    const TaskId task{edge.task};
    steps.push_back({task, system.choices(edge.label), progress(workload, found.states[edge.from].work, task),
                     progress(workload, found.states[edge.to].work, task)});
  }
  return steps;
}

bool quiet(const explore::Edge& edge) { return edge.quiet(); }
bool any(const explore::Edge&) { return true; }

/// What is so on a cycle: locks between rounds, and within.
void describe_cycle(const Workload& workload, const CheckOptions& options, const WorkloadSystem& system,
                    const Explored& found, const explore::Lasso& lasso, CheckResult& result) {
  std::set<LockKind> taken;
  for (const explore::EdgeId id : lasso.loop) {
    const explore::Edge& edge = found.graph[id];
    const CheckState& from = found.states[edge.from];
    for (const Locks::Held& held : from.work.machine.locks.held()) {
      if (std::find(result.locks_held.begin(), result.locks_held.end(), held.lock) == result.locks_held.end()) {
        result.locks_held.push_back(held.lock);
      }
      taken.insert(held.lock.kind);
    }
    replay_branch(workload, from, TaskId{edge.task}, options.actions, options.rules, system.choices(edge.label),
                  [&](const Event& event) {
                    if (const auto* lock = std::get_if<LockTaken>(&event)) taken.insert(lock->lock.kind);
                  },
                  {});
  }
  result.locks_taken.assign(taken.begin(), taken.end());
}

/// Whether a SIGKILL ends the endless runs of every cycle of quiet edges. Asked of one state of each: a quiet cycle of
/// one task has no way out, so its states share one fate.
bool every_livelock_is_killable(const Workload& workload, const Explored& found) {
  const explore::Components parts = explore::components(found.graph, quiet);
  std::vector<bool> asked(parts.all.size());
  for (const explore::NodeId node : found.graph.nodes()) {
    const std::uint32_t part = parts.of[node.index];
    if (!parts.all[part].cyclic || asked[part]) continue;
    asked[part] = true;
    if (!ends_when_killed(workload, found.states[node].work)) return false;
  }
  return true;
}

explore::TaskSet all_tasks(const Workload& workload) {
  return static_cast<explore::TaskSet>((std::uint64_t{1} << workload.calls.size()) - 1);
}

std::string cut_name(explore::Cut cut) {
  switch (cut) {
    case explore::Cut::none:
      return "";
    case explore::Cut::states:
      return "the limit on states";
    case explore::Cut::bytes:
      return "the limit on memory";
    case explore::Cut::deadline:
      return "the limit on time";
    case explore::Cut::interrupt:
      return "an interrupt";
    case explore::Cut::numbers:
      return "the number of transitions that can be counted";
  }
  return "?";
}

}  // namespace

std::string_view verdict_name(Verdict verdict) {
  switch (verdict) {
    case Verdict::returns:
      return "returns";
    case Verdict::livelock:
      return "livelock";
    case Verdict::starvation:
      return "starvation";
    case Verdict::deadlock:
      return "deadlock";
    case Verdict::bound:
      return "bound";
  }
  return "?";
}

CheckResult check(const Workload& workload, const CheckOptions& options) {
  const WorkloadSystem system(workload, options);
  explore::Limits limits;
  limits.max_states = options.max_states;
  limits.max_bytes = options.max_bytes;
  limits.deadline = options.deadline;
  limits.interrupt = options.interrupt;
  explore::Progress progress_report;
  progress_report.every = 4096;
  progress_report.report = [&](const explore::Tally& t) {
    options.progress({t.states, t.edges, t.levels, t.queue, t.bytes});
  };
  const Explored found = explore::explore(system, limits, options.progress ? &progress_report : nullptr);

  CheckResult result;
  result.states = found.tally.states;
  result.transitions = found.tally.edges;
  result.levels = found.tally.levels;
  result.complete = found.complete() && !system.livelock_found();
  result.reached = system.reached();
  for (const explore::NodeId node : found.graph.nodes()) {
    if (!found.graph[node].ended) continue;
    std::vector<std::int64_t> results;
    for (const TaskState& task : found.states[node].work.tasks) {
      results.insert(results.end(), task.results.begin(), task.results.end());
    }
    result.results.insert(std::move(results));
  }

  const auto witness = [&](const std::vector<explore::EdgeId>& stem, const std::vector<explore::EdgeId>& loop) {
    result.witnesses.push_back({steps_of(workload, system, found, stem), steps_of(workload, system, found, loop)});
  };
  const explore::TaskSet tasks = all_tasks(workload);
  if (const auto lasso = explore::find_fair_lasso(found.graph, quiet, tasks)) {
    result.verdict = Verdict::livelock;
    witness(lasso->stem, lasso->loop);
    describe_cycle(workload, options, system, found, *lasso, result);
    result.killable = every_livelock_is_killable(workload, found);
  } else if (const auto stuck = explore::deadlocks(found.graph); !stuck.empty()) {
    result.verdict = Verdict::deadlock;
    witness(found.graph.stem(stuck.front()), {});
  } else if (!found.complete()) {
    result.cut_by = cut_name(found.cut);  // what is missing might be a livelock
  } else if (explore::find_fair_lasso(found.graph, any, tasks)) {
    result.verdict = Verdict::starvation;
    const auto mean = explore::min_cycle_mean(found.graph, any);
    MTESIM_CHECK(mean.has_value());
    result.least_actions = mean->actions;
    result.least_rounds = mean->edges;
    witness(mean->lasso.stem, mean->lasso.loop);
  } else {
    result.verdict = Verdict::returns;
    if (const auto longest = explore::longest_path(found.graph)) {
      result.most_rounds = longest->weight;
      witness(longest->edges, {});
    }
  }
  for (const Witness& found_witness : result.witnesses) {
    MTESIM_CHECK(replay(workload, options, found_witness, {}, {}));
  }
  return result;
}

bool replay(const Workload& workload, const CheckOptions& options, const Witness& witness,
            const std::function<void(const Event&)>& observe, const std::function<void(const ActionChoice&)>& acted) {
  CheckState now = start_of(workload, options);
  const auto follow = [&](const std::vector<WitnessStep>& steps) {
    for (const WitnessStep& step : steps) {
      if (is_done(workload, now.work, step.task)) return false;
      if (!(progress(workload, now.work, step.task) == step.progress_before)) return false;
      Branch branch =
          replay_branch(workload, now, step.task, options.actions, options.rules, step.choices, observe, acted);
      if (branch.actions != step.choices.size()) return false;  // it never came to where the environment was to act
      now = std::move(branch.to);
      if (!(progress(workload, now.work, step.task) == step.progress_after)) return false;
    }
    return true;
  };
  if (!follow(witness.stem)) return false;
  const CheckState entry = now;
  return follow(witness.loop) && now == entry;
}

}  // namespace mtesim
