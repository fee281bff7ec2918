#include "sim/scenario/shrink.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <unordered_set>
#include <vector>

#include "sim/scenario/walk.h"
#include "sim/scenario/witness_document.h"

namespace mtesim {

namespace {

using Json = nlohmann::json;
using Pointer = Json::json_pointer;

/// The kernel functions on the loop of a witness; of one without a loop, on its last step.
std::set<std::string> loops_of(const Built& built, const Witness& witness) {
  const Walk made = walk(built, witness);
  std::set<std::string> loops;
  const std::size_t first =
      witness.loop.empty() ? made.steps.size() - std::min<std::size_t>(1, made.steps.size()) : made.stem;
  for (std::size_t i = first; i < made.steps.size(); ++i) loops.insert(made.steps[i].loop);
  return loops;
}

/// Every value below, the ones around others first, in the order of keys and items.
void collect(const Json& value, const Pointer& at, std::vector<Pointer>& all) {
  all.push_back(at);
  if (value.is_object()) {
    for (const auto& [key, member] : value.items()) collect(member, at / key, all);
  } else if (value.is_array()) {
    for (std::size_t i = 0; i < value.size(); ++i) collect(value[i], at / i, all);
  }
}

/// What stays whatever comes of it: another kernel or page size would be another question.
bool is_kept(const std::string& pointer) {
  static const std::vector<std::string> kKept{"/name", "/kernel/revision", "/machine/page_size"};
  return std::any_of(kKept.begin(), kKept.end(),
                     [&](const std::string& kept) { return pointer == kept || kept.starts_with(pointer + "/"); });
}

std::optional<std::uint64_t> whole_number(std::string_view text) {
  std::uint64_t n = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), n);
  if (text.empty() || parsed.ec != std::errc() || parsed.ptr != text.data() + text.size()) return std::nullopt;
  return n;
}

/// A text that ends in a number: "buf+64", "17", "3..17". A run with a step is no such text.
struct Numbered {
  std::string before;
  std::uint64_t least{};
  std::uint64_t n{};
};
std::optional<Numbered> numbered(const std::string& text) {
  if (const auto n = whole_number(text)) return Numbered{"", 0, *n};
  if (const std::size_t dots = text.find(".."); dots != std::string::npos) {
    const auto first = whole_number(std::string_view(text).substr(0, dots));
    const auto last = whole_number(std::string_view(text).substr(dots + 2));
    return first && last ? std::optional(Numbered{text.substr(0, dots + 2), *first, *last}) : std::nullopt;
  }
  const std::size_t plus = text.rfind('+');
  if (plus == std::string::npos) return std::nullopt;
  const auto offset = whole_number(std::string_view(text).substr(plus + 1));
  return offset ? std::optional(Numbered{text.substr(0, plus + 1), 0, *offset}) : std::nullopt;
}

class Shrinker {
 public:
  Shrinker(Json start, const ShrinkGoal& goal, const ShrinkOptions& options)
      : best_(std::move(start)), goal_(goal), options_(options) {}

  Shrunk run() {
    for (bool smaller = true; smaller && !stopped();) {
      const std::uint64_t before = taken_;
      shorten_lists();
      leave_out_members();
      bound_actions();
      lower_numbers();
      simplify_runs();
      smaller = taken_ > before;
    }
    Shrunk result;
    result.scenario = parse_scenario(parse_json_text(best_.dump(), "shrunk"));
    result.tried = tried_;
    result.taken = taken_;
    result.cut_by = cut_by_;
    return result;
  }

 private:
  bool stopped() {
    if (!cut_by_.empty()) return true;
    if (options_.interrupt != nullptr && options_.interrupt->load()) cut_by_ = "an interrupt";
    if (options_.deadline && std::chrono::steady_clock::now() >= *options_.deadline) cut_by_ = "the limit on time";
    return !cut_by_.empty();
  }

  bool shows_goal(const Json& candidate) {
    constexpr std::uint64_t kFewStates = 10'000;
    try {
      const JsonText text = parse_json_text(candidate.dump(), "candidate");
      const Scenario scenario = parse_scenario(text);
      if (!wants_check(scenario)) return false;
      const Built built = build(scenario, text);
      CheckOptions options = built.check;
      const std::uint64_t bound = states_ > 0 ? std::max(kFewStates, 4 * states_) : options.max_states;
      options.max_states = std::min(options.max_states, options_.max_states > 0 ? options_.max_states : bound);
      options.judge_properties = goal_.violates.has_value();
      options.deadline = options_.deadline;
      options.interrupt = options_.interrupt;
      const CheckResult result = check(built.workload, options);
      const auto goal = goal_of(built, result, goal_.violates);
      if (!goal || !(*goal == goal_)) return false;
      states_ = result.states;
      return true;
    } catch (const ScenarioError&) {
      return false;  // it does not fit together any more
    }
  }

