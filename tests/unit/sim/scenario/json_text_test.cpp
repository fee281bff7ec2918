#include "sim/scenario/json_text.h"

#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "sim/scenario/scenario_error.h"

namespace mtesim {
namespace {

using namespace std::string_literals;

/// What is wrong with `text`; empty if nothing is.
std::string refusal(std::string_view text, const JsonLimits& limits = {}) {
  try {
    static_cast<void>(parse_json_text(text, "x.json", limits));
  } catch (const ScenarioError& error) {
    return error.what();
  }
  return "";
}

std::string repeated(std::string_view part, std::size_t times) {
  std::string out;
  for (std::size_t i = 0; i < times; ++i) out += part;
  return out;
}

std::string nested(std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); }

std::string array_of(std::string_view item, std::size_t count) {
  std::string out = "[";
  for (std::size_t i = 0; i < count; ++i) out += (i == 0 ? "" : ",") + std::string(item);
  return out + "]";
}

TEST_CASE("every value and key knows its line and column", "[unit][scenario]") {
  const JsonText text = parse_json_text(R"({
  "a": [1, "two",
    { "b/c": true, "d~e":null }],
  "grün": { "日本": -2.5 }, "": {}
})",
                                        "x.json");
  const auto at = [&text](std::string_view pointer) {
    const Place place = text.place(pointer);
    CHECK(place.file == "x.json");
    CHECK(place.pointer == pointer);
    return std::pair(place.line, place.column);
  };
  const auto key_at = [&text](std::string_view pointer) {
    const Place place = text.key_place(pointer);
    return std::pair(place.line, place.column);
  };
  CHECK(at("") == std::pair(1, 1));
  CHECK(at("/a") == std::pair(2, 8));
  CHECK(at("/a/0") == std::pair(2, 9));
  CHECK(at("/a/1") == std::pair(2, 12));
  CHECK(at("/a/2") == std::pair(3, 5));
  CHECK(at("/a/2/b~1c") == std::pair(3, 14));
  CHECK(at("/a/2/d~0e") == std::pair(3, 26));
  CHECK(at("/grün") == std::pair(4, 11));
  CHECK(at("/grün/日本") == std::pair(4, 19));  // characters, not bytes
  CHECK(at("/") == std::pair(4, 31));
  CHECK(key_at("/a") == std::pair(2, 3));
  CHECK(key_at("/a/2/d~0e") == std::pair(3, 20));
  CHECK(key_at("/grün/日本") == std::pair(4, 13));
  CHECK(key_at("/a/1") == std::pair(2, 12));  // without a key, the value
  CHECK(text.values() == 10);
}

TEST_CASE("a pointer that leads nowhere gets the place of the nearest value around it", "[unit][scenario]") {
  const JsonText text = parse_json_text("{ \"a\": [1,\n2] }", "x.json");
  CHECK(text.place("/a/2") == Place{"x.json", 1, 8, "/a/2"});
  CHECK(text.place("/a/01x") == Place{"x.json", 1, 8, "/a/01x"});
  CHECK(text.place("/a/1/b/c") == Place{"x.json", 2, 1, "/a/1/b/c"});
  CHECK(text.place("/b") == Place{"x.json", 1, 1, "/b"});
  CHECK(text.key_place("/b") == Place{"x.json", 1, 1, "/b"});
  CHECK(text.key_place("/a/2") == Place{"x.json", 1, 8, "/a/2"});
}

TEST_CASE("another value keeps the places of the file", "[unit][scenario]") {
  const JsonText text = parse_json_text("{\n\"a\": 1 }", "x.json");
  const JsonText other = text.with_value(nlohmann::json{{"a", 2}, {"b", 3}});
  CHECK(other.value()["a"] == 2);
  CHECK(text.value()["a"] == 1);
  CHECK(other.place("/a") == Place{"x.json", 2, 6, "/a"});
  CHECK(other.place("/b") == Place{"x.json", 1, 1, "/b"});
}

TEST_CASE("lines may end as on other systems, and a tab is one column", "[unit][scenario]") {
  CHECK(parse_json_text("[\r\n\t1]", "x").place("/0") == Place{"x", 2, 2, "/0"});
}

