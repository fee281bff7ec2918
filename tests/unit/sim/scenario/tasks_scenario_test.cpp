// Tasks and processes in a scenario: how they are read, what is refused, what is told.
#include <catch2/catch.hpp>
#include <functional>

#include "sim/scenario/story.h"
#include "tests/unit/sim/scenario/full_example.h"

namespace mtesim::test {
namespace {

using Catch::Matchers::Contains;

/// Two processes that share a mapping, and three tasks.
Json shared_example() {
  return Json::parse(R"({
  "name": "shared",
  "process": { "name": "first" },
  "processes": [ { "name": "second", "tcf": "none" } ],
  "memory": [ { "name": "buf", "kind": "tmpfs", "pages": 2, "prot": "rwt", "tag": 5 },
              { "name": "same", "process": "second", "kind": "tmpfs", "shares": "buf", "pages": 1, "prot": "rwt" },
              { "name": "own", "pages": 1 } ],
  "files": [ { "name": "z", "fs": "zero" } ],
  "calls": [ { "read": "z", "buffer": "buf+0", "count_bytes": 64, "pointer_tag": 5 } ],
  "tasks": [ { "name": "thread", "calls": [ { "user": "store", "buffer": "own+0" } ] },
             { "name": "other", "process": "second", "calls": [ { "user": "ldg", "buffer": "same+0" } ] } ],
  "environment": [ { "action": "evict", "where": "same", "budget": 1 }, { "action": "sigkill", "task": "thread" },
                   { "action": "signal", "task": "other" }, { "action": "signal" } ],
  "expect": { "run": { "results_by_task": { "thread": [1], "other": [5] } },
              "check": { "verdict": "returns", "lock_inversion": false } }
})");
}

TEST_CASE("tasks are threads of their processes, and mappings lie in theirs", "[unit][scenario][tasks]") {
  const Built ready = built(shared_example());
  CHECK(ready.names.tasks == std::vector<std::string>{"main", "thread", "other"});
  CHECK(ready.names.processes == std::vector<std::string>{"first", "second"});
  const Machine& machine = ready.workload.start;
  REQUIRE(machine.tasks.size() == 3);
  CHECK(machine.tasks[0].space == 0);
  CHECK(machine.tasks[1].space == 0);
  CHECK(machine.tasks[2].space == 1);
  CHECK(machine.tasks[2].tcf == TcfMode::none);
  REQUIRE(ready.workload.calls.size() == 3);
  REQUIRE(ready.names.mappings.size() == 3);
  CHECK(ready.names.mappings[1].space == 1);
  const Vma* first = machine.spaces[0]->find(ready.names.mappings[0].begin);
  const Vma* second = machine.spaces[1]->find(ready.names.mappings[1].begin);
  REQUIRE((first != nullptr && second != nullptr));
  CHECK(first->object == second->object);
  CHECK(machine.spaces[1]->find(ready.names.mappings[0].begin) == nullptr);
}

TEST_CASE("an action strikes the process of its mapping, a signal its task or its task's process",
          "[unit][scenario][tasks]") {
  const std::vector<Action> actions = built(shared_example()).check.actions;
  REQUIRE(actions.size() == 4);
  CHECK(actions[0].space == 1);
  const auto whom = [](const Action& action) {
    return std::vector<bool>{action.is_for(TaskId{0}), action.is_for(TaskId{1}), action.is_for(TaskId{2})};
  };
  CHECK(whom(actions[1]) == std::vector<bool>{true, true, false});
  CHECK(whom(actions[2]) == std::vector<bool>{false, false, true});
  CHECK(whom(actions[3]) == std::vector<bool>{true, true, true});
}

TEST_CASE("a scenario with tasks is written as it was read", "[unit][scenario][tasks]") {
  const Scenario scenario = parse_scenario(as_text(shared_example()));
  for (const Defaults defaults : {Defaults::left_out, Defaults::shown}) {
    CHECK(parse_scenario(parse_json_text(write_scenario(scenario, defaults).text(), "again.json")) == scenario);
  }
}

TEST_CASE("tasks and processes that do not fit together are refused at their place", "[unit][scenario][tasks]") {
  struct Refusal {
    std::function<void(Json&)> change;
    std::string pointer;
    std::string word;
  };
  const std::vector<Refusal> refusals = {
      {[](Json& j) { j["tasks"][0]["name"] = "main"; }, "/tasks/0/name", "second time"},
      {[](Json& j) { j["tasks"][0]["process"] = "secnd"; }, "/tasks/0/process", "did you mean \"second\"?"},
      {[](Json& j) { j["processes"][0]["name"] = "first"; }, "/processes/0/name", "second time"},
      {[](Json& j) { j["memory"][2]["process"] = "third"; }, "/memory/2/process", "allowed: first, second"},
      {[](Json& j) { j["memory"][1]["shares"] = "own"; }, "/memory/1/shares", "allowed: buf"},
      {[](Json& j) { j["memory"][1]["kind"] = "memfd"; }, "/memory/1/kind", "another kind"},
      {[](Json& j) { j["memory"][1]["pages"] = 3; }, "/memory/1/pages", "has 2"},
      {[](Json& j) { j["memory"][1]["tag"] = 3; }, "/memory/1", "\"buf\""},
      {[](Json& j) { j["tasks"][0]["calls"][0]["buffer"] = "same+0"; }, "/tasks/0/calls/0/buffer", "process second"},
      {[](Json& j) { j["environment"][1]["task"] = "tread"; }, "/environment/1/task", "did you mean \"thread\"?"},
      {[](Json& j) {
         j["calls"][0] = Json::parse(R"({"process_vm": "readv", "local": [{"buffer": "buf+0", "size_bytes": 8}],
           "remote": [{"buffer": "same+4096", "size_bytes": 8}, {"buffer": "own+0", "size_bytes": 8}]})");
       },
       "/calls/0/remote/1/buffer", "another process"},
      {[](Json& j) {
         j.erase("environment");
         j["calls"].push_back(Json::parse(R"({"call": "fork"})"));
       },
       "/calls/1", "processes"},
  };
  for (const Refusal& refusal : refusals) {
    Json example = shared_example();
    example["environment"][0]["where"] = "buf";  // which is there whatever else is refused
    refusal.change(example);
    CAPTURE(refusal.pointer);
    const std::vector<Complaint> wrong = complaints(example);
    REQUIRE_FALSE(wrong.empty());
    CHECK(wrong[0].place.pointer == refusal.pointer);
    CHECK_THAT(wrong[0].what, Contains(refusal.word));
  }
}

