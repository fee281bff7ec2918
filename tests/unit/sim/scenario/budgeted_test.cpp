// Every loop of the catalogue is checked with a world that acts, within a budget.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cctype>
#include <map>

#include "sim/scenario/build.h"

namespace mtesim::test {
namespace {

Built built_from(const std::string& path) {
  const JsonText text = read_json_file(path);
  return build(parse_scenario(text), text);
}

TEST_CASE("each loop has a scenario with two evictions, one retag and a SIGKILL", "[unit][scenario]") {
  for (const LoopEntry& loop : catalogue()) {
    std::string name(loop.name);
    std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::tolower(c); });
    CAPTURE(name);
    const Built built = built_from("scenarios/budgeted/" + name + ".json");
    REQUIRE(built.loops.size() == 1);
    REQUIRE(built.loops[0] != nullptr);
    CHECK(built.loops[0]->name == loop.name);
    std::map<ActionKind, std::uint64_t> budgets;
    for (const Action& action : built.check.actions) budgets[action.kind] += action.budget;
    CHECK(budgets[ActionKind::evict] == 2);
    CHECK(budgets[ActionKind::retag] == 1);
    CHECK(budgets.count(ActionKind::sigkill) == 1);
  }
}

}  // namespace
}  // namespace mtesim::test