TEST_CASE("a whole number is an integer, however it is written", "[unit][scenario]") {
  const nlohmann::json value =
      parse_json_text("[1, 1.0, 1e3, -0.0, -3.0, 2.5, 9007199254740992, -9007199254740992]", "x").value();
  for (const std::size_t i : {0u, 1u, 2u, 3u, 4u, 6u, 7u}) CHECK(value[i].is_number_integer());
  CHECK(value == nlohmann::json::parse("[1, 1, 1000, 0, -3, 2.5, 9007199254740992, -9007199254740992]"));
}

TEST_CASE("the value is the one that nlohmann reads", "[unit][scenario]") {
  const std::string text =
      R"({"a": [null, true, false, "\u00e9\n\"\\\/\ud83e\udd80", 1.5e-3, {}, []], "b": {"c": {"d": 0}}})";
  CHECK(parse_json_text(text, "x").value() == nlohmann::json::parse(text));
}

TEST_CASE("what is no JSON is refused in words, at its place", "[unit][scenario]") {
  struct Case {
    std::string text;
    std::string line;
  };
  const std::string numbers = " (numbers are written like 0, -12, 3.5 or 1e6)";
  const auto [text, line] = GENERATE_COPY(values<Case>({
      // cut short
      {"", R"(x.json:1:1: found an empty file; expected a value)"},
      {" \n ", R"(x.json:2:2: found the end of the file; expected a value)"},
      {"[1", R"(x.json:1:3: found the end of the file; expected "," or "]" (the "[" of 1:1 is still open))"},
      {"{\"a\":\n {}", R"(x.json:2:4: found the end of the file; expected "," or "}" (the "{" of 1:1 is still open))"},
      {R"({"a")",
       R"(x.json:1:5: /a: found the end of the file; expected ":" between key and value (the "{" of 1:1 is still open))"},
      {R"(["ab)", R"(x.json:1:2: found a text without its closing double quote)"},
      {"[tru", R"(x.json:1:2: found the bare word tru; expected a value or "]"; did you mean true?)"},
      // too much
      {"1 2", R"(x.json:1:3: found 2; expected the end of the file)"},
      {"{} // c", R"(x.json:1:4: found a comment; expected the end of the file (JSON has no comments))"},
      {"[]]", R"(x.json:1:3: found "]"; expected the end of the file)"},
      // commas and colons
      {"[1,]", R"(x.json:1:4: found "]" after a comma; expected a value (JSON has no trailing comma))"},
      {"{\"a\": 1,\n}",
       R"(x.json:2:1: found "}" after a comma; expected a key in double quotes (JSON has no trailing comma))"},
      {"[1,,2]", R"(x.json:1:4: found ","; expected a value)"},
      {"[1 2]", R"(x.json:1:4: found 2; expected "," or "]")"},
      {R"({"a" 1})", R"(x.json:1:6: /a: found 1; expected ":" between key and value)"},
      {R"({"a":1 "b":2})", R"(x.json:1:8: found the text "b"; expected "," or "}")"},
      {R"({"a":})", R"(x.json:1:6: /a: found "}"; expected a value)"},
      {"[}", R"(x.json:1:2: found "}"; expected a value or "]")"},
      // keys
      {"{a: 1}", R"(x.json:1:2: found the bare word a; expected a key in double quotes or "}"; did you mean "a"?)"},
      {R"({"x":0, true: 1})", R"(x.json:1:9: found true; expected a key in double quotes; did you mean "true"?)"},
      {"{'a': 1}",
       R"(x.json:1:2: found a single quote; expected a key in double quotes or "}" (JSON writes texts in double quotes))"},
      // words and numbers
      {"[True]", R"(x.json:1:2: found the bare word True; expected a value or "]"; did you mean true?)"},
      {R"({"a": {"b": sync}})",
       R"(x.json:1:13: /a/b: found the bare word sync; expected a value; did you mean "sync"?)"},
      {"[NaN]", R"(x.json:1:2: found NaN; expected a value or "]" (JSON has neither NaN nor infinity))"},
      {"-Infinity", R"(x.json:1:1: found -Infinity; expected a value (JSON has neither NaN nor infinity))"},
      {"[0x10]", R"(x.json:1:2: found 0x10; expected a value or "]"; did you mean "0x10"?)"},
      {"01", "x.json:1:1: found 01; expected a value" + numbers},
      {"[.5]", "x.json:1:2: found .5; expected a value or \"]\"" + numbers},
      {"[1.]", "x.json:1:2: found 1.; expected a value or \"]\"" + numbers},
      {"[+1]", "x.json:1:2: found +1; expected a value or \"]\"" + numbers},
      {"[1e]", "x.json:1:2: found 1e; expected a value or \"]\"" + numbers},
      {"[“a”]", R"(x.json:1:2: found “; expected a value or "]" (JSON writes texts in double quotes))"},
      {"1e999", R"(x.json:1:1: found 1e999, which is beyond every number of JSON)"},
      // inside texts
      {"[\"a\nb\"]",
       R"(x.json:1:4: found a line break inside a text; expected the closing double quote, or \n for a line break)"},
      {"[\"\x01\"]", R"(x.json:1:3: found the control character U+0001 inside a text; expected \u0001)"},
      {R"(["é\q"])", R"(x.json:1:4: found \q inside a text; after a backslash expected one of " \ / b f n r t u)"},
      {R"(["\u12"])", R"(x.json:1:3: found \u12 inside a text; expected four hex digits after \u)"},
      {R"(["\ud800x"])",
       R"(x.json:1:3: found \ud800 inside a text, half of a surrogate pair; expected \ud800-\udbff and then \udc00-\udfff)"},
      {R"(["a\u0000"])", R"(x.json:1:2: /0: found \u0000 inside a text; expected a text without NUL)"},
      {R"({"\u0000": 1})", R"(x.json:1:2: /\u0000: found \u0000 inside a text; expected a text without NUL)"},
      // bytes
      {"[\"\xff\"]", R"(x.json:1:3: found the byte 0xff, which is not UTF-8; expected the file in UTF-8)"},
      {"[\"日\xed\xa0\x80\"]", R"(x.json:1:4: found the byte 0xed, which is not UTF-8; expected the file in UTF-8)"},
      {"[\xff]", R"(x.json:1:2: found the byte 0xff, which is not UTF-8; expected the file in UTF-8)"},
      {"[\x01]", R"(x.json:1:2: found the control character U+0001; expected a value or "]")"},
      {"\0"s, R"(x.json:1:1: found a NUL byte; expected a text file in UTF-8)"},
      {"{}\0"s, R"(x.json:1:3: found a NUL byte; expected a text file in UTF-8)"},
      {"[\"a\0b\"]"s, R"(x.json:1:4: /0: found a NUL byte; expected a text file in UTF-8)"},
      {"\xef\xbb\xbf{}", R"(x.json:1:1: found a byte order mark (EF BB BF); expected UTF-8 without it)"},
      {"\xff\xfe{\0}\0"s, R"(x.json:1:1: found UTF-16 (a byte order mark of two bytes); expected UTF-8)"},
  }));
  CAPTURE(printable(text));
  CHECK(refusal(text) == line);
}

