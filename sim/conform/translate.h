#pragma once

#include "sim/conform/record.h"
#include "sim/scenario/scenario.h"

namespace mtesim {

/// A record asks for something that mtesim has no scenario for; what() says what, without the record's own numbers, so
/// that reasons can be counted.
class Untranslatable : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// What a 7.x kernel's copies do: MOPS steps of one byte, or the routines without MOPS.
enum class Mops : std::uint8_t { exact, off };

/// The scenario that a record describes: the same machine, memory, files and call. Of a sweep over lengths the longest;
/// `sweep` has the others. Throws Untranslatable.
[[nodiscard]] Scenario scenario_of(const Record& record, Mops mops);

/// The mode that the record's prctl gives; nullopt: it is refused.
[[nodiscard]] std::optional<TcfMode> mode_asked_for(const RecordCase& what, const Revision& revision);

/// The mapping of a record's scenario that is its test region, and the one that is not tagged.
constexpr std::string_view kRegion = "buf";
constexpr std::string_view kPlain = "plain";
constexpr std::uint64_t kPlainPages = 64;

}  // namespace mtesim
