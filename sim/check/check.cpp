#include "sim/check/check.h"

#include <algorithm>
#include <array>

#include "sim/check/dearest.h"
#include "sim/check/lasso.h"
#include "sim/check/search_image.h"
#include "sim/explore/cycles.h"
#include "sim/explore/search.h"
#include "sim/run/run.h"

namespace mtesim {

namespace {

/// A search of a workload, with all that it met.
struct Searched {
  const Workload& workload;
  const CheckOptions& options;
  WorkloadSystem system;
  ExploredWorkload found;

  Searched(const Workload& of, const CheckOptions& how) : workload(of), options(how), system(of, how) {
    explore::Progress report;
    report.interval = std::chrono::milliseconds(200);
    report.report = [&](const explore::Tally& t) { options.progress({t.states, t.edges, t.levels, t.queue, t.bytes}); };
    if (options.resume != nullptr) found = search_of(*options.resume, system);
    explore::Limits limits = limits_of(options);
    for (bool paused = true; paused;) {
      if (options.keep) limits.deadline = std::chrono::steady_clock::now() + options.keep_every;
      if (options.deadline && options.keep) limits.deadline = std::min(*limits.deadline, *options.deadline);
      found = explore::go_on(system, std::move(found), limits, options.progress ? &report : nullptr);
      paused = found.cut == explore::Cut::deadline && limits.deadline != options.deadline;
      const bool goes_on = !found.complete() && found.cut != explore::Cut::enough;
      if (options.keep && goes_on) options.keep(image_of(system, found));
    }
  }

  [[nodiscard]] const explore::Graph& graph() const { return found.graph; }
  [[nodiscard]] CheckState state(explore::NodeId node) const { return system.state(found.states[node]); }

  [[nodiscard]] std::vector<WitnessStep> steps(const std::vector<explore::EdgeId>& edges) const {
    std::vector<WitnessStep> steps;
    for (const explore::EdgeId id : edges) {
      const explore::Edge& edge = graph()[id];
      const TaskId task{edge.task};
      steps.push_back({task, system.note(edge).choices, progress(workload, state(edge.from).work, task),
                       progress(workload, state(edge.to).work, task)});
    }
    return steps;
  }
  [[nodiscard]] Witness witness(const std::vector<explore::EdgeId>& stem,
                                const std::vector<explore::EdgeId>& loop = {}) const {
    return {steps(stem), steps(loop), {}};
  }
  /// A shortest way to the transition, and over it.
  [[nodiscard]] Witness way_over(explore::EdgeId edge) const {
    std::vector<explore::EdgeId> way = graph().stem(graph()[edge].from);
    way.push_back(edge);
    return witness(way);
  }

