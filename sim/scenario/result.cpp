#include "sim/scenario/result.h"

#include <fmt/format.h>

#include <algorithm>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <thread>

#include "sim/check/search_image.h"
#include "sim/scenario/cost_text.h"

#define XXH_INLINE_ALL  // NOLINT(readability-identifier-naming): the library asks for it
#include <xxhash.h>

namespace mtesim {

namespace {

using Json = nlohmann::ordered_json;

std::string words(const std::vector<JsonScalar>& scalars) {
  std::vector<std::string> all;
  for (const JsonScalar& scalar : scalars) all.push_back(to_word(scalar));
  return fmt::format("{}", fmt::join(all, ", "));
}

class Judge {
 public:
  explicit Judge(std::vector<std::string>& violations) : violations_(violations) {}

  template <class T>
  void same(std::string_view what, const std::optional<T>& expected, const T& got) {
    if (expected && !(*expected == got)) differ(what, fmt::format("{}", *expected), fmt::format("{}", got));
  }
  void differ(std::string_view what, std::string_view expected, std::string_view got) {
    violations_.push_back(fmt::format("{}: expected {}, got {}", what, expected, got));
  }

  void judge(const RunExpectation& e, const RunReport& run, const std::vector<std::string>& tasks) {
    const bool returned = run.result.end == RunEnd::returned;
    same("run/no_return", e.no_return, run.result.end == RunEnd::livelock || run.result.end == RunEnd::deadlock);
    if (!e.results.empty()) {
      const std::string got = returned ? result_words(run.result.all_results()) : "no return";
      if (words(e.results) != got) differ("run/results", words(e.results), got);
    }
    for (const auto& [name, results] : e.results_by_task) {
      const auto task = static_cast<std::size_t>(std::find(tasks.begin(), tasks.end(), name) - tasks.begin());
      const std::string got =
          task < run.result.results.size() ? result_words(run.result.results[task]) : "no such task";
      if (words(results) != got) differ("run/results_by_task/" + name, words(results), got);
    }
    deadlock("run/deadlock", e.deadlock, run.result.deadlock);
    if (!e.signals.empty() && e.signals != signals_taken(run.result)) {
      differ("run/signals", fmt::format("{}", fmt::join(e.signals, ", ")),
             fmt::format("{}", fmt::join(signals_taken(run.result), ", ")));
    }
    same("run/killable", e.killable, run.result.killable);
    same("run/rounds", e.rounds, run.result.rounds);
    same("run/tag_faults", e.tag_faults, run.counts.tag_faults);
  }

  void deadlock(std::string_view what, const std::optional<DeadlockKind>& expected,
                const std::optional<Deadlock>& got) {
    if (!expected || (got && got->kind == *expected)) return;
    differ(what, deadlock_kind_name(*expected), got ? deadlock_kind_name(got->kind) : "none");
  }

  /// That a call always ends is expected of every check, unless `expect` says otherwise.
  void progress(const CheckResult& check) {
    if (check.verdict == Verdict::livelock || check.verdict == Verdict::starvation ||
        check.verdict == Verdict::deadlock) {
      differ("check/verdict", "progress, as no expectation says otherwise", verdict_name(check.verdict));
    }
  }

  /// Nor does a kernel BUG pass that no expected result names.
  void no_bug(std::string_view of, const std::vector<std::int64_t>& results) {
    if (std::find(results.begin(), results.end(), kKernelBugResult) == results.end()) return;
    differ(fmt::format("{}/results", of), "no kernel BUG, as no expectation says otherwise", result_words(results));
  }