  /// Takes the candidate if it is as good as the best.
  bool take(Json candidate) {
    if (stopped() || !known_.insert(candidate.dump()).second) return false;
    ++tried_;
    if (options_.progress) options_.progress({tried_, taken_, best_.dump().size(), states_});
    if (!shows_goal(candidate)) return false;
    ++taken_;
    best_ = std::move(candidate);
    return true;
  }

  template <class F>
  void for_each_value(F&& f) {
    std::vector<Pointer> all;
    collect(best_, Pointer(), all);
    for (const Pointer& at : all) {
      if (stopped()) return;
      if (best_.contains(at) && !is_kept(at.to_string())) f(at);
    }
  }

  void shorten_lists() {
    for_each_value([&](const Pointer& at) {
      if (!best_[at].is_array()) return;
      for (std::size_t chunk = best_[at].size(); chunk > 0; chunk /= 2) {
        for (std::size_t first = 0; first < best_[at].size();) {
          Json candidate = best_;
          Json& list = candidate[at];
          const std::size_t last = std::min(first + chunk, list.size());
          list.erase(list.begin() + static_cast<std::ptrdiff_t>(first),
                     list.begin() + static_cast<std::ptrdiff_t>(last));
          if (!take(std::move(candidate))) first = last;
          if (stopped()) return;
        }
      }
    });
  }

  void leave_out_members() {
    for_each_value([&](const Pointer& at) {
      if (at.empty() || !best_[at.parent_pointer()].is_object()) return;
      if (at.back() == "budget") return;  // without one, more may happen
      Json candidate = best_;
      candidate[at.parent_pointer()].erase(at.back());
      take(std::move(candidate));
    });
  }

  /// What may happen without bound is harder to follow than what happens once.
  void bound_actions() {
    const Pointer list("/environment");
    if (!best_.contains(list)) return;
    for (std::size_t i = 0; i < best_[list].size(); ++i) {
      if (best_[list][i].contains("budget")) continue;
      for (const int budget : {1, 2, 3}) {
        Json candidate = best_;
        candidate[list][i]["budget"] = budget;
        if (take(std::move(candidate))) break;
      }
    }
  }

  /// `write` makes the value of a lower number.
  template <class Write>
  void lower(const Pointer& at, std::uint64_t least, std::uint64_t n, Write&& write) {
    for (std::uint64_t by = n - least; by > 0 && !stopped();) {
      Json candidate = best_;
      candidate[at] = write(n - by);
      if (take(std::move(candidate))) {
        n -= by;
        by = std::min(by, n - least);
      } else {
        by /= 2;
      }
    }
  }

  void lower_numbers() {
    for_each_value([&](const Pointer& at) {
      const Json value = best_[at];
      const std::string pointer = at.to_string();
      if (pointer.find("tag") != std::string::npos && pointer.find("/granules") == std::string::npos) return;
      if (value.is_number_integer() && value.get<std::int64_t>() > 0) {
        lower(at, 0, value.get<std::uint64_t>(), [](std::uint64_t n) { return Json(n); });
      } else if (value.is_string() && !pointer.starts_with("/kernel") && !pointer.starts_with("/machine")) {
        const auto text = numbered(value.get<std::string>());
        if (!text || text->n <= text->least) return;
        lower(at, text->least, text->n, [&](std::uint64_t n) { return Json(text->before + std::to_string(n)); });
      }
    });
  }

  /// A run of granules or pages by one of them.
  void simplify_runs() {
    for_each_value([&](const Pointer& at) {
      if (!best_[at].is_string()) return;
      const std::string text = best_[at].get<std::string>();
      const std::size_t dots = text.find("..");
      if (dots == std::string::npos || !whole_number(std::string_view(text).substr(0, dots))) return;
      Json candidate = best_;
      candidate[at] = text.substr(0, dots);
      if (take(std::move(candidate))) return;
      const std::size_t step = text.find(" step ");
      if (step == std::string::npos) return;
      candidate = best_;
      candidate[at] = text.substr(0, step);
      take(std::move(candidate));
    });
  }

  Json best_;
  const ShrinkGoal& goal_;
  const ShrinkOptions& options_;
  std::unordered_set<std::string> known_;
  std::uint64_t states_{};  // of the best; 0: not known yet
  std::uint64_t tried_{};
  std::uint64_t taken_{};
  std::string cut_by_;
};

