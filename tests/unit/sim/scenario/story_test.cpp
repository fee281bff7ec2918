#include "sim/scenario/story.h"

#include <algorithm>
#include <catch2/catch.hpp>

#include "sim/run/run.h"
#include "tests/unit/sim/scenario/full_example.h"

namespace mtesim::test {
namespace {

struct Told {
  std::vector<std::string> lines;
  std::vector<std::string> map;

  [[nodiscard]] std::ptrdiff_t count(const std::string& part) const {
    return std::count_if(lines.begin(), lines.end(),
                         [&](const auto& line) { return line.find(part) != std::string::npos; });
  }
  [[nodiscard]] bool has(const std::string& part) const { return count(part) > 0; }
};

Told story_of(const Json& json, std::size_t most_lines = 2000) {
  const Built b = built(json);
  Story story(b.names, most_lines);
  Observer* const observers[] = {&story};
  static_cast<void>(run(b.workload, observers));
  return {story.lines(), story.map()};
}

Json livelock() {
  Json example = full_example();
  example.erase("sweep");
  example["kernel"] = Json::parse(R"({"revision": "5.17"})");
  return example;
}

TEST_CASE("a story tells where an access faulted and with which tags", "[unit][scenario]") {
  const Told told = story_of(livelock());
  CAPTURE(told.lines);
  CHECK(told.has("tag check fault: store at buf+4112, granule 257: memory tag 6, pointer tag 5"));
  CHECK(told.has("takes the btrfs tree lock of f"));
  CHECK(told.has("copy_to_user_nofault"));
  CHECK(told.has("EFAULT"));
}

TEST_CASE("a function in which nothing of note happened is one line", "[unit][scenario]") {
  const Told told = story_of(livelock());
  CAPTURE(told.lines);
  CHECK(told.has("fault_in_writeable"));
  CHECK(told.has("more calls like these"));  // the items before the bad one
  const auto clean = std::find_if(told.lines.begin(), told.lines.end(),
                                  [](const auto& l) { return l.find("copy_from_user") != std::string::npos; });
  REQUIRE(clean != told.lines.end());
  CHECK(clean->find("loads") != std::string::npos);  // its result stands on the same line
}

TEST_CASE("entry and end of a function of note nest", "[unit][scenario]") {
  const Told told = story_of(livelock());
  const auto depth = [](const std::string& line) { return line.find_first_not_of(' '); };
  for (std::size_t i = 0; i + 1 < told.lines.size(); ++i) {
    CHECK(depth(told.lines[i]) % 2 == 0);
    CHECK(depth(told.lines[i + 1]) <= depth(told.lines[i]) + 2);
  }
}

TEST_CASE("a story ends at the most lines it may have, with one that says so", "[unit][scenario]") {
  const std::size_t whole = story_of(livelock()).lines.size();
  CHECK(story_of(livelock(), whole).lines.size() == whole);
  const Told cut = story_of(livelock(), 5);
  REQUIRE(cut.lines.size() == 6);
  CHECK(cut.lines.back().find("goes on") != std::string::npos);
}

TEST_CASE("the map shows probe, copy and fault, a character a granule", "[unit][scenario]") {
  const Told told = story_of(livelock());
  REQUIRE(told.map.size() > 2);
  std::string granules;
  for (std::size_t row = 1; row < told.map.size(); ++row) {
    const std::size_t begin = told.map[row].find_last_of(' ') + 1;
    granules += told.map[row].substr(begin);
  }
  CHECK(std::count(granules.begin(), granules.end(), 'X') == 1);
  CHECK(std::count(granules.begin(), granules.end(), 'S') > 10);
  CHECK(std::count(granules.begin(), granules.end(), 's') > 0);
}

TEST_CASE("a clean call tells no fault and maps none", "[unit][scenario]") {
  const Told told = story_of(small_example());
  CHECK_FALSE(told.has("fault:"));
  CHECK(told.count("round") == 1);
  REQUIRE(told.map.size() >= 2);
  CHECK(told.map[1].find("SSSS....") != std::string::npos);
}

TEST_CASE("what the environment does is told where it does it", "[unit][scenario]") {
  Json example = livelock();
  example["memory"][0].erase("tags");
  example["environment"] = Json::parse(R"([{"action": "retag", "where": "buf", "budget": 1}])");
  example["calls"][0]["buf_size_bytes"] = 256;
  example["files"][0]["tree"] = Json::parse(R"([{"items": 2, "item_size_bytes": 8}])");
  const Built b = built(example);
  const CheckResult result = check(b.workload, b.check);
  REQUIRE(result.verdict == Verdict::livelock);
  Story story(b.names);
  REQUIRE(replay(
      b.workload, b.check, result.witnesses.at(0), [&](const Event& event) { story.observe(event); },
      [&](const ActionChoice& choice) { story.acted(choice, b.check.actions); }));
  const Told told{story.lines(), story.map()};
  CAPTURE(told.lines);
  CHECK(told.count("** meanwhile: retag buf+") == 1);
  CHECK(told.has("tag check fault: store at buf+"));
}

}  // namespace
}  // namespace mtesim::test
