#pragma once

namespace mtesim {

/// Prints where and what, then aborts. For our own mistakes only: what a kernel would return is a value, what a
/// scenario gets wrong is a ScenarioError.
[[noreturn]] void check_failed(const char* condition, const char* file, int line);

}  // namespace mtesim

/// On in every build.
#define MTESIM_CHECK(condition) \
  ((condition) ? static_cast<void>(0) : ::mtesim::check_failed(#condition, __FILE__, __LINE__))
