#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "sim/run/cost_meter.h"

namespace mtesim {

/// All of it as JSON: cycles by cause, each level's hits and misses, lines, tags; of the run, its calls and its rounds.
/// `tasks`: their names.
[[nodiscard]] nlohmann::ordered_json cost_json(const CostReport& report, const std::vector<std::string>& tasks);

/// The same for people: bars of cycles by cause, what the caches saw, and where there are several, calls and rounds.
/// `cpu`: its name, with what was changed.
[[nodiscard]] std::vector<std::string> cost_in_words(const CostReport& report, const std::string& cpu,
                                                     const std::vector<std::string>& tasks);

}  // namespace mtesim
