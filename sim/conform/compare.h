#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sim/conform/translate.h"

namespace mtesim {

/// What of a result belongs together.
enum class FieldGroup : std::uint8_t {
  outcome,  ///< what the call returned, whether it hung, signals
  bytes,    ///< which bytes and tags changed, and how
  faults,   ///< tag check faults in the kernel: how many, and where
};
constexpr std::size_t kFieldGroups = 3;
[[nodiscard]] std::string_view group_name(FieldGroup group);

/// One key of a record that came out otherwise.
struct Difference {
  FieldGroup group{};
  std::string key;
  std::string expected;
  std::string got;
};

/// How a record fared.
struct RecordReport {
  std::string id;
  std::string release;
  std::string category;
  std::string skipped;  ///< why it could not be carried out; it agrees in nothing then
  std::vector<Difference> differences;

  [[nodiscard]] bool agrees(FieldGroup group) const;
};

/// Carries the record's call out and compares what came of it with what the kernel did, key by key. Keys that a record
/// names in `again` are not judged, as they were not the same twice on the kernel itself.
/// Throws RecordError for a record with numbers that no kernel can have been asked about.
[[nodiscard]] RecordReport conform(const Record& record, Mops mops);

}  // namespace mtesim
