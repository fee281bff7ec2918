#include "sim/scenario/cost_text.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

namespace mtesim::test {
namespace {

CostReport two_rounds() {
  CostReport report;
  Cost first;
  first.cycles.add(Cause::copy, 7500);
  first.cycles.add(Cause::faults, 2500);
  first.memory.levels[0].lookups = {8, 4};
  first.memory.levels[0].missed = {1, 2};
  first.memory.lines_in = 3;
  first.bytes_copied = 64;
  Cost second;
  second.cycles.add(Cause::probe, 10000);
  report.rounds = {{TaskId{0}, 0, first}, {TaskId{0}, 0, second}};
  report.total = first;
  report.total += second;
  report.calls = {{TaskId{0}, 0, 2, report.total}};
  return report;
}

TEST_CASE("a cost as JSON has every cause and level, of the run and its parts", "[unit][cost]") {
  const nlohmann::ordered_json j = cost_json(two_rounds(), {"main"});
  CHECK(j["cycles"] == 20);
  std::uint64_t sum = 0;
  for (const auto& [cause, cycles] : j["cycles_by_cause"].items()) sum += cycles.get<std::uint64_t>();
  CHECK(j["cycles_by_cause"].size() == kCauses);
  CHECK(sum == 21);  // each rounded for itself
  CHECK(j["caches"]["l1d"]["load_hits"] == 7);
  CHECK(j["caches"]["l1d"]["store_misses"] == 2);
  CHECK(j["lines"]["brought_in"] == 3);
  CHECK(j["bytes_per_cycle"] == Approx(3.2));
  CHECK(j["calls"][0]["task"] == "main");
  CHECK(j["calls"][0]["rounds"] == 2);
  CHECK(j["rounds"].size() == 2);
  CHECK(j["rounds"][1]["cycles"] == 10);
}

TEST_CASE("a cost in words has a bar for what costs something, and rounds where there are several", "[unit][cost]") {
  const std::vector<std::string> lines = cost_in_words(two_rounds(), "cortex-a510", {"main"});
  const auto has = [&](const std::string& text) {
    return std::any_of(lines.begin(), lines.end(),
                       [&](const std::string& line) { return line.find(text) != std::string::npos; });
  };
  CHECK(has("about 20 cycles on cortex-a510, 3.2 bytes a cycle"));
  CHECK(has("probe                10   50 %  ████████████"));
  CHECK_FALSE(has("disk"));
  CHECK(has("L1D 9 hits, 3 misses"));
  CHECK(has("round 2"));
  CHECK_FALSE(has("call 1"));
  for (const std::string& line : lines) CHECK(line.back() != ' ');
}

}  // namespace
}  // namespace mtesim::test
