#include "sim/run/observers.h"

#include "model/base/overloaded.h"

namespace mtesim {

namespace {

constexpr Bytes kLine{64};
constexpr Bytes kPiece{4096};  // one word of line bits

}  // namespace

CostTable cost_table(const Cpu& cpu) {
  return {.access = 1,
          .new_line = cpu.dram_cycles,
          .dirtied_line = cpu.dram_line_cycles,
          .tag_fault = cpu.exception_cycles + cpu.fixup_cycles,
          .page_fault_minor = cpu.exception_cycles + cpu.page_fault_minor_cycles,
          .page_fault_major = cpu.exception_cycles + cpu.page_fault_major_cycles,
          .page_fault_refused = cpu.exception_cycles + cpu.fixup_cycles,
          .software_walk = cpu.software_walk_cycles,
          .lock = cpu.lock_cycles,
          .system_call = cpu.system_call_cycles,
          .disk_read = cpu.disk_read_cycles};
}

void Meter::count_lines(const AccessRun& run) {
  // A run whose steps are no longer than a line leaves no line out.
  const bool dense = run.stride <= kLine.n;
  const std::uint64_t begin = run.first.address();
  const std::uint64_t last = begin + run.span().n - 1;
  const auto touch_lines = [&](std::uint64_t from, std::uint64_t to) {
    for (std::uint64_t line = from / kLine.n; line <= to / kLine.n; ++line) {
      Lines& lines = lines_[line * kLine.n / kPiece.n];
      const std::uint64_t bit = std::uint64_t{1} << (line % (kPiece / kLine));
      if ((lines.touched & bit) == 0) ++counts_.lines_touched;
      lines.touched |= bit;
      if (run.kind == AccessKind::store) {
        if ((lines.dirtied & bit) == 0) ++counts_.lines_dirtied;
        lines.dirtied |= bit;
      }
    }
  };
  if (dense) {
    touch_lines(begin, last);
  } else {
    for (std::uint64_t i = 0; i < run.count; ++i) {
      touch_lines(run.at(i).address(), run.at(i).address() + run.width - 1);
    }
  }
}

void Meter::observe(const Event& event) {
  std::visit(Overloaded{
                 [&](const Accessed& e) {
                   if (e.run.count == 0 || e.from_user_mode) return;
                   (e.run.kind == AccessKind::load ? counts_.loads : counts_.stores) += e.run.count;
                   count_lines(e.run);
                 },
                 [&](const PageFaultTaken& e) {
                   if (e.by_software) {
                     ++counts_.software_walks;
                   } else if (e.result == PageFaultResult::minor) {
                     ++counts_.page_faults_minor;
                   } else if (e.result == PageFaultResult::major) {
                     ++counts_.page_faults_major;
                   } else {
                     ++counts_.page_faults_refused;
                   }
                 },
                 [&](const TagFaultTaken& e) { counts_.tag_faults += e.from_user_mode ? 0 : 1; },
                 [&](const LockTaken& e) { counts_.locks += e.in_passing ? 0 : 1; },
                 [&](const CacheRead& e) { counts_.disk_reads += e.from_disk ? 1 : 0; },
                 [&](const RoundBegins&) {
                   ++counts_.rounds;
                   at_round_ = counts_;
                 },
                 [&](const FellAsleep&) { take_back_round(); },
                 [](const auto&) {},
             },
             event);
}

/// All but the lines, which the round brought in whether or not it is made again.
void Meter::take_back_round() {
  Counts before = at_round_;
  before.lines_touched = counts_.lines_touched;
  before.lines_dirtied = counts_.lines_dirtied;
  counts_ = before;
}

std::uint64_t Meter::cycles(const CostTable& table, std::uint64_t system_calls) const {
  return (counts_.loads + counts_.stores) * table.access + counts_.lines_touched * table.new_line +
         counts_.lines_dirtied * table.dirtied_line + counts_.tag_faults * table.tag_fault +
         counts_.page_faults_minor * table.page_fault_minor + counts_.page_faults_major * table.page_fault_major +
         counts_.page_faults_refused * table.page_fault_refused + counts_.software_walks * table.software_walk +
         counts_.locks * table.lock + counts_.disk_reads * table.disk_read + system_calls * table.system_call;
}

}  // namespace mtesim
