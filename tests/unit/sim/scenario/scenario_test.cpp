#include "sim/scenario/scenario.h"

#include <algorithm>
#include <catch2/catch.hpp>

#include "sim/scenario/schema.h"
#include "tests/unit/sim/scenario/full_example.h"

namespace mtesim::test {
namespace {

TEST_CASE("the example of the design is read as it says", "[unit][scenario]") {
  const Scenario s = parse_scenario(as_text(full_example()));
  CHECK(s.name == "search-ioctl/page-probe");
  CHECK(s.machine == MachineSpec{"neoverse-v2", {}, 4096, "mte"});
  CHECK(s.kernel.revision == "5.17");
  REQUIRE(s.kernel.change.size() == 1);
  CHECK(to_word(s.kernel.change.at("btrfs_search_ioctl.probe")) == "fault_in_safe_writeable");
  CHECK(s.process.tcf == TcfMode::sync);
  REQUIRE(s.memory.size() == 1);
  CHECK(s.memory[0].pages == 5);
  CHECK(s.memory[0].tag == 5);
  CHECK(s.memory[0].tags == std::vector<TagRunSpec>{{{257, 257, 1}, 6}});
  REQUIRE(s.files.size() == 1);
  CHECK(s.files[0].cache == CacheState::cold);
  CHECK(s.files[0].tree == std::vector<LeafSpec>{{4, Bytes{1000}}, {4, Bytes{1000}}});
  REQUIRE(s.calls.size() == 1);
  const auto& call = std::get<TreeSearchV2Spec>(s.calls[0]);
  CHECK(call.file == "f");
  CHECK(call.buffer == BufferPlace{"buf", 0});
  CHECK(call.buf_size == Bytes{16384});
  CHECK_FALSE(call.nr_items.has_value());
  REQUIRE(s.environment.size() == 2);
  CHECK(std::get<EvictSpec>(s.environment[0]) == EvictSpec{"buf", 2});
  CHECK(std::holds_alternative<SigkillSpec>(s.environment[1]));
  CHECK(s.sweep.size() == 2);
  CHECK(s.expect.run->no_return == true);
  CHECK(s.expect.check->verdict == Verdict::livelock);
  CHECK(s.expect.check->killable == false);
  CHECK(wants_check(s));
}

TEST_CASE("a scenario that is written and read again is the same", "[unit][scenario]") {
  for (const Json& example : {full_example(), small_example()}) {
    const Scenario scenario = parse_scenario(as_text(example));
    for (const Defaults defaults : {Defaults::left_out, Defaults::shown}) {
      const std::string written = write_scenario(scenario, defaults).text();
      CAPTURE(written);
      CHECK(parse_scenario(parse_json_text(written, "again.json")) == scenario);
    }
  }
}

TEST_CASE("a check is wanted by environment, check or expectation", "[unit][scenario]") {
  CHECK_FALSE(wants_check(parse_scenario(as_text(small_example()))));
  for (const auto& [key, value] : std::vector<std::pair<std::string, std::string>>{
           {"environment", R"([{"action": "sigkill"}])"}, {"check", "{}"}, {"expect", R"({"check": {}})"}}) {
    Json example = small_example();
    example[key] = Json::parse(value);
    CHECK(wants_check(parse_scenario(as_text(example))));
  }
}

// Sweeps.

std::vector<std::string> points_of(const Json& json) {
  const JsonText text = as_text(json);
  std::vector<std::string> points;
  for (const SweepPoint& point : sweep_points(text, parse_scenario(text))) {
    std::string at;
    for (const auto& [pointer, value] : point.at) at += pointer + "=" + to_word(value) + " ";
    points.push_back(at);
  }
  return points;
}

TEST_CASE("a sweep turns its last axis fastest, axes in the order of their names", "[unit][scenario]") {
  const std::vector<std::string> points = points_of(full_example());
  REQUIRE(points.size() == 12);
  CHECK(points[0] == "/kernel/revision=5.17 /memory/0/tags/0/granules=256 ");
  CHECK(points[1] == "/kernel/revision=5.17 /memory/0/tags/0/granules=257 ");
  CHECK(points[4] == "/kernel/revision=5.19 /memory/0/tags/0/granules=256 ");
  CHECK(points[11] == "/kernel/revision=7.3 /memory/0/tags/0/granules=259 ");
}

TEST_CASE("a scenario without a sweep is one point", "[unit][scenario]") {
  CHECK(points_of(small_example()) == std::vector<std::string>{""});
}

TEST_CASE("each point of a sweep is a scenario with its values", "[unit][scenario]") {
  const JsonText text = as_text(full_example());
  const std::vector<SweepPoint> points = sweep_points(text, parse_scenario(text));
  const Scenario last = parse_scenario(points.back().text);
  CHECK(last.kernel.revision == "7.3");
  CHECK(last.memory[0].tags[0].granules == NumberRun{259, 259, 1});  // the number went into a text
}

Json with_sweep(const std::string& sweep) {
  Json example = small_example();
  example["sweep"] = Json::parse(sweep);
  return example;
}

TEST_CASE("a range ends at its last step", "[unit][scenario]") {
  CHECK(points_of(with_sweep(R"({"/memory/0/tag": {"from": 1, "to": 7, "step": 3}})")).size() == 3);
  CHECK(points_of(with_sweep(R"({"/memory/0/tag": {"from": 1, "to": 6, "step": 3}})")).size() == 2);
  CHECK(points_of(with_sweep(R"({"/memory/0/tag": {"from": 4, "to": 4}})")).size() == 1);
}

TEST_CASE("a range can grow by a factor", "[unit][scenario]") {
  CHECK(points_of(with_sweep(R"({"/calls/0/count_bytes": {"from": 4096, "to": 16777216, "times": 2}})")).size() == 13);
  CHECK(points_of(with_sweep(R"({"/calls/0/count_bytes": {"from": 3, "to": 80, "times": 3}})")) ==
        std::vector<std::string>{"/calls/0/count_bytes=3 ", "/calls/0/count_bytes=9 ", "/calls/0/count_bytes=27 "});
  CHECK(
      points_of(with_sweep(R"({"/calls/0/count_bytes": {"from": 1000000000, "to": 1000000000, "times": 1000000000}})"))
          .size() == 1);
}

std::string first_line(const Json& json) {
  const std::vector<Complaint> wrong = complaints(json);
  return wrong.empty() ? "valid" : wrong.front().place.pointer + ": " + wrong.front().what;
}

TEST_CASE("a sweep that cannot be is refused at its axis", "[unit][scenario]") {
  using Catch::Matchers::Contains;
  CHECK_THAT(first_line(with_sweep(R"({"/memory/1/tag": [1]})")), Contains("no value to replace"));
  CHECK_THAT(first_line(with_sweep(R"({"/kernel/revision": ["7.3"]})")), Contains("no value to replace"));
  CHECK_THAT(first_line(with_sweep(R"({"/memory/0/tag": {"from": 5, "to": 4}})")), Contains("empty"));
  CHECK_THAT(first_line(with_sweep(R"({"/memory/0/tag": {"from": 0, "to": 4, "times": 2}})")), Contains("from 0"));
  CHECK_THAT(first_line(with_sweep(R"({"/memory/0/tag": {"from": 1, "to": 4, "times": 2, "step": 2}})")),
             Contains("one of them"));
  CHECK_THAT(first_line(with_sweep(R"({"/memory/0/tag": {"from": 1, "to": 4, "times": 1}})")), Contains("times"));
  CHECK_THAT(first_line(with_sweep(R"({"/memory/0/tag": []})")), Contains("/sweep"));
  CHECK_THAT(first_line(with_sweep(R"({"/memory/0/tag": {"from": 0, "to": 1000000000}})")), Contains("100000"));
  CHECK_THAT(first_line(with_sweep(R"({"memory/0/tag": [1]})")), Contains("/sweep"));
  // A value that the field does not take is refused as if it stood there.
  CHECK_THAT(first_line(with_sweep(R"({"/memory/0/tag": [16]})")), Contains("/memory/0/tag"));
}

TEST_CASE("a grid is refused at one point too many", "[unit][scenario]") {
  Json example = small_example();
  const auto points = [&](int a, int b) {
    example["calls"][0]["position_bytes"] = 0;
    example["sweep"] = {{"/calls/0/count_bytes", {{"from", 1}, {"to", a}}},
                        {"/calls/0/position_bytes", {{"from", 1}, {"to", b}}}};
    const JsonText text = as_text(example);
    return sweep_points(text, parse_scenario(text)).size();
  };
  CHECK(points(100, 100) == 10'000);
  CHECK_THROWS_AS(points(100'000, 2), ScenarioError);
  CHECK_THROWS_AS(points(100'001, 1), ScenarioError);
}

// The schema.

bool reader_takes(const JsonText& text) {
  try {
    static_cast<void>(parse_scenario(text));
    return true;
  } catch (const ScenarioError&) {
    return false;
  }
}

TEST_CASE("the schema takes what the reader takes, over every small change of the example", "[unit][scenario]") {
  const nlohmann::json schema = nlohmann::json::parse(scenario_schema().text());
  Json example = full_example();
  example["calls"].push_back(Json::parse(R"({"readv": "f", "iov": [{"buffer": "buf", "size_bytes": 8}]})"));
  example["environment"].push_back(
      Json::parse(R"({"action": "retag", "where": "buf", "budget": 1, "when": "before_call"})"));
  example["check"] = Json::parse(R"({"max_states": 5, "whole": true})");
  const std::vector<Json> others = {nullptr,
                                    true,
                                    -1,
                                    0,
                                    1,
                                    16,
                                    2.5,
                                    1'000'000'000,
                                    "",
                                    "5",
                                    "0x10",
                                    "sync",
                                    "f",
                                    "buf",
                                    "5.17",
                                    "rwt",
                                    Json::array(),
                                    Json::object(),
                                    Json::array({1})};
  std::vector<Json::json_pointer> pointers;
  const Json flat = example.flatten();
  for (const auto& leaf : flat.items()) {
    for (Json::json_pointer at(leaf.key()); !at.empty(); at = at.parent_pointer()) {
      if (std::find(pointers.begin(), pointers.end(), at) == pointers.end()) pointers.push_back(at);
    }
  }
  REQUIRE(judge_by_schema(schema, as_text(example)).empty());
  REQUIRE(reader_takes(as_text(example)));
  int taken = 0;
  int refused = 0;
  const auto compare = [&](const Json& changed) {
    const JsonText text = as_text(changed);
    const bool takes = reader_takes(text);
    ++(takes ? taken : refused);
    if (judge_by_schema(schema, text).empty() != takes) FAIL_CHECK(changed.dump());
  };
  for (const Json::json_pointer& at : pointers) {
    for (const Json& other : others) {
      Json changed = example;
      changed[at] = other;
      compare(changed);
    }
    Json without = example;
    Json& around = without[at.parent_pointer()];
    if (around.is_object()) {
      around.erase(at.back());
      compare(without);
      around["surprise"] = 1;
      compare(without);
    }
  }
  CHECK(taken > 100);
  CHECK(refused > 500);
}

}  // namespace
}  // namespace mtesim::test
