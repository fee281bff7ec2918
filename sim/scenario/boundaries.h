#pragma once

#include <string>
#include <utility>
#include <vector>

#include "sim/scenario/fields.h"

namespace mtesim {

/// A member of a family, and how it came out: "livelock, unkillable".
struct Member {
  std::vector<std::pair<std::string, JsonScalar>> at;  ///< pointer and value of each axis; the same axes in each
  std::string outcome;
};

/// Says in a few lines which members of a sweep differ, and where the boundary lies:
///   "livelock for /memory/0/tags/0/granules 1..255; otherwise returns"
/// One line for each behaviour of the longest axis, with the values of the other axes that have it in front. Of numbers
/// there are ranges with a step, of words there are lists.
/// Returns: nothing if all came out alike.
[[nodiscard]] std::vector<std::string> boundaries(const std::vector<Member>& members);

/// "16..4080 step 16, 4090": numbers that rise, as ranges; of many pieces the first few, and how many numbers in all.
[[nodiscard]] std::string ranges(const std::vector<std::int64_t>& rising);

}  // namespace mtesim
