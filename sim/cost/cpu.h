#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace mtesim {

/// What a CPU and its memory cost, as a few numbers. Cycles are the core's own; lines are of 64 bytes.
/// docs/cost.md says what each does. Where a figure is from stands in sim/cost/cpus/<name>.json.
struct Cpu {
  std::uint32_t issue_width{};         ///< instructions a cycle
  std::uint32_t load_pipes{};          ///< loads a cycle
  std::uint32_t store_pipes{};         ///< stores a cycle
  std::uint32_t load_overlap{};        ///< misses of independent loads that wait at the same time
  std::uint32_t stream_overlap{};      ///< the same where lines come in order, and the prefetcher runs ahead
  std::uint32_t store_overlap{};       ///< misses of stores that the store buffer lets wait at the same time
  std::uint32_t sync_store_overlap{};  ///< the same where each store waits for its tag: synchronous tag checks

  std::uint32_t l1_tlb_entries{};
  std::uint32_t l1_tlb_ways{};
  std::uint32_t l2_tlb_entries{};  ///< 0: there is none
  std::uint32_t l2_tlb_ways{};
  std::uint32_t l2_tlb_cycles{};  ///< of a miss in the first TLB that the second answers
  std::uint32_t walk_cycles{};    ///< of a miss in both, tables in the caches

  std::uint32_t l1d_bytes{};
  std::uint32_t l1d_ways{};
  std::uint32_t l1d_cycles{};  ///< load to use
  std::uint32_t l2_bytes{};
  std::uint32_t l2_ways{};
  std::uint32_t l2_cycles{};       ///< load to use of a line found there
  std::uint32_t l2_line_cycles{};  ///< between two lines at the most that it can move
  std::uint32_t l3_bytes{};        ///< 0: there is none
  std::uint32_t l3_ways{};
  std::uint32_t l3_cycles{};
  std::uint32_t l3_line_cycles{};
  std::uint32_t dram_cycles{};
  std::uint32_t dram_line_cycles{};  ///< between two lines, of one core

  std::uint32_t tag_cache_bytes{};  ///< before memory; 0: a line brings its tags
  std::uint32_t tag_cache_ways{};
  std::uint32_t tag_miss_cycles{};       ///< how much later tags come than their line when the tag cache misses
  std::uint32_t sync_check_permille{};   ///< thousandths of a cycle that each checked store takes more, synchronous
  std::uint32_t async_check_permille{};  ///< and asynchronous

  std::uint32_t exception_cycles{};  ///< entry and return
  std::uint32_t fixup_cycles{};      ///< the exception table is searched, and the copy ends short
  std::uint32_t page_fault_minor_cycles{};
  std::uint32_t page_fault_major_cycles{};
  std::uint32_t software_walk_cycles{};  ///< GUP and fixup_user_fault() look at one page
  std::uint32_t lock_cycles{};           ///< taken and given back, uncontended
  std::uint32_t system_call_cycles{};    ///< entry and return
  std::uint32_t disk_read_cycles{};      ///< a page

  bool operator==(const Cpu&) const = default;
};

/// One number of a CPU, by the name that CPU files and scenarios have for it.
struct CpuFigure {
  std::string_view name;
  std::string_view about;
  std::uint32_t least{};
  std::uint32_t most{};
  std::uint32_t Cpu::*value{};
};
[[nodiscard]] std::span<const CpuFigure> cpu_figures();
/// nullptr: no such figure.
[[nodiscard]] const CpuFigure* find_cpu_figure(std::string_view name);

/// A CPU of sim/cost/cpus.
struct NamedCpu {
  std::string_view name;
  std::string_view about;
  Cpu cpu;
  /// By figure, in their order: a key of docs/sources.md in brackets, "estimate: why", or both.
  std::span<const std::string_view> sources;
};
[[nodiscard]] std::span<const NamedCpu> cpus();
/// nullptr: no such CPU.
[[nodiscard]] const NamedCpu* find_cpu(std::string_view name);

/// What is wrong with the figures together, such as a cache whose sets are no power of two; empty: nothing.
[[nodiscard]] std::string what_is_wrong(const Cpu& cpu);

}  // namespace mtesim
