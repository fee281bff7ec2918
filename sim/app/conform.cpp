#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <exception>
#include <filesystem>
#include <fstream>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <thread>

#include "sim/app/commands.h"
#include "sim/app/output.h"
#include "sim/app/terminal.h"
#include "sim/app/version.h"
#include "sim/conform/compare.h"
#include "sim/scenario/suggest.h"

namespace mtesim {

namespace {

constexpr std::size_t kMostComplaints = 20;  ///< that are printed

struct Line {
  std::string file;
  std::size_t number{};
  std::string text;
};

std::vector<Line> read_lines(const std::vector<std::string>& files) {
  std::vector<Line> lines;
  for (const std::string& file : files) {
    if (std::filesystem::is_directory(file)) {
      throw ScenarioError(Place{file, 0, 0, ""}, "found a folder; allowed: a file of records, one a line");
    }
    std::ifstream in(file);
    if (!in) throw ScenarioError(Place{file, 0, 0, ""}, "found no such file, or it cannot be read");
    Line line{file, 0, ""};
    while (std::getline(in, line.text)) {
      ++line.number;
      if (!line.text.empty()) lines.push_back(line);
    }
    if (in.bad()) throw ScenarioError(Place{file, 0, 0, ""}, "found a file that cannot be read to its end");
  }
  return lines;
}

bool is_wanted(const Record& record, const ConformOptions& options) {
  const auto among = [](const std::vector<std::string>& words, const std::string& word) {
    return words.empty() || std::find(words.begin(), words.end(), word) != words.end();
  };
  return among(options.only, record.id) && among(options.categories, record.what.cat);
}

/// How many records agree, by group of fields.
struct Tally {
  std::size_t records{};
  std::array<std::size_t, kFieldGroups> agree{};

  void add(const RecordReport& report) {
    ++records;
    for (std::size_t g = 0; g < kFieldGroups; ++g) agree[g] += report.agrees(static_cast<FieldGroup>(g)) ? 1 : 0;
  }
  [[nodiscard]] bool all() const {
    return std::all_of(agree.begin(), agree.end(), [&](std::size_t n) { return n == records; });
  }
  [[nodiscard]] nlohmann::ordered_json json() const {
    nlohmann::ordered_json agreed;
    for (std::size_t g = 0; g < kFieldGroups; ++g)
      agreed[std::string(group_name(static_cast<FieldGroup>(g)))] = agree[g];
    return {{"records", records}, {"agree", agreed}};
  }
};

struct Totals {
  Tally all;
  std::map<std::string, Tally> by_category;
  std::map<std::string, Tally> by_release;
  std::map<std::string, std::size_t> skipped;
  std::map<std::string, std::size_t> keys;  ///< that came out otherwise

