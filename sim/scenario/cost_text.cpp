#include "sim/scenario/cost_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

namespace mtesim {

namespace {

using Json = nlohmann::ordered_json;

constexpr std::array<std::string_view, 3> kLevels{"l1d", "l2", "l3"};

double bytes_per_cycle(const Cost& cost) {
  const std::uint64_t parts = cost.cycles.parts();
  if (parts == 0) return 0;
  return static_cast<double>(cost.bytes_copied) * Cycles::kPerCycle / static_cast<double>(parts);
}

std::string key_of(Cause cause) {
  std::string key(cause_name(cause));
  std::replace(key.begin(), key.end(), ' ', '_');
  return key;
}

Json json_of(const Cost& cost) {
  Json j;
  j["cycles"] = cost.cycles.total();
  for (std::size_t i = 0; i < kCauses; ++i) {
    const auto cause = static_cast<Cause>(i);
    j["cycles_by_cause"][key_of(cause)] = cost.cycles.of(cause);
  }
  const MemoryCounts& m = cost.memory;
  for (std::size_t i = 0; i < kLevels.size(); ++i) {
    const LevelCounts& level = m.levels[i];
    j["caches"][std::string(kLevels[i])] = {{"load_hits", level.lookups[0] - level.missed[0]},
                                            {"load_misses", level.missed[0]},
                                            {"store_hits", level.lookups[1] - level.missed[1]},
                                            {"store_misses", level.missed[1]},
                                            {"written_back", level.written_back}};
  }
  j["tlb"] = {{"l1_misses", m.l1_tlb_misses}, {"walks", m.l2_tlb_misses}};
  j["lines"] = {{"brought_in", m.lines_in}, {"dirtied", m.lines_dirtied}, {"written_back", m.lines_out}};
  j["tags"] = {{"lookups", m.tag_lookups}, {"misses", m.tag_misses}, {"bytes", m.tag_bytes}};
  j["bytes_copied"] = cost.bytes_copied;
  j["bytes_per_cycle"] = bytes_per_cycle(cost);
  return j;
}

std::string task_name(TaskId task, const std::vector<std::string>& tasks) {
  return task.n < tasks.size() ? tasks[task.n] : std::to_string(task.n);
}

/// `part` of `whole` as a bar of blocks, 24 of them at the most, in eighths.
std::string bar(std::uint64_t part, std::uint64_t whole) {
  constexpr std::uint64_t kWide = 24;
  static constexpr std::array<std::string_view, 8> kEighths{"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
  const std::uint64_t eighths = whole == 0 ? 0 : (part * kWide * 8 + whole / 2) / whole;
  std::string text;
  for (std::uint64_t i = 0; i < eighths / 8; ++i) text += "█";
  return text + std::string(eighths == 0 ? "-" : kEighths[eighths % 8]);
}

void tell_rows(std::vector<std::string>& lines, const std::vector<std::pair<std::string, Cost>>& rows) {
  constexpr std::size_t kMost = 12;
  std::uint64_t most = 0;
  std::size_t wide = 0;
  for (const auto& [name, cost] : rows) {
    most = std::max(most, cost.cycles.parts());
    wide = std::max(wide, name.size());
  }
  for (std::size_t i = 0; i < std::min(rows.size(), kMost); ++i) {
    const auto& [name, cost] = rows[i];
    lines.push_back(fmt::format("          {:<{}} {:>10} cycles {:>8} bytes  {}", name, wide, cost.cycles.total(),
                                cost.bytes_copied, bar(cost.cycles.parts(), most)));
  }
  if (rows.size() > kMost) lines.push_back(fmt::format("          … {} more", rows.size() - kMost));
}

}  // namespace

Json cost_json(const CostReport& report, const std::vector<std::string>& tasks) {
  Json j = json_of(report.total);
  j["calls"] = Json::array();
  for (const CostReport::Call& call : report.calls) {
    Json one{{"task", task_name(call.task, tasks)}, {"call", call.call}, {"rounds", call.rounds}};
    one.update(json_of(call.cost));
    j["calls"].push_back(std::move(one));
  }
  j["rounds"] = Json::array();
  for (const CostReport::Round& round : report.rounds) {
    Json one{{"task", task_name(round.task, tasks)}, {"call", round.call}};
    one.update(json_of(round.cost));
    j["rounds"].push_back(std::move(one));
  }
  return j;
}

std::vector<std::string> cost_in_words(const CostReport& report, const std::string& cpu,
                                       const std::vector<std::string>& tasks) {
  std::vector<std::string> lines;
  const Cost& total = report.total;
  lines.push_back(fmt::format("  cost    about {} cycles on {}, {:.3g} bytes a cycle; caches cold at the start",
                              total.cycles.total(), cpu, bytes_per_cycle(total)));
  for (std::size_t i = 0; i < kCauses; ++i) {
    const auto cause = static_cast<Cause>(i);
    const std::uint64_t parts = total.cycles.parts(cause);
    if (parts == 0) continue;
    lines.push_back(fmt::format("          {:<12} {:>10} {:>4} %  {}", cause_name(cause), total.cycles.of(cause),
                                (parts * 100 + total.cycles.parts() / 2) / total.cycles.parts(),
                                bar(parts, total.cycles.parts())));
  }
  const MemoryCounts& m = total.memory;
  static constexpr std::array<std::string_view, 3> kNames{"L1D", "L2", "L3"};
  std::vector<std::string> levels;
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    const LevelCounts& level = m.levels[i];
    if (level.hits() + level.misses() == 0) continue;
    levels.push_back(fmt::format("{} {} hits, {} misses", kNames[i], level.hits(), level.misses()));
  }
  if (!levels.empty()) lines.push_back(fmt::format("          {}", fmt::join(levels, "; ")));
  lines.push_back(
      fmt::format("          lines: {} brought in, {} dirtied, {} written back; TLB: {} misses, {} walks; "
                  "tags: {} bytes moved",
                  m.lines_in, m.lines_dirtied, m.lines_out, m.l1_tlb_misses, m.l2_tlb_misses, m.tag_bytes));
  std::vector<std::pair<std::string, Cost>> rows;
  for (const CostReport::Call& call : report.calls) {
    const std::string whose = tasks.size() > 1 ? task_name(call.task, tasks) + ", " : "";
    rows.emplace_back(fmt::format("{}call {}", whose, call.call + 1), call.cost);
  }
  if (rows.size() > 1) tell_rows(lines, rows);
  rows.clear();
  for (std::size_t i = 0; i < report.rounds.size(); ++i) {
    rows.emplace_back(fmt::format("round {}", i + 1), report.rounds[i].cost);
  }
  if (rows.size() > 1) tell_rows(lines, rows);
  return lines;
}

}  // namespace mtesim
