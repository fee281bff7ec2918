#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "model/kernel/kernel.h"

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

/// First cost figures: what an event costs, in cycles. All are estimates but where docs/sources.md names a source;
/// caches and TLBs are not modelled here: a line costs `new_line` the first time it is touched.
struct CostTable {
  std::uint64_t access{1};
  std::uint64_t new_line{250};
  std::uint64_t dirtied_line{120};  ///< owned before it is stored to, and written back in the end
  std::uint64_t tag_fault{600};     ///< exception, fixup and return
  std::uint64_t page_fault_minor{3000};
  std::uint64_t page_fault_major{30000};
  std::uint64_t page_fault_refused{600};
  std::uint64_t software_walk{300};
  std::uint64_t lock{40};
  std::uint64_t system_call{300};
  std::uint64_t disk_read{200000};
};

/// The table of a CPU. Which figures are looked up and which are estimates: docs/cost.md.
struct NamedCostTable {
  std::string_view name;
  std::string_view about;
  CostTable table;
};
[[nodiscard]] std::span<const NamedCostTable> cost_tables();
/// nullptr: no such CPU.
[[nodiscard]] const NamedCostTable* find_cost_table(std::string_view cpu);

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