  /// Each holds, unless `e` says otherwise; one that real kernels violate by design may come out either way.
  void judge(const std::optional<PropertiesSpec>& e, std::string_view of, const std::vector<PropertyReport>& reports) {
    for (const PropertyReport& report : reports) {
      const std::optional<PropertyExpectation> expected = e ? expectation(*e, report.name) : std::nullopt;
      const std::uint64_t bytes = report.judged.bytes.n;
      const bool judged = report.judged.standing == Standing::holds || report.judged.standing == Standing::violated;
      const bool as_expected = expected ? judged && expected->violated_by == bytes : bytes == 0 || report.tolerated;
      if (as_expected) continue;
      differ(fmt::format("{}/properties/{}", of, report.name), outcome(expected ? expected->violated_by : 0),
             judged ? outcome(bytes) : standing_name(report.judged.standing));
    }
    if (e && reports.empty())
      differ(fmt::format("{}/properties", of), "something to judge", "no call that moves bytes");
  }

  void judge(const CheckExpectation& e, const CheckResult& check) {
    if (e.verdict && *e.verdict != check.verdict) {
      differ("check/verdict", verdict_name(*e.verdict), verdict_name(check.verdict));
    }
    deadlock("check/deadlock", e.deadlock, check.deadlock);
    same("check/lock_inversion", e.lock_inversion, !check.inversions.empty());
    if (check.verdict == Verdict::livelock) same("check/killable", e.killable, check.killable);
    same("check/most_rounds", e.most_rounds, check.most_rounds.value_or(0));
    same("check/least_actions", e.least_actions, check.least_actions);
    same("check/least_rounds", e.least_rounds, check.least_rounds);
    if (!e.results.empty()) {
      std::set<std::string> expected;
      std::set<std::string> got;
      for (const JsonScalar& scalar : e.results) expected.insert(to_word(scalar));
      for (const auto& results : check.results) got.insert(result_words(results));
      if (expected != got) {
        differ("check/results", fmt::format("{}", fmt::join(expected, ", ")), fmt::format("{}", fmt::join(got, ", ")));
      }
    }
    for (const std::string& fact : e.reached) {
      if (!reached(check.reached, fact)) differ("check/reached", fact, "never met: a vacuous pass");
    }
  }

