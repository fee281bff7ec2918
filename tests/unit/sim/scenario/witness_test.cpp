#include <algorithm>
#include <catch2/catch.hpp>

#include "sim/scenario/difference.h"
#include "sim/scenario/shrink.h"
#include "sim/scenario/walk.h"
#include "sim/scenario/witness_document.h"
#include "sim/scenario/witness_formats.h"
#include "tests/unit/sim/scenario/full_example.h"

namespace mtesim::test {
namespace {

Json livelock() {
  Json example = small_example();
  example["name"] = "witness/livelock";
  example["kernel"] = Json::parse(R"({"revision": "5.17"})");
  example["files"] = Json::parse(R"([{"name": "f", "fs": "btrfs", "tree": [{"items": 1, "item_size_bytes": 32}]}])");
  example["calls"] = Json::parse(R"([{"ioctl": "BTRFS_IOC_TREE_SEARCH_V2", "file": "f", "buffer": "buf+0",
                                      "buf_size_bytes": 64, "pointer_tag": 5}])");
  example["environment"] = Json::parse(R"([{"action": "retag", "where": "buf", "budget": 1}])");
  return example;
}

struct Checked {
  Scenario scenario;
  Built built;
  CheckResult result;
};
Checked checked(const Json& json) {
  const JsonText text = as_text(json);
  const Scenario scenario = parse_scenario(text);
  Built built = build(scenario, text);
  CheckResult result = check(built.workload, built.check);
  return {scenario, std::move(built), std::move(result)};
}

std::vector<std::string> lines_of(const std::vector<StateDifference>& differences) {
  std::vector<std::string> lines;
  for (const StateDifference& d : differences) lines.push_back(to_line(d));
  return lines;
}

std::uint64_t base(const Built& built) { return built.names.mappings.front().begin; }

TEST_CASE("equal states differ in nothing", "[unit][scenario][witness]") {
  const Built b = built(livelock());
  const CheckState start = start_of_check(b.workload, b.check.actions);
  CHECK(StateComparison(b).between(start, start).empty());
}

TEST_CASE("a difference is named as one says it", "[unit][scenario][witness]") {
  const Built b = built(livelock());
  const CheckState start = start_of_check(b.workload, b.check.actions);
  CheckState other = start;
  const std::vector<Action> evict{{.kind = ActionKind::evict, .begin = base(b), .end = base(b) + 4096}};
  SECTION("a tag, by granule of the mapping") {
    apply({0, 0, base(b) + 64, Tag{5}}, b.check.actions, other.work.machine);
    CHECK(lines_of(StateComparison(b).between(start, other)) == std::vector<std::string>{"tag 4 of buf: 5 -> 13"});
  }
  SECTION("a page that goes to swap, whose tags stay with it") {
    apply({0, 0, base(b), Tag{}}, evict, other.work.machine);
    const auto lines = lines_of(StateComparison(b).between(start, other));
    REQUIRE_FALSE(lines.empty());
    CHECK(lines.front() == "page 0 of buf: present -> swapped");
    CHECK(std::none_of(lines.begin(), lines.end(), [](const auto& l) { return l.find("tag ") == 0; }));
  }
  SECTION("a budget") {
    --other.budgets[0];
    CHECK(lines_of(StateComparison(b).between(start, other)) ==
          std::vector<std::string>{"budget of retag buf: 1 -> 0"});
  }
  SECTION("a lock") {
    REQUIRE(other.work.machine.locks.try_lock({LockKind::mmap, 0}, TaskId{0}, LockMode::exclusive));
    CHECK(lines_of(StateComparison(b).between(start, other)) == std::vector<std::string>{"mmap lock: free -> held"});
  }
  SECTION("a signal that is pending") {
    other.work.machine.tasks[0].pending.fatal = true;
    CHECK(lines_of(StateComparison(b).between(start, other)) ==
          std::vector<std::string>{"signals pending: none -> SIGKILL"});
  }
  SECTION("what has no name is not passed over") {
    other.work.machine.swap_in_writable = !other.work.machine.swap_in_writable;
    if (!(other == start)) CHECK(StateComparison(b).between(start, other).front().group == "rest");
    other.work.machine.tasks[0].user_tco = true;
    CHECK(StateComparison(b).between(start, other).front().key == "registers");
  }
}

