#include "sim/scenario/scenario_error.h"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

namespace mtesim {
namespace {

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines(1);
  for (const char c : text) {
    if (c == '\n') {
      lines.emplace_back();
    } else {
      lines.back() += c;
    }
  }
  return lines;
}

TEST_CASE("a complaint says file, line, column, pointer and what is wrong", "[unit][scenario]") {
  CHECK(to_line({{"scenarios/x.json", 12, 14, "/process/tcf"}, "found \"sinc\""}) ==
        "scenarios/x.json:12:14: /process/tcf: found \"sinc\"");
  CHECK(to_line({{"x.json", 1, 1, ""}, "found an empty file"}) == "x.json:1:1: found an empty file");
  CHECK(to_line({{"x.json", 0, 0, ""}, "found a directory"}) == "x.json: found a directory");
}

TEST_CASE("complaints come out in order of place, and those of one place in order of time", "[unit][scenario]") {
  const ScenarioError error(
      {{{"x", 2, 1, ""}, "c"}, {{"x", 1, 9, ""}, "a"}, {{"x", 1, 10, ""}, "b"}, {{"x", 2, 1, ""}, "d"}});
  CHECK(error.what() == std::string("x:1:9: a\nx:1:10: b\nx:2:1: c\nx:2:1: d"));
}

TEST_CASE("the first twenty complaints are kept and the others counted", "[unit][scenario]") {
  const int count = GENERATE(20, 21, 500);
  Complaints complaints;
  for (int line = count; line > 0; --line) complaints.add({"x", line, 1, ""}, "no");  // the last first
  const ScenarioError error(complaints);
  REQUIRE(error.complaints().size() == 20);
  CHECK(error.complaints().front().place.line == 1);
  CHECK(error.complaints().back().place.line == 20);
  CHECK(error.left_out() == static_cast<std::size_t>(count - 20));
  const std::vector<std::string> lines = lines_of(error.what());
  CHECK(lines.size() == (count == 20 ? 20 : 21));
  if (count == 500) CHECK(lines.back() == "x: and 480 more");
}

TEST_CASE("no complaint, no exception", "[unit][scenario]") {
  Complaints complaints;
  CHECK_NOTHROW(complaints.throw_if_any());
  complaints.add({"x", 1, 1, ""}, "no");
  CHECK_THROWS_AS(complaints.throw_if_any(), ScenarioError);
}

TEST_CASE("what a terminal might obey is shown as an escape", "[unit][scenario]") {
  CHECK(printable("a\nb\tc") == "a\\nb\\tc");
  CHECK(printable("\x1b[31mred") == "\\u001b[31mred");
  CHECK(printable("\x7f\xc2\x9b") == "\\u007f\\u009b");
  CHECK(printable("right\xe2\x80\xaeleft") == "right\\u202eleft");
  CHECK(printable("grün 日本 🦀") == "grün 日本 🦀");
  CHECK(printable("\xff\xc3") == "\\xff\\xc3");
  CHECK(in_quotes("say \"\\\"") == R"("say \"\\\"")");
}

TEST_CASE("a long text is shortened between characters", "[unit][scenario]") {
  CHECK(printable("12345", 5) == "12345");
  CHECK(printable("123456", 5) == "12345…");
  CHECK(printable("123日", 5) == "123…");
  CHECK(in_quotes("123456", 5) == "\"12345…\"");
}

TEST_CASE("UTF-8 is well-formed up to its last code point, without overlong forms and surrogates", "[unit][scenario]") {
  CHECK(utf8_length("a") == 1);
  CHECK(utf8_length("\xc2\x80") == 2);
  CHECK(utf8_length("\xe0\xa0\x80") == 3);
  CHECK(utf8_length("\xed\x9f\xbf") == 3);
  CHECK(utf8_length("\xf4\x8f\xbf\xbf") == 4);
  for (const std::string bad : {"", "\x80", "\xc1\x80", "\xc2", "\xc2\x61", "\xe0\x9f\x80", "\xed\xa0\x80", "\xe2\x82",
                                "\xf0\x8f\x80\x80", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff"}) {
    CAPTURE(printable(bad));
    CHECK(utf8_length(bad) == 0);
  }
}

}  // namespace
}  // namespace mtesim
