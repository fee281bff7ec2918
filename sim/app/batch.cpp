#include <fmt/format.h>

#include <algorithm>
#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <optional>
#include <thread>

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
  return fmt::format("{}", fmt::join(words, "; "));
}

std::string run_outcome(const PointReport& point) {
  if (!point.run) return "-";
  const RunResult& run = point.run->result;
  switch (run.end) {
    case RunEnd::returned: {
      std::vector<std::int64_t> results;
      for (const auto& task : run.results) results.insert(results.end(), task.begin(), task.end());
      return result_words(results);
    }
    case RunEnd::livelock: return run.killable ? "no return (killable)" : "no return (unkillable)";
    case RunEnd::deadlock: return "deadlock";
    case RunEnd::cut: return "unknown";
  }
  return "?";
}

std::string check_outcome(const PointReport& point) {
  return point.check ? std::string(verdict_name(point.check->verdict)) : "-";
}

int exit_of(Status status) {
  switch (status) {
    case Status::holds: return kExitHolds;
    case Status::violated: return kExitViolated;
    case Status::refused: return kExitWrongInput;
    case Status::unknown: return kExitUnknown;
  }
  return kExitInternal;
}

/// Carries files out on several threads; reports come in the order of the files.
class Batch {
 public:
  Batch(const std::vector<std::string>& files, const CarryOut& how, unsigned jobs) : files_(files), how_(how) {
    reports_.resize(files.size());
    for (unsigned i = 0; i < std::min<std::size_t>(jobs, files.size()); ++i) threads_.emplace_back([this] { work(); });
  }
  ~Batch() {
    for (std::thread& thread : threads_) thread.join();
  }
  Batch(const Batch&) = delete;
  Batch& operator=(const Batch&) = delete;

  /// Waits for report `i`; nothing if an interrupt came first.
  std::optional<ScenarioReport> wait(std::size_t i) {
    std::unique_lock lock(mutex_);
    ready_.wait(lock, [&] { return reports_[i].has_value() || stopped_ == threads_.size(); });
    return std::move(reports_[i]);
  }

 private:
  void work() {
    for (;;) {
      const std::size_t i = next_.fetch_add(1);
      if (i >= files_.size() || g_interrupted) break;
      ScenarioReport report = carry_out(files_[i], how_);
      const std::lock_guard lock(mutex_);
      reports_[i] = std::move(report);
      ready_.notify_all();
    }
    const std::lock_guard lock(mutex_);
    ++stopped_;
    ready_.notify_all();
  }

  const std::vector<std::string>& files_;
  const CarryOut& how_;
  std::atomic<std::size_t> next_{0};
  std::mutex mutex_;
  std::condition_variable ready_;
  std::vector<std::optional<ScenarioReport>> reports_;
  std::size_t stopped_{};
  std::vector<std::thread> threads_;
};

}  // namespace

int batch_command(const std::vector<std::string>& paths, const CommonOptions& options) {
  const std::vector<std::string> files = scenario_files(paths);
  if (files.empty()) {
    fmt::print(stderr, "mtesim: found no scenario (*.json) below {}\n", fmt::join(paths, ", "));
    return kExitWrongInput;
  }
  std::vector<Output> outputs;
  for (const std::string& out : options.out) outputs.emplace_back(parse_output_request(out));
  CarryOut how;
  how.interrupt = &g_interrupted;
  how.max_states = options.max_states;
  const unsigned jobs = options.jobs > 0 ? options.jobs : std::max(1u, std::thread::hardware_concurrency());

  Status worst = Status::holds;
  std::size_t done = 0;
  std::size_t counts[4] = {};
  std::size_t points = 0;
  std::vector<std::vector<std::string>> rows{{"scenario", "status", "run", "check"}};
  std::vector<std::string> details;
  {
    ProgressLine line;
    Batch batch(files, how, jobs);
    for (std::size_t i = 0; i < files.size(); ++i) {
      line.show(fmt::format("[{}/{}] {}", i + 1, files.size(), files[i]));
      const std::optional<ScenarioReport> report = batch.wait(i);
      if (!report) break;
      ++done;
      points += report->points.size();
      ++counts[static_cast<std::size_t>(report->status)];
      if (static_cast<int>(report->status) > static_cast<int>(worst)) worst = report->status;
      for (Output& output : outputs) output.add(*report);
      rows.push_back({report->name.empty() ? report->file : report->name, std::string(status_name(report->status)),
                      outcomes(*report, run_outcome), outcomes(*report, check_outcome)});
      if (!report->error.empty()) details.push_back(report->error);
      for (const PointReport& point : report->points) {
        for (const std::string& violation : point.violations) {
          std::string where;
          for (const auto& [pointer, value] : point.at) where += fmt::format(" {}={}", pointer, to_word(value));
          details.push_back(fmt::format("{}:{} {}", report->file, where, violation));
        }
      }
    }
  }
  for (Output& output : outputs) output.finish();
  const bool stdout_taken = std::any_of(options.out.begin(), options.out.end(),
                                        [](const std::string& out) { return out.ends_with("=-"); });
  std::FILE* people = stdout_taken ? stderr : stdout;  // who asks for JSON on stdout gets nothing else there
  fmt::print(people, "{}", table(rows));
  for (const std::string& detail : details) fmt::print(people, "{}\n", detail);
  if (done < files.size()) {
    fmt::print(people, "interrupted: {} of {} scenarios carried out; the others are unknown\n", done, files.size());
    worst = Status::unknown;
  }
  fmt::print(people, "{} scenarios, {} points: {} hold, {} violated, {} refused, {} unknown\n", done, points, counts[0],
             counts[1], counts[2], counts[3]);
  return exit_of(worst);
}

}  // namespace mtesim