PointReport report_of(const Json& json) {
  const JsonText text = as_text(json);
  const Scenario scenario = parse_scenario(text);
  return carry_out(scenario, build(scenario, text), {});
}

TEST_CASE("results are told, and expected, by task", "[unit][scenario][tasks]") {
  Json example = shared_example();
  const PointReport report = report_of(example);
  CHECK(report.violations.empty());
  REQUIRE(report.run.has_value());
  CHECK(result_words(report.run->result.results, report.tasks) == "main: 64; thread: 1; other: 5");
  example["expect"]["run"]["results_by_task"]["other"] = Json::array({6});
  CHECK(report_of(example).violations == std::vector<std::string>{"run/results_by_task/other: expected 6, got 5"});
}

TEST_CASE("a deadlock is told as its cycle of waits", "[unit][scenario][tasks]") {
  const JsonText text = read_json_file("scenarios/tasks/gfs2-two-files-5.15.json");
  const Scenario scenario = parse_scenario(text);
  const Built ready = build(scenario, text);
  const PointReport report = carry_out(scenario, ready, {});
  REQUIRE(report.check_waits.size() == 2);
  CHECK(report.check_waits[0] ==
        "main holds the glock of f (shared), the mmap lock of main (shared), and waits for the glock of g "
        "(exclusive), which other holds (shared)");
  REQUIRE(report.check.has_value());
  Story story(ready.names);
  REQUIRE(replay(ready.workload, ready.check, report.check->witnesses.at(0),
                 [&](const Event& event) { story.observe(event); }, {}));
  const std::vector<std::string>& told = story.lines();
  const auto has = [&](std::string_view line) {
    return std::any_of(told.begin(), told.end(), [&](const std::string& one) { return one.find(line) != one.npos; });
  };
  CHECK(has("round 1 of main"));
  CHECK(has("other sleeps for the glock of f (exclusive)"));
}

}  // namespace
}  // namespace mtesim::test