void expect_violations(std::optional<PropertiesSpec>& expected, const std::vector<PropertyReport>& reports) {
  for (const PropertyReport& report : reports) {
    if (report.judged.standing != Standing::violated) continue;
    if (!expected) expected.emplace();
    const PropertyExpectation bytes{report.judged.bytes.n};
    if (report.name == "count_exact") expected->count_exact = bytes;
    if (report.name == "no_overrun") expected->no_overrun = bytes;
    if (report.name == "no_stale") expected->no_stale = bytes;
    if (report.name == "tags_kept") expected->tags_kept = bytes;
  }
}

JsonScalar scalar_of(std::int64_t result) { return result < 0 ? JsonScalar(result_word(result)) : JsonScalar(result); }

RunExpectation expected_of(const RunReport& run, const std::vector<PropertyReport>& properties) {
  RunExpectation e;
  switch (run.result.end) {
    case RunEnd::returned:
      for (const std::int64_t result : run.result.all_results()) e.results.push_back(scalar_of(result));
      break;
    case RunEnd::livelock:
      e.no_return = true;
      e.killable = run.result.killable;
      break;
    case RunEnd::deadlock:
      e.no_return = true;
      break;
    case RunEnd::cut:
      break;
  }
  e.signals = signals_taken(run.result);
  expect_violations(e.properties, properties);
  return e;
}

CheckExpectation expected_of(const CheckResult& check, const std::vector<PropertyReport>& properties,
                             std::size_t calls) {
  CheckExpectation e;
  e.verdict = check.verdict;
  if (check.verdict == Verdict::livelock) e.killable = check.killable;
  if (check.verdict == Verdict::starvation) {
    e.least_actions = check.least_actions;
    e.least_rounds = check.least_rounds;
  }
  if (check.verdict == Verdict::returns) {
    e.most_rounds = check.most_rounds;
    for (const auto& results : check.results) {
      if (calls == 1 && results.size() == 1) e.results.push_back(scalar_of(results.front()));
    }
    for (const ReachedFact& fact : reached_facts()) {
      if (check.reached.*fact.field) e.reached.emplace_back(fact.name);
    }
  }
  expect_violations(e.properties, properties);
  return e;
}

}  // namespace

std::string to_words(const ShrinkGoal& goal) {
  if (goal.violates) return fmt::format("{} violated", properties()[static_cast<std::size_t>(*goal.violates)].name);
  std::string words(verdict_name(goal.verdict));
  if (goal.verdict == Verdict::livelock) words += goal.killable ? " that SIGKILL ends" : " that SIGKILL does not end";
  if (!goal.loops.empty()) words += fmt::format(", in {}", fmt::join(goal.loops, ", "));
  return words;
}

std::optional<ShrinkGoal> goal_of(const Built& built, const CheckResult& result, std::optional<Property> wanted) {
  ShrinkGoal goal;
  const bool grave = result.verdict == Verdict::livelock || result.verdict == Verdict::starvation ||
                     result.verdict == Verdict::deadlock;
  if (!wanted && grave) {
    goal.verdict = result.verdict;
    goal.killable = result.verdict == Verdict::livelock && result.killable;
    goal.loops = loops_of(built, result.witnesses.front());
    return goal;
  }
  for (const PropertyInfo& info : properties()) {
    const auto p = static_cast<std::size_t>(info.property);
    const bool asked = wanted ? *wanted == info.property : !info.tolerated;
    if (!asked || result.properties.judged[p].standing != Standing::violated) continue;
    const auto number = result.properties.witness[p];
    if (!number) continue;
    goal.violates = info.property;
    goal.verdict = Verdict::returns;  // whatever else the check finds is of no interest
    goal.loops = loops_of(built, result.witnesses[*number]);
    return goal;
  }
  return std::nullopt;
}

Shrunk shrink(const Scenario& scenario, const ShrinkGoal& goal, const ShrinkOptions& options) {
  Scenario start = scenario;
  start.schema.clear();
  start.about.clear();
  start.sweep.clear();
  start.expect = {};
  if (!start.check) start.check.emplace();
  const JsonText text = text_of(start, Defaults::left_out, "start");
  return Shrinker(text.value(), goal, options).run();
}

Scenario with_expectations(Scenario scenario, const PointReport& report) {
  scenario.expect = {};
  if (report.run) scenario.expect.run = expected_of(*report.run, report.run_properties);
  if (report.check) scenario.expect.check = expected_of(*report.check, report.check_properties, scenario.calls.size());
  return scenario;
}

}  // namespace mtesim
