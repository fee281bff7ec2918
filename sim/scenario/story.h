#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "sim/run/cost_meter.h"
#include "sim/run/observers.h"
#include "sim/scenario/boundaries.h"
#include "sim/scenario/result.h"

namespace mtesim {

/// Tells a run as it goes, for people: rounds, kernel functions as they nest, where an access faulted and why.
/// A function in which nothing of note happened (no fault, no lock, no signal, nobody acting) is one line, and of many
/// such calls in a row only the first is told.
/// Shape:   one line of text an entry, indented by nesting.
class Story final : public Observer {
 public:
  explicit Story(const Names& names, std::size_t most_lines = 2000) : names_(names), most_lines_(most_lines) {}

  void observe(const Event& event) override;
  /// From here on functions and rounds are told with their cycles. `meter` watches the same run, before this.
  void price_by(const CostMeter& meter) { meter_ = &meter; }
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
  void mark(const AccessRun& run, char what);
  [[nodiscard]] bool probing() const;
  /// Something that keeps the functions around it from being folded.
  void note(const std::string& line);

  /// A function that was entered and not left; the first one stands for what is outside of all.
  struct Frame {
    std::string name;
    std::size_t line{};  // where it is told
    bool of_note{};
    std::uint64_t loads{};  // of it and all within
    std::uint64_t stores{};
    std::uint64_t cycles_before{};  // when it was entered, where they are told
    std::set<std::string> told;     // functions told within as one line
    std::uint64_t folded{};         // how many calls of those followed
  };
  void end_of_folding(Frame& frame);

  const Names& names_;
  const CostMeter* meter_{};
  std::size_t most_lines_;
  std::vector<std::string> lines_;
  std::vector<Frame> frames_{1};
  std::uint64_t rounds_{};
  std::map<std::uint64_t, char> granules_;  // by granule number of the address
};

/// How a point came out, as members of a family are told apart: "returns", "livelock that SIGKILL ends".
[[nodiscard]] std::string outcome_of(const CheckResult& check);
[[nodiscard]] std::string outcome_of(const RunReport& run);

/// "no_overrun violated by 8 bytes, from buf+64 on, when it returned 64".
[[nodiscard]] std::string violation(const PropertyReport& property, bool several_calls);

/// The result of a point in a few lines: what came out of the run and the check, and what to look at next.
[[nodiscard]] std::vector<std::string> summary(const std::string& file, const PointReport& report,
                                               std::size_t point = 0);
/// The same of a whole scenario, its first `most_points` points. It ends with a line break.
[[nodiscard]] std::string summary(const ScenarioReport& report, std::size_t most_points = 20);

}  // namespace mtesim
