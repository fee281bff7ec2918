#include "sim/scenario/columns.h"

#include <catch2/catch.hpp>
#include <set>
#include <stdexcept>

#include "tests/unit/sim/scenario/full_example.h"

namespace mtesim::test {
namespace {

using Catch::Matchers::Contains;

/// All points of a scenario, carried out.
SweepTable table_of(const Json& json, const std::vector<std::string>& names = {}) {
  const JsonText text = as_text(json);
  const Scenario scenario = parse_scenario(text);
  const std::vector<const Column*> columns = choose_columns(names);
  std::vector<std::string> pointers;
  for (const auto& [pointer, axis] : scenario.sweep) pointers.push_back(pointer);
  SweepTable table = empty_table(pointers, columns);
  for (const SweepPoint& point : sweep_points(text, scenario)) {
    const Scenario one = parse_scenario(point.text);
    PointReport report = carry_out(one, build(one, point.text), {});
    report.at = point.at;
    add_row(table, report, columns);
  }
  return table;
}

Json swept(const std::string& sweep) {
  Json example = small_example();
  example["sweep"] = Json::parse(sweep);
  return example;
}

std::vector<std::string> shown(const std::vector<std::string>& pointers) {
  std::vector<std::string> names;
  for (const Heading& heading : empty_table(pointers, {}).headings) names.push_back(heading.shown);
  return names;
}

TEST_CASE("each column has a name of its own and says what it is", "[unit][scenario]") {
  std::set<std::string_view> names;
  for (const Column& column : columns()) {
    CHECK(names.insert(column.name).second);
    CHECK_FALSE(column.about.empty());
  }
}

TEST_CASE("what a point gave stands in its columns", "[unit][scenario]") {
  const SweepTable table = table_of(swept(R"({"/calls/0/count_bytes": [64, 4096, 8192]})"),
                                    {"bytes", "outcome", "stores", "page_faults_refused", "verdict"});
  REQUIRE(table.rows.size() == 3);
  CHECK(table.rows[0] == std::vector<Cell>{std::int64_t{64}, std::int64_t{64}, "64", std::int64_t{8}, std::int64_t{0},
                                           std::monostate{}});
  CHECK(table.rows[1][1] == Cell(std::int64_t{4096}));
  CHECK(table.rows[2][1] == Cell(std::int64_t{4096}));  // the buffer ends there
  CHECK(table.returned == std::vector<bool>{true, true, true});
}

TEST_CASE("a run that never returns, and a check", "[unit][scenario]") {
  Json example = full_example();
  example["sweep"] = Json::parse(R"({"/kernel/revision": ["5.17"]})");
  const SweepTable table = table_of(example, {"outcome", "verdict", "most_rounds"});
  CHECK(table.returned == std::vector<bool>{false});
  CHECK_THAT(to_word(table.rows[0][1]), Contains("no return"));
  CHECK(table.rows[0][2] == Cell("livelock"));
  CHECK(table.rows[0][3] == Cell());
}

TEST_CASE("bytes of a call that does not return them are those that its loop counted", "[unit][scenario]") {
  Json example = full_example();
  example.erase("environment");
  example.erase("expect");
  example["memory"][0].erase("tags");
  example["sweep"] = Json::parse(R"({"/kernel/revision": ["7.3"]})");
  example["calls"][0]["nr_items"] = 1;
  const SweepTable table = table_of(example, {"outcome", "bytes"});
  CHECK(table.rows[0][1] == Cell("0"));
  CHECK(table.rows[0][2] == Cell(std::int64_t{1032}));  // a header of 32 bytes and an item of 1000
}

TEST_CASE("a heading is as short as it can be told apart", "[unit][scenario]") {
  CHECK(shown({"/kernel/revision", "/calls/0/count_bytes"}) == std::vector<std::string>{"revision", "count_bytes"});
  CHECK(shown({"/memory/0/tag", "/memory/1/tag"}) == std::vector<std::string>{"0/tag", "1/tag"});
  CHECK(shown({"/memory/0/tags/0/tag", "/calls/0/tag"}) == std::vector<std::string>{"tags/0/tag", "calls/0/tag"});
  CHECK(shown({"/process/rounds"}) == std::vector<std::string>{"process/rounds"});  // a column has that name
}

TEST_CASE("a column is found by name, a pointer in full or as shown", "[unit][scenario]") {
  const SweepTable table = empty_table({"/kernel/revision"}, choose_columns({"cycles", "rounds", "cycles"}));
  REQUIRE(table.headings.size() == 3);  // one asked for twice is there once
  CHECK(table.find("--x", "/kernel/revision") == 0);
  CHECK(table.find("--x", "revision") == 0);
  CHECK(table.find("--x", "rounds") == 2);
  CHECK_THROWS_WITH(table.find("--x", "cycels"), Contains("--x: found \"cycels\"") && Contains("mean \"cycles\""));
  CHECK_THROWS_AS(choose_columns({"cycle"}), std::invalid_argument);
  CHECK_THROWS_WITH(choose_columns({"cycle"}), Contains("did you mean \"cycles\""));
  CHECK(choose_columns({}).size() == columns().size());
}

SweepTable of_cells(std::vector<std::vector<Cell>> rows) {
  SweepTable table;
  for (std::size_t c = 0; c < rows.front().size(); ++c) {
    const std::string name(1, static_cast<char>('a' + c));
    table.headings.push_back({"/" + name, name, c == 0});
  }
  table.returned.assign(rows.size(), true);
  table.rows = std::move(rows);
  return table;
}

TEST_CASE("CSV quotes what has to be quoted", "[unit][scenario]") {
  const SweepTable table = of_cells({{"plain", "a,b", "say \"no\"", "two\nlines", std::int64_t{-7}, 0.25, Cell()}});
  CHECK(to_csv(table) == "/a,/b,/c,/d,/e,/f,/g\r\nplain,\"a,b\",\"say \"\"no\"\"\",\"two\nlines\",-7,0.25,\r\n");
}

TEST_CASE("the table tells once what is the same everywhere, and leaves out what is nowhere", "[unit][scenario]") {
  const SweepTable table =
      of_cells({{"x", std::int64_t{1}, std::int64_t{5}, Cell()}, {"y", std::int64_t{1}, std::int64_t{500}, Cell()}});
  CHECK(to_text(table, false) == "everywhere: b 1\na    c\nx    5\ny  500\n");
  CHECK(to_text(table, true) == "a  b    c  d\nx  1    5  -\ny  1  500  -\n");
}

TEST_CASE("a detail is shown where it is asked for, and named where it is not", "[unit][scenario]") {
  SweepTable table = of_cells({{"x", std::int64_t{1}, std::int64_t{5}}, {"y", std::int64_t{2}, std::int64_t{6}}});
  table.headings[2].detail = true;
  CHECK(to_text(table, false) == "a  b\nx  1\ny  2\nnot shown: c\n");
  CHECK(to_text(table, true) == "a  b  c\nx  1  5\ny  2  6\n");
}

TEST_CASE("a swept pointer is shown though it has one value, a single row as a list", "[unit][scenario]") {
  CHECK(to_text(of_cells({{"x", std::int64_t{1}}, {"x", std::int64_t{2}}}), false) == "a  b\nx  1\nx  2\n");
  CHECK(to_text(of_cells({{"x", std::int64_t{100}, Cell()}}), false) == "a    x\nb  100\n");
}

TEST_CASE("a terminal gets no control characters", "[unit][scenario]") {
  CHECK_THAT(to_text(of_cells({{"\x1b[2J", std::int64_t{1}}}), true), !Contains("\x1b"));
}

}  // namespace
}  // namespace mtesim::test