 private:
  static explore::Limits limits_of(const CheckOptions& options) {
    explore::Limits limits;
    limits.max_states = options.max_states;
    limits.max_bytes = options.max_bytes;
    limits.deadline = options.deadline;
    limits.interrupt = options.interrupt;
    limits.threads = options.threads;
    return limits;
  }
};

bool quiet(const explore::Edge& edge) { return edge.quiet(); }
bool any(const explore::Edge&) { return true; }

/// What was met on any path: facts, orders of locks, and how paths end.
void sum_up(const Searched& search, CheckResult& result) {
  LockOrders orders;
  for (const explore::EdgeId edge : search.graph().edges()) {
    const StepNote note = search.system.note(search.graph()[edge]);
    result.reached |= note.reached;
    for (const LockOrder& order : note.orders) orders.add(order);
  }
  result.lock_orders = orders.all();
  result.inversions = orders.inversions();
  for (const explore::NodeId node : search.graph().nodes()) {
    if (!search.graph()[node].ended) continue;
    std::vector<std::int64_t> results;
    std::vector<std::vector<std::int64_t>> by_task;
    for (const TaskState& task : search.state(node).work.tasks) {
      results.insert(results.end(), task.results.begin(), task.results.end());
      by_task.push_back(task.results);
    }
    result.results.insert(std::move(results));
    result.results_by_task.insert(std::move(by_task));
  }
}

/// What is so on a cycle: locks between rounds, and within.
void describe_cycle(const Searched& search, const explore::Lasso& lasso, CheckResult& result) {
  std::set<LockKind> taken;
  for (const explore::EdgeId id : lasso.loop) {
    const explore::Edge& edge = search.graph()[id];
    const CheckState from = search.state(edge.from);
    for (const Locks::Held& held : from.work.machine.locks.held()) {
      if (std::find(result.locks_held.begin(), result.locks_held.end(), held.lock) == result.locks_held.end()) {
        result.locks_held.push_back(held.lock);
      }
      taken.insert(held.lock.kind);
    }
    replay_branch(search.workload, from, TaskId{edge.task}, search.options.actions, search.options.rules,
                  search.system.note(edge).choices,
                  [&](const Event& event) {
                    const auto* lock = std::get_if<LockTaken>(&event);
                    if (lock != nullptr && !lock->in_passing) taken.insert(lock->lock.kind);
                  },
                  {});
  }
  result.locks_taken.assign(taken.begin(), taken.end());
}

/// Whether a SIGKILL ends the endless runs of every cycle of quiet edges. Asked of one state of each: a quiet cycle of
/// one task has no way out, so its states share one fate.
bool every_livelock_is_killable(const Searched& search) {
  const explore::Components parts = explore::components(search.graph(), quiet);
  std::vector<bool> asked(parts.all.size());
  for (const explore::NodeId node : search.graph().nodes()) {
    const std::uint32_t part = parts.of[node.index];
    if (!parts.all[part].cyclic || asked[part]) continue;
    asked[part] = true;
    if (!ends_when_killed(search.workload, search.state(node).work)) return false;
  }
  return true;
}

/// Judges the returns of one way, with contents tracked.
Judgements judge_way(const Workload& workload, const CheckOptions& options, const Witness& way) {
  PropertyWatch watch(workload);
  CheckOptions with = options;
  with.track_contents = true;
  CheckState now = start_of(workload, with);
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
void take_worst(const Searched& search, CheckResult& result) {
  std::array<std::optional<explore::EdgeId>, kProperties> worst;
  Judgements& judged = result.properties.judged;
  for (const explore::EdgeId edge : search.graph().edges()) {
    const StepNote note = search.system.note(search.graph()[edge]);
    if (!note.returned) continue;
    for (std::size_t p = 0; p < kProperties; ++p) {
      if (note.judged[p].standing == Standing::violated && graver(note.judged[p], judged[p])) worst[p] = edge;
    }
    add(judged, note.judged);
  }
  for (std::size_t p = 0; p < kProperties; ++p) {
    if (!worst[p]) continue;
    result.properties.witness[p] = result.witnesses.size();
    result.witnesses.push_back(search.way_over(*worst[p]));
    result.witnesses.back().violates = static_cast<Property>(p);
  }
}

/// One way to each result of each call, as far as all of them together have few steps.
void judge_results(const Searched& search, CheckResult& result) {
  std::uint64_t steps = std::max<std::uint64_t>(10'000, result.transitions / 20);
  std::set<std::pair<std::uint32_t, std::int64_t>> met;
  for (const explore::EdgeId edge : search.graph().edges()) {
    const StepNote note = search.system.note(search.graph()[edge]);
    if (!note.returned || !met.insert({note.returned->call, note.returned->result}).second) continue;
    const Witness way = search.way_over(edge);
    if (way.stem.size() > steps) {
      ++result.properties.ways_left;
      continue;
    }
    steps -= way.stem.size();
    ++result.properties.ways;
    const Judgements judged = judge_way(search.workload, search.options, way);
    for (std::size_t p = 0; p < kProperties; ++p) {
      if (judged[p].standing != Standing::violated || !graver(judged[p], result.properties.judged[p])) continue;
      std::optional<std::size_t>& at = result.properties.witness[p];
      if (!at) {
        at = result.witnesses.size();
        result.witnesses.emplace_back();
      }
      result.witnesses[*at] = way;
      result.witnesses[*at].violates = static_cast<Property>(p);
    }
    add(result.properties.judged, judged);
  }
}

/// Searches a second time, with contents, if the first was without and small.
void judge_properties(const Searched& search, CheckResult& result) {
  constexpr std::uint64_t kFewStates = 1000;  // of the search without contents
  constexpr std::uint64_t kMostWithContents = 2000;
  if (search.options.track_contents) {
    take_worst(search, result);
    result.properties.every_future = result.complete;
    return;
  }
  const bool cut_short = !search.found.complete() && search.found.cut != explore::Cut::enough;
  if (!cut_short && result.states <= kFewStates) {
    CheckOptions with = search.options;
    with.track_contents = true;
    with.stop_at_livelock = false;
    with.max_states = std::min(with.max_states, kMostWithContents);
    with.progress = {};
    with.keep = {};
    with.resume = nullptr;
    const Searched again(search.workload, with);
    result.properties.every_future = again.found.complete();
    if (again.found.complete()) return take_worst(again, result);
  }
  judge_results(search, result);
}

/// The dearest path of a check that returns: a second search, which tells ways apart that cost otherwise and tries
/// evictions that nobody would see.
void price(const Searched& search, CheckResult& result) {
  constexpr std::uint64_t kSmall = 300;  // transitions
  constexpr std::uint64_t kMostStates = 20'000;
  const CheckOptions& options = search.options;
  if (!options.costs || (options.pricing == Pricing::if_small && result.transitions > kSmall)) return;
  const bool bounded = std::none_of(options.actions.begin(), options.actions.end(), [](const Action& action) {
    const bool undone = action.kind == ActionKind::evict || action.kind == ActionKind::short_copy;
    return undone && action.budget == Action::kUnbounded;
  });
  if (!bounded || options.track_contents) return;  // a page that is always taken away again has no price
  CheckOptions with = options;
  with.rules.costs = &*options.costs;
  if (with.rules.sites == SiteRule::lazy) with.rules.sites = SiteRule::looks;
  with.max_states = std::min(with.max_states, kMostStates);
  with.keep = {};
  with.resume = nullptr;
  with.progress = {};
  const Searched priced(search.workload, with);
  if (priced.found.complete()) result.dearest = dearest_of(priced.system, priced.found);
}

/// The states that no end can be reached from any more, whatever the environment does.
void find_traps(const Searched& search, CheckResult& result) {
  const std::vector<explore::NodeId> trapped = explore::cannot_end(search.graph());
  if (trapped.empty()) return;
  result.trapped_states = trapped.size();
  result.rounds_to_trap = search.graph().stem(trapped.front()).size();  // the nearest: they are in order of depth
}

explore::TaskSet all_tasks(const Workload& workload) {
  return static_cast<explore::TaskSet>((std::uint64_t{1} << workload.calls.size()) - 1);
}

/// What makes two witnesses alike to a reader: who steps and what the environment does, on the loop in order and on the
/// stem in any, and the locks that are held where the loop begins (or the way ends). How long the stem is, which
/// granule or page it was and how far the call had come do not count.
using Shape = std::vector<std::uint64_t>;
/// Where the stem ends.
explore::NodeId end_of(const Searched& search, const explore::Lasso& lasso) {
  return lasso.stem.empty() ? explore::NodeId{} : search.graph()[lasso.stem.back()].to;
}
Shape shape_of(const Searched& search, const explore::Lasso& lasso) {
  const auto word = [](std::uint64_t kind, std::uint64_t task, std::uint64_t what) {
    return kind << 48 | task << 32 | what;
  };
  Shape stem;
  for (const explore::EdgeId id : lasso.stem) {
    const explore::Edge& edge = search.graph()[id];
    const StepNote note = search.system.note(edge);
    for (const ChoiceAt& at : note.choices) stem.push_back(word(0, edge.task, at.choice.action));
  }
  std::sort(stem.begin(), stem.end());
  Shape shape = std::move(stem);
  for (const explore::EdgeId id : lasso.loop) {
    const explore::Edge& edge = search.graph()[id];
    shape.push_back(word(1, edge.task, 0));
    const StepNote note = search.system.note(edge);
    for (const ChoiceAt& at : note.choices) shape.push_back(word(2, edge.task, at.choice.action));
  }
  Shape locks;
  const CheckState end = search.state(end_of(search, lasso));
  for (const Locks::Held& held : end.work.machine.locks.held()) {
    locks.push_back(word(3, held.task.n, static_cast<std::uint64_t>(held.lock.kind)));
  }
  std::sort(locks.begin(), locks.end());
  shape.insert(shape.end(), locks.begin(), locks.end());
  return shape;
}

/// Further ways to the same verdict as `first`, behind those that are there: other cycles, other states in which nobody
/// can step, other sets of results. First one of each shape, then, if those are too few, more of shapes that were met.
void add_witnesses(const Searched& search, const Ways& ways, const explore::Lasso& first, CheckResult& result) {
  const explore::Graph& graph = search.graph();
  std::vector<explore::Lasso> others;
  const explore::TaskSet tasks = all_tasks(search.workload);
  switch (result.verdict) {
    case Verdict::livelock:
      others = shortest_lassos(graph, ways, quiet, tasks, kMostComponents);
      break;
    case Verdict::starvation:
      others = shortest_lassos(graph, ways, any, tasks, kMostComponents);
      break;
    case Verdict::deadlock:
      for (const explore::NodeId node : explore::deadlocks(graph)) others.push_back({ways.to(node), {}});
      break;
    case Verdict::returns:
      for (const explore::NodeId node : graph.nodes()) {  // each set of results has one node
        if (graph[node].ended) others.push_back({ways.to(node), {}});
      }
      break;
    case Verdict::bound:
      return;
  }
  const explore::Components parts =
      explore::components(graph, result.verdict == Verdict::livelock ? explore::EdgeFilter(quiet) : any);
  std::vector<Witness> alike;
  std::set<Shape> met{shape_of(search, first)};
  std::size_t more = search.options.witnesses - 1;
  const auto again = [&](const explore::Lasso& lasso) {
    if (lasso.loop.empty() || first.loop.empty()) return end_of(search, lasso) == end_of(search, first);
    return parts.of[end_of(search, lasso).index] == parts.of[end_of(search, first).index];
  };
  for (const explore::Lasso& lasso : others) {
    if (again(lasso)) continue;
    Witness one = search.witness(lasso.stem, lasso.loop);
    const bool fresh = result.verdict == Verdict::returns || met.insert(shape_of(search, lasso)).second;
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
    case explore::Cut::enough:
      return "the first livelock";
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
  const Searched search(workload, options);
  const explore::Graph& graph = search.graph();

  CheckResult result;
  result.states = search.found.tally.states;
  result.transitions = search.found.tally.edges;
  result.levels = search.found.tally.levels;
  result.complete = search.found.complete();
  sum_up(search, result);
  result.accessed = search.system.accessed();
  find_traps(search, result);

  explore::Lasso shown;
  const auto witness = [&](const std::vector<explore::EdgeId>& stem, const std::vector<explore::EdgeId>& loop) {
    shown = {stem, loop};
    result.witnesses.push_back(search.witness(stem, loop));
  };
  const explore::TaskSet tasks = all_tasks(workload);
  const Ways ways(graph);
  if (const auto lassos = shortest_lassos(graph, ways, quiet, tasks, 1); !lassos.empty()) {
    result.verdict = Verdict::livelock;
    witness(lassos.front().stem, lassos.front().loop);
    describe_cycle(search, lassos.front(), result);
    result.killable = every_livelock_is_killable(search);
  } else if (const auto stuck = explore::deadlocks(graph); !stuck.empty()) {
    result.verdict = Verdict::deadlock;
    result.deadlock = deadlock_of(workload, search.state(stuck.front()).work);
    MTESIM_CHECK(result.deadlock.has_value());
    witness(ways.to(stuck.front()), {});
  } else if (!search.found.complete()) {
    result.cut_by = cut_name(search.found.cut);  // what is missing might be a livelock
  } else if (const auto fair = explore::find_fair_lasso(graph, any, tasks); fair && tasks != 1) {
    result.verdict = Verdict::starvation;  // a cycle of least mean might leave out who could step
    for (const explore::EdgeId id : fair->loop) result.least_actions += graph[id].actions;
    result.least_rounds = fair->loop.size();
    result.least_is_exact = false;
    witness(fair->stem, fair->loop);
  } else if (fair) {
    result.verdict = Verdict::starvation;
    const auto mean = explore::min_cycle_mean(graph, any);
    MTESIM_CHECK(mean.has_value());
    result.least_actions = mean->actions;
    result.least_rounds = mean->edges;
    witness(ways.to(graph[mean->lasso.loop.front()].from), mean->lasso.loop);
  } else {
    result.verdict = Verdict::returns;
    if (const auto longest = explore::longest_path(graph)) {
      result.most_rounds = longest->weight;
      witness(longest->edges, {});
    }
    price(search, result);
  }
  if (options.judge_properties && has_properties(workload)) judge_properties(search, result);
  if (options.witnesses > 1) add_witnesses(search, ways, shown, result);
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
      // It never came to where the environment was to act.
      if (branch.actions + (pauses(step.choices) ? 1 : 0) != step.choices.size()) return false;
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