TEST_CASE("a walk leads through the states of its witness and closes", "[unit][scenario][witness]") {
  const Checked c = checked(livelock());
  REQUIRE(c.result.verdict == Verdict::livelock);
  const Witness& witness = c.result.witnesses.front();
  const Walk made = walk(c.built, witness);
  CHECK(made.trouble.empty());
  CHECK(made.closes);
  CHECK(made.steps.size() == witness.stem.size() + witness.loop.size());
  CHECK(made.before(made.stem) == made.end());
  for (const WalkStep& step : made.steps) CHECK(step.loop == "btrfs_search_ioctl");
  const auto lines = walk_lines(c.built, made);
  CHECK(std::any_of(lines.begin(), lines.end(),
                    [](const auto& l) { return l.find("** meanwhile: retag buf+") != l.npos; }));
  CHECK(lines.back().find("it goes on like this for ever") != std::string::npos);
}

TEST_CASE("a witness that does not fit ends where it stops fitting", "[unit][scenario][witness]") {
  const Checked c = checked(livelock());
  Witness witness = c.result.witnesses.front();
  SECTION("a task that is not there") {
    witness.loop.front().task = TaskId{7};
    CHECK(walk(c.built, witness).trouble == "there is no task 7");
  }
  SECTION("an action where it cannot be done") {
    for (WitnessStep& step : witness.stem) {
      for (ChoiceAt& at : step.choices) at.choice.target += 4096;  // behind the mapping
    }
    const Walk made = walk(c.built, witness);
    CHECK(made.trouble.find("cannot be done at site") != std::string::npos);
    CHECK_FALSE(made.closes);
  }
  SECTION("one step too many") {
    Json json = livelock();
    json["kernel"] = Json::parse(R"({"revision": "7.3"})");
    const Checked returns = checked(json);
    REQUIRE(returns.result.verdict == Verdict::returns);
    Witness longer = returns.result.witnesses.front();
    longer.stem.push_back({TaskId{0}, {}, {}, {}});
    longer.stem.push_back({TaskId{0}, {}, {}, {}});
    const Walk made = walk(returns.built, longer);
    CHECK(made.trouble == "task 0 has nothing left to do");
    CHECK(made.steps.size() == returns.result.witnesses.front().stem.size());
    CHECK(walk_lines(returns.built, made).back().find("cannot be made") != std::string::npos);
  }
}

TEST_CASE("rounds that are alike are folded, and a long way is a screenful", "[unit][scenario][witness]") {
  Json json = livelock();
  json["kernel"] = Json::parse(R"({"revision": "7.3"})");
  json["memory"][0]["pages"] = 8;
  json["files"][0]["tree"][0]["items"] = 100;
  json["calls"][0]["buf_size_bytes"] = 6400;
  json.erase("environment");
  json["check"] = Json::object();
  const Checked c = checked(json);
  const Walk made = walk(c.built, c.result.witnesses.front());
  const auto lines = walk_lines(c.built, made, 12);
  CHECK(lines.size() <= 14);
  Walk cut = made;
  for (std::size_t i = 0; i < cut.steps.size(); ++i) cut.steps[i].call = std::string(i + 1, 'x');  // no two alike
  CHECK(walk_lines(c.built, cut, 12).size() <= 14);
}

