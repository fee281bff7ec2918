#include "sim/scenario/columns.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <stdexcept>

#include "sim/scenario/suggest.h"

namespace mtesim {

namespace {

template <std::uint64_t Counts::*Count>
Cell count(const PointReport& point) {
  if (!point.run) return {};
  return static_cast<std::int64_t>(point.run->counts.*Count);
}

template <std::uint64_t RunReport::*Figure>
Cell of_run(const PointReport& point) {
  if (!point.run) return {};
  return static_cast<std::int64_t>((*point.run).*Figure);
}

template <Cause cause>
Cell cycles_of(const PointReport& point) {
  if (!point.run) return {};
  return static_cast<std::int64_t>(point.run->cost.total.cycles.of(cause));
}

template <std::size_t level>
Cell misses_of(const PointReport& point) {
  if (!point.run) return {};
  return static_cast<std::int64_t>(point.run->cost.total.memory.levels[level].misses());
}

template <std::uint64_t MemoryCounts::*Count>
Cell of_memory(const PointReport& point) {
  if (!point.run) return {};
  return static_cast<std::int64_t>(point.run->cost.total.memory.*Count);
}

template <std::uint64_t CheckResult::*Figure>
Cell of_check(const PointReport& point) {
  if (!point.check) return {};
  return static_cast<std::int64_t>((*point.check).*Figure);
}

Cell number(const std::optional<std::uint64_t>& n) { return n ? Cell(static_cast<std::int64_t>(*n)) : Cell(); }

const std::array kColumns{
    Column{"outcome", "what the calls of the run returned, or that they do not",
           [](const PointReport& p) { return p.run ? Cell(run_outcome(p)) : Cell(); }},
    Column{"rounds", "trips of the loops that were carried out",
           [](const PointReport& p) { return p.run ? Cell(static_cast<std::int64_t>(p.run->result.rounds)) : Cell(); }},
    Column{"bytes", "bytes that the calls counted as done", of_run<&RunReport::bytes>},
    Column{"cycles", "cycles, estimated: docs/cost.md",
           [](const PointReport& p) {
             return p.run ? Cell(static_cast<std::int64_t>(p.run->cost.total.cycles.total())) : Cell();
           }},
    Column{"bytes_per_cycle", "bytes done by cycles",
           [](const PointReport& p) {
             if (!p.run || p.run->cost.total.cycles.total() == 0) return Cell();
             return Cell(static_cast<double>(p.run->bytes) / static_cast<double>(p.run->cost.total.cycles.total()));
           }},
    Column{"cycles_probe", "cycles of fault-in functions' accesses", cycles_of<Cause::probe>, true},
    Column{"cycles_copy", "cycles of all other accesses", cycles_of<Cause::copy>, true},
    Column{"cycles_walks", "cycles of TLB misses and of pages looked up by software", cycles_of<Cause::walks>, true},
    Column{"cycles_tags", "cycles that wait for tags", cycles_of<Cause::tags>, true},
    Column{"cycles_faults", "cycles of exceptions, fixups and page faults", cycles_of<Cause::faults>, true},
    Column{"cycles_locks", "cycles of locks taken and given back", cycles_of<Cause::locks>, true},
    Column{"cycles_system_calls", "cycles of entries and returns", cycles_of<Cause::system_calls>, true},
    Column{"cycles_disk", "cycles of pages read from disk", cycles_of<Cause::disk>, true},
    Column{"l1d_misses", "lines that were not in the L1 data cache", misses_of<0>, true},
    Column{"l2_misses", "nor in L2", misses_of<1>, true},
    Column{"l3_misses", "nor in L3; 0 without one", misses_of<2>, true},
    Column{"tlb_misses", "pages that the first TLB did not have", of_memory<&MemoryCounts::l1_tlb_misses>, true},
    Column{"walks", "nor the second: page tables walked", of_memory<&MemoryCounts::l2_tlb_misses>, true},
    Column{"lines_brought_in", "lines from memory, both sides of copies", of_memory<&MemoryCounts::lines_in>, true},
    Column{"lines_written_back", "lines to memory", of_memory<&MemoryCounts::lines_out>, true},
    Column{"tag_bytes", "bytes of tags moved", of_memory<&MemoryCounts::tag_bytes>, true},
    Column{"loads", "loads by uaccess", count<&Counts::loads>},
    Column{"stores", "stores by uaccess", count<&Counts::stores>},
    Column{"lines_touched", "different 64-byte lines of user memory that were touched", count<&Counts::lines_touched>},
    Column{"lines_dirtied", "and those that were stored to", count<&Counts::lines_dirtied>},
    Column{"tag_faults", "tag check faults of uaccess", count<&Counts::tag_faults>},
    Column{"page_faults_minor", "page faults without I/O", count<&Counts::page_faults_minor>},
    Column{"page_faults_major", "page faults with I/O", count<&Counts::page_faults_major>},
    Column{"page_faults_refused", "page faults while they are disabled, or with nothing to be had",
           count<&Counts::page_faults_refused>},
    Column{"software_walks", "pages that fixup_user_fault() and GUP looked at", count<&Counts::software_walks>},
    Column{"locks", "locks taken", count<&Counts::locks>},
    Column{"disk_reads", "pages read from disk", count<&Counts::disk_reads>},
    Column{"verdict", "of the check", [](const PointReport& p) { return p.check ? Cell(check_outcome(p)) : Cell(); }},
    Column{"states", "states that the check met", of_check<&CheckResult::states>},
    Column{"most_rounds", "the most rounds of any path, if every path ends",
           [](const PointReport& p) { return p.check ? number(p.check->most_rounds) : Cell(); }},
    Column{"most_cycles", "the most cycles of any path, if every path ends and they were looked for",
           [](const PointReport& p) {
             return p.check && p.check->dearest ? Cell(static_cast<std::int64_t>(p.check->dearest->cycles)) : Cell();
           }},
    Column{"most_cycles_under_lock", "and while locks of one kind are held, the kind that is held longest",
           [](const PointReport& p) {
             if (!p.check || !p.check->dearest) return Cell();
             std::uint64_t most = 0;
             for (const auto& [kind, cycles] : p.check->dearest->under_lock) most = std::max(most, cycles);
             return Cell(static_cast<std::int64_t>(most));
           }},
    Column{"violations", "expectations that do not hold",
           [](const PointReport& p) { return Cell(static_cast<std::int64_t>(p.violations.size())); }},
};

Cell cell_of(const JsonScalar& scalar) {
  if (const auto* n = std::get_if<std::int64_t>(&scalar)) return *n;
  if (const auto* x = std::get_if<double>(&scalar)) return *x;
  return to_word(scalar);
}

/// The last `components` of a JSON Pointer, slashes between them.
std::string tail_of(const std::string& pointer, std::size_t components) {
  std::size_t at = pointer.size();
  for (std::size_t i = 0; i < components && at > 0; ++i) at = pointer.rfind('/', at - 1);
  return pointer.substr(std::min(at + 1, pointer.size()));
}

std::string shortest_name(const std::string& pointer, const std::vector<std::string>& pointers) {
  const auto parts = static_cast<std::size_t>(std::count(pointer.begin(), pointer.end(), '/'));
  for (std::size_t components = 1; components <= parts; ++components) {
    std::string name = tail_of(pointer, components);
    const bool taken =
        std::any_of(pointers.begin(), pointers.end(),
                    [&](const std::string& p) { return p != pointer && tail_of(p, components) == name; }) ||
        std::any_of(kColumns.begin(), kColumns.end(), [&](const Column& c) { return c.name == name; });
    if (!taken) return name;
  }
  return pointer;
}

std::string csv_field(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted + "\"";
}

bool is_nothing(const Cell& cell) { return std::holds_alternative<std::monostate>(cell); }

/// Lines of at most `width` characters out of words that stay whole, comma between them.
std::string wrapped(const std::string& begin, const std::vector<std::string>& words, std::size_t width) {
  std::string text = begin;
  std::size_t used = begin.size();
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string word = words[i] + (i + 1 < words.size() ? "," : "");
    if (used > begin.size() && used + 1 + word.size() > width) {
      text += "\n" + std::string(begin.size(), ' ');
      used = begin.size();
    }
    text += " " + word;
    used += 1 + word.size();
  }
  return text + "\n";
}

/// Columns two spaces apart, numbers to the right.
std::string aligned(const std::vector<std::vector<std::string>>& rows, const std::vector<bool>& right) {
  std::vector<std::size_t> widths(right.size());
  for (const auto& row : rows) {
    for (std::size_t c = 0; c < row.size(); ++c) widths[c] = std::max(widths[c], row[c].size());
  }
  std::string text;
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t c = 0; c < row.size(); ++c) {
      const std::string gap(widths[c] - row[c].size(), ' ');
      line += (c > 0 ? "  " : "") + (right[c] ? gap + row[c] : row[c] + gap);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  }
  return text;
}

}  // namespace

