#pragma once

#include <optional>
#include <string>

#include "sim/app/commands.h"
#include "sim/check/search_image.h"
#include "sim/scenario/result.h"

namespace mtesim {

/// Where a check is kept now and then, and taken up again.
/// Errors:  std::invalid_argument for a scenario with a sweep, and for a file that is not to be read or of another
///          check. What cannot be written is told on stderr, and the check goes on.
class CheckpointFile {
 public:
  CheckpointFile(const CheckpointOptions& options, const std::string& scenario_file, const CommonOptions& common);
  /// Must outlive what is carried out so.
  void attach(CarryOut& how) const;

 private:
  CheckpointOptions options_;
  std::string identity_;  // scenario, options and program that the checkpoint is of
  std::optional<SearchImage> begun_;
};

}  // namespace mtesim