TEST_CASE("a witness document reads back as it was written", "[unit][scenario][witness]") {
  const Checked c = checked(livelock());
  const Witness& witness = c.result.witnesses.front();
  const Walk made = walk(c.built, witness);
  const WitnessDocument written =
      make_witness_document(c.scenario, c.built, c.result, witness, made, {"x.json", "", {}}, "1");
  const JsonText text = parse_json_text(write_witness(written).text(), "w.json");
  CHECK(is_witness(text));
  CHECK_FALSE(is_witness(as_text(livelock())));
  const WitnessDocument read = parse_witness(text);
  CHECK(write_witness(read).text() == write_witness(written).text());
  const Built again = build_witness(read, text);
  Witness schedule = schedule_of(read, again, text);
  REQUIRE(schedule.stem.size() == witness.stem.size());
  for (std::size_t i = 0; i < schedule.stem.size(); ++i) CHECK(schedule.stem[i].choices == witness.stem[i].choices);
  const Replayed replayed = compare_with_record(read, again, text, walk(again, schedule), "1");
  CAPTURE(replayed.message);
  CHECK(replayed.holds);
  CHECK(replayed.notes.empty());
}

TEST_CASE("numbers beyond 2^53 are texts in an ITF trace", "[unit][scenario][witness]") {
  const Checked c = checked(livelock());
  Walk made = walk(c.built, c.result.witnesses.front());
  made.steps.back().changes.push_back({"task", "far", "far", std::int64_t{1}, (std::int64_t{1} << 53) + 1});
  const Json trace = Json::parse(to_itf(c.built, made, "x", "1"));
  CHECK(trace["states"].back()["task"]["far"] == Json{{"#bigint", "9007199254740993"}});
  CHECK(trace["states"].front()["task"]["far"] == 1);
  CHECK(trace["loop"] == made.stem + 1);
}

TEST_CASE("a drawing has the states of the check, and those of the witness in any case", "[unit][scenario][witness]") {
  Json json = livelock();
  json["check"] = Json{{"whole", true}};
  const Checked c = checked(json);
  REQUIRE(c.result.complete);
  const Walk made = walk(c.built, c.result.witnesses.front(), {.as_compared = true});
  const StateGraph all = draw(c.built, &made);
  CHECK(all.nodes.size() == c.result.states);
  CHECK(all.edges.size() == c.result.transitions);
  CHECK_FALSE(all.cut);
  const StateGraph some = draw(c.built, &made, 1);
  CHECK(some.cut);
  const auto on_witness = [](const StateGraph& g) {
    return std::count_if(g.edges.begin(), g.edges.end(), [](const auto& e) { return e.on_witness; });
  };
  CHECK(on_witness(all) == static_cast<std::ptrdiff_t>(made.steps.size()));
  CHECK(on_witness(some) == static_cast<std::ptrdiff_t>(made.steps.size()));
}

TEST_CASE("what is shrunk shows the same, and shrinks no further", "[unit][scenario][witness]") {
  Json json = livelock();
  json["memory"][0]["pages"] = 3;
  json["kernel"]["change"] = Json::parse(R"({"mte.asymm": "on"})");
  json["environment"].push_back(Json::parse(R"({"action": "sigkill"})"));
  const Checked c = checked(json);
  const auto goal = goal_of(c.built, c.result, std::nullopt);
  REQUIRE(goal);
  CHECK(goal->verdict == Verdict::livelock);
  CHECK(goal->loops == std::set<std::string>{"btrfs_search_ioctl"});
  const Shrunk once = shrink(c.scenario, *goal, {});
  CHECK(once.cut_by.empty());
  CHECK(once.taken > 0);
  CHECK(once.scenario.memory.front().pages == 1);
  CHECK(once.scenario.kernel.revision == "5.17");
  CHECK(once.scenario.kernel.change.empty());
  const Checked small = checked(Json::parse(write_scenario(once.scenario).text()));
  CHECK(goal_of(small.built, small.result, std::nullopt) == goal);
  CHECK(shrink(once.scenario, *goal, {}).scenario == once.scenario);
}

TEST_CASE("nothing is shrunk once the time is up", "[unit][scenario][witness]") {
  const Checked c = checked(livelock());
  ShrinkOptions options;
  options.deadline = std::chrono::steady_clock::now();
  const Shrunk cut = shrink(c.scenario, *goal_of(c.built, c.result, std::nullopt), options);
  CHECK(cut.cut_by == "the limit on time");
  CHECK(cut.taken == 0);
  CHECK(cut.scenario.calls == c.scenario.calls);
}

}  // namespace
}  // namespace mtesim::test
