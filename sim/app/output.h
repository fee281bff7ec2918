#pragma once

#include <cstdio>
#include <stdexcept>
#include <string>
#include <vector>

#include "sim/scenario/result.h"

namespace mtesim {

/// A file could not be written: a full disk, a folder that is not there.
class OutputError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// What `--out FORMAT=FILE` asks for.
struct OutputRequest {
  std::string format;
  std::string file;  ///< "-": stdout
};
/// Throws std::invalid_argument with a sentence.
[[nodiscard]] OutputRequest parse_output_request(const std::string& text);

/// Writes a whole file, or leaves the old one as it was. Errors: OutputError.
void replace_file(const std::string& file, const std::string& text);
/// The same; a device or a pipe is written to as it is. Errors: OutputError.
void write_whole_file(const std::string& file, const std::string& text);

/// Whether such a file could be written, leaving an old one as it is. Errors: OutputError.
void check_writable(const std::string& file);

/// Writes reports in one format as they come.
/// json:   one array, written under another name and renamed when it is complete: a killed run leaves no half file.
/// jsonl:  a line a scenario, flushed: a killed run leaves whole lines.
/// Errors: OutputError.
class Output {
 public:
  explicit Output(const OutputRequest& request);
  ~Output();
  Output(Output&& other) noexcept;
  Output& operator=(Output&& other) noexcept;
  void add(const ScenarioReport& report);
  void finish();

 private:
  void put(const std::string& text);
  [[nodiscard]] bool whole() const { return request_.format == "json"; }
  OutputRequest request_;
  std::string written_as_;  // until it is complete
  std::FILE* file_{};
  std::size_t reports_{};
};

/// All that `--out` asked for. A file that cannot be written any more is given up with an error on stderr; the others
/// and the terminal go on, so that nothing else is lost.
class Outputs {
 public:
  /// Throws std::invalid_argument for a request that is none, or a file that cannot be opened.
  explicit Outputs(const std::vector<std::string>& requests);
  void add(const ScenarioReport& report);
  void finish();
  [[nodiscard]] bool failed() const { return failed_; }
  /// Where people read: stderr where stdout is taken by a machine format.
  [[nodiscard]] std::FILE* people() const { return stdout_taken_ ? stderr : stdout; }

 private:
  template <class F>
  void each(F&& f);
  std::vector<Output> outputs_;
  bool failed_{};
  bool stdout_taken_{};
};

}  // namespace mtesim