std::string to_word(const Cell& cell) {
  if (const auto* n = std::get_if<std::int64_t>(&cell)) return std::to_string(*n);
  if (const auto* x = std::get_if<double>(&cell)) return fmt::format("{}", *x);
  if (const auto* s = std::get_if<std::string>(&cell)) return *s;
  return "";
}

bool is_number(const Cell& cell) {
  return std::holds_alternative<std::int64_t>(cell) || std::holds_alternative<double>(cell);
}

std::span<const Column> columns() { return kColumns; }

std::vector<const Column*> choose_columns(const std::vector<std::string>& names) {
  std::vector<const Column*> chosen;
  if (names.empty()) {
    for (const Column& column : kColumns) chosen.push_back(&column);
  }
  for (const std::string& name : names) {
    const auto found =
        std::find_if(kColumns.begin(), kColumns.end(), [&](const Column& column) { return column.name == name; });
    if (found == kColumns.end()) {
      std::vector<std::string_view> known;
      for (const Column& column : kColumns) known.push_back(column.name);
      const auto near = did_you_mean(name, known);
      throw std::invalid_argument(fmt::format("found the column {}{}; `mtesim list columns` has all", in_quotes(name),
                                              near ? fmt::format("; did you mean \"{}\"?", *near) : ""));
    }
    if (std::find(chosen.begin(), chosen.end(), &*found) == chosen.end()) chosen.push_back(&*found);
  }
  return chosen;
}

