#include <algorithm>
#include <catch2/catch.hpp>

#include "sim/scenario/story.h"
#include "tests/unit/sim/scenario/full_example.h"

namespace mtesim::test {
namespace {

/// A datagram of 40 bytes into a buffer whose third granule is bad: EFAULT, the datagram is lost, 32 bytes are there.
Json lost_datagram() {
  return Json::parse(R"({
  "name": "lost",
  "kernel": { "revision": "6.12" },
  "memory": [ { "name": "buf", "pages": 1, "prot": "rwt", "tag": 5, "tags": [ { "granules": "2", "tag": 6 } ] } ],
  "files":  [ { "name": "s", "fs": "unix_dgram", "size_bytes": 40 } ],
  "calls":  [ { "read": "s", "buffer": "buf+0", "count_bytes": 40, "pointer_tag": 5 } ],
  "check":  {}
})");
}

PointReport carried_out(Json json, const std::string& properties) {
  const Json expected = Json::parse(properties);
  json["expect"] = {{"run", {{"properties", expected}}}, {"check", {{"properties", expected}}}};
  const JsonText text = as_text(json);
  const Scenario scenario = parse_scenario(text);
  return carry_out(scenario, build(scenario, text), CarryOut{});
}
std::vector<std::string> violations(const Json& json, const std::string& properties = "{}") {
  return carried_out(json, properties).violations;
}

TEST_CASE("a property that fails is a violation unless the scenario expects just that", "[unit][scenario]") {
  CHECK(violations(lost_datagram()) ==
        std::vector<std::string>{"run/properties/count_exact: expected that it holds, got a violation by 40 bytes",
                                 "check/properties/count_exact: expected that it holds, got a violation by 40 bytes"});
  CHECK(violations(lost_datagram(), R"({"count_exact": {"violated_by_bytes": 40}})").empty());
  CHECK(violations(lost_datagram(), R"({"count_exact": {"violated_by_bytes": 39}})").size() == 2);
}

TEST_CASE("a kernel BUG is a violation unless the scenario expects it", "[unit][scenario]") {
  const auto own_mapping = [](const char* expect) {
    const JsonText text = as_text(Json::parse(std::string(R"({
      "name": "own-mapping",
      "kernel": { "revision": "5.10" },
      "memory": [ { "name": "buf", "kind": "file", "file": "f", "pages": 1, "present": false } ],
      "files":  [ { "name": "f", "fs": "gfs2", "size_bytes": 4096, "direct": true, "cache": "cold" } ],
      "calls":  [ { "read": "f", "buffer": "buf+0", "count_bytes": 4096 } ],
      "check":  {}, "expect": )") + expect + "}"));
    const Scenario scenario = parse_scenario(text);
    return carry_out(scenario, build(scenario, text), CarryOut{}).violations;
  };
  CHECK(own_mapping(R"({"check": {"verdict": "returns"}})") ==
        std::vector<std::string>{
            "run/results: expected no kernel BUG, as no expectation says otherwise, got kernel BUG",
            "check/results: expected no kernel BUG, as no expectation says otherwise, got kernel BUG"});
  CHECK(own_mapping(R"({"run": {"results": ["kernel BUG"]}, "check": {"results": ["kernel BUG"]}})").empty());
}

TEST_CASE("an overrun may be, unless the scenario says how long it is", "[unit][scenario]") {
  const std::string lost = R"("count_exact": {"violated_by_bytes": 40})";
  CHECK(violations(lost_datagram(), "{" + lost + R"(, "no_overrun": {"violated_by_bytes": 32}})").empty());
  CHECK(violations(lost_datagram(), "{" + lost + R"(, "no_overrun": {"violated_by_bytes": 0}})") ==
        std::vector<std::string>{"run/properties/no_overrun: expected that it holds, got a violation by 32 bytes",
                                 "check/properties/no_overrun: expected that it holds, got a violation by 32 bytes"});
}

TEST_CASE("what is expected of a property that does not apply does not hold", "[unit][scenario]") {
  Json json = lost_datagram();
  json["files"][0]["fs"] = "null";
  json["calls"][0] = Json::parse(R"({"write": "s", "buffer": "buf+0", "count_bytes": 40, "pointer_tag": 5})");
  CHECK(violations(json).empty());
  CHECK(violations(json, R"({"no_stale": {"violated_by_bytes": 0}})").front() ==
        "run/properties/no_stale: expected that it holds, got not_applicable");
  json["calls"][0] = Json::parse(R"({"user": "load", "buffer": "buf+0", "pointer_tag": 5})");
  CHECK(violations(json, R"({"no_stale": {"violated_by_bytes": 0}})").front() ==
        "run/properties: expected something to judge, got no call that moves bytes");
}

TEST_CASE("a summary has a line for what holds and one for each violation, with the way to it", "[unit][scenario]") {
  const PointReport report = carried_out(lost_datagram(), "{}");
  const std::vector<std::string> lines = summary("x.json", report);
  const auto has = [&](const std::string& line) { return std::find(lines.begin(), lines.end(), line) != lines.end(); };
  CAPTURE(lines);
  CHECK(has("          properties: no_stale, tags_kept hold"));
  CHECK(has("          count_exact violated by 40 bytes, from byte 0 of the queue on, when it returned EFAULT"));
  CHECK(
      has("          no_overrun violated by 32 bytes, from buf+0 on, when it returned EFAULT; its story: mtesim "
          "explain x.json --path 2"));
  REQUIRE(report.check->witnesses.size() == 3);  // the longest way, and two violations
  CHECK(report.check->witnesses[2].violates == Property::no_overrun);
}

TEST_CASE("a report in JSON has each property with its standing", "[unit][scenario]") {
  ScenarioReport report;
  report.points.push_back(carried_out(lost_datagram(), "{}"));
  const Json json = Json::parse(to_json(report, "v", -1));
  const Json& run = json["points"][0]["run"]["properties"];
  CHECK(run["tags_kept"] == Json::parse(R"({"standing": "holds"})"));
  CHECK(run["no_overrun"] == Json::parse(R"({"standing": "violated", "violated_by_bytes": 32, "first": "buf+0",
                                             "call": 0, "result": "EFAULT"})"));
  const Json& check = json["points"][0]["check"];
  CHECK(check["properties_judged_on"] == "every future");
  CHECK(check["witnesses"][check["properties"]["count_exact"]["witness"].get<std::size_t>()]["violates"] ==
        "count_exact");
}

TEST_CASE("contents can be asked for in a check", "[unit][scenario]") {
  Json json = lost_datagram();
  json["check"] = {{"contents", true}};
  CHECK(built(json).check.track_contents);
  const PointReport report = carried_out(json, R"({"count_exact": {"violated_by_bytes": 40}})");
  CHECK(report.check->properties.every_future);
  CHECK(report.violations.empty());
}

TEST_CASE("a check follows contents where a scenario gives words, whatever else its check says", "[unit][scenario]") {
  Json json = lost_datagram();
  json["memory"][0]["words"] = Json::parse(R"([{"offset_bytes": 0, "value": 7}])");
  json["check"] = Json::object();
  CHECK(built(json).check.track_contents);
  json["memory"][0].erase("words");
  CHECK_FALSE(built(json).check.track_contents);
}

}  // namespace
}  // namespace mtesim::test
