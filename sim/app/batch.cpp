#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "sim/app/commands.h"
#include "sim/app/output.h"
#include "sim/app/terminal.h"
#include "sim/scenario/story.h"

namespace mtesim {

namespace {

namespace fs = std::filesystem;

/// The scenario files below the paths, sorted; `*.schema.json` is none.
std::vector<std::string> scenario_files(const std::vector<std::string>& paths) {
  std::vector<std::string> files;
  for (const std::string& path : paths) {
    std::error_code error;
    if (!fs::exists(path, error)) throw ScenarioError(Place{path, 0, 0, ""}, "found no such file or folder");
    if (!fs::is_directory(path)) {
      files.push_back(path);
      continue;
    }
    for (const auto& entry : fs::recursive_directory_iterator(path)) {
      const std::string name = entry.path().string();
      if (entry.is_regular_file() && name.ends_with(".json") && !name.ends_with(".schema.json")) files.push_back(name);
    }
  }
  std::sort(files.begin(), files.end());
  files.erase(std::unique(files.begin(), files.end()), files.end());
  return files;
}

/// "livelock, not killable"; of several points, how many of each.
std::string outcomes(const ScenarioReport& report, std::string (*of)(const PointReport&)) {
  std::vector<std::pair<std::string, int>> seen;
  for (const PointReport& point : report.points) {
    const std::string word = of(point);
    const auto known = std::find_if(seen.begin(), seen.end(), [&](const auto& s) { return s.first == word; });
    if (known == seen.end()) {
      seen.emplace_back(word, 1);
    } else {
      ++known->second;
    }
  }
  std::vector<std::string> words;
  for (const auto& [word, times] : seen) words.push_back(times == 1 ? word : fmt::format("{} x{}", word, times));
  constexpr std::size_t kMost = 3;
  if (words.size() > kMost) {
    const std::size_t more = words.size() - kMost;
    words.resize(kMost);
    words.push_back(fmt::format("{} more", more));
  }
  return fmt::format("{}", fmt::join(words, "; "));
}

}  // namespace

int exit_of(Status status) {
  switch (status) {
    case Status::holds:
      return kExitHolds;
    case Status::violated:
      return kExitViolated;
    case Status::refused:
      return kExitWrongInput;
    case Status::unknown:
      return kExitUnknown;
  }
  return kExitInternal;
}

int batch_command(const std::vector<std::string>& paths, const CommonOptions& options) {
  const std::vector<std::string> files = scenario_files(paths);
  if (files.empty()) {
    fmt::print(stderr, "mtesim: found no scenario (*.json) below {}\n", fmt::join(paths, ", "));
    return kExitWrongInput;
  }
  Outputs outputs(options.out);
  CarryOut how;
  how.interrupt = &g_interrupted;
  how.max_states = options.max_states;
  how.rules = rules_without(options.without);

  Status worst = Status::holds;
  std::size_t done = 0;
  std::size_t counts[4] = {};
  std::size_t points = 0;
  std::vector<std::vector<std::string>> rows{{"scenario", "status", "run", "check"}};
  std::vector<std::string> details;
  ProgressLine line;
  line.show(fmt::format("[0/{}]", files.size()));
  carry_out(files, how, options.jobs, [&](ScenarioReport&& report) {
    ++done;
    line.show(fmt::format("[{}/{}] {}", done, files.size(), report.file));
    points += report.points.size();
    ++counts[static_cast<std::size_t>(report.status)];
    if (static_cast<int>(report.status) > static_cast<int>(worst)) worst = report.status;
    outputs.add(report);
    rows.push_back({report.name.empty() ? report.file : report.name, std::string(status_name(report.status)),
                    outcomes(report, run_outcome), outcomes(report, check_outcome)});
    if (!report.error.empty()) details.push_back(report.error);
    for (const PointReport& point : report.points) {
      for (const std::string& violation : point.violations) {
        std::string where;
        for (const auto& [pointer, value] : point.at) where += fmt::format(" {}={}", pointer, to_word(value));
        details.push_back(fmt::format("{}:{} {}", report.file, where, violation));
      }
    }
  });
  line.clear();
  outputs.finish();
  std::FILE* people = outputs.people();
  fmt::print(people, "{}", table(rows));
  for (const std::string& detail : details) fmt::print(people, "{}\n", detail);
  if (done < files.size()) {
    fmt::print(people, "interrupted: {} of {} scenarios carried out; the others are unknown\n", done, files.size());
    worst = Status::unknown;
  }
  fmt::print(people, "{} scenarios, {} points: {} hold, {} violated, {} refused, {} unknown\n", done, points, counts[0],
             counts[1], counts[2], counts[3]);
  return worst == Status::holds && outputs.failed() ? kExitUnknown : exit_of(worst);
}

int promote_command(const std::vector<std::string>& paths, const CommonOptions& options, bool verify) {
  const std::vector<std::string> files = scenario_files(paths);
  CarryOut how;
  how.interrupt = &g_interrupted;
  int status = kExitHolds;
  std::size_t done = 0;
  carry_out(files, how, options.jobs, [&](ScenarioReport&& report) {
    ++done;
    const std::string golden = report.file.substr(0, report.file.rfind(".json")) + ".golden.txt";
    if (report.status != Status::holds) {
      fmt::print("{}: not promoted: {} {}\n", report.file, status_name(report.status), report.error);
      status = std::max(status, exit_of(report.status));
      return;
    }
    const std::string text = summary(report);
    std::ifstream before_file(golden);
    const std::string before{std::istreambuf_iterator<char>(before_file), {}};
    if (before == text) return;
    if (verify) {
      fmt::print("{} says:\n{}\nnow it is:\n{}\nIf that is meant: mtesim promote {}, and read the diff.\n", golden,
                 before.empty() ? "nothing, or there is no such file\n" : before, text, report.file);
      status = kExitViolated;
      return;
    }
    replace_file(golden, text);
    fmt::print("{}: written\n", golden);
  });
  return done < files.size() ? kExitUnknown : status;
}

}  // namespace mtesim
