#pragma once

#include <cstdio>
#include <optional>
#include <string>
#include <vector>

#include "sim/app/output.h"
#include "sim/scenario/walk.h"
#include "sim/scenario/witness_document.h"

namespace mtesim {

/// Which witness of a check is asked for.
struct WitnessChoice {
  std::optional<std::size_t> point;    ///< of a sweep; without it, the first that has the witness
  std::optional<std::size_t> witness;  ///< without it, the first
  std::size_t witnesses{1};            ///< how many are searched for
  BranchRules rules{};                 ///< of the check
};

/// One point of a scenario, read and built.
struct Loaded {
  Scenario scenario;
  Built built;
  WitnessSource source;
};
[[nodiscard]] Loaded load(const std::string& file, std::size_t number = 0);

/// "0.1.0": what documents of this program say that they were written by.
[[nodiscard]] std::string program_version();

/// What `--out` asks for about witnesses: witness, itf, dot and dot-witness. A file name with "{n}" in it stands for as
/// many files as there are witnesses.
class WitnessOutputs {
 public:
  /// Takes its requests out of `requests`; the others are left to Outputs.
  explicit WitnessOutputs(std::vector<std::string>& requests);
  [[nodiscard]] bool stdout_taken() const;
  /// Returns: the exit status that this alone would have. What cannot be written is told on stderr, and the rest goes
  /// on.
  [[nodiscard]] int write(const ScenarioReport& report, const WitnessChoice& choice) const;

 private:
  [[nodiscard]] int write(const OutputRequest& request, const ScenarioReport& report,
                          const WitnessChoice& choice) const;
  std::vector<OutputRequest> requests_;
};

/// The witnesses of a check in a screenful, behind its summary.
void print_witnesses(std::FILE* people, const ScenarioReport& report, const WitnessChoice& choice);

/// Writes a file, or to stdout for "-". A device or pipe is written to as it is; a regular file is replaced as a whole.
/// Errors: OutputError.
void write_output(const std::string& file, const std::string& text);

}  // namespace mtesim
