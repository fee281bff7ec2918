#include "sim/scenario/result.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace mtesim {

namespace {

using Json = nlohmann::ordered_json;

std::string digest_of(const JsonText& text) {
  const std::string canonical = text.value().dump();  // keys in order, no white space
  const XXH128_hash_t hash = XXH3_128bits(canonical.data(), canonical.size());
  return fmt::format("{:016x}{:016x}", hash.high64, hash.low64);
}

std::vector<std::int64_t> all_results(const RunResult& result) {
  std::vector<std::int64_t> all;
  for (const auto& task : result.results) all.insert(all.end(), task.begin(), task.end());
  return all;
}

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

  void judge(const RunExpectation& e, const RunReport& run) {
    const bool returned = run.result.end == RunEnd::returned;
    same("run/no_return", e.no_return, run.result.end == RunEnd::livelock || run.result.end == RunEnd::deadlock);
    if (!e.results.empty()) {
      const std::string got = returned ? result_words(all_results(run.result)) : "no return";
      if (words(e.results) != got) differ("run/results", words(e.results), got);
    }
    same("run/killable", e.killable, run.result.killable);
    same("run/rounds", e.rounds, run.result.rounds);
    same("run/tag_faults", e.tag_faults, run.counts.tag_faults);
  }

  void judge(const CheckExpectation& e, const CheckResult& check) {
    if (e.verdict && *e.verdict != check.verdict) {
      differ("check/verdict", verdict_name(*e.verdict), verdict_name(check.verdict));
    }
    if (check.verdict == Verdict::livelock) same("check/killable", e.killable, check.killable);
    same("check/most_rounds", e.most_rounds, check.most_rounds.value_or(0));
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
  static bool reached(const Reached& r, std::string_view fact) {
    for (const ReachedFact& known : reached_facts()) {
      if (known.name == fact) return r.*known.field;
    }
    return false;
  }
  std::vector<std::string>& violations_;
};

Json run_json(const RunReport& run) {
  Json j;
  static constexpr std::array<std::string_view, 4> kEnds{"returned", "livelock", "deadlock", "cut"};
  j["end"] = kEnds[static_cast<std::size_t>(run.result.end)];
  j["results"] = Json::array();
  for (const std::int64_t result : all_results(run.result)) {
    j["results"].push_back(result < 0 ? Json(result_word(result)) : Json(result));
  }
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
  j["cycles_estimated"] = run.cycles;
  return j;
}

Json step_json(const WitnessStep& step) {
  Json j;
  j["task"] = step.task.n;
  j["progress_before_bytes"] = step.progress_before.n;
  j["progress_after_bytes"] = step.progress_after.n;
  j["actions"] = Json::array();
  for (const ChoiceAt& choice : step.choices) {
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
  }
  if (check.verdict == Verdict::bound) j["cut_by"] = check.cut_by;
  if (check.most_rounds) j["most_rounds"] = *check.most_rounds;
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
    j["witnesses"].push_back(std::move(w));
  }
  return j;
}

void grow_graver(Status& status, Status other) {
  if (static_cast<int>(other) > static_cast<int>(status)) status = other;
}

}  // namespace

std::string_view status_name(Status status) {
  switch (status) {
    case Status::holds: return "holds";
    case Status::violated: return "violated";
    case Status::refused: return "refused";
    case Status::unknown: return "unknown";
  }
  return "?";
}

std::string result_word(std::int64_t result) {
  return result < 0 ? errno_name(static_cast<Errno>(-result)) : std::to_string(result);
}

std::string result_words(const std::vector<std::int64_t>& results) {
  std::vector<std::string> all;
  for (const std::int64_t result : results) all.push_back(result_word(result));
  return fmt::format("{}", fmt::join(all, ", "));
}

PointReport carry_out(const Scenario& scenario, const Built& built, const CarryOut& how) {
  PointReport report;
  for (const LoopEntry* loop : built.loops) report.loops.emplace_back(loop->name);
  if (how.run) {
    Meter meter;
    Observer* const observers[] = {&meter};
    RunReport run{mtesim::run(built.workload, observers), {}, 0};
    run.counts = meter.counts();
    run.cycles = meter.cycles(built.costs, scenario.calls.size());
    report.run = std::move(run);
  }
  if (how.check && wants_check(scenario)) {
    CheckOptions options = built.check;
    if (how.max_states > 0) options.max_states = how.max_states;
    options.deadline = how.deadline;
    options.interrupt = how.interrupt;
    options.progress = how.progress;
    report.check = mtesim::check(built.workload, options);
  }
  if (how.judge) {
    Judge judge(report.violations);
    if (scenario.expect.run && report.run) judge.judge(*scenario.expect.run, *report.run);
    if (scenario.expect.check && report.check) judge.judge(*scenario.expect.check, *report.check);
  }
  return report;
}

ScenarioReport carry_out(const std::string& file, const CarryOut& how) {
  ScenarioReport report;
  report.file = file;
  try {
    const JsonText text = read_json_file(file);
    const Scenario scenario = parse_scenario(text);
    report.name = scenario.name;
    report.digest = digest_of(text);
    report.configuration = write_scenario(scenario, Defaults::shown).text();
    report.has_expectations = scenario.expect.run || scenario.expect.check;
    for (const SweepPoint& point : sweep_points(text, scenario)) {
      const Scenario at_point = point.at.empty() ? scenario : parse_scenario(point.text);
      PointReport done = carry_out(at_point, build(at_point, point.text), how);
      done.at = point.at;
      if (!done.violations.empty()) grow_graver(report.status, Status::violated);
      const bool cut = (done.run && done.run->result.end == RunEnd::cut) ||
                       (done.check && done.check->verdict == Verdict::bound);
      const bool expected_cut = done.check && scenario.expect.check && scenario.expect.check->verdict == Verdict::bound;
      if (cut && !expected_cut) grow_graver(report.status, Status::unknown);
      report.points.push_back(std::move(done));
      if (how.interrupt != nullptr && how.interrupt->load()) {
        report.status = Status::unknown;
        break;
      }
    }
  } catch (const ScenarioError& error) {
    report.error = error.what();
    report.status = Status::refused;
  }
  return report;
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
    p["loops"] = point.loops;
    if (point.run) p["run"] = run_json(*point.run);
    if (point.check) p["check"] = check_json(*point.check);
    p["violations"] = point.violations;
    j["points"].push_back(std::move(p));
  }
  if (!report.configuration.empty()) j["configuration"] = Json::parse(report.configuration);
  return j.dump(indent);
}

}  // namespace mtesim
