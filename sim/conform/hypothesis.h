#pragma once

#include <nlohmann/json.hpp>

namespace mtesim {

/// Records of loops that were predicted first and then tried, on more kernels (7.3.4 among them), are written another
/// way: this line as a record as parse_records() reads it. What was counted by function is left out.
/// Shape:   a region of 64 pages, tagged 5, with one granule tagged 13 at byte `bad`.
/// Throws:  RecordError for a case that is none of those known.
/// Source:  [records].
[[nodiscard]] nlohmann::json record_of_hypothesis(const nlohmann::json& line);

}  // namespace mtesim
