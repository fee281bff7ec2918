#include "sim/check/check.h"

#include <algorithm>
#include <array>
#include <unordered_map>

#include "sim/check/lasso.h"
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

/// Returns of calls that a search met, as far as somebody wants to come back to them: by number of the transition.
class Returns {
 public:
  /// Whether this return is to be kept: with contents tracked it is judged, and kept if it violates a property by more
  /// than any before; else it is kept if it is the first of its call with its result.
  bool is_new(const Workload& workload, const CheckState& from, const Branch& branch) {
    worse_.fill(false);
    const TaskState& task = branch.to.work.tasks.front();
    const std::uint32_t call = from.work.tasks.front().call;
    if (task.call <= call || !has_properties(workload)) return false;
    if (!branch.to.work.machine.track_contents) return met_.insert({call, task.results.back()}).second;
    const auto what =
        return_of(workload, branch.to.work, call, progress(workload, from.work, TaskId{0}), branch.delivered);
    const Judgements now = judge(*what, *branch.to.call_begin, branch.to.work.machine);
    bool any = false;
    for (std::size_t p = 0; p < kProperties; ++p) {
      worse_[p] = now[p].standing == Standing::violated && graver(now[p], judged_[p]);
      any |= worse_[p];
    }
    add(judged_, now);
    return any;
  }
  void keep(std::uint64_t label) {
    labels_.push_back(label);
    for (std::size_t p = 0; p < kProperties; ++p) {
      if (worse_[p]) worst_[p] = label;
    }
  }
  [[nodiscard]] const std::vector<std::uint64_t>& labels() const { return labels_; }
  [[nodiscard]] const Judgements& judged() const { return judged_; }
  [[nodiscard]] std::optional<std::uint64_t> worst(std::size_t property) const { return worst_[property]; }

 private:
  std::set<std::pair<std::uint32_t, std::int64_t>> met_;
  std::vector<std::uint64_t> labels_;  // rising
  Judgements judged_{};
  std::array<bool, kProperties> worse_{};  // than before, by the return asked about last
  std::array<std::optional<std::uint64_t>, kProperties> worst_{};
};

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
        const bool tells = returns_.is_new(workload_, state, branch);
        if (!branch.to.work.tasks.front().in_kernel) branch.to.call_begin.reset();
        if (is_done(workload_, branch.to.work)) forget_machine(branch.to);
        // Ways that differ only in how they got there are one transition.
        std::vector<State>& alike = met[slot_print(branch.actions, branch.to.fingerprint()).bits];
        const bool known = std::find(alike.begin(), alike.end(), branch.to) != alike.end();
        if (known && !tells) return true;
        if (!known) alike.push_back(branch.to);
        if (tells) returns_.keep(labels_.size());
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
  [[nodiscard]] const Returns& returns() const { return returns_; }

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
    state.call_begin.reset();
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
  mutable Returns returns_;
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

explore::Limits limits_of(const CheckOptions& options) {
  explore::Limits limits;
  limits.max_states = options.max_states;
  limits.max_bytes = options.max_bytes;
  limits.deadline = options.deadline;
  limits.interrupt = options.interrupt;
  return limits;
}

/// A shortest way to the transition, and over it; nothing if the search was cut before it was drawn.
std::optional<Witness> way_to(const Workload& workload, const WorkloadSystem& system, const Explored& found,
                              std::uint64_t label) {
  const explore::EdgeId edge{static_cast<std::uint32_t>(label)};  // each transition that was numbered was drawn
  if (label >= found.graph.edges().size()) return std::nullopt;
  MTESIM_CHECK(found.graph[edge].label == label);
  std::vector<explore::EdgeId> way = found.graph.stem(found.graph[edge].from);
  way.push_back(edge);
  return Witness{steps_of(workload, system, found, way), {}, {}};
}

/// Judges the returns of one way, with contents tracked.
Judgements judge_way(const Workload& workload, const CheckOptions& options, const Witness& way) {
  PropertyWatch watch(workload);
  CheckState now = start_of(workload, options);
  now.work.machine.track_contents = true;
  for (const WitnessStep& step : way.stem) {
    watch.before_step(now.work);
    Branch branch = replay_branch(workload, now, step.task, options.actions, options.rules, step.choices,
                                  [&](const Event& event) { watch.observe(event); }, {});
    now = std::move(branch.to);
    watch.after_step(now.work, *now.call_begin);
  }
  return watch.judged();
}

