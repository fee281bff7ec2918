#pragma once

#include <map>
#include <string>
#include <vector>

#include "sim/run/observers.h"
#include "sim/scenario/build.h"

namespace mtesim {

/// Tells a run as it goes, for people: rounds, kernel functions as they nest, where an access faulted and why.
/// Shape:   one line of text an entry, indented by nesting.
class Story final : public Observer {
 public:
  explicit Story(const Names& names, std::size_t most_lines = 2000) : names_(names), most_lines_(most_lines) {}

  void observe(const Event& event) override;
  void tell(const std::string& line);
  /// The environment did something.
  void acted(const ActionChoice& choice, const std::vector<Action>& actions);

  [[nodiscard]] const std::vector<std::string>& lines() const { return lines_; }
  /// The granules of every mapping that the run touched, a character each, a page a row or more:
  /// what was probed, stored, loaded, where it faulted.
  [[nodiscard]] std::vector<std::string> map() const;

 private:
  void entered(const Entered& e);
  void left(const Left& l);
  void accessed(const Accessed& a);
  void tag_fault(const TagFaultTaken& f);
  void page_fault(const PageFaultTaken& f);
  void flush();
  void mark(const AccessRun& run, char what);
  [[nodiscard]] bool probing() const;

  const Names& names_;
  std::size_t most_lines_;
  std::vector<std::string> lines_;
  std::vector<std::string> functions_;   // entered and not left
  std::vector<std::size_t> opened_at_;   // the line of each
  std::uint64_t rounds_{};
  std::uint64_t loads_{};   // since the last line that told of them
  std::uint64_t stores_{};
  std::map<std::uint64_t, char> granules_;  // by granule number of the address
};

/// The result of a point in a few lines: what came out of the run and the check, and what to do next.
[[nodiscard]] std::vector<std::string> summary(const std::string& file, const Scenario& scenario, const Built& built,
                                               const struct PointReport& report);

}  // namespace mtesim
