#include "sim/conform/compare.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "sim/conform/observe.h"
#include "sim/conform/tag_programs.h"

namespace mtesim {

namespace {

using nlohmann::json;

struct KeyGroup {
  std::string_view key;
  FieldGroup group;
};
constexpr KeyGroup kKeys[] = {
    {"ret", FieldGroup::outcome},
    {"errno", FieldGroup::outcome},
    {"hang", FieldGroup::outcome},
    {"killable", FieldGroup::outcome},
    {"sig", FieldGroup::outcome},
    {"si_code", FieldGroup::outcome},
    {"tcf_errno", FieldGroup::outcome},
    {"skip", FieldGroup::outcome},
    {"c_same", FieldGroup::bytes},
    {"mod_prefix", FieldGroup::bytes},
    {"mod_total", FieldGroup::bytes},
    {"mod_last", FieldGroup::bytes},
    {"mod_outside", FieldGroup::bytes},
    {"good_prefix", FieldGroup::bytes},
    {"good_total", FieldGroup::bytes},
    {"tags_changed", FieldGroup::bytes},
    {"pos_after", FieldGroup::bytes},
    {"f_size", FieldGroup::bytes},
    {"f_new_prefix", FieldGroup::bytes},
    {"f_new_total", FieldGroup::bytes},
    {"f_old", FieldGroup::bytes},
    {"f_zero", FieldGroup::bytes},
    {"f_other", FieldGroup::bytes},
    {"f_outside", FieldGroup::bytes},
    {"q_bytes", FieldGroup::bytes},
    {"q_new_prefix", FieldGroup::bytes},
    {"q_new_total", FieldGroup::bytes},
    {"q_left", FieldGroup::bytes},
    {"q_left_first", FieldGroup::bytes},
    {"dst_prefix", FieldGroup::bytes},
    {"dst_total", FieldGroup::bytes},
    {"word0", FieldGroup::bytes},
    {"word1", FieldGroup::bytes},
    {"calls", FieldGroup::outcome},
    {"mapped", FieldGroup::bytes},
    {"oops", FieldGroup::outcome},
    {"child_signal", FieldGroup::outcome},
    {"ref_ret", FieldGroup::outcome},
    {"ref_errno", FieldGroup::outcome},
    {"ref_items", FieldGroup::outcome},
    {"ref_end", FieldGroup::outcome},
    {"hdr", FieldGroup::outcome},
    {"badend_granule", FieldGroup::outcome},
    {"out_items", FieldGroup::bytes},
    {"out_bufsize", FieldGroup::bytes},
    {"out_end", FieldGroup::bytes},
    {"same_as_ref", FieldGroup::bytes},
    {"rle", FieldGroup::bytes},
    {"tagfaults", FieldGroup::faults},
    {"tf_off", FieldGroup::faults},
    {"tf_wnr", FieldGroup::faults},
};

/// A key that says nothing about what the call did to its user: how the kernel got there, when, or how the case was
/// set up.
constexpr std::string_view kNotJudged[] = {
    "fn",         "seq",        "t_us",       "klog",    "phase",        "hang_ms",
    "hang_state", "hang_stack", "si_addr",    "sig_cnt", "trace_events", "trace_events_6s",
    "cwdlen",     "case_us",    "after_hung",
};

std::string shortened(const json& value) {
  std::string text = value.dump();
  if (text.size() > 120) text = text.substr(0, 117) + "...";
  return text;
}

class Comparison {
 public:
  Comparison(const Record& record, RecordReport& report) : record_(record), report_(report) {}

  void compare(const json& got) {
    for (const auto& [key, expected] : record_.result.items()) {
      if (std::find(std::begin(kNotJudged), std::end(kNotJudged), key) != std::end(kNotJudged)) continue;
      if (not_reproducible(key)) continue;
      const auto* known =
          std::find_if(std::begin(kKeys), std::end(kKeys), [&, &key = key](const KeyGroup& k) { return k.key == key; });
      if (known == std::end(kKeys)) {
        report_.skipped = "result key " + key;
        return;
      }
      if (!got.contains(key)) {
        differ(*known, shortened(expected), "nothing");
      } else if (!same(key, expected, got[key])) {
        differ(*known, shortened(expected), shortened(got[key]));
      }
    }
    for (const char* key :
         {"hang", "oops", "sig", "si_code", "tcf_errno", "tags_changed"}) {  // left out where there is nothing to say
      if (got.contains(key) && !record_.result.contains(key)) {
        const auto* known =
            std::find_if(std::begin(kKeys), std::end(kKeys), [&](const KeyGroup& k) { return k.key == key; });
        differ(*known, "nothing", shortened(got[key]));
      }
    }
  }

 private:
  /// It came out otherwise the second time; `errno` is a part of the answer that `ret` gives.
  bool not_reproducible(const std::string& key) const {
    if (!record_.again.is_object()) return false;
    return record_.again.contains(key) || (key == "errno" && record_.again.contains("ret"));
  }
  /// The word of a lock that was taken holds the caller's thread id, which is ours or the kernel's to choose.
  bool same(const std::string& key, const json& expected, const json& got) const {
    if (key == "word0" && record_.what.sub == "lockpi" && got == kFirstTid) {
      return expected.is_number_unsigned() && expected != 0 && expected != 7;
    }
    if (is_random() && key.starts_with("mod_")) return could_be_random(key, expected, got);
    return expected == got;
  }
  [[nodiscard]] bool is_random() const { return record_.what.op == "getrandom" || record_.what.obj == "urandom"; }
  /// A random byte is the one that it replaces once in 256 times, and then does not count as changed.
  static bool could_be_random(const std::string& key, const json& expected, const json& got) {
    if (!expected.is_number_integer() || !got.is_number_integer()) return false;
    const auto changed = got.get<std::int64_t>();
    const std::int64_t missing = changed - expected.get<std::int64_t>();
    if (key == "mod_prefix") return missing >= 0;
    const double by_chance = static_cast<double>(changed) / 256;
    const double most = key == "mod_total" ? by_chance + 6 * std::sqrt(by_chance) + 1 : 3;
    return missing >= 0 && static_cast<double>(missing) <= most;
  }
  void differ(const KeyGroup& known, std::string expected, std::string got) {
    report_.differences.push_back({known.group, std::string(known.key), std::move(expected), std::move(got)});
  }

