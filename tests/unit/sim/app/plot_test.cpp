#include "sim/app/plot.h"

#include <catch2/catch.hpp>
#include <stdexcept>

namespace mtesim::test {
namespace {

using Catch::Matchers::Contains;
using Rows = std::vector<std::vector<Cell>>;

/// Swept: size and probe. Columns: cycles and outcome.
SweepTable table_of(Rows rows) {
  SweepTable table;
  table.headings = {{"/calls/0/size_bytes", "size_bytes", true},
                    {"/kernel/probe", "probe", true},
                    {"cycles", "cycles", false},
                    {"outcome", "outcome", false}};
  table.returned.assign(rows.size(), true);
  table.rows = std::move(rows);
  return table;
}

Cell n(std::int64_t value) { return value; }

const Rows kRows{{n(4096), "load", n(10), "0"},
                 {n(4096), "store", n(20), "0"},
                 {n(8192), "load", n(11), "0"},
                 {n(8192), "store", n(40), "0"}};

TEST_CASE("a line for each value of what is not x", "[unit][app]") {
  const std::string script = gnuplot_script(table_of(kRows), {}, "a title");
  CHECK_THAT(script, Contains("$line1 << EOD\n4096 10\n8192 11\nEOD\n"));
  CHECK_THAT(script, Contains("$line2 << EOD\n4096 20\n8192 40\nEOD\n"));
  CHECK_THAT(script, Contains("set title 'a title'") && Contains("title 'load'") && Contains("title 'store'"));
  CHECK_THAT(script, Contains("'4 KiB' 4096") && Contains("'8 KiB' 8192"));
  CHECK_THAT(script, !Contains("logscale"));
}

TEST_CASE("words along x have places of their own", "[unit][app]") {
  PlotOptions options;
  options.x = "probe";
  const std::string script = gnuplot_script(table_of(kRows), options, "t");
  CHECK_THAT(script, Contains("$line1 << EOD\n0 10\n1 20\nEOD\n") && Contains("set xtics ('load' 0, 'store' 1)"));
  options.log_x = true;
  CHECK_THROWS_WITH(gnuplot_script(table_of(kRows), options, "t"), Contains("--logx"));
}

TEST_CASE("a run that never returns is a gap, and is told", "[unit][app]") {
  SweepTable table = table_of(kRows);
  table.returned[1] = false;
  const std::string script = gnuplot_script(table, {}, "t");
  CHECK_THAT(script, Contains("$line2 << EOD\n\n8192 40\nEOD\n"));
  CHECK_THAT(script, Contains("title 'store (never returns at 1 of 2 points)'"));
}

TEST_CASE("lines that are alike are drawn once", "[unit][app]") {
  SweepTable table;
  table.headings = {
      {"/a/x", "x", true}, {"/b/kind", "kind", true}, {"/c/much", "much", true}, {"cycles", "cycles", false}};
  for (const std::int64_t x : {1, 2}) {
    for (const std::int64_t much : {5, 6, 7}) {
      table.rows.push_back({n(x), "page", n(much), n(x)});
      table.rows.push_back({n(x), "granule", n(much), n(x * much)});
      table.rows.push_back({n(x), "half", n(much), n(x * (much < 7 ? 2 : 3))});
    }
  }
  table.returned.assign(table.rows.size(), true);
  PlotOptions options;
  options.x = "x";
  options.group = {"kind", "much"};
  const std::string script = gnuplot_script(table, options, "t");
  CHECK_THAT(script, Contains("'page, any'") && Contains("'granule, 5'") && Contains("'granule, 7'"));
  CHECK_THAT(script, Contains("'half, 5 or 6'") && Contains("'half, 7'"));
  CHECK_THAT(script, !Contains("$line7") && Contains("title 'kind, much'"));
  options.group = {"kind"};  // three points of one line at each x
  CHECK_THROWS_WITH(gnuplot_script(table, options, "t"), Contains("several points of one line at x 1"));
}

TEST_CASE("what cannot be drawn is refused by name", "[unit][app]") {
  const SweepTable table = table_of(kRows);
  PlotOptions options;
  options.x = "cycles";
  CHECK_THROWS_WITH(check_plot(table, options), Contains("--x: found \"cycles\"") && Contains("size_bytes, probe"));
  options.x = "probe";
  options.y = {"size_bytes"};
  CHECK_THROWS_WITH(check_plot(table, options), Contains("which is swept"));
  options.y = {"cycels"};
  CHECK_THROWS_WITH(check_plot(table, options), Contains("did you mean \"cycles\""));
  options.y = {"outcome"};
  CHECK_THROWS_WITH(gnuplot_script(table, options, "t"), Contains("no number at any point"));
  options.y = {};
  options.group = {"/kernel/probe"};
  CHECK_THROWS_WITH(check_plot(table, options), Contains("which is x"));
  options.x = "";
  options.group = {"probe", "size_bytes"};
  CHECK_THROWS_WITH(check_plot(table, options), Contains("nothing is left for x"));
  SweepTable nothing;
  nothing.headings = {{"cycles", "cycles", false}};
  CHECK_THROWS_WITH(check_plot(nothing, {}), Contains("sweeps over nothing"));
}

TEST_CASE("no text gets out of its quotes", "[unit][app]") {
  Rows rows = kRows;
  for (auto& row : rows) row[1] = "it's'; system \"false\"\n";
  rows.resize(1);
  const std::string script = gnuplot_script(table_of(rows), {}, "x'\n!false");
  CHECK_THAT(script, Contains("set title 'x''"));
  CHECK_THAT(script, !Contains("\n!false") && Contains("it''s''; system"));
}

TEST_CASE("gnuplot takes the script", "[unit][app]") {
  if (!have_gnuplot()) {
    WARN("no gnuplot here");
    return;
  }
  PlotOptions options;
  options.log_x = options.log_y = true;
  const std::string svg = run_gnuplot(gnuplot_script(table_of(kRows), options, "a < b & c"));
  CHECK_THAT(svg, Contains("<svg") && Contains("</svg>") && Contains("a &lt; b &amp; c"));
}

}  // namespace
}  // namespace mtesim::test
