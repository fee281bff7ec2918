#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "sim/scenario/result.h"
#include "sim/scenario/walk.h"

// A witness as one file that needs no other: the scenario, the schedule in names, and what each step reached. The
// format is described in docs/witnesses.md.

namespace mtesim {

/// One thing that the environment does on a step.
struct WitnessAction {
  std::string action;                   ///< "retag"
  std::string where;                    ///< what takes a range: the granule or page, "buf+128"
  std::string file;                     ///< what takes a file: its name …
  std::optional<std::uint64_t> page;    ///< … and the page
  std::optional<std::uint64_t> target;  ///< of what takes neither, should it have one
  std::optional<std::uint32_t> entry;   ///< of the scenario's `environment`, where the name fits several
  std::uint32_t site{};                 ///< before which look of the step, counted as sim/check does
  std::uint64_t access{};               ///< of that look's run of accesses, the one it is done before
  std::uint32_t pointer_tag{};          ///< of the pointer that looks
};
struct WitnessChange {
  std::string what;
  JsonScalar from;
  JsonScalar to;
  bool operator==(const WitnessChange&) const = default;
};
struct WitnessStepDocument {
  std::uint32_t task{};
  std::string call;
  std::string loop;
  std::vector<WitnessAction> actions;
  bool pauses{};  ///< before it asks for the next lock
  std::vector<std::string> came;
  std::vector<WitnessChange> changes;  ///< since the step before
  std::string state;                   ///< fingerprint of the state reached, in hex
  std::uint64_t progress{};            ///< of the task, in that state
};
struct WitnessSource {
  std::string file;
  std::string digest;  ///< of the file, as reports have it
  std::map<std::string, JsonScalar> at;
};
struct WitnessDocument {
  std::string program_version;
  Verdict verdict{};
  std::optional<bool> killable;
  std::string violates;  ///< a property; empty: the witness is of the verdict
  WitnessSource source;
  std::string digest;  ///< of `scenario`
  Scenario scenario;
  bool everywhere{};  ///< the check was not lazy: actions may be done where nothing looks at their target
  std::string start;  ///< fingerprint of the start
  std::vector<WitnessStepDocument> stem;
  std::vector<WitnessStepDocument> loop;
};

/// Of one point of a scenario: `scenario` has no sweep any more.
[[nodiscard]] WitnessDocument make_witness_document(const Scenario& scenario, const Built& built,
                                                    const CheckResult& check, const Witness& witness, const Walk& walk,
                                                    const WitnessSource& source, const std::string& program_version);
[[nodiscard]] JsonTree write_witness(const WitnessDocument& document);

/// Throws ScenarioError with everything that is wrong about its form.
[[nodiscard]] WitnessDocument parse_witness(const JsonText& text);
[[nodiscard]] JsonText read_witness_file(const std::string& file);
/// Whether a document says of itself that it is a witness.
[[nodiscard]] bool is_witness(const JsonText& text);

/// The scenario of a witness, built. Throws ScenarioError with places in the witness's file.
[[nodiscard]] Built build_witness(const WitnessDocument& document, const JsonText& text);
/// The schedule in the program's terms. Throws ScenarioError for a name that the scenario does not have.
[[nodiscard]] Witness schedule_of(const WitnessDocument& document, const Built& built, const JsonText& text);

/// How a witness came out when it was carried out again.
struct Replayed {
  bool holds{};
  std::string message;             ///< the first step that differs, what was recorded, what was reached
  std::vector<std::string> notes;  ///< what its reader should know, be it as recorded or not
};
[[nodiscard]] Replayed compare_with_record(const WitnessDocument& document, const Built& built, const JsonText& text,
                                           const Walk& walk, const std::string& program_version);

/// A scenario as a document of its own, without defaults or with them.
[[nodiscard]] JsonText text_of(const Scenario& scenario, Defaults defaults, const std::string& name_of_file);

}  // namespace mtesim