 private:
  static std::string outcome(std::uint64_t bytes) {
    return bytes == 0 ? "that it holds" : fmt::format("a violation by {} bytes", bytes);
  }
  static std::optional<PropertyExpectation> expectation(const PropertiesSpec& e, std::string_view name) {
    if (name == "count_exact") return e.count_exact;
    if (name == "no_overrun") return e.no_overrun;
    if (name == "no_stale") return e.no_stale;
    return e.tags_kept;
  }
  static bool reached(const Reached& r, std::string_view fact) {
    for (const ReachedFact& known : reached_facts()) {
      if (known.name == fact) return r.*known.field;
    }
    return false;
  }
  std::vector<std::string>& violations_;
};

Json properties_json(const std::vector<PropertyReport>& reports) {
  Json j = Json::object();
  for (const PropertyReport& report : reports) {
    Json p{{"standing", standing_name(report.judged.standing)}};
    if (report.judged.standing == Standing::violated) {
      p["violated_by_bytes"] = report.judged.bytes.n;
      p["first"] = report.first;
      p["call"] = report.judged.call;
      const std::int64_t result = report.judged.result;
      p["result"] = result < 0 ? Json(result_word(result)) : Json(result);
      if (report.witness) p["witness"] = *report.witness;
    }
    j[std::string(report.name)] = std::move(p);
  }
  return j;
}

Json run_json(const RunReport& run, const std::vector<std::string>& tasks) {
  Json j;
  static constexpr std::array<std::string_view, 4> kEnds{"returned", "livelock", "deadlock", "cut"};
  j["end"] = kEnds[static_cast<std::size_t>(run.result.end)];
  j["results"] = Json::array();
  for (const std::int64_t result : run.result.all_results()) {
    j["results"].push_back(result < 0 ? Json(result_word(result)) : Json(result));
  }
  const std::vector<std::string> signals = signals_taken(run.result);
  if (!signals.empty()) j["signals"] = signals;
  j["rounds"] = run.result.rounds;
  if (run.result.end == RunEnd::livelock) {
    j["stem_rounds"] = run.result.stem_rounds;
    j["cycle_rounds"] = run.result.cycle_rounds;
    j["killable"] = run.result.killable;
  }
  const Counts& c = run.counts;
  j["counts"] = {{"loads", c.loads},
                 {"stores", c.stores},
                 {"lines_touched", c.lines_touched},
                 {"lines_dirtied", c.lines_dirtied},
                 {"tag_faults", c.tag_faults},
                 {"page_faults_minor", c.page_faults_minor},
                 {"page_faults_major", c.page_faults_major},
                 {"page_faults_refused", c.page_faults_refused},
                 {"software_walks", c.software_walks},
                 {"locks", c.locks},
                 {"disk_reads", c.disk_reads}};
  j["bytes"] = run.bytes;
  j["cost"] = cost_json(run.cost, tasks);
  return j;
}

Json step_json(const WitnessStep& step) {
  Json j;
  j["task"] = step.task.n;
  j["progress_before_bytes"] = step.progress_before.n;
  j["progress_after_bytes"] = step.progress_after.n;
  j["actions"] = Json::array();
  if (pauses(step.choices)) j["pauses"] = true;
  for (const ChoiceAt& choice : step.choices) {
    if (choice.site == ChoiceAt::kPauses) continue;
    j["actions"].push_back({{"site", choice.site},
                            {"action", choice.choice.action},
                            {"access", choice.choice.access},
                            {"target", fmt::format("0x{:x}", choice.choice.target)}});
  }
  return j;
}

Json check_json(const CheckResult& check) {
  Json j;
  j["verdict"] = verdict_name(check.verdict);
  if (check.verdict == Verdict::livelock) j["killable"] = check.killable;
  if (check.verdict == Verdict::starvation) {
    j["least_actions"] = check.least_actions;
    j["least_rounds"] = check.least_rounds;
    if (!check.least_is_exact) j["least_is_exact"] = false;
  }
  if (check.verdict == Verdict::bound) j["cut_by"] = check.cut_by;
  if (check.most_rounds) j["most_rounds"] = *check.most_rounds;
  if (check.dearest) {
    j["most_cycles"] = check.dearest->cycles;
    j["most_cycles_under_lock"] = Json::object();
    for (const auto& [kind, cycles] : check.dearest->under_lock) {
      j["most_cycles_under_lock"][std::string(lock_kind_name(kind))] = cycles;
    }
  }
  if (check.verdict != Verdict::returns) {
    j["trapped_states"] = check.trapped_states;
    if (check.trapped_states > 0) j["rounds_to_trap"] = check.rounds_to_trap;
  }
  j["results"] = Json::array();
  for (const auto& results : check.results) j["results"].push_back(result_words(results));
  j["states"] = check.states;
  j["transitions"] = check.transitions;
  j["levels"] = check.levels;
  j["complete"] = check.complete;
  j["reached"] = Json::array();
  for (const ReachedFact& fact : reached_facts()) {
    if (check.reached.*fact.field) j["reached"].push_back(fact.name);
  }
  j["witnesses"] = Json::array();
  for (const Witness& witness : check.witnesses) {
    Json w{{"stem", Json::array()}, {"loop", Json::array()}};
    for (const WitnessStep& step : witness.stem) w["stem"].push_back(step_json(step));
    for (const WitnessStep& step : witness.loop) w["loop"].push_back(step_json(step));
    if (witness.violates) w["violates"] = properties()[static_cast<std::size_t>(*witness.violates)].name;
    j["witnesses"].push_back(std::move(w));
  }
  return j;
}

std::string in_words(const LockOrder& order, const Names& names) {
  const bool within_kind = order.held.lock.kind == order.wanted.lock.kind;
  const auto word = [&](const LockId& lock) {
    return within_kind ? names.of(lock) : std::string(lock_kind_name(lock.kind));
  };
  return fmt::format("{} -> {} ({}, call {})", word(order.held.lock), word(order.wanted.lock), names.of(order.task),
                     order.call + 1);
}

Json deadlock_json(const Deadlock& deadlock, const std::vector<std::string>& sentences) {
  const auto request = [](const LockRequest& r) {
    return Json{{"lock", lock_kind_name(r.lock.kind)},
                {"object", r.lock.object},
                {"index", r.lock.index},
                {"mode", r.mode == LockMode::shared ? "shared" : "exclusive"}};
  };
  Json j{{"kind", deadlock_kind_name(deadlock.kind)}, {"waits", Json::array()}, {"in_words", sentences}};
  for (const WaitFor& wait : deadlock.waits) {
    Json w{{"task", wait.task.n}, {"wants", request(wait.wants)}, {"whom", wait.whom.n}};
    w["held"] = wait.held ? request(*wait.held) : Json();
    w["holds"] = Json::array();
    for (const LockRequest& held : wait.holds) w["holds"].push_back(request(held));
    j["waits"].push_back(std::move(w));
  }
  return j;
}

std::string place_of(const Judgement& judged, const Names& names) {
  switch (judged.first.in) {
    case ByteAt::In::memory:
      return names.of(UserPtr(judged.first.at));
    case ByteAt::In::file:
      return fmt::format("byte {} of the file", judged.first.at);
    case ByteAt::In::queue:
      return fmt::format("byte {} of the queue", judged.first.at);
  }
  return "?";
}

/// Empty if the workload has nothing to judge.
std::vector<PropertyReport> property_reports(const Workload& workload, const Judgements& judged, const Names& names) {
  std::vector<PropertyReport> reports;
  if (!has_properties(workload)) return reports;
  for (const PropertyInfo& info : properties()) {
    const Judgement& one = judged[static_cast<std::size_t>(info.property)];
    reports.push_back({info.name, info.tolerated, one,
                       one.standing == Standing::violated ? place_of(one, names) : std::string(), std::nullopt});
  }
  return reports;
}

/// Keeps what each task's last call has told of its bytes.
class Deliveries final : public Observer {
 public:
  void observe(const Event& event) override {
    if (const auto* begins = std::get_if<RoundBegins>(&event)) task_ = begins->task.n;
    if (const auto* told = std::get_if<Delivered>(&event)) last_[task_] = told->total;
  }
  [[nodiscard]] Bytes last(std::uint32_t task) const {
    const auto found = last_.find(task);
    return found == last_.end() ? Bytes{} : found->second;
  }

