#pragma once

#include "sim/check/search_image.h"

namespace mtesim {

/// `found`: complete and without a cycle; its notes have prices. Time: linear.
[[nodiscard]] Dearest dearest_of(const WorkloadSystem& system, const ExploredWorkload& found);

}  // namespace mtesim