std::size_t SweepTable::find(std::string_view what, std::string_view name) const {
  std::vector<std::string> known;
  for (std::size_t i = 0; i < headings.size(); ++i) {
    if (headings[i].name == name || headings[i].shown == name) return i;
    known.push_back(headings[i].shown);
  }
  const auto near = did_you_mean(name, known);
  throw std::invalid_argument(fmt::format("{}: found {}; allowed: {}{}", what, in_quotes(name), fmt::join(known, ", "),
                                          near ? fmt::format("; did you mean \"{}\"?", *near) : ""));
}

SweepTable empty_table(const std::vector<std::string>& pointers, const std::vector<const Column*>& columns) {
  SweepTable table;
  for (const std::string& pointer : pointers) {
    table.headings.push_back({pointer, shortest_name(pointer, pointers), true, false});
  }
  for (const Column* column : columns) {
    table.headings.push_back({std::string(column->name), std::string(column->name), false, column->detail});
  }
  return table;
}

void add_row(SweepTable& table, const PointReport& point, const std::vector<const Column*>& columns) {
  std::vector<Cell> row;
  for (const auto& [pointer, value] : point.at) row.push_back(cell_of(value));
  for (const Column* column : columns) row.push_back(column->get(point));
  MTESIM_CHECK(row.size() == table.headings.size());
  table.rows.push_back(std::move(row));
  table.returned.push_back(!point.run || point.run->result.end == RunEnd::returned);
}

std::string to_csv(const SweepTable& table) {
  std::string text;
  for (std::size_t c = 0; c < table.headings.size(); ++c) {
    text += (c > 0 ? "," : "") + csv_field(table.headings[c].name);
  }
  text += "\r\n";
  for (const std::vector<Cell>& row : table.rows) {
    for (std::size_t c = 0; c < row.size(); ++c) text += (c > 0 ? "," : "") + csv_field(to_word(row[c]));
    text += "\r\n";
  }
  return text;
}

std::string to_text(const SweepTable& table, bool all) {
  constexpr std::size_t kWidth = 100;
  const auto shown = [](const Cell& cell) {
    if (is_nothing(cell)) return std::string("-");
    if (const auto* x = std::get_if<double>(&cell)) return fmt::format("{:.4g}", *x);
    return printable(to_word(cell));
  };
  if (table.rows.empty()) return "";
  if (table.rows.size() == 1 && !all) {
    std::vector<std::vector<std::string>> lines;
    for (std::size_t c = 0; c < table.headings.size(); ++c) {
      const Cell& cell = table.rows.front()[c];
      if (!is_nothing(cell)) lines.push_back({table.headings[c].shown, shown(cell)});
    }
    return aligned(lines, {false, true});
  }
  std::vector<std::size_t> varying;
  std::vector<std::string> constant;
  std::vector<std::string> details;
  for (std::size_t c = 0; c < table.headings.size(); ++c) {
    if (table.headings[c].detail && !all) {
      details.push_back(table.headings[c].shown);
      continue;
    }
    const Cell& first = table.rows.front()[c];
    const bool same =
        std::all_of(table.rows.begin(), table.rows.end(), [&](const auto& row) { return row[c] == first; });
    if (all || table.headings[c].swept || !same) {
      varying.push_back(c);
    } else if (!is_nothing(first)) {
      constant.push_back(fmt::format("{} {}", table.headings[c].shown, shown(first)));
    }
  }
  std::vector<std::vector<std::string>> lines(1);
  std::vector<bool> right;
  for (const std::size_t c : varying) {
    lines.front().push_back(table.headings[c].shown);
    right.push_back(std::all_of(table.rows.begin(), table.rows.end(),
                                [&](const auto& row) { return is_number(row[c]) || is_nothing(row[c]); }));
  }
  for (const std::vector<Cell>& row : table.rows) {
    lines.emplace_back();
    for (const std::size_t c : varying) lines.back().push_back(shown(row[c]));
  }
  return (constant.empty() ? "" : wrapped("everywhere:", constant, kWidth)) + aligned(lines, right) +
         (details.empty() ? "" : wrapped("not shown:", details, kWidth));
}

}  // namespace mtesim
