#include "sim/cost/cpu.h"

#include <algorithm>
#include <array>
#include <bit>
#include <vector>

#include "model/base/check.h"
#include "sim/cost/cache.h"
#include "sim/cost/cpu_rows.h"

namespace mtesim {

namespace {

constexpr std::uint32_t kMostCycles = 10'000'000;

constexpr std::array<CpuFigure, 39> kFigures{{
    {"issue_width", "instructions a cycle", 1, 16, &Cpu::issue_width},
    {"load_pipes", "loads a cycle", 1, 8, &Cpu::load_pipes},
    {"store_pipes", "stores a cycle", 1, 8, &Cpu::store_pipes},
    {"load_overlap", "misses of independent loads that wait at a time", 1, 256, &Cpu::load_overlap},
    {"stream_overlap", "misses that wait at a time where lines come in order", 1, 256, &Cpu::stream_overlap},
    {"store_overlap", "misses of stores that wait at a time in the store buffer", 1, 256, &Cpu::store_overlap},
    {"sync_store_overlap", "the same where stores wait for their tags", 1, 256, &Cpu::sync_store_overlap},
    {"l1_tlb_entries", "pages in the first data TLB", 2, 32768, &Cpu::l1_tlb_entries},
    {"l1_tlb_ways", "its ways; as many as entries: fully associative", 2, 65536, &Cpu::l1_tlb_ways},
    {"l2_tlb_entries", "pages in the second TLB; 0: there is none", 0, 32768, &Cpu::l2_tlb_entries},
    {"l2_tlb_ways", "its ways; as many as entries: fully associative", 1, 65536, &Cpu::l2_tlb_ways},
    {"l2_tlb_cycles", "cycles of a miss in the first TLB", 0, kMostCycles, &Cpu::l2_tlb_cycles},
    {"walk_cycles", "cycles more of a miss in both", 0, kMostCycles, &Cpu::walk_cycles},
    {"l1d_bytes", "bytes in the L1 data cache", 64, 1u << 30, &Cpu::l1d_bytes},
    {"l1d_ways", "its ways", 1, 16, &Cpu::l1d_ways},
    {"l1d_cycles", "cycles from load to use", 1, kMostCycles, &Cpu::l1d_cycles},
    {"l2_bytes", "bytes in the L2 cache", 64, 1u << 30, &Cpu::l2_bytes},
    {"l2_ways", "its ways", 1, 16, &Cpu::l2_ways},
    {"l2_cycles", "cycles from load to use of a line found there", 1, kMostCycles, &Cpu::l2_cycles},
    {"l2_line_cycles", "cycles between two lines that it moves", 0, kMostCycles, &Cpu::l2_line_cycles},
    {"l3_bytes", "bytes in the L3 or system cache; 0: there is none", 0, 1u << 30, &Cpu::l3_bytes},
    {"l3_ways", "its ways", 1, 16, &Cpu::l3_ways},
    {"l3_cycles", "cycles from load to use of a line found there", 0, kMostCycles, &Cpu::l3_cycles},
    {"l3_line_cycles", "cycles between two lines that it moves", 0, kMostCycles, &Cpu::l3_line_cycles},
    {"dram_cycles", "cycles from load to use of a line in memory", 1, kMostCycles, &Cpu::dram_cycles},
    {"dram_line_cycles", "cycles between two lines that one core moves", 0, kMostCycles, &Cpu::dram_line_cycles},
    {"tag_cache_bytes", "bytes of tags kept before memory; 0: a line brings its tags", 0, 1u << 30,
     &Cpu::tag_cache_bytes},
    {"tag_cache_ways", "its ways", 1, 16, &Cpu::tag_cache_ways},
    {"tag_miss_cycles", "cycles that tags come behind their line when the tag cache misses", 0, kMostCycles,
     &Cpu::tag_miss_cycles},
    {"sync_check_permille", "thousandths of a cycle more a store, checked synchronously", 0, 100000,
     &Cpu::sync_check_permille},
    {"async_check_permille", "thousandths of a cycle more a store, checked asynchronously", 0, 100000,
     &Cpu::async_check_permille},
    {"exception_cycles", "cycles of an exception, entry and return", 0, kMostCycles, &Cpu::exception_cycles},
    {"fixup_cycles", "cycles of an exception table lookup, and of a copy that ends there", 0, kMostCycles,
     &Cpu::fixup_cycles},
    {"page_fault_minor_cycles", "cycles of a page fault without I/O, less the exception", 0, kMostCycles,
     &Cpu::page_fault_minor_cycles},
    {"page_fault_major_cycles", "cycles of a page fault with I/O, less the exception", 0, kMostCycles,
     &Cpu::page_fault_major_cycles},
    {"software_walk_cycles", "cycles of a page looked up by GUP or fixup_user_fault()", 0, kMostCycles,
     &Cpu::software_walk_cycles},
    {"lock_cycles", "cycles of a lock taken and given back, uncontended", 0, kMostCycles, &Cpu::lock_cycles},
    {"system_call_cycles", "cycles of a system call, entry and return", 0, kMostCycles, &Cpu::system_call_cycles},
    {"disk_read_cycles", "cycles of a page read from the disk", 0, kMostCycles, &Cpu::disk_read_cycles},
}};

struct Geometry {
  std::string_view what;
  std::uint32_t blocks;
  std::uint32_t ways;
};

/// A CPU and what its figures are from.
struct Described {
  Cpu cpu;
  std::array<std::string_view, kFigures.size()> sources;
};

/// Of a CPU file that lacks a figure, has one twice or has one too many, the program makes nothing: the file is ours.
Described described(std::string_view cpu) {
  Described result;
  for (const CpuRow& row : cpu_rows()) {
    if (row.cpu != cpu) continue;
    const CpuFigure* figure = find_cpu_figure(row.figure);
    MTESIM_CHECK(figure != nullptr && row.value >= figure->least && row.value <= figure->most);
    std::string_view& source = result.sources[static_cast<std::size_t>(figure - kFigures.data())];
    MTESIM_CHECK(source.empty() && !row.source.empty());
    source = row.source;
    result.cpu.*figure->value = row.value;
  }
  for (const std::string_view source : result.sources) MTESIM_CHECK(!source.empty());
  MTESIM_CHECK(what_is_wrong(result.cpu).empty());
  return result;
}

struct Shelf {
  std::vector<Described> described;
  std::vector<NamedCpu> named;
};

Shelf stocked() {
  Shelf shelf;
  for (const CpuName& name : cpu_names()) shelf.described.push_back(described(name.name));
  for (std::size_t i = 0; i < shelf.described.size(); ++i) {
    const CpuName& name = cpu_names()[i];
    shelf.named.push_back({name.name, name.about, shelf.described[i].cpu, shelf.described[i].sources});
  }
  return shelf;
}

}  // namespace

std::span<const NamedCpu> cpus() {
  static const Shelf kShelf = stocked();
  return kShelf.named;
}

std::span<const CpuFigure> cpu_figures() { return kFigures; }

const CpuFigure* find_cpu_figure(std::string_view name) {
  for (const CpuFigure& figure : kFigures) {
    if (figure.name == name) return &figure;
  }
  return nullptr;
}

const NamedCpu* find_cpu(std::string_view name) {
  for (const NamedCpu& cpu : cpus()) {
    if (cpu.name == name) return &cpu;
  }
  return nullptr;
}

std::string what_is_wrong(const Cpu& cpu) {
  for (const auto& [what, blocks, ways] :
       {Geometry{"l1_tlb", cpu.l1_tlb_entries, cpu.l1_tlb_ways},
        Geometry{"l2_tlb", cpu.l2_tlb_entries, cpu.l2_tlb_ways},
        Geometry{"l1d", cpu.l1d_bytes / kLineBytes, cpu.l1d_ways},
        Geometry{"l2", cpu.l2_bytes / kLineBytes, cpu.l2_ways}, Geometry{"l3", cpu.l3_bytes / kLineBytes, cpu.l3_ways},
        Geometry{"tag_cache", cpu.tag_cache_bytes / kLineBytes, cpu.tag_cache_ways}}) {
    if (blocks == 0 && (what == "l2_tlb" || what == "l3" || what == "tag_cache")) continue;
    if (ways > Cache::kMostWays && ways != blocks) {
      return std::string(what) + ": found " + std::to_string(ways) + " ways; allowed: 1 to 16, or one for each entry";
    }
    if (blocks % ways != 0 || !std::has_single_bit(blocks / ways)) {
      return std::string(what) + ": " + std::to_string(blocks) + (what.ends_with("tlb") ? " entries" : " lines") +
             " in " + std::to_string(ways) + " ways make no whole power of two of sets";
    }
  }
  return {};
}

}  // namespace mtesim