TEST_CASE("a key that comes twice is refused with the place of the first", "[unit][scenario]") {
  CHECK(refusal("{\"a\": {\"b\": 1,\n \"c\": 2,\n \"b\": 3}}") ==
        R"(x.json:3:2: /a/b: found the key "b" twice in one object; the first is at 1:8)");
}

TEST_CASE("a whole number beyond 2^53 has to be a text", "[unit][scenario]") {
  CHECK(refusal("[9007199254740992, -9007199254740992]").empty());
  CHECK(
      refusal("[9007199254740993]") ==
      R"(x.json:1:2: /0: found 9007199254740993; JSON tools change whole numbers above 2^53: write it as the text "0x20000000000001")");
  CHECK(
      refusal("18446744073709551616") ==
      R"(x.json:1:1: found 18446744073709551616; JSON tools change whole numbers above 2^53: write it as the text "0x…")");
  CHECK(refusal(R"({"a": 1e17})") ==
        R"(x.json:1:7: /a: found 1e17; JSON tools change whole numbers above 2^53: write it as the text "0x…")");
  CHECK(refusal("[-9007199254740993]") ==
        R"(x.json:1:2: /0: found -9007199254740993; JSON tools change whole numbers below -2^53)");
}

TEST_CASE("what does not stop the reading is gathered", "[unit][scenario]") {
  CHECK(refusal("{\"a\": 1e17,\n\"a\": 2,\n\"b\": ]}") ==
        "x.json:1:7: /a: found 1e17; JSON tools change whole numbers above 2^53: write it as the "
        "text \"0x…\"\n"
        "x.json:2:1: /a: found the key \"a\" twice in one object; the first is at 1:2\n"
        "x.json:3:6: /b: found \"]\"; expected a value");
}