  void add(const RecordReport& report) {
    all.add(report);
    by_category[report.category].add(report);
    by_release[report.release].add(report);
    if (!report.skipped.empty()) ++skipped[report.skipped];
    for (const Difference& d : report.differences) ++keys[d.key];
  }
};

nlohmann::ordered_json to_json(const Totals& totals, const std::vector<RecordReport>& disagreeing) {
  using Json = nlohmann::ordered_json;
  Json out = totals.all.json();
  const auto tallies = [](const std::map<std::string, Tally>& by) {
    Json all = Json::object();
    for (const auto& [name, tally] : by) all[name] = tally.json();
    return all;
  };
  out["by_category"] = tallies(totals.by_category);
  out["by_release"] = tallies(totals.by_release);
  out["by_key"] = totals.keys;
  out["skipped"] = totals.skipped;
  out["disagreeing"] = Json::array();
  for (const RecordReport& report : disagreeing) {
    Json one{{"id", report.id}, {"release", report.release}};
    if (!report.skipped.empty()) one["skipped"] = report.skipped;
    Json differences = Json::array();
    for (const Difference& d : report.differences) {
      differences.push_back({{"group", group_name(d.group)}, {"key", d.key}, {"expected", d.expected}, {"got", d.got}});
    }
    one["differences"] = std::move(differences);
    out["disagreeing"].push_back(std::move(one));
  }
  out["version"] = kVersion;
  return out;
}

void print_tallies(std::FILE* people, const Totals& totals) {
  std::vector<std::vector<std::string>> rows{{"", "records", "outcome", "bytes", "faults"}};
  const auto row = [&](const std::string& name, const Tally& tally) {
    rows.push_back({printable(name), std::to_string(tally.records), std::to_string(tally.agree[0]),
                    std::to_string(tally.agree[1]), std::to_string(tally.agree[2])});
  };
  for (const auto& [name, tally] : totals.by_category) row("category " + name, tally);
  for (const auto& [name, tally] : totals.by_release) row(name, tally);
  row("all", totals.all);
  fmt::print(people, "{}", table(rows));
}

void print_report(std::FILE* people, const RecordReport& report) {
  if (!report.skipped.empty()) {
    fmt::print(people, "{} {}: not carried out: {}\n", printable(report.release), printable(report.id),
               printable(report.skipped));
  }
  for (const Difference& d : report.differences) {
    fmt::print(people, "{} {}: {} {}: expected {}, got {}\n", printable(report.release), printable(report.id),
               group_name(d.group), d.key, d.expected, d.got);
  }
}

/// What came of one line of a record file.
struct LineOutcome {
  std::vector<RecordReport> reports;  ///< of its records that are wanted
  std::string complaint;              ///< why it is no record
};

std::string complaint_of(const Line& line, const RecordError& error) {
  return fmt::format("{}:{}: {}", line.file, line.number, error.what());
}

/// By `jobs` threads.
std::vector<LineOutcome> carry_out(const std::vector<Line>& lines, const ConformOptions& options, unsigned jobs,
                                   ProgressLine& progress) {
  std::vector<LineOutcome> outcomes(lines.size());
  std::exception_ptr broken;  // our own mistake: told when all threads have ended
  std::atomic<std::size_t> next{0};
  std::mutex showing;
  const auto work = [&] {
    for (std::size_t i = next++; i < lines.size() && !g_interrupted; i = next++) {
      try {
        for (const Record& record : parse_records(lines[i].text)) {
          if (is_wanted(record, options)) outcomes[i].reports.push_back(conform(record, options.mops));
        }
      } catch (const RecordError& error) {
        outcomes[i] = {{}, complaint_of(lines[i], error)};
      } catch (...) {
        const std::lock_guard lock(showing);
        broken = std::current_exception();
        return;
      }
      if (progress.on() && i % 64 == 0) {
        const std::lock_guard lock(showing);
        progress.show(fmt::format("[{}/{}]", i, lines.size()));
      }
    }
  };
  std::vector<std::thread> threads;
  for (unsigned t = 1; t < jobs; ++t) threads.emplace_back(work);
  work();
  for (std::thread& thread : threads) thread.join();
  progress.clear();
  if (broken) std::rethrow_exception(broken);
  return outcomes;
}

/// Ids that were asked for and that no record has.
bool complain_of_unknown(const std::vector<LineOutcome>& outcomes, const ConformOptions& options) {
  std::vector<std::string> missing = options.only;
  for (const LineOutcome& outcome : outcomes) {
    for (const RecordReport& report : outcome.reports) std::erase(missing, report.id);
  }
  if (!missing.empty()) {
    fmt::print(stderr, "mtesim conform: found no record that was asked for: {}\n", fmt::join(missing, ", "));
  }
  return !missing.empty();
}

/// `options.scenario` is an id, or an id and a revision: A00006@6.12.
int write_scenario_of(const std::vector<Line>& lines, const ConformOptions& options) {
  std::vector<std::string> ids;
  for (const Line& line : lines) {
    try {
      for (const Record& record : parse_records(line.text)) {
        const std::string with_revision = record.id + "@" + record.revision;
        ids.push_back(record.id);
        ids.push_back(with_revision);
        if (options.scenario != record.id && options.scenario != with_revision) continue;
        fmt::print("{}", write_scenario(scenario_of(record, options.mops)).text());
        return kExitHolds;
      }
    } catch (const Untranslatable& reason) {
      fmt::print(stderr, "mtesim conform: {} cannot be written as a scenario: {}\n", options.scenario, reason.what());
      return kExitViolated;
    } catch (const RecordError& error) {
      fmt::print(stderr, "{}\n", complaint_of(line, error));
      return kExitWrongInput;
    }
  }
  const auto near = did_you_mean(options.scenario, ids);
  fmt::print(stderr, "mtesim conform: found no record {}{}\n", in_quotes(options.scenario),
             near ? fmt::format("; did you mean {}?", in_quotes(*near)) : "");
  return kExitWrongInput;
}

/// A disagreement in words: release, record, key.
std::string name_of(const RecordReport& report, std::string_view key) {
  return fmt::format("{} {} {}", report.release, report.id, key);
}

std::set<std::string> names_of(const std::vector<RecordReport>& disagreeing) {
  std::set<std::string> names;
  for (const RecordReport& report : disagreeing) {
    if (!report.skipped.empty()) names.insert(name_of(report, "skipped"));
    for (const Difference& d : report.differences) names.insert(name_of(report, d.key));
  }
  return names;
}

/// The disagreements that a file lists, one a line; what stands behind a # is a remark.
std::set<std::string> read_known(const std::string& file) {
  std::set<std::string> names;
  for (const Line& line : read_lines({file})) {
    std::istringstream in(line.text.substr(0, line.text.find('#')));
    std::string release, id, key, more;
    if (!(in >> release)) continue;
    if (!(in >> id >> key) || in >> more) {
      throw ScenarioError(Place{file, static_cast<int>(line.number), 1, ""},
                          "found a line that is none of: RELEASE RECORD KEY");
    }
    names.insert(fmt::format("{} {} {}", release, id, key));
  }
  return names;
}

/// True if what disagrees is just what was known to; tells what is new, and what has come to agree.
bool as_known(std::FILE* people, const std::vector<RecordReport>& disagreeing, const std::string& file) {
  const std::set<std::string> known = read_known(file);
  const std::set<std::string> found = names_of(disagreeing);
  bool same = true;
  for (const std::string& name : found) {
    if (known.count(name) != 0) continue;
    fmt::print(people, "not among those known: {}\n", printable(name));
    same = false;
  }
  for (const std::string& name : known) {
    if (found.count(name) != 0) continue;
    fmt::print(people, "known to disagree, but does not: {}\n", printable(name));
    same = false;
  }
  if (same) fmt::print(people, "{} keys disagree, all known: {}\n", known.size(), file);
  return same;
}

/// The one format that a comparison has.
std::vector<std::string> json_files(const std::vector<std::string>& out) {
  std::vector<std::string> files;
  for (const std::string& text : out) {
    if (!text.starts_with("json=") || text.size() == 5) {
      throw std::invalid_argument(fmt::format("--out {}: allowed: json=FILE, - for stdout", text));
    }
    files.push_back(text.substr(5));
  }
  return files;
}

}  // namespace

int conform_command(const std::vector<std::string>& files, const ConformOptions& options, const CommonOptions& common) {
  const std::vector<std::string> outputs = json_files(common.out);
  const std::vector<Line> lines = read_lines(files);
  if (!options.scenario.empty()) return write_scenario_of(lines, options);

  ProgressLine progress;
  const std::vector<LineOutcome> outcomes = carry_out(lines, options, common.jobs, progress);
  Totals totals;
  std::vector<RecordReport> disagreeing;
  std::size_t refused = 0;
  for (const LineOutcome& outcome : outcomes) {
    if (!outcome.complaint.empty() && ++refused <= kMostComplaints) fmt::print(stderr, "{}\n", outcome.complaint);
    for (const RecordReport& report : outcome.reports) {
      totals.add(report);
      if (!report.skipped.empty() || !report.differences.empty()) disagreeing.push_back(report);
    }
  }
  const bool stdout_taken = std::find(outputs.begin(), outputs.end(), "-") != outputs.end();
  std::FILE* people = stdout_taken ? stderr : stdout;
  for (const RecordReport& report : disagreeing) print_report(people, report);
  print_tallies(people, totals);
  for (const auto& [reason, count] : totals.skipped) {
    fmt::print(people, "not carried out, and so disagreeing: {} for {}\n", count, printable(reason));
  }
  bool failed = false;
  for (const std::string& file : outputs) {
    const std::string text = to_json(totals, disagreeing).dump(2) + "\n";
    if (file == "-") {
      fmt::print("{}", text);
      continue;
    }
    try {
      replace_file(file, text);
    } catch (const OutputError& error) {
      spdlog::error("{}", error.what());
      failed = true;
    }
  }
  if (g_interrupted) {
    fmt::print(people, "interrupted: {} records carried out; the others are unknown\n", totals.all.records);
    return kExitUnknown;
  }
  if (refused > 0) {
    fmt::print(stderr, "mtesim conform: {} lines are no records\n", refused);
    return kExitWrongInput;
  }
  if (complain_of_unknown(outcomes, options)) return kExitWrongInput;
  if (totals.all.records == 0) {
    fmt::print(stderr, "mtesim conform: found no record{}\n", options.categories.empty() ? "" : " of that category");
    return kExitWrongInput;
  }
  if (!options.known.empty()) {
    if (!as_known(people, disagreeing, options.known)) return kExitViolated;
  } else if (!totals.all.all()) {
    return kExitViolated;
  }
  return failed ? kExitUnknown : kExitHolds;
}

}  // namespace mtesim