 private:
  std::uint32_t task_{};
  std::map<std::uint32_t, Bytes> last_;
};

bool returns_bytes(const SystemCall& call) {
  switch (call.kind) {
    case CallKind::process_vm_readv:
    case CallKind::process_vm_writev:
    case CallKind::proc_mem_read:
    case CallKind::proc_mem_write:
    case CallKind::vmsplice:
    case CallKind::getrandom:
      return true;
    default:
      return call.is_read() || call.is_write();
  }
}

/// What those calls returned that return bytes; of a task whose only system call does not, or has not returned, what
/// its loop counted.
std::uint64_t bytes_done(const Workload& workload, const RunResult& result, const Deliveries& deliveries) {
  std::uint64_t bytes = 0;
  for (std::size_t t = 0; t < workload.system_calls.size(); ++t) {
    const auto& calls = workload.system_calls[t];
    std::size_t known = 0;
    for (std::size_t c = 0; t < result.results.size() && c < result.results[t].size() && c < calls.size(); ++c) {
      const std::int64_t returned = result.results[t][c];
      if (!calls[c] || !returns_bytes(*calls[c])) continue;
      ++known;
      if (returned > 0) bytes += static_cast<std::uint64_t>(returned);
    }
    const auto all = std::count_if(calls.begin(), calls.end(), [](const auto& call) { return call.has_value(); });
    if (all == 1 && known == 0) bytes += deliveries.last(static_cast<std::uint32_t>(t)).n;
  }
  return bytes;
}

void grow_graver(Status& status, Status other) {
  if (static_cast<int>(other) > static_cast<int>(status)) status = other;
}

}  // namespace

std::string digest_of(const JsonText& text) {
  const std::string canonical = text.value().dump();  // keys in order, no white space
  const XXH128_hash_t hash = XXH3_128bits(canonical.data(), canonical.size());
  return fmt::format("{:016x}{:016x}", hash.high64, hash.low64);
}

/// "main holds the glock of f (shared), and waits for the mmap lock (shared), behind mapper, which came before".
std::vector<std::string> waits_in_words(const std::optional<Deadlock>& deadlock, const Names& names) {
  std::vector<std::string> lines;
  if (!deadlock) return lines;
  for (const WaitFor& wait : deadlock->waits) {
    std::vector<std::string> holds;
    for (const LockRequest& held : wait.holds) holds.push_back("the " + names.of(held));
    std::string line =
        fmt::format("{} holds {}, and waits for the {}, ", names.of(wait.task),
                    holds.empty() ? "nothing" : fmt::format("{}", fmt::join(holds, ", ")), names.of(wait.wants));
    if (!wait.held) {
      line += fmt::format("behind {}, which waits for it already", names.of(wait.whom));
    } else if (wait.whom == wait.task) {
      line += "which it holds itself";
    } else {
      line += fmt::format("which {} holds ({})", names.of(wait.whom),
                          wait.held->mode == LockMode::shared ? "shared" : "exclusive");
      if (deadlock->kind == DeadlockKind::dead_holder && &wait == &deadlock->waits.back())
        line += "; that task has ended";
    }
    lines.push_back(std::move(line));
  }
  return lines;
}

std::string_view status_name(Status status) {
  switch (status) {
    case Status::holds:
      return "holds";
    case Status::violated:
      return "violated";
    case Status::refused:
      return "refused";
    case Status::unknown:
      return "unknown";
  }
  return "?";
}

std::string result_word(std::int64_t result) {
  if (result == kKernelBugResult) return "kernel BUG";
  if (const std::optional<SigInfo> signal = signal_of(result)) return signal_name(*signal);
  return result < 0 ? errno_name(static_cast<Errno>(-result)) : std::to_string(result);
}

std::vector<std::string> signals_taken(const RunResult& result) {
  std::vector<std::string> all;
  for (const TaskState& task : result.final_state.tasks) {
    for (const SignalTaken& taken : task.signals) all.push_back(signal_name(taken.info));
  }
  return all;
}

std::string result_words(const std::vector<std::int64_t>& results) {
  std::vector<std::string> all;
  for (const std::int64_t result : results) all.push_back(result_word(result));
  return fmt::format("{}", fmt::join(all, ", "));
}

std::string result_words(const std::vector<std::vector<std::int64_t>>& results, const std::vector<std::string>& tasks) {
  if (results.size() == 1) return result_words(results.front());
  std::vector<std::string> all;
  for (std::size_t t = 0; t < results.size(); ++t) {
    const std::string theirs = results[t].empty() ? "nothing" : result_words(results[t]);
    all.push_back(fmt::format("{}: {}", t < tasks.size() ? tasks[t] : std::to_string(t), theirs));
  }
  return fmt::format("{}", fmt::join(all, "; "));
}

CostMeter cost_meter(const Built& built) {
  std::vector<std::uint32_t> spaces;
  for (const Task& task : built.workload.start.tasks) spaces.push_back(task.space);
  return {built.cpu, std::move(spaces)};
}

std::string run_outcome(const PointReport& point) {
  if (!point.run) return "-";
  const RunResult& run = point.run->result;
  switch (run.end) {
    case RunEnd::returned:
      return result_words(run.all_results());
    case RunEnd::livelock:
      return run.killable ? "no return (killable)" : "no return (unkillable)";
    case RunEnd::deadlock:
      return "deadlock";
    case RunEnd::cut:
      return "unknown";
  }
  return "?";
}

std::string check_outcome(const PointReport& point) {
  return point.check ? std::string(verdict_name(point.check->verdict)) : "-";
}

PointReport carry_out(const Scenario& scenario, const Built& built, const CarryOut& how, Family* family) {
  PointReport report;
  report.tasks = built.names.tasks;
  for (std::size_t i = 0; i < built.calls.size(); ++i) {
    const LoopEntry* loop = built.loops[i];
    report.calls.push_back(loop == nullptr ? built.calls[i]
                                           : fmt::format("{}, through {}", built.calls[i], loop->name));
  }
  report.cpu = scenario.machine.cpu;
  for (const auto& [figure, value] : scenario.machine.cpu_change)
    report.cpu += fmt::format(", {} = {}", figure, to_word(value));
  report.kernel = scenario.kernel.revision;
  for (const auto& [knob, value] : scenario.kernel.change)
    report.kernel += fmt::format(", {} = {}", knob, to_word(value));
  if (how.run) {
    Meter meter;
    CostMeter cost = cost_meter(built);
    Deliveries deliveries;
    Observer* const observers[] = {&meter, &cost, &deliveries};
    RunReport run{mtesim::run(built.workload, observers, kMostRounds, true), {}, {}, 0};
    run.bytes = bytes_done(built.workload, run.result, deliveries);
    run.counts = meter.counts();
    run.cost = cost.report();
    report.run_properties = property_reports(built.workload, run.result.properties, built.names);
    report.run_waits = waits_in_words(run.result.deadlock, built.names);
    report.run = std::move(run);
  }
  if (how.check && wants_check(scenario)) {
    CheckOptions options = built.check;
    if (how.max_states > 0) options.max_states = how.max_states;
    report.witnesses = how.witnesses;
    if (how.witnesses > 1) {
      options.witnesses = how.witnesses;
      options.stop_at_livelock = false;
    }
    options.rules = how.rules;
    options.deadline = how.deadline;
    options.interrupt = how.interrupt;
    options.progress = how.progress;
    options.threads = how.threads;
    options.keep = how.keep;
    options.keep_every = how.keep_every;
    options.resume = how.resume;
    if (how.max_bytes > 0) options.max_bytes = how.max_bytes;
    if (family != nullptr) report.check = family->find(scenario, built);
    if (!report.check) {
      report.check = mtesim::check(built.workload, options);
      if (family != nullptr) family->add(scenario, built, *report.check);
    }
    report.check_properties = property_reports(built.workload, report.check->properties.judged, built.names);
    for (std::size_t p = 0; p < report.check_properties.size(); ++p) {
      report.check_properties[p].witness = report.check->properties.witness[p];
    }
    report.check_waits = waits_in_words(report.check->deadlock, built.names);
    for (const LockOrder& order : report.check->lock_orders) report.lock_orders.push_back(in_words(order, built.names));
    for (const LockInversion& inversion : report.check->inversions) {
      report.inversions.emplace_back();
      for (const LockOrder& order : inversion) report.inversions.back().push_back(in_words(order, built.names));
    }
    for (const LockId& lock : report.check->locks_held) report.locks_held.push_back(built.names.of(lock));
  }
  if (how.judge) {
    Judge judge(report.violations);
    if (scenario.expect.run && report.run) judge.judge(*scenario.expect.run, *report.run, report.tasks);
    if (report.check && scenario.expect.check) judge.judge(*scenario.expect.check, *report.check);
    if (report.check && !(scenario.expect.check && scenario.expect.check->verdict)) judge.progress(*report.check);
    const auto& run = scenario.expect.run;
    if (report.run && !(run && (!run->results.empty() || !run->results_by_task.empty()))) {
      judge.no_bug("run", report.run->result.all_results());
    }
    if (report.check && !(scenario.expect.check && !scenario.expect.check->results.empty())) {
      for (const auto& results : report.check->results) judge.no_bug("check", results);
    }
    using Expected = std::optional<PropertiesSpec>;
    if (report.run) {
      judge.judge(scenario.expect.run ? scenario.expect.run->properties : Expected(), "run", report.run_properties);
    }
    if (report.check) {
      judge.judge(scenario.expect.check ? scenario.expect.check->properties : Expected(), "check",
                  report.check_properties);
    }
  }
  return report;
}

namespace {

/// A scenario on its way: what is to be done, and what has been.
struct UnderWay {
  ScenarioReport report;
  Scenario scenario;
  std::vector<SweepPoint> points;
  std::vector<std::optional<PointReport>> done;
  std::size_t left{};              ///< points that nobody has finished
  std::unique_ptr<Family> family;  ///< of a sweep
};

UnderWay prepare(const std::string& file) {
  UnderWay work;
  work.report.file = file;
  try {
    const JsonText text = read_json_file(file);
    work.scenario = parse_scenario(text);
    work.report.name = work.scenario.name;
    work.report.digest = digest_of(text);
    work.report.configuration = write_scenario(work.scenario, Defaults::shown).text();
    work.report.has_expectations = work.scenario.expect.run || work.scenario.expect.check;
    work.points = sweep_points(text, work.scenario);
  } catch (const ScenarioError& error) {
    work.report.error = error.what();
  }
  work.done.resize(work.points.size());
  work.left = work.points.size();
  if (work.points.size() > 1) work.family = std::make_unique<Family>();
  return work;
}

void conclude(UnderWay& work) {
  ScenarioReport& report = work.report;
  for (std::optional<PointReport>& point : work.done) {
    if (!point) {
      grow_graver(report.status, Status::unknown);
      continue;
    }
    if (!point->violations.empty()) grow_graver(report.status, Status::violated);
    const bool cut = (point->run && point->run->result.end == RunEnd::cut) ||
                     (point->check && point->check->verdict == Verdict::bound);
    const auto& expected = work.scenario.expect.check;
    if (cut && !(expected && expected->verdict == Verdict::bound)) grow_graver(report.status, Status::unknown);
    report.points.push_back(std::move(*point));
  }
  if (!report.error.empty()) report.status = Status::refused;
}

/// The points of all files as one queue that several threads work on.
class Crew {
 public:
  Crew(const std::vector<std::string>& files, const CarryOut& how, unsigned jobs) : how_(how) {
    for (const std::string& file : files) work_.push_back(prepare(file));
    for (std::size_t i = 0; i < work_.size(); ++i) {
      for (std::size_t p = 0; p < work_[i].points.size(); ++p) queue_.emplace_back(i, p);
    }
    const std::size_t threads = std::min<std::size_t>(std::max(1u, jobs), queue_.size());
    if (threads > 0)
      how_.threads = std::max(1u, jobs / static_cast<unsigned>(threads));  // what is left, within a check
    for (std::size_t t = 0; t < threads; ++t) threads_.emplace_back([this] { toil(); });
  }
  ~Crew() {
    for (std::thread& thread : threads_) thread.join();
  }
  Crew(const Crew&) = delete;
  Crew& operator=(const Crew&) = delete;