TEST_CASE("each limit takes the last that fits and refuses the next", "[unit][scenario]") {
  const JsonLimits limits{.file_bytes = 100, .depth = 4, .text_bytes = 8, .values = 10};
  CHECK(refusal(nested(4), limits).empty());
  CHECK(refusal(nested(5), limits) ==
        "x.json:1:5: /0/0/0/0: found arrays and objects nested deeper than 4 levels; that many is the limit");
  CHECK(refusal(R"({"a":{"a":{"a":{"a":1}}}})", limits).empty());
  CHECK(refusal(R"({"a":{"a":{"a":{"a":{}}}}})", limits) ==
        "x.json:1:21: /a/a/a/a: found arrays and objects nested deeper than 4 levels; that many is the limit");
  CHECK(refusal(R"(["12345678", {"12345678":1}])", limits).empty());
  CHECK(refusal(R"(["123456789"])", limits) ==
        "x.json:1:2: /0: found a text of more than 8 bytes; that many is the limit");
  CHECK(refusal(R"({"123456789":1})", limits) ==
        "x.json:1:2: found a text of more than 8 bytes; that many is the limit");
  CHECK(refusal(R"(["\u00e9\n"])", limits).empty());  // as it is written
  CHECK(refusal(R"(["\u00e9\nx"])", limits) ==
        "x.json:1:2: /0: found a text of more than 8 bytes; that many is the limit");
  CHECK(refusal(array_of("1", 9), limits).empty());
  CHECK(refusal(array_of("1", 10), limits) ==
        "x.json:1:20: /9: found more than 10 values; that many is the limit for one file");
  CHECK(refusal(array_of("{}", 10), limits) ==
        "x.json:1:29: /9: found more than 10 values; that many is the limit for one file");
  CHECK(refusal("1" + std::string(99, ' '), limits).empty());
  CHECK(refusal("1" + std::string(100, ' '), limits) == "x.json: found 101 bytes; the limit for one file is 100");
}

