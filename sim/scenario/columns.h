#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "sim/scenario/result.h"

// A sweep as rows and columns: what each point of the grid gave.

namespace mtesim {

/// What a cell holds: nothing, a number or a text.
using Cell = std::variant<std::monostate, std::int64_t, double, std::string>;

/// Numbers in as few digits as give them back; nothing is the empty text.
[[nodiscard]] std::string to_word(const Cell& cell);
[[nodiscard]] bool is_number(const Cell& cell);

/// One thing that can be told about a point. Figures of a run that does not return are of the rounds that were carried
/// out until that was noticed.
struct Column {
  std::string_view name;
  std::string_view about;
  Cell (*get)(const PointReport& point);
  bool detail{};  ///< a table for people has it only when it is asked for
};

/// In the order in which they are shown. A new figure is one more line in columns.cpp.
[[nodiscard]] std::span<const Column> columns();

/// The columns of these names, in that order; all for no names. Throws std::invalid_argument for a name that is none.
[[nodiscard]] std::vector<const Column*> choose_columns(const std::vector<std::string>& names);

/// What a row begins with: the value of a swept pointer, or one of the columns.
struct Heading {
  std::string name;   ///< the JSON Pointer, or the column's name
  std::string shown;  ///< of a pointer its last components, as many as tell it from the others and from the columns
  bool swept{};
  bool detail{};
};

struct SweepTable {
  std::vector<Heading> headings;  ///< the swept pointers, then the columns
  std::vector<std::vector<Cell>> rows;
  std::vector<bool> returned;  ///< by row: the run came to an end by itself; true if there was none

  /// By the full name or the one shown. Throws std::invalid_argument that begins with `what`.
  [[nodiscard]] std::size_t find(std::string_view what, std::string_view name) const;
};

/// A table without rows: of the pointers that are swept, and these columns.
[[nodiscard]] SweepTable empty_table(const std::vector<std::string>& pointers,
                                     const std::vector<const Column*>& columns);
void add_row(SweepTable& table, const PointReport& point, const std::vector<const Column*>& columns);

/// All of it as CSV: RFC 4180, lines end with CR LF, the first has the full names.
[[nodiscard]] std::string to_csv(const SweepTable& table);

/// For a terminal: what is the same in all rows is told once above, the rows have the rest. Columns that hold nothing
/// or are details are left out, and of the latter it is said. `all`: the rows have everything.
[[nodiscard]] std::string to_text(const SweepTable& table, bool all);

}  // namespace mtesim