  /// Waits until nothing is left to do for file `i`, or nobody is there to do it.
  std::optional<ScenarioReport> wait(std::size_t i) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return work_[i].left == 0 || idle_ == threads_.size(); });
    const bool begun = work_[i].points.empty() || work_[i].left < work_[i].points.size();
    if (!begun) return std::nullopt;
    conclude(work_[i]);
    return std::move(work_[i].report);
  }

 private:
  void toil() {
    for (;;) {
      const std::size_t next = next_.fetch_add(1);
      if (next >= queue_.size() || (how_.interrupt != nullptr && how_.interrupt->load())) break;
      const auto [file, number] = queue_[next];
      const SweepPoint& point = work_[file].points[number];
      std::optional<PointReport> report;
      std::string error;
      try {
        const Scenario scenario = point.at.empty() ? work_[file].scenario : parse_scenario(point.text);
        report = carry_out(scenario, build(scenario, point.text), how_, work_[file].family.get());
        report->at = point.at;
        if (report->run) report->run->result.final_state.machine = Machine();  // a grid has many, of megabytes each
      } catch (const ScenarioError& refused) {
        error = refused.what();
      } catch (const WrongImage& wrong) {
        error = fmt::format("the checkpoint does not fit: {}", wrong.what());
      }
      const std::lock_guard lock(mutex_);
      work_[file].done[number] = std::move(report);
      if (work_[file].report.error.empty()) work_[file].report.error = std::move(error);
      --work_[file].left;
      ++done_;
      if (how_.points) how_.points(done_, queue_.size());
      changed_.notify_all();
    }
    const std::lock_guard lock(mutex_);
    ++idle_;
    changed_.notify_all();
  }

  CarryOut how_;
  std::vector<UnderWay> work_;
  std::vector<std::pair<std::size_t, std::size_t>> queue_;
  std::atomic<std::size_t> next_{0};
  std::mutex mutex_;
  std::condition_variable changed_;
  std::size_t done_{};  // points
  std::size_t idle_{};
  std::vector<std::thread> threads_;
};

}  // namespace