TEST_CASE("the limits that hold when none are given", "[unit][scenario]") {
  CHECK(refusal(nested(32)).empty());
  CHECK_FALSE(refusal(nested(33)).empty());
  CHECK(refusal("[\"" + std::string(65536, 'x') + "\"]").empty());
  CHECK_FALSE(refusal("[\"" + std::string(65537, 'x') + "\"]").empty());
  CHECK(refusal(array_of("1", 199'999)).empty());
  CHECK_FALSE(refusal(array_of("1", 200'000)).empty());
  const std::size_t most = 4u << 20;
  CHECK(refusal("1" + std::string(most - 1, ' ')).empty());
  CHECK_FALSE(refusal("1" + std::string(most, ' ')).empty());
}

TEST_CASE("hostile documents cost little time and memory", "[unit][scenario]") {
  const JsonLimits wide{.file_bytes = std::size_t{64} << 20};
  const auto make = GENERATE(
      as<std::string (*)()>{}, [] { return std::string(1'000'000, '['); },
      [] { return repeated("{\"a\":", 1'000'000); }, [] { return "[\"" + repeated("x", 10'000'000) + "\"]"; },
      [] { return "[\"" + repeated("\\", 10'000'000) + "\"]"; },
      [] { return "{\"" + std::string(65'000, 'k') + "\":" + array_of("1e17", 199'000) + "}"; },
      [] { return "{\"" + std::string(65'000, 'k') + "\":" + array_of("1", 1'000'000) + "}"; },
      [] { return "{" + repeated("\"a\":1,", 1'000'000) + "\"a\":1}"; }, [] { return std::string(4'000'000, '\n'); },
      [] { return "[" + std::string(4'000'000, '1') + "]"; }, [] { return array_of("[]", 1'000'000); },
      [] { return "[" + std::string(4'000'000, 'x') + "]"; });
  const std::string text = make();
  const auto peak_kib = [] {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss;
  };
  const long before = peak_kib();
  const auto start = std::chrono::steady_clock::now();
  const std::string complaint = refusal(text, wide);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  CAPTURE(text.size(), complaint);
  CHECK_FALSE(complaint.empty());
  CHECK(complaint.size() < 10'000);
  CHECK(took.count() < 10);  // hundredths of a second, but for sanitizers and a busy machine
  CHECK(peak_kib() - before < 256L * 1024);
}

TEST_CASE("whatever is done to a document, it is read as nlohmann reads it or refused in words", "[unit][scenario]") {
  const std::string good = "{\"a\": [1.5e-3, -20, \"t\\u00e9\\n日\", true],\n \"b\": {\"c\": null, \"d\": [[], {}]}}";
  const std::string others = "{}[]\",:\\ \n0-.eatu'#\x80\xc3"s;
  const auto compare = [](const std::string& text) {
    const nlohmann::json judged = nlohmann::json::parse(text, nullptr, false);
    const std::string complaint = refusal(text);
    const bool ours = complaint.find("twice") != std::string::npos || complaint.find("2^53") != std::string::npos;
    if ((judged.is_discarded() == complaint.empty() && !ours) || complaint.find("is not JSON") != std::string::npos) {
      CAPTURE(printable(text, 200), complaint);
      FAIL("they differ, or the refusal is in no words");
    }
    if (complaint.empty() && parse_json_text(text, "x.json").value() != judged) FAIL("they read different values");
  };
  for (std::size_t i = 0; i < good.size(); ++i) {
    compare(good.substr(0, i));
    compare(std::string(good).erase(i, 1));
    for (const char c : others) {
      compare(std::string(good).insert(i, 1, c));
      compare(std::string(good).replace(i, 1, 1, c));
    }
  }
}

/// A new directory, removed at the end.
struct Directory {
  std::filesystem::path path;
  Directory() {
    std::string name = (std::filesystem::temp_directory_path() / "json-text-XXXXXX").string();
    REQUIRE(mkdtemp(name.data()) != nullptr);
    path = name;
  }
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;
  ~Directory() { std::filesystem::remove_all(path); }
};

std::string file_refusal(const std::string& path, const JsonLimits& limits = {}) {
  try {
    static_cast<void>(read_json_file(path, limits));
  } catch (const ScenarioError& error) {
    return error.what();
  }
  return "";
}

TEST_CASE("a file is read, and its name is in the places", "[unit][scenario]") {
  const Directory directory;
  const std::string path = directory.path / "x.json";
  std::ofstream(path) << "{\n \"a\": [7]}\n";
  const JsonText text = read_json_file(path);
  CHECK(text.value()["a"][0] == 7);
  CHECK(text.place("/a/0") == Place{path, 2, 8, "/a/0"});
  CHECK(file_refusal(path, {.file_bytes = 13}).empty());
  CHECK(file_refusal(path, {.file_bytes = 12}) == path + ": found 13 bytes; the limit for one file is 12");
}

TEST_CASE("only a regular file is read", "[unit][scenario]") {
  const Directory directory;
  const std::string pipe = directory.path / "pipe";
  REQUIRE(mkfifo(pipe.c_str(), 0600) == 0);
  CHECK(file_refusal(directory.path) == directory.path.string() + ": found a directory; expected a file");
  CHECK(file_refusal(pipe) ==
        pipe + ": found a device, pipe or socket; expected a file");  // and does not wait for a writer
  CHECK(file_refusal("/dev/zero") == "/dev/zero: found a device, pipe or socket; expected a file");
  CHECK(file_refusal("/nowhere/x.json") == "/nowhere/x.json: cannot be opened: No such file or directory");
}

TEST_CASE("a file far beyond the limit is refused without being read", "[unit][scenario]") {
  const Directory directory;
  const std::string path = directory.path / "large.json";
  std::ofstream(path) << "";
  std::filesystem::resize_file(path, std::uintmax_t{1} << 40);  // sparse
  CHECK(file_refusal(path) == path + ": found 1099511627776 bytes; the limit for one file is 4194304");
}

TEST_CASE("a step of a pointer is escaped", "[unit][scenario]") {
  CHECK(pointer_to("", "a") == "/a");
  CHECK(pointer_to("/x", "a/b~c") == "/x/a~1b~0c");
}

}  // namespace
}  // namespace mtesim
