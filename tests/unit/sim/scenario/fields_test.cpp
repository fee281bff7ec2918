#include "sim/scenario/fields.h"

#include <catch2/catch.hpp>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "tests/unit/sim/scenario/toy_scenario.h"

namespace mtesim {
namespace {

toy::Scenario read_toy(std::string_view text) {
  return read_fields<toy::Scenario>(parse_json_text(text, "x.json"), toy::vocabulary());
}

/// What is wrong with `text` as a T; empty if nothing is.
template <class T>
std::string refusal(std::string_view text) {
  try {
    static_cast<void>(read_fields<T>(parse_json_text(text, "x.json"), toy::vocabulary()));
  } catch (const ScenarioError& error) {
    return error.what();
  }
  return "";
}

/// What is wrong with the toy document once `key` has that value.
std::string refusal_with(const std::string& key, const std::string& value) {
  return refusal<toy::Scenario>(R"({"name":"n","cpu":"cortex-a510","memory":[{"name":"m"}],"calls":[],)"
                                "\n\"" +
                                key + "\":" + value + "}");
}

TEST_CASE("a document is read into its struct", "[unit][scenario]") {
  const toy::Scenario s = read_toy(toy::kDocument);
  CHECK(s.name == "toy");
  CHECK(s.tcf == TcfMode::asymm);
  CHECK(s.cpu == "neoverse-v2");
  CHECK(s.change == std::map<std::string, JsonScalar>{{"search.probe", std::string("granule")},
                                                      {"search.min_size", std::int64_t{64}},
                                                      {"copy.retry", true}});
  REQUIRE(s.memory.size() == 2);
  CHECK(s.memory[0] == toy::Mapping{"buf", 4, 5, true, {{{7, 7}, Tag{6}}, {{0, 3}, Tag{0}}}});
  CHECK(s.memory[1] == toy::Mapping{"other", -3, 1, false, {}});
  REQUIRE(s.calls.size() == 3);
  CHECK(s.calls[0] == toy::Call(toy::Read{"f", Bytes{4096}, UserPtr(0x500ffff00001000)}));
  CHECK(s.calls[1] == toy::Call(toy::Search{"f", Bytes{16384}}));
  CHECK(s.calls[2] == toy::Call(toy::Fiemap{"f"}));
  CHECK(s.environment == std::vector<toy::Action>{toy::Evict{"buf", 2}, toy::Sigkill{}});
  CHECK(s.sweep.at("/memory/0/pages") == toy::Axis(toy::Range{1, 9}));
  CHECK(s.sweep.at("/tcf") == toy::Axis(std::vector<JsonScalar>{std::string("sync"), std::int64_t{2}, 0.5, true}));
  CHECK(s.seed == 0xfedcba9876543210);
  CHECK(s.share == 0.25);
  REQUIRE(s.spare);
  CHECK(s.spare->name == "late");
  CHECK(s.usual == toy::Retag{{9, 9}, Tag{1}});
}

TEST_CASE("an optional field that is left out is as in a fresh struct", "[unit][scenario]") {
  const toy::Scenario s = read_toy(R"({"name":"n","cpu":"cortex-a510","memory":[{"name":"m"}],"calls":[]})");
  toy::Scenario fresh;
  fresh.name = "n";
  fresh.cpu = "cortex-a510";
  fresh.memory = {toy::mapping("m")};
  CHECK(s == fresh);
}

TEST_CASE("a key that nobody asked for is refused at its place", "[unit][scenario]") {
  CHECK(refusal<toy::Retag>("{\"granules\": \"7\",\n  \"tga\": 1}") ==
        "x.json:1:1: missing the required key \"tag\" (allocation tag)\n"
        "x.json:2:3: found the unknown key \"tga\"; allowed: granules, tag; did you mean \"tag\"?");
  CHECK(refusal<toy::Retag>(R"({"granules":"7","tag":1,"colour":0})") ==
        "x.json:1:25: found the unknown key \"colour\"; allowed: granules, tag");
  CHECK(refusal_with("spare", R"({"name":"s","pagse":2})") ==
        "x.json:2:21: /spare: found the unknown key \"pagse\"; allowed: name, nice, pages, present, tags; did you mean "
        "\"pages\"?");
}

TEST_CASE("a wrong type is named, with its value if that is short", "[unit][scenario]") {
  CHECK(refusal<toy::Scenario>("[]") == "x.json:1:1: found the array []; allowed: an object");
  CHECK(refusal_with("about", "3") == "x.json:2:9: /about: found the number 3; allowed: a text");
  CHECK(refusal_with("about", "true") == "x.json:2:9: /about: found true; allowed: a text");
  CHECK(refusal_with("about", "null") == "x.json:2:9: /about: found null; allowed: a text");
  CHECK(refusal_with("about", R"(["a", 1])") == "x.json:2:9: /about: found the array [\"a\",1]; allowed: a text");
  CHECK(refusal_with("about", R"({"a": {"b": 1}})") ==
        "x.json:2:9: /about: found the object {\"a\":{\"b\":1}}; allowed: a text");
  CHECK(refusal_with("about", R"(["a long text, which nobody would like", "to read again"])") ==
        "x.json:2:9: /about: found an array of 2 items; allowed: a text");
  CHECK(refusal_with("spare", "\"" + std::string(80, 'x') + "\"") ==
        "x.json:2:9: /spare: found the text \"" + std::string(60, 'x') + "…\"; allowed: an object");
}

TEST_CASE("a number outside its range is refused, the last inside it taken", "[unit][scenario]") {
  const auto with_tag = [](const std::string& tag) {
    return refusal<toy::Retag>(R"({"granules":"7","tag":)" + tag + "}");
  };
  CHECK(with_tag("0").empty());
  CHECK(with_tag("15").empty());
  CHECK(with_tag("15.0").empty());
  CHECK(with_tag("16") == "x.json:1:23: /tag: found 16; allowed: a whole number from 0 to 15");
  CHECK(with_tag("-1") == "x.json:1:23: /tag: found -1; allowed: a whole number from 0 to 15");
  CHECK(with_tag("1.5") == "x.json:1:23: /tag: found 1.5; allowed: a whole number from 0 to 15");
  CHECK(
      with_tag("\"5\"") ==
      "x.json:1:23: /tag: found the text \"5\"; allowed: a whole number from 0 to 15; did you mean 5 without quotes?");
  CHECK(with_tag("\"16\"") == "x.json:1:23: /tag: found the text \"16\"; allowed: a whole number from 0 to 15");
  CHECK(refusal_with("share", "1").empty());
  CHECK(refusal_with("share", "1.25") == "x.json:2:9: /share: found 1.25; allowed: a number from 0 to 1");
}

TEST_CASE("a bool in quotes is recognised", "[unit][scenario]") {
  CHECK(refusal<toy::Mapping>(R"({"name":"m","present":"true"})") ==
        "x.json:1:23: /present: found the text \"true\"; allowed: true or false; did you mean true without quotes?");
  CHECK(refusal<toy::Mapping>(R"({"name":"m","present":1})") ==
        "x.json:1:23: /present: found the number 1; allowed: true or false");
}

TEST_CASE("64 bits are a number up to 2^53 and a hex text beyond", "[unit][scenario]") {
  const std::string allowed =
      R"(allowed: a whole number from 0, as a hex text ("0xffffffffffffffff") if it is above 2^53)";
  CHECK(refusal_with("seed", "9007199254740992").empty());
  CHECK(refusal_with("seed", R"("0xffffffffffffffff")").empty());
  CHECK(refusal_with("seed", R"("0xFf")").empty());
  CHECK(refusal_with("seed", R"("0x1ffffffffffffffff")") ==
        "x.json:2:8: /seed: found \"0x1ffffffffffffffff\"; " + allowed);
  CHECK(refusal_with("seed", R"("0x")") == "x.json:2:8: /seed: found \"0x\"; " + allowed);
  CHECK(refusal_with("seed", "-1") == "x.json:2:8: /seed: found -1; " + allowed);
  CHECK(refusal_with("seed", "\"12\"") ==
        "x.json:2:8: /seed: found \"12\"; " + allowed + "; did you mean 12 without quotes?");
  CHECK(refusal<toy::Read>(R"({"read":"f","count_bytes":1,"to":4096})") ==
        "x.json:1:34: /to: found the number 4096; allowed: an address as a hex text, such as \"0x7f0000001000\"; did "
        "you mean \"0x1000\"?");
}

TEST_CASE("a word outside its table is refused with the nearest inside", "[unit][scenario]") {
  CHECK(refusal_with("tcf", "\"sinc\"") ==
        "x.json:2:7: /tcf: found \"sinc\"; allowed: none, sync, async, asymm; did you mean \"sync\"?");
  CHECK(refusal_with("tcf", "\"precise\"") == "x.json:2:7: /tcf: found \"precise\"; allowed: none, sync, async, asymm");
  CHECK(refusal_with("tcf", "0") == "x.json:2:7: /tcf: found the number 0; allowed: none, sync, async, asymm");
  CHECK(refusal_with("revision", "\"5.18\"") ==
        "x.json:2:12: /revision: found \"5.18\"; allowed: 5.17, 5.19, 7.3; did you mean \"5.17\"?");
  CHECK(refusal_with("revision", "5.17") ==
        "x.json:2:12: /revision: found the number 5.17; allowed: 5.17, 5.19, 7.3; did you mean \"5.17\"?");
  CHECK(refusal_with("cpu2", "1").find("unknown key") != std::string::npos);
}

TEST_CASE("a list of the program's own is shown only so far", "[unit][scenario]") {
  const std::vector<std::string_view> many(30, "w");
  std::string shown = "w";
  for (int i = 1; i < 24; ++i) shown += ", w";
  CHECK(listing(many) == shown + " and 6 more");
  CHECK(listing({many.begin(), many.begin() + 24}) == shown);
}

TEST_CASE("a text has the form that it should have", "[unit][scenario]") {
  CHECK(refusal<toy::Retag>(R"({"granules":"0..3","tag":1})").empty());
  CHECK(refusal<toy::Retag>(R"({"granules":"0...3","tag":1})") ==
        "x.json:1:13: /granules: found \"0...3\"; allowed: granules like \"7\" or \"0..3\"");
  CHECK(refusal<toy::Retag>(R"({"granules":7,"tag":1})") ==
        "x.json:1:13: /granules: found the number 7; allowed: granules like \"7\" or \"0..3\"");
  CHECK(refusal<toy::Mapping>(R"({"name":"a234567890123456"})").empty());
  CHECK(refusal<toy::Mapping>(R"({"name":"a2345678901234567"})") ==
        "x.json:1:9: /name: found \"a2345678901234567\"; allowed: a name like \"buf\" or \"buf2\"");
}

TEST_CASE("a text of the greatest length does not exhaust the stack of a pattern", "[unit][scenario]") {
  const std::string longest(65'536, 'a');
  CHECK(refusal<toy::Mapping>(R"({"name":")" + longest + "\"}") ==
        "x.json:1:9: /name: found \"" + std::string(60, 'a') + "…\"; allowed: a name like \"buf\" or \"buf2\"");
}

TEST_CASE("a list has as many items as it may have", "[unit][scenario]") {
  const auto with_tags = [](std::size_t count) {
    std::string tags;
    for (std::size_t i = 0; i < count; ++i) tags += (i == 0 ? "" : ",") + std::string(R"({"granules":"7","tag":1})");
    return refusal<toy::Mapping>(R"({"name":"m","tags":[)" + tags + "]}");
  };
  CHECK(with_tags(0).empty());
  CHECK(with_tags(3).empty());
  CHECK(with_tags(4) == "x.json:1:20: /tags: found an array of 4 items; allowed: an array of at most 3 items");
  CHECK(refusal<toy::Mapping>(R"({"name":"m","tags":{"granules":"7"}})") ==
        "x.json:1:20: /tags: found the object {\"granules\":\"7\"}; allowed: an array of at most 3 items");
  CHECK(refusal<toy::Scenario>(R"({"name":"n","cpu":"cortex-a510","memory":[],"calls":[]})") ==
        "x.json:1:42: /memory: found the array []; allowed: an array of at least 1 item");
}

TEST_CASE("the key that is there says which call it is", "[unit][scenario]") {
  CHECK(refusal_with("calls2", "0").find("unknown key") != std::string::npos);
  const auto with_call = [](const std::string& call) {
    return refusal<toy::Scenario>(
        "{\"name\":\"n\",\"cpu\":\"cortex-a510\",\"memory\":[{\"name\":\"m\"}],\"calls\":[\n" + call + "]}");
  };
  CHECK(with_call(R"({"read":"f","count_bytes":1})").empty());
  CHECK(with_call(R"({"raed":"f","count_bytes":1})") ==
        "x.json:2:2: /calls/0: missing the key that says what this is; allowed: read, ioctl; found \"raed\"; did you "
        "mean \"read\"?");
  CHECK(with_call("{}") == "x.json:2:1: /calls/0: missing the key that says what this is; allowed: read, ioctl");
  CHECK(with_call(R"({"count_bytes":1})") ==
        "x.json:2:1: /calls/0: missing the key that says what this is; allowed: read, ioctl");
  CHECK(with_call("7") ==
        "x.json:2:1: /calls/0: found the number 7; allowed: an object with one of the keys read, ioctl");
  CHECK(with_call(R"({"read":"f","ioctl":"FS_IOC_FIEMAP"})") ==
        "x.json:2:13: /calls/0: found both \"read\" and \"ioctl\"; allowed: one of read, ioctl");
  CHECK(with_call(R"({"ioctl":"FS_IOC_FIEMPA","file":"f"})") ==
        "x.json:2:10: /calls/0/ioctl: found \"FS_IOC_FIEMPA\"; allowed: BTRFS_IOC_TREE_SEARCH_V2, FS_IOC_FIEMAP; did "
        "you mean "
        "\"FS_IOC_FIEMAP\"?");
  CHECK(with_call(R"({"ioctl":5,"file":"f"})") ==
        "x.json:2:10: /calls/0/ioctl: found the number 5; allowed: BTRFS_IOC_TREE_SEARCH_V2, FS_IOC_FIEMAP");
  CHECK(with_call(R"({"ioctl":"FS_IOC_FIEMAP","file":"f","buf_size_bytes":1})") ==
        "x.json:2:37: /calls/0: found the unknown key \"buf_size_bytes\"; allowed: ioctl, file");
}

struct OpenAt {
  std::string name;
  std::string file;
};
template <class V>
void fields(V& v, OpenAt& o) {
  v.about("Has the first key of the other shape among its own.");
  v.required("open", o.name, text(), "a name");
  v.optional("file", o.file, text(), "a file");
}
struct Plain {
  std::string file;
};
template <class V>
void fields(V& v, Plain& p) {
  v.about("The other shape.");
  v.required("file", p.file, text(), "Where it lies.");
}
struct OneOfTwo {
  std::variant<Plain, OpenAt> what;
};
template <class V>
void fields(V& v, OneOfTwo& o) {
  v.about("One of two.");
  v.required("what", o.what, one_shape(), "which");
}

TEST_CASE("a shape may have the first key of another among its others", "[unit][scenario]") {
  const auto index = [](std::string_view text) {
    return read_fields<OneOfTwo>(parse_json_text(text, "x.json")).what.index();
  };
  CHECK(index(R"({"what":{"file":"f"}})") == 0);
  CHECK(index(R"({"what":{"open":"o"}})") == 1);
  CHECK(index(R"({"what":{"open":"o","file":"f"}})") == 1);
}

TEST_CASE("what a missing key means is said without a full stop", "[unit][scenario]") {
  CHECK(refusal<Plain>("{}") == "x.json:1:1: missing the required key \"file\" (Where it lies)");
}

TEST_CASE("a constant is that word and no other", "[unit][scenario]") {
  CHECK(refusal<toy::Evict>(R"({"action":"evict","where":"b"})").empty());
  CHECK(refusal<toy::Evict>(R"({"action":"evit","where":"b"})") ==
        "x.json:1:11: /action: found \"evit\"; allowed: evict; did you mean \"evict\"?");
  CHECK(refusal<toy::Evict>(R"({"action":1,"where":"b"})") ==
        "x.json:1:11: /action: found the number 1; allowed: evict");
  CHECK(refusal<toy::Evict>(R"({"where":"b"})") == "x.json:1:1: missing the required key \"action\" (what happens)");
}

TEST_CASE("a scalar as a word", "[unit][scenario]") {
  CHECK(to_word(true) == "true");
  CHECK(to_word(std::int64_t{-64}) == "-64");
  CHECK(to_word(0.5) == "0.5");
  CHECK(to_word(std::string("page")) == "page");
}

TEST_CASE("the word of the first key says which action it is", "[unit][scenario]") {
  CHECK(refusal_with("environment", R"([{"action":"evit","where":"buf"}])") ==
        "x.json:2:26: /environment/0/action: found \"evit\"; allowed: evict, sigkill; did you mean \"evict\"?");
  CHECK(refusal_with("environment", R"([{"where":"buf"}])") ==
        "x.json:2:16: /environment/0: missing the required key \"action\"");
  CHECK(refusal_with("environment", R"([{"acton":"evict"}])") ==
        "x.json:2:17: /environment/0: missing the required key \"action\"; found \"acton\"; did you mean \"action\"?");
  CHECK(refusal_with("environment", R"([{"action":"evict"}])") ==
        "x.json:2:16: /environment/0: missing the required key \"where\" (a mapping)");
}

TEST_CASE("keys and scalars of a list known only at run time", "[unit][scenario]") {
  CHECK(refusal_with("change", R"({"search.min_size":"all"})").empty());
  CHECK(refusal_with("change", R"({"search.min_size":4096})").empty());
  CHECK(refusal_with("change", R"({"search.min_size":4097})") ==
        "x.json:2:29: /change/search.min_size: found 4097; allowed: all, a whole number from 0 to 4096");
  CHECK(refusal_with("change", R"({"search.min_size":"64"})") ==
        "x.json:2:29: /change/search.min_size: found \"64\"; allowed: all, a whole number from 0 to 4096; did you mean "
        "64 without quotes?");
  CHECK(refusal_with("change", R"({"search.prob":"page"})") ==
        "x.json:2:11: /change: found the unknown key \"search.prob\"; allowed: search.probe, search.min_size, "
        "copy.retry; did you "
        "mean \"search.probe\"?");
  CHECK(refusal_with("change", R"({"search.probe":"pages"})") ==
        "x.json:2:26: /change/search.probe: found \"pages\"; allowed: page, granule; did you mean \"page\"?");
  CHECK(refusal_with("change", R"({"copy.retry":"yes"})") ==
        "x.json:2:24: /change/copy.retry: found the text \"yes\"; allowed: true, false");
  CHECK(refusal_with("change", R"({"search.probe":true})") ==
        "x.json:2:26: /change/search.probe: found true; allowed: page, granule");
  CHECK(refusal_with("change", "[]") == "x.json:2:10: /change: found the array []; allowed: an object");
}

TEST_CASE("a map has keys of the form that they should have, and one of two types of value", "[unit][scenario]") {
  CHECK(refusal_with("sweep", R"({"tcf":["sync"]})") ==
        "x.json:2:10: /sweep: found the key \"tcf\"; allowed: a JSON Pointer like \"/memory/0/pages\"");
  CHECK(refusal_with("sweep", R"({"/tcf":"sync"})") ==
        "x.json:2:17: /sweep/~1tcf: found the text \"sync\"; allowed: an object, or an array");
  CHECK(refusal_with("sweep", R"({"/tcf":[[]]})") ==
        "x.json:2:18: /sweep/~1tcf/0: found the array []; allowed: a text, a number, true or false");
}

TEST_CASE("all complaints of a document come at once, in order of place", "[unit][scenario]") {
  CHECK(refusal<toy::Scenario>("{ \"tcf\": \"sinc\",\n  \"seed\": -1,\n  \"memory\": [ 1 ],\n  \"cpu\": \"z80\" }") ==
        "x.json:1:1: missing the required key \"name\" (a name)\n"
        "x.json:1:1: missing the required key \"calls\" (system calls, in order)\n"
        "x.json:1:10: /tcf: found \"sinc\"; allowed: none, sync, async, asymm; did you mean \"sync\"?\n"
        "x.json:2:11: /seed: found -1; allowed: a whole number from 0, as a hex text (\"0xffffffffffffffff\") if it is "
        "above 2^53\n"
        "x.json:3:15: /memory/0: found the number 1; allowed: an object\n"
        "x.json:4:10: /cpu: found \"z80\"; allowed: neoverse-v2, cortex-a510");
}

TEST_CASE("however much is wrong, twenty complaints are kept", "[unit][scenario]") {
  std::string items = "{}";
  for (int i = 1; i < 50'000; ++i) items += ",{}";
  const JsonText text = parse_json_text("{\"memory\":[" + items + "]}", "x.json");
  Complaints complaints;
  static_cast<void>(read_fields<toy::Scenario>(text, complaints, toy::vocabulary()));
  CHECK(complaints.count() == 50'003);
  CHECK(complaints.first().size() == 20);
  CHECK(complaints.first().back().place.pointer == "/memory/16");
}

TEST_CASE("what is written is read back as it was", "[unit][scenario]") {
  const auto defaults = GENERATE(Defaults::left_out, Defaults::shown);
  toy::Scenario s = read_toy(toy::kDocument);
  SECTION("with everything") {}
  SECTION("with nothing but what is required") {
    s = toy::Scenario{};
    s.cpu = "neoverse-v2";
    s.memory = {toy::mapping("m")};
  }
  SECTION("with numbers at their ends") {
    s.seed = 9007199254740992;
    s.memory[0].nice = -20;
    s.calls = {toy::Read{"", Bytes{UINT64_MAX}, UserPtr(UINT64_MAX)},
               toy::Read{"f", Bytes{9007199254740993}, UserPtr()}};
    s.share = 1.0 / 3;
  }
  SECTION("with texts that need escapes") { s.name = "\"\\\n\t/é🦀"; }
  CHECK(read_toy(write_fields(s, defaults).text()) == s);
}

TEST_CASE("what is as in a fresh struct is not written, unless asked for", "[unit][scenario]") {
  toy::Scenario s;
  s.name = "n";
  s.cpu = "cortex-a510";
  s.memory = {toy::mapping("m")};
  s.memory[0].pages = 2;
  s.usual.tag = Tag{3};
  CHECK(
      write_fields(s).json().dump() ==
      R"({"name":"n","cpu":"cortex-a510","memory":[{"name":"m","pages":2}],"calls":[],"usual":{"granules":"0..3","tag":3}})");
  CHECK(write_fields(s.memory[0], Defaults::shown).text() == R"({
  "name": "m",
  "nice": -3,
  "pages": 2,
  "present": false,
  "tags": []
}
)");
}

TEST_CASE("a schema has the fields in the order of their description", "[unit][scenario]") {
  CHECK(schema_of<toy::Mapping>("mapping").text() == R"({
  "$schema": "http://json-schema.org/draft-07/schema#",
  "title": "mapping",
  "description": "One mapping of the process.",
  "type": "object",
  "properties": {
    "name": {
      "description": "how calls name it",
      "type": "string",
      "pattern": "^[a-z][a-z0-9]{0,15}$"
    },
    "nice": {
      "description": "a number that may be negative",
      "type": "integer",
      "minimum": -20,
      "maximum": 19,
      "default": -3
    },
    "pages": {
      "description": "its length",
      "type": "integer",
      "minimum": 1,
      "maximum": 4096,
      "default": 1
    },
    "present": {
      "description": "mapped from the start",
      "type": "boolean",
      "default": false
    },
    "tags": {
      "description": "runs with a tag of their own",
      "type": "array",
      "maxItems": 3,
      "items": {
        "description": "One run of granules with its own tag.",
        "type": "object",
        "properties": {
          "granules": {
            "description": "granules of the mapping",
            "type": "string",
            "pattern": "^[0-9]{1,9}(\\.\\.[0-9]{1,9})?$"
          },
          "tag": {
            "description": "allocation tag",
            "type": "integer",
            "minimum": 0,
            "maximum": 15
          }
        },
        "required": [
          "granules",
          "tag"
        ],
        "additionalProperties": false
      },
      "default": []
    }
  },
  "required": [
    "name"
  ],
  "additionalProperties": false
}
)");
}

TEST_CASE("words, run-time lists and shapes are in the schema", "[unit][scenario]") {
  const nlohmann::ordered_json properties = schema_of<toy::Scenario>("toy", toy::vocabulary()).json()["properties"];
  CHECK(properties["tcf"]["enum"].dump() == R"(["none","sync","async","asymm"])");
  CHECK(properties["tcf"]["default"] == "sync");
  CHECK(properties["tcf"]["enumDescriptions"].size() == 4);
  CHECK(properties["cpu"]["enum"].dump() == R"(["neoverse-v2","cortex-a510"])");
  CHECK(
      properties["change"]["properties"]["search.min_size"].dump() ==
      R"({"description":"bytes that are probed","oneOf":[{"enum":["all"]},{"type":"integer","minimum":0,"maximum":4096}]})");
  CHECK(properties["change"]["additionalProperties"] == false);
  const nlohmann::ordered_json& calls = properties["calls"]["items"]["oneOf"];
  REQUIRE(calls.size() == 3);
  CHECK(calls[0]["required"].dump() == R"(["read","count_bytes"])");
  CHECK(calls[1]["properties"]["ioctl"]["const"] == "BTRFS_IOC_TREE_SEARCH_V2");
  CHECK(properties["seed"]["type"].dump() == R"(["integer","string"])");
  CHECK(properties["usual"]["default"].dump() == R"({"granules":"0..3","tag":2})");
  CHECK_FALSE(properties["spare"].contains("default"));
  CHECK(properties["spare"]["description"] ==
        "a mapping that is not there yet");  // the field's sentence, not the struct's
}

}  // namespace
}  // namespace mtesim
