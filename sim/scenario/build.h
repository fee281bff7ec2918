#pragma once

#include <string>
#include <vector>

#include "fs_models/catalogue.h"
#include "fs_models/workload.h"
#include "sim/check/check.h"
#include "sim/cost/cpu.h"
#include "sim/scenario/scenario.h"

namespace mtesim {

/// What people call the things of a machine: for stories and reports.
struct Names {
  struct Mapping {
    std::string name;
    std::uint64_t begin{};
    std::uint64_t end{};
    std::uint32_t space{};
  };
  std::vector<Mapping> mappings;
  std::vector<std::string> objects;  ///< by object; empty where it has no name
  std::vector<std::string> pipes;
  std::vector<std::string> tasks;
  std::vector<std::string> processes;  ///< by address space
  Bytes page_size{4096};

  /// "buf+4112"; the bare address if it lies in no mapping.
  [[nodiscard]] std::string of(UserPtr pointer) const;
  [[nodiscard]] const Mapping* find(std::uint64_t address) const;
  [[nodiscard]] std::string of(const LockId& lock) const;
  [[nodiscard]] std::string of(TaskId task) const;
  /// "glock of f (shared)".
  [[nodiscard]] std::string of(const LockRequest& request) const;
};

/// A scenario made ready to be carried out.
struct Built {
  Workload workload;
  CheckOptions check;
  Cpu cpu;
  Names names;
  std::vector<std::string> calls;       ///< in words: "ioctl BTRFS_IOC_TREE_SEARCH_V2 on f"
  std::vector<const LoopEntry*> loops;  ///< which loop of the catalogue each call runs into; nullptr: none
};

/// Makes machine, kernel and calls of what the file says. Throws ScenarioError with all that does not fit together:
/// a tag without PROT_MTE, a buffer outside its mapping, a mode that the revision does not have, an unknown name.
[[nodiscard]] Built build(const Scenario& scenario, const JsonText& text);

/// "mmap lock", "glock": all locks of a kind.
[[nodiscard]] std::string_view lock_kind_name(LockKind kind);

}  // namespace mtesim
