#pragma once

#include <span>
#include <string_view>

#include "fs_models/copy_loop.h"
#include "fs_models/system_call.h"

namespace mtesim {

/// One loop of the catalogue, and when it is the one that a system call runs into.
struct LoopEntry {
  std::string_view name;
  std::string_view about;
  std::string_view shapes;  ///< in which revisions it looks how
  bool (*serves)(const SystemCall&);
  CopyLoop (*make)(const SystemCall&);
};

[[nodiscard]] std::span<const LoopEntry> catalogue();
/// nullptr: no loop of the catalogue serves this call yet.
[[nodiscard]] const LoopEntry* find_loop(const SystemCall& call);
[[nodiscard]] const LoopEntry* find_loop(std::string_view name);

}  // namespace mtesim