void carry_out(const std::vector<std::string>& files, const CarryOut& how, unsigned jobs,
               const std::function<void(ScenarioReport&&)>& take) {
  Crew crew(files, how, jobs);
  for (std::size_t i = 0; i < files.size(); ++i) {
    if (std::optional<ScenarioReport> report = crew.wait(i)) take(std::move(*report));
  }
}

std::string to_json(const ScenarioReport& report, std::string_view program_version, int indent) {
  Json j;
  j["format"] = "mtesim-result";
  j["format_version"] = 1;
  j["program_version"] = program_version;
  j["file"] = report.file;
  j["name"] = report.name;
  j["status"] = status_name(report.status);
  j["digest"] = report.digest;
  if (!report.error.empty()) j["error"] = report.error;
  j["points"] = Json::array();
  for (const PointReport& point : report.points) {
    Json p;
    p["at"] = Json::object();
    for (const auto& [pointer, value] : point.at) {
      p["at"][pointer] = std::visit([](const auto& v) { return Json(v); }, value);
    }
    p["calls"] = point.calls;
    p["tasks"] = point.tasks;
    p["kernel"] = point.kernel;
    p["cpu"] = point.cpu;
    if (point.run) {
      p["run"] = run_json(*point.run, point.tasks);
      if (point.run->result.deadlock)
        p["run"]["deadlock"] = deadlock_json(*point.run->result.deadlock, point.run_waits);
      p["run"]["properties"] = properties_json(point.run_properties);
    }
    if (point.check) {
      p["check"] = check_json(*point.check);
      if (point.check->deadlock) p["check"]["deadlock"] = deadlock_json(*point.check->deadlock, point.check_waits);
      p["check"]["lock_orders"] = point.lock_orders;
      p["check"]["lock_inversions"] = point.inversions;
      p["check"]["properties"] = properties_json(point.check_properties);
      if (!point.check_properties.empty()) {
        const PropertyCheck& properties = point.check->properties;
        p["check"]["properties_judged_on"] = properties.every_future ? "every future" : "one way to each result";
        if (properties.ways_left > 0) p["check"]["property_ways_left"] = properties.ways_left;
      }
      if (point.check->verdict == Verdict::livelock) p["check"]["locks_held"] = point.locks_held;
    }
    p["violations"] = point.violations;
    j["points"].push_back(std::move(p));
  }
  if (!report.configuration.empty()) j["configuration"] = Json::parse(report.configuration);
  return j.dump(indent);
}

}  // namespace mtesim
