#pragma once

#include <atomic>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "sim/run/cost_meter.h"
#include "sim/run/run.h"
#include "sim/scenario/build.h"
#include "sim/scenario/family.h"

namespace mtesim {

/// What one run gave.
struct RunReport {
  RunResult result;
  Counts counts;
  CostReport cost;
  std::uint64_t bytes{};  ///< that the calls counted as done
};

/// How a property came out.
struct PropertyReport {
  std::string_view name;
  bool tolerated{};
  Judgement judged;
  std::string first;                   ///< violated: where, "buf+64"
  std::optional<std::size_t> witness;  ///< of a check: number of the way to it
};

/// One point of a scenario's sweep (the only one, if it has none), carried out.
struct PointReport {
  std::vector<std::pair<std::string, JsonScalar>> at;
  std::vector<std::string> calls;  ///< "read on f, through filemap_read"
  std::string cpu;                 ///< "cortex-a510, l2_bytes = 524288"
  std::string kernel;              ///< "5.17, btrfs_search_ioctl.probe = none"
  std::optional<RunReport> run;    ///< of a file that was carried out, without the machine it ended with
  std::optional<CheckResult> check;
  std::size_t witnesses{1};                    ///< how many were searched for
  std::vector<PropertyReport> run_properties;  ///< empty if nothing was judged
  std::vector<PropertyReport> check_properties;
  std::vector<std::string> locks_held;  ///< on the cycle of a livelock, between its rounds
  std::vector<std::string> tasks;       ///< by name; one that is alone is not named
  std::vector<std::string> run_waits;   ///< deadlock: a sentence for each wait
  std::vector<std::string> check_waits;
  std::vector<std::string> lock_orders;              ///< "glock -> mmap lock (main, call 1)"
  std::vector<std::vector<std::string>> inversions;  ///< circles of such
  std::vector<std::string> violations;               ///< of `expect`, a sentence each
};

/// How a scenario came out, in the order of gravity; the exit status follows it.
enum class Status : std::uint8_t { holds, violated, refused, unknown };
[[nodiscard]] std::string_view status_name(Status status);

struct ScenarioReport {
  std::string file;
  std::string name;
  std::string digest;         ///< of the file's meaning: white space and the order of keys do not count
  std::string configuration;  ///< effective, as JSON
  bool has_expectations{};
  std::vector<PointReport> points;
  std::string error;  ///< why it was refused
  Status status{Status::holds};
};

struct CarryOut {
  bool run{true};
  bool check{true};                              ///< where the scenario asks for one
  bool judge{true};                              ///< compare with `expect`
  std::uint64_t max_states{};                    ///< 0: as the scenario says
  std::size_t witnesses{1};                      ///< how many of the check; more than one explores all states
  std::uint64_t max_bytes{};                     ///< of one check; 0: 8 GiB
  std::function<void(const SearchImage&)> keep;  ///< CheckOptions has the meaning of these three
  std::chrono::steady_clock::duration keep_every{std::chrono::minutes(1)};
  const SearchImage* resume{};
  unsigned threads{1};  ///< of one check; what it says does not depend on it
  BranchRules rules{};  ///< which reductions a check makes
  std::optional<std::chrono::steady_clock::time_point> deadline;
  const std::atomic<bool>* interrupt{};
  std::function<void(const CheckOptions::Progress&)> progress;  ///< may be called by any of the threads
  /// How many points of all files are done; called by any of the threads, one at a time.
  std::function<void(std::size_t done, std::size_t of)> points;
};

/// Reads files, builds each point, runs, checks and compares, on `jobs` threads. `take` gets the reports in the order
/// of the files, on the calling thread; what is wrong with a file is in its report. Behind an interrupt, reports of
/// files that were not begun are left out, and those that were cut are `unknown`.
void carry_out(const std::vector<std::string>& files, const CarryOut& how, unsigned jobs,
               const std::function<void(ScenarioReport&&)>& take);
/// The same for one point that has been built; throws nothing. `family`: the sweep that it is a member of.
[[nodiscard]] PointReport carry_out(const Scenario& scenario, const Built& built, const CarryOut& how,
                                    Family* family = nullptr);

/// Prices a run of it by its CPU.
[[nodiscard]] CostMeter cost_meter(const Built& built);

/// Of a document's meaning: white space and the order of keys do not count. 128 bits, in hex.
[[nodiscard]] std::string digest_of(const JsonText& text);

/// Who waits for whom, a sentence each; empty without a deadlock.
[[nodiscard]] std::vector<std::string> waits_in_words(const std::optional<Deadlock>& deadlock, const Names& names);

/// "64", "EFAULT", "no return (killable)", "deadlock", "unknown"; "-" if nothing was run.
[[nodiscard]] std::string run_outcome(const PointReport& point);
/// The verdict; "-" if nothing was checked.
[[nodiscard]] std::string check_outcome(const PointReport& point);

/// SIGSEGV and SIGBUS that were taken, in order: "SIGSEGV SEGV_MTEAERR".
[[nodiscard]] std::vector<std::string> signals_taken(const RunResult& result);

/// "16384", "EFAULT", "SIGSEGV SEGV_MTESERR".
[[nodiscard]] std::string result_word(std::int64_t result);
[[nodiscard]] std::string result_words(const std::vector<std::int64_t>& results);
/// "main: 4096; reader: EFAULT"; of one task, its results alone.
[[nodiscard]] std::string result_words(const std::vector<std::vector<std::int64_t>>& results,
                                       const std::vector<std::string>& tasks);

/// The report as one JSON object on one line (`indent` < 0) or indented.
[[nodiscard]] std::string to_json(const ScenarioReport& report, std::string_view program_version, int indent);

}  // namespace mtesim
