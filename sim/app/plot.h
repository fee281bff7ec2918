#pragma once

#include <string>
#include <vector>

#include "sim/scenario/columns.h"

namespace mtesim {

/// What `mtesim sweep --plot` is to draw. Names are headings of the table, in full or as shown.
struct PlotOptions {
  std::string file;                ///< of the SVG; empty: none. "-": stdout
  std::string x;                   ///< a swept pointer; empty: the one with the most values that are numbers
  std::vector<std::string> y;      ///< columns; empty: cycles
  std::vector<std::string> group;  ///< swept pointers, a line for each combination; empty: all but x
  bool log_x{};
  bool log_y{};
};

/// Throws std::invalid_argument for a name that the table does not have, an x or a group that is not swept, and a y
/// that is. `table` needs no rows yet.
void check_plot(const SweepTable& table, const PlotOptions& options);

/// A script for gnuplot that holds its data and writes an SVG to stdout. Points whose run does not return have no place
/// on a line; the name of the line says how many they are. Lines that are alike at every point are drawn once, under
/// what their names have in common. Throws std::invalid_argument if a y is no number at any point.
[[nodiscard]] std::string gnuplot_script(const SweepTable& table, const PlotOptions& options, const std::string& title);

/// Whether there is a gnuplot to call.
[[nodiscard]] bool have_gnuplot();
/// What gnuplot makes of a script. Errors: OutputError.
[[nodiscard]] std::string run_gnuplot(const std::string& script);

}  // namespace mtesim