/// The worst return of each property that a search with contents has met, with a way to it.
void take_worst(const Workload& workload, const WorkloadSystem& system, const Explored& found, CheckResult& result) {
  add(result.properties.judged, system.returns().judged());
  for (std::size_t p = 0; p < kProperties; ++p) {
    const auto label = system.returns().worst(p);
    std::optional<Witness> way = label ? way_to(workload, system, found, *label) : std::nullopt;
    if (!way) continue;
    way->violates = static_cast<Property>(p);
    result.properties.witness[p] = result.witnesses.size();
    result.witnesses.push_back(std::move(*way));
  }
}

/// One way to each result of each call, as far as all of them together have few steps.
void judge_results(const Workload& workload, const CheckOptions& options, const WorkloadSystem& system,
                   const Explored& found, CheckResult& result) {
  std::uint64_t steps = std::max<std::uint64_t>(10'000, result.transitions / 20);
  for (const std::uint64_t label : system.returns().labels()) {
    std::optional<Witness> way = way_to(workload, system, found, label);
    if (!way || way->stem.size() > steps) {
      ++result.properties.ways_left;
      continue;
    }
    steps -= way->stem.size();
    ++result.properties.ways;
    const Judgements judged = judge_way(workload, options, *way);
    for (std::size_t p = 0; p < kProperties; ++p) {
      if (judged[p].standing != Standing::violated || !graver(judged[p], result.properties.judged[p])) continue;
      way->violates = static_cast<Property>(p);
      std::optional<std::size_t>& at = result.properties.witness[p];
      if (!at) {
        at = result.witnesses.size();
        result.witnesses.emplace_back();
      }
      result.witnesses[*at] = *way;
    }
    add(result.properties.judged, judged);
  }
}

/// Searches a second time, with contents; `found` is the search without.
void judge_properties(const Workload& workload, const CheckOptions& options, const WorkloadSystem& system,
                      const Explored& found, CheckResult& result) {
  constexpr std::uint64_t kFewStates = 1000;  // of the search without contents
  constexpr std::uint64_t kMostWithContents = 2000;
  if (options.track_contents) {
    take_worst(workload, system, found, result);
    result.properties.every_future = result.complete;
    return;
  }
  if (found.complete() && result.states <= kFewStates) {
    CheckOptions with = options;
    with.track_contents = true;
    with.stop_at_livelock = false;
    with.max_states = std::min(options.max_states, kMostWithContents);
    const WorkloadSystem again(workload, with);
    const Explored all = explore::explore(again, limits_of(with));
    result.properties.every_future = all.complete();
    if (all.complete()) return take_worst(workload, again, all, result);
  }
  judge_results(workload, options, system, found, result);
}

explore::TaskSet all_tasks(const Workload& workload) {
  return static_cast<explore::TaskSet>((std::uint64_t{1} << workload.calls.size()) - 1);
}

/// What makes two witnesses alike to a reader: who steps and what the environment does, on the loop in order and on the
/// stem in any, and the locks that are held where the loop begins (or the way ends). How long the stem is, which
/// granule or page it was and how far the call had come do not count.
using Shape = std::vector<std::uint64_t>;
/// Where the stem ends.
explore::NodeId end_of(const Explored& found, const explore::Lasso& lasso) {
  return lasso.stem.empty() ? explore::NodeId{} : found.graph[lasso.stem.back()].to;
}
Shape shape_of(const WorkloadSystem& system, const Explored& found, const explore::Lasso& lasso) {
  const auto word = [](std::uint64_t kind, std::uint64_t task, std::uint64_t what) {
    return kind << 48 | task << 32 | what;
  };
  Shape stem;
  for (const explore::EdgeId id : lasso.stem) {
    const explore::Edge& edge = found.graph[id];
    for (const ChoiceAt& at : system.choices(edge.label)) stem.push_back(word(0, edge.task, at.choice.action));
  }
  std::sort(stem.begin(), stem.end());
  Shape shape = std::move(stem);
  for (const explore::EdgeId id : lasso.loop) {
    const explore::Edge& edge = found.graph[id];
    shape.push_back(word(1, edge.task, 0));
    for (const ChoiceAt& at : system.choices(edge.label)) shape.push_back(word(2, edge.task, at.choice.action));
  }
  Shape locks;
  for (const Locks::Held& held : found.states[end_of(found, lasso)].work.machine.locks.held()) {
    locks.push_back(word(3, held.task.n, static_cast<std::uint64_t>(held.lock.kind)));
  }
  std::sort(locks.begin(), locks.end());
  shape.insert(shape.end(), locks.begin(), locks.end());
  return shape;
}

/// Further ways to the same verdict as `first`, behind those that are there: other cycles, other states in which nobody
/// can step, other sets of results. First one of each shape, then, if those are too few, more of shapes that were met.
void add_witnesses(const Workload& workload, const CheckOptions& options, const WorkloadSystem& system,
                   const Explored& found, const Ways& ways, const explore::Lasso& first, CheckResult& result) {
  std::vector<explore::Lasso> others;
  const explore::TaskSet tasks = all_tasks(workload);
  switch (result.verdict) {
    case Verdict::livelock:
      others = shortest_lassos(found.graph, ways, quiet, tasks, kMostComponents);
      break;
    case Verdict::starvation:
      others = shortest_lassos(found.graph, ways, any, tasks, kMostComponents);
      break;
    case Verdict::deadlock:
      for (const explore::NodeId node : explore::deadlocks(found.graph)) others.push_back({ways.to(node), {}});
      break;
    case Verdict::returns:
      for (const explore::NodeId node : found.graph.nodes()) {  // each set of results has one node
        if (found.graph[node].ended) others.push_back({ways.to(node), {}});
      }
      break;
    case Verdict::bound:
      return;
  }
  const explore::Components parts =
      explore::components(found.graph, result.verdict == Verdict::livelock ? explore::EdgeFilter(quiet) : any);
  std::vector<Witness> alike;
  std::set<Shape> met{shape_of(system, found, first)};
  std::size_t more = options.witnesses - 1;
  const auto again = [&](const explore::Lasso& lasso) {
    if (lasso.loop.empty() || first.loop.empty()) return end_of(found, lasso) == end_of(found, first);
    return parts.of[end_of(found, lasso).index] == parts.of[end_of(found, first).index];
  };
  for (const explore::Lasso& lasso : others) {
    if (again(lasso)) continue;
    Witness one{steps_of(workload, system, found, lasso.stem), steps_of(workload, system, found, lasso.loop), {}};
    const bool fresh = result.verdict == Verdict::returns || met.insert(shape_of(system, found, lasso)).second;
    if (!fresh) {
      alike.push_back(std::move(one));
    } else if (more > 0) {
      --more;
      result.witnesses.push_back(std::move(one));
    }
  }
  for (std::size_t i = 0; i < alike.size() && more > 0; ++i, --more) result.witnesses.push_back(std::move(alike[i]));
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
  explore::Progress progress_report;
  progress_report.every = 4096;
  progress_report.report = [&](const explore::Tally& t) {
    options.progress({t.states, t.edges, t.levels, t.queue, t.bytes});
  };
  const Explored found = explore::explore(system, limits_of(options), options.progress ? &progress_report : nullptr);

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

  explore::Lasso shown;
  const auto witness = [&](const std::vector<explore::EdgeId>& stem, const std::vector<explore::EdgeId>& loop) {
    shown = {stem, loop};
    result.witnesses.push_back({steps_of(workload, system, found, stem), steps_of(workload, system, found, loop), {}});
  };
  const explore::TaskSet tasks = all_tasks(workload);
  const Ways ways(found.graph);
  if (const auto lassos = shortest_lassos(found.graph, ways, quiet, tasks, 1); !lassos.empty()) {
    result.verdict = Verdict::livelock;
    witness(lassos.front().stem, lassos.front().loop);
    describe_cycle(workload, options, system, found, lassos.front(), result);
    result.killable = every_livelock_is_killable(workload, found);
  } else if (const auto stuck = explore::deadlocks(found.graph); !stuck.empty()) {
    result.verdict = Verdict::deadlock;
    witness(ways.to(stuck.front()), {});
  } else if (!found.complete()) {
    result.cut_by = cut_name(found.cut);  // what is missing might be a livelock
  } else if (explore::find_fair_lasso(found.graph, any, tasks)) {
    result.verdict = Verdict::starvation;
    const auto mean = explore::min_cycle_mean(found.graph, any);
    MTESIM_CHECK(mean.has_value());
    result.least_actions = mean->actions;
    result.least_rounds = mean->edges;
    witness(ways.to(found.graph[mean->lasso.loop.front()].from), mean->lasso.loop);
  } else {
    result.verdict = Verdict::returns;
    if (const auto longest = explore::longest_path(found.graph)) {
      result.most_rounds = longest->weight;
      witness(longest->edges, {});
    }
  }
  if (options.judge_properties && has_properties(workload)) {
    judge_properties(workload, options, system, found, result);
  }
  if (options.witnesses > 1) add_witnesses(workload, options, system, found, ways, shown, result);
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
