#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "model/kernel/kernel.h"
#include "sim/cost/cpu.h"

namespace mtesim {

/// Whoever watches a run. Changes nothing.
class Observer {
 public:
  virtual ~Observer() = default;
  virtual void observe(const Event& event) = 0;
};

/// How often what happened.
struct Counts {
  std::uint64_t rounds{};
  std::uint64_t loads{};  ///< by uaccess
  std::uint64_t stores{};
  std::uint64_t lines_touched{};  ///< different 64-byte lines of user memory
  std::uint64_t lines_dirtied{};
  std::uint64_t tag_faults{};  ///< tag check faults of uaccess
  std::uint64_t page_faults_minor{};
  std::uint64_t page_faults_major{};
  std::uint64_t page_faults_refused{};  ///< with page faults disabled, or with nothing to be had
  std::uint64_t software_walks{};       ///< by fixup_user_fault() and GUP
  std::uint64_t locks{};
  std::uint64_t disk_reads{};
  bool operator==(const Counts&) const = default;
};

/// What an event costs at the most, in cycles, where nothing is known of the caches and nothing overlaps: for bounds
/// over all paths. What one run costs is CostMeter's to say.
struct CostTable {
  std::uint64_t access{};
  std::uint64_t new_line{};
  std::uint64_t dirtied_line{};  ///< written back in the end
  std::uint64_t tag_fault{};     ///< exception, fixup and return
  std::uint64_t page_fault_minor{};
  std::uint64_t page_fault_major{};
  std::uint64_t page_fault_refused{};
  std::uint64_t software_walk{};
  std::uint64_t lock{};
  std::uint64_t system_call{};
  std::uint64_t disk_read{};
};
[[nodiscard]] CostTable cost_table(const Cpu& cpu);

/// Counts what a run does, and prices it by a table.
class Meter final : public Observer {
 public:
  void observe(const Event& event) override;
  [[nodiscard]] const Counts& counts() const { return counts_; }
  [[nodiscard]] std::uint64_t cycles(const CostTable& table, std::uint64_t system_calls) const;

 private:
  struct Lines {  // of one 4 KiB piece of address space, a bit a line
    std::uint64_t touched{};
    std::uint64_t dirtied{};
  };
  void count_lines(const AccessRun& run);
  void take_back_round();
  Counts counts_;
  Counts at_round_;
  std::unordered_map<std::uint64_t, Lines> lines_;
};

}  // namespace mtesim
