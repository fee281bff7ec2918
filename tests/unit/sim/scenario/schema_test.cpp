#include "sim/scenario/schema.h"

#include <catch2/catch.hpp>
#include <chrono>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "sim/scenario/fields.h"
#include "tests/unit/sim/scenario/toy_scenario.h"

namespace mtesim {
namespace {

using nlohmann::json;

const json& toy_schema() {
  static const json kSchema = json::parse(schema_of<toy::Scenario>("toy", toy::vocabulary()).text());
  return kSchema;
}

std::vector<std::string> judged(const std::string& text) {
  std::vector<std::string> lines;
  for (const Complaint& complaint : judge_by_schema(toy_schema(), parse_json_text(text, "x.json")))
    lines.push_back(to_line(complaint));
  return lines;
}

bool reader_takes(const JsonText& text) {
  Complaints complaints;
  static_cast<void>(read_fields<toy::Scenario>(text, complaints, toy::vocabulary()));
  return complaints.empty();
}

bool schema_takes(const JsonText& text) { return judge_by_schema(toy_schema(), text).empty(); }

void check_alike(const json& document) {
  const JsonText text = parse_json_text(document.dump(), "x.json");
  CAPTURE(document.dump());
  CHECK(reader_takes(text) == schema_takes(text));
}

/// Calls `visit` with each changed copy of `document`: each member left out, renamed, or of another value, and each
/// item too.
void for_each_change(const json& document, const std::function<void(const json&)>& visit) {
  static const std::vector<json> kOthers = {
      nullptr, true, -1, 0, 1, 2.5, 100'000, "", "7", "0x10", "sync", "f", json::array(), json::object(), {1}};
  const json flat = document.flatten();  // by pointer, leaves only: their parents are found from them
  std::vector<json::json_pointer> pointers;
  for (const auto& leaf : flat.items()) {
    for (json::json_pointer at(leaf.key()); !at.empty(); at = at.parent_pointer()) {
      if (std::find(pointers.begin(), pointers.end(), at) == pointers.end()) pointers.push_back(at);
    }
  }
  for (const json::json_pointer& at : pointers) {
    for (const json& other : kOthers) {
      json changed = document;
      changed[at] = other;
      visit(changed);
    }
    json changed = document;
    json& parent = changed[at.parent_pointer()];
    if (parent.is_array()) {
      parent.erase(std::stoul(at.back()));
      visit(changed);
      continue;
    }
    const json value = parent[at.back()];
    parent.erase(at.back());
    visit(changed);
    parent[at.back() + "x"] = value;
    visit(changed);
  }
}

TEST_CASE("a good document has no complaint from the schema", "[unit][scenario]") {
  CHECK(judged(std::string(toy::kDocument)).empty());
  CHECK(judged(R"({"name":"n","cpu":"cortex-a510","memory":[{"name":"m"}],"calls":[]})").empty());
}

TEST_CASE("each problem is told once, where it is", "[unit][scenario]") {
  CHECK(judged(R"({
  "name": "n", "cpu": "z80",
  "memory": [ { "name": "m", "pages": 0, "tags": [ { "granules": "7", "tag": 16 } ] } ],
  "calls": [],
  "shrae": 1
})") == std::vector<std::string>{
            "x.json:2:23: /cpu: the schema refuses this: Failed to match against any enum values",
            "x.json:3:39: /memory/0/pages: the schema refuses this: Expected number greater than or equal to 1",
            "x.json:3:78: /memory/0/tags/0/tag: the schema refuses this: Expected number less than or equal to 15",
            "x.json:5:3: the schema refuses this: unknown key \"shrae\"",
        });
}

TEST_CASE("of a choice only the nearest alternative is told", "[unit][scenario]") {
  CHECK(judged("{\"name\":\"n\",\"cpu\":\"cortex-a510\",\"memory\":[{\"name\":\"m\"}],\"calls\":[\n"
               R"({"ioctl":"FS_IOC_FIEMAP","file":5},
{"read":"f"}],
"environment":[{"action":"sigkill"},{"action":"evict"}],
"sweep":{"/a":{"from":1,"to":1},"/b":[[]],"/c":[1]}})") ==
        std::vector<std::string>{
            "x.json:2:33: /calls/0/file: the schema refuses this: Value type not permitted by 'type' constraint",
            "x.json:3:1: /calls/1: the schema refuses this: Missing required property 'count_bytes'",
            "x.json:4:37: /environment/1: the schema refuses this: Missing required property 'where'",
            "x.json:5:39: /sweep/~1b/0: the schema refuses this: Value type not permitted by 'type' constraint",
        });
}

