#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

#include "sim/app/plot.h"
#include "sim/app/witness_outputs.h"
#include "sim/check/reduction.h"
#include "sim/conform/translate.h"

namespace mtesim {

// Exit statuses of the program.
constexpr int kExitHolds = 0;     ///< all holds
constexpr int kExitViolated = 1;  ///< an expectation or a property is violated
constexpr int kExitWrongInput = 2;
constexpr int kExitUnknown = 3;  ///< a limit was reached, or it was interrupted
constexpr int kExitInternal = 4;

[[nodiscard]] int exit_of(Status status);

/// Set by Ctrl-C: commands stop at the next chance and tell what they have.
extern std::atomic<bool> g_interrupted;

struct CommonOptions {
  std::vector<std::string> out;  ///< --out FORMAT=FILE
  unsigned jobs{std::max(1u, std::thread::hardware_concurrency())};
  std::uint64_t max_states{0};
  double max_seconds{0};
  std::uint64_t max_mib{0};          ///< of memory, for one check; 0: 8192
  std::vector<std::string> without;  ///< reductions that checks are not to make
};

/// Errors: std::invalid_argument for a name that is none.
[[nodiscard]] BranchRules rules_without(const std::vector<std::string>& reductions);

/// The report of one file. Unknown, without points, if an interrupt came before anything was done.
[[nodiscard]] ScenarioReport carry_out_file(const std::string& file, const CarryOut& how, unsigned jobs);

int batch_command(const std::vector<std::string>& paths, const CommonOptions& options);
struct SweepCommand {
  std::vector<std::string> columns;  ///< empty: all
  PlotOptions plot;
  bool no_check{};
};
/// One row for each point of the scenario's grid: table, CSV, plot.
int sweep_command(const std::string& file, const CommonOptions& options, const SweepCommand& command);
/// Writes each scenario's report beside it, as NAME.golden.txt; with `verify` it compares instead.
int promote_command(const std::vector<std::string>& paths, const CommonOptions& options, bool verify);
int run_command(const std::string& file, const CommonOptions& options, bool trace);
/// Where a check leaves how far it has come, and how often.
struct CheckpointOptions {
  std::string file;  ///< empty: nowhere
  double every_seconds{60};
  bool resume{};  ///< go on from there
};
int check_command(const std::string& file, const CommonOptions& options, const WitnessChoice& choice,
                  const CheckpointOptions& checkpoint);
int explain_command(const std::string& file, int path, std::size_t point, std::size_t lines, std::size_t witnesses);
/// Carries a witness out again and compares each step with what was recorded. kExitViolated at the first that differs.
int replay_command(const std::string& file, bool trace, std::size_t lines);
struct ShrinkCommand {
  std::string file;  ///< a scenario or a witness
  std::string out;   ///< empty: stdout
  std::size_t point{};
  double max_seconds{};
  std::uint64_t max_states{};
};
/// Makes a scenario or witness smaller while the check says the same. kExitUnknown if that was cut; the best so far is
/// written then.
int shrink_command(const ShrinkCommand& command);
struct KeepCommand {
  std::string file;  ///< a scenario or a witness
  std::string out;   ///< empty: scenarios/regressions/NAME.json
  std::string name;  ///< empty: regressions/NAME, of the scenario's own
  std::size_t point{};
  bool force{};  ///< overwrite
};
/// Writes a scenario that expects what is so now.
int keep_command(const KeepCommand& command);
/// Which records are compared with, and how.
struct ConformOptions {
  std::vector<std::string> only;        ///< ids; empty: all
  std::vector<std::string> categories;  ///< letters; empty: all
  Mops mops{Mops::exact};
  std::string known;     ///< a file of disagreements that there are; empty: there should be none
  std::string scenario;  ///< write this record as a scenario, and do nothing else
};
/// Replays records of real kernels and prints the agreement. kExitViolated if there is any disagreement.
int conform_command(const std::vector<std::string>& files, const ConformOptions& options, const CommonOptions& common);

int list_command(const std::string& what);
int describe_command(const std::string& name);
int validate_command(const std::vector<std::string>& files);
int schema_command();

}  // namespace mtesim
