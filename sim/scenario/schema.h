#pragma once

#include <nlohmann/json_fwd.hpp>
#include <vector>

#include "sim/scenario/fields.h"
#include "sim/scenario/json_text.h"
#include "sim/scenario/scenario_error.h"

namespace mtesim {

/// What another validator (valijson) says of a document by a draft-07 schema; nothing if it takes it.
/// Of a choice (oneOf, anyOf) that nothing fits, only the nearest alternative is told. At most Complaints::kMost.
/// Errors:  a schema that valijson cannot read is a std::runtime_error.
[[nodiscard]] std::vector<Complaint> judge_by_schema(const nlohmann::json& schema, const JsonText& document);
[[nodiscard]] std::vector<Complaint> judge_by_schema(const JsonTree& schema, const JsonText& document);

}  // namespace mtesim