TEST_CASE("the schema takes and refuses what the reader takes and refuses", "[unit][scenario]") {
  for (const char* document :
       {"[]", "{}", "7", R"({"name":"n","cpu":"cortex-a510","memory":[{"name":"m"}],"calls":[]})",
        R"({"name":"n","cpu":"cortex-a510","memory":[],"calls":[]})",
        R"({"name":"n","cpu":"cortex-a510","memory":[{"name":"m"}],"calls":[],"seed":"0x10"})",
        R"({"name":"n","cpu":"cortex-a510","memory":[{"name":"m"}],"calls":[],"seed":1.0})",
        R"({"name":"n","cpu":"cortex-a510","memory":[{"name":"m"}],"calls":[{"read":"f","ioctl":"FS_IOC_FIEMAP"}]})",
        R"({"name":"n","cpu":"cortex-a510","memory":[{"name":"m"}],"calls":[],"sweep":{"x":[]}})",
        R"({"name":"n","cpu":"cortex-a510","memory":[{"name":"m"}],"calls":[],"spare":null})"}) {
    check_alike(json::parse(document));
  }
}

TEST_CASE("whatever is changed in a good document, schema and reader judge it alike", "[unit][scenario]") {
  int changes = 0;
  int taken = 0;
  for_each_change(json::parse(toy::kDocument), [&](const json& changed) {
    const JsonText text = parse_json_text(changed.dump(), "x.json");
    const bool takes = reader_takes(text);
    if (takes != schema_takes(text)) {
      CAPTURE(changed.dump());
      FAIL("reader and schema differ");
    }
    ++changes;
    taken += takes ? 1 : 0;
  });
  CHECK(changes > 800);
  CHECK(taken > 100);  // so that it is no empty agreement
  CHECK(taken < changes / 2);
}

TEST_CASE("a large hostile document is refused as a whole", "[unit][scenario]") {
  std::string calls = R"({"read":1})";
  for (int i = 1; i < 90'000; ++i) calls += R"(,{"read":1})";
  const auto start = std::chrono::steady_clock::now();
  CHECK(judged(R"({"name":"n","cpu":"cortex-a510","memory":[{"name":"m"}],"calls":[)" + calls + "]}") ==
        std::vector<std::string>{"x.json:1:1: the schema refuses this document"});
  CHECK(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count() < 10);
}

TEST_CASE("a text of the greatest length does not exhaust the stack of the schema's patterns", "[unit][scenario]") {
  const std::string longest(65'536, 'a');
  CHECK(judged(R"({"name":"n","cpu":"cortex-a510","memory":[{"name":")" + longest + R"("}],"calls":[]})") ==
        std::vector<std::string>{"x.json:1:51: /memory/0/name: the schema refuses this: Failed to match regex "
                                 "specified by 'pattern' constraint"});
}

TEST_CASE("a schema that valijson cannot read is not taken for one that takes all", "[unit][scenario]") {
  const json broken = {{"type", 5}};
  CHECK_THROWS_AS(judge_by_schema(broken, parse_json_text("1", "x.json")), std::runtime_error);
}

}  // namespace
}  // namespace mtesim