  const Record& record_;
  RecordReport& report_;
};

const JsonText& no_text() {
  static const JsonText kText = parse_json_text("{}", "record");
  return kText;
}

/// Behind a proof that it goes round for ever: on, until as many faults are seen as a record would count.
void watch_on(const Workload& workload, WorkState state, FaultLog& faults) {
  class Watched final : public Environment {
   public:
    explicit Watched(FaultLog& log) : log_(log) {}
    std::uint64_t before(const Look& next, Machine& machine) override { return still_.before(next, machine); }
    void observe(const Event& event) override { log_.observe(event); }

   private:
    StillEnvironment still_;
    FaultLog& log_;
  } watched(faults);
  for (std::size_t round = 0; round < 4 * FaultLog::kMost && faults.count() < FaultLog::kMost; ++round) {
    if (std::holds_alternative<Blocked>(step(workload, state, TaskId{0}, watched))) return;
  }
}

/// open(2) had refused the file, so that there was no call.
std::optional<json> refused_open(const Scenario& scenario) {
  const Revision* revision = find_revision(scenario.kernel.revision);
  for (const FileSpec& file : scenario.files) {
    if (!file.direct || opens_direct(*find_file_system(file.fs), *revision)) continue;
    const auto error = static_cast<int>(Errno::einval);
    return json{{"skip", fmt::format("open errno {}", error)}, {"tagfaults", 0}, {"tf_off", json::array()}};
  }
  return std::nullopt;
}

json carry_out_one(const Record& record, const Scenario& scenario) {
  if (const auto refused = refused_open(scenario)) return *refused;
  const Built built = build(scenario, no_text());
  FaultLog faults;
  Observer* const observers[] = {&faults};
  const RunResult result = run(built.workload, observers);
  if (result.end == RunEnd::livelock) watch_on(built.workload, result.final_state, faults);
  return Observation(record.what, built, result, faults).keys();
}

json carry_out_sweep(const Record& record, Scenario scenario) {
  json runs = json::array();
  std::array<std::int64_t, 3> last{};
  std::int64_t count = 0;
  const auto close = [&] {
    if (count > 0) runs.push_back({count, last[0], last[1], last[2]});
  };
  for (std::int64_t length = 1; length <= record.what.length; ++length) {
    std::visit(
        [&](auto& call) {
          if constexpr (requires { call.count = Bytes{}; }) call.count = Bytes{static_cast<std::uint64_t>(length)};
        },
        scenario.calls.front());
    const Built built = build(scenario, no_text());
    const FaultLog faults;
    const RunResult result = run(built.workload, {});
    const auto point = Observation(record.what, built, result, faults).sweep_point(length);
    if (count > 0 && point == last) {
      ++count;
      continue;
    }
    close();
    last = point;
    count = 1;
  }
  close();
  return {{"rle", std::move(runs)}};
}

std::string first_complaint(const ScenarioError& error) {
  return error.complaints().empty() ? error.what() : error.complaints().front().what;
}

/// Records of tag semantics are programs of many calls, with keys of their own.
void conform_tag_program(const Record& record, RecordReport& report) {
  const RecordCase& what = record.what;
  try {
    const json got = carry_out({what.sub, what.kind, what.arg, what.tcf, record.revision});
    for (TagDifference& d : tag_differences(record.result, got)) {
      if (record.again.is_object() && record.again.contains(d.key)) continue;
      report.differences.push_back({FieldGroup::outcome, std::move(d.key), std::move(d.expected), std::move(d.got)});
    }
  } catch (const std::invalid_argument& unknown) {
    report.skipped = unknown.what();
  } catch (const ScenarioError& error) {
    report.skipped = first_complaint(error);
  }
}

}  // namespace

std::string_view group_name(FieldGroup group) {
  static constexpr std::string_view kNames[] = {"outcome", "bytes", "faults"};
  return kNames[static_cast<std::size_t>(group)];
}

bool RecordReport::agrees(FieldGroup group) const {
  return skipped.empty() &&
         std::none_of(differences.begin(), differences.end(), [&](const Difference& d) { return d.group == group; });
}

RecordReport conform(const Record& record, Mops mops) {
  RecordReport report{record.id, record.release, record.what.cat, {}, {}};
  if (record.what.cat == "F") {
    conform_tag_program(record, report);
    return report;
  }
  try {
    Scenario scenario = scenario_of(record, mops);
    const json got =
        record.what.op == "sweep" ? carry_out_sweep(record, std::move(scenario)) : carry_out_one(record, scenario);
    Comparison(record, report).compare(got);
  } catch (const Untranslatable& reason) {
    report.skipped = reason.what();
  } catch (const ScenarioError& error) {
    report.skipped = first_complaint(error);
  }
  return report;
}

}  // namespace mtesim
