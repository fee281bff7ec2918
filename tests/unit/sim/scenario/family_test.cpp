#include "sim/scenario/family.h"

#include <fmt/format.h>

#include <catch2/catch.hpp>

namespace mtesim::test {
namespace {

struct Ready {
  Scenario scenario;
  Built built;
};

/// A search of two items of 128 bytes, with one bad granule.
Ready member(int bad_granule, const std::string& action = R"({ "action": "evict", "where": "buf", "budget": 1 })") {
  const JsonText text = parse_json_text(fmt::format(R"({{ "name": "family", "kernel": {{ "revision": "5.17" }},
    "memory": [ {{ "name": "buf", "pages": 2, "prot": "rwt", "tag": 5, "tags": [ {{ "granules": "{}", "tag": 6 }} ] }} ],
    "files": [ {{ "name": "f", "fs": "btrfs", "tree": [ {{ "items": 2, "item_size_bytes": 96 }} ] }} ],
    "calls": [ {{ "ioctl": "BTRFS_IOC_TREE_SEARCH_V2", "file": "f", "buffer": "buf+0", "buf_size_bytes": 1024,
                  "pointer_tag": 5 }} ],
    "environment": [ {} ] }})",
                                                    bad_granule, action),
                                        "family");
  const Scenario scenario = parse_scenario(text);
  return {scenario, build(scenario, text)};
}

CheckResult checked(const Ready& ready) { return check(ready.built.workload, ready.built.check); }

TEST_CASE("a member that differs where nobody looks has the result that its own check gives", "[unit][family]") {
  Family family;
  const Ready known = member(200);
  family.add(known.scenario, known.built, checked(known));
  const Ready alike = member(300);
  const auto found = family.find(alike.scenario, alike.built);
  REQUIRE(found.has_value());
  const CheckResult own = checked(alike);
  CHECK(found->verdict == own.verdict);
  CHECK(found->states == own.states);
  CHECK(found->transitions == own.transitions);
  CHECK(found->results == own.results);
  CHECK(found->witnesses == own.witnesses);
}

TEST_CASE("every member comes out as its own check says, shared or not", "[unit][family]") {
  Family family;
  int shared = 0;
  for (int bad = 0; bad < 90; ++bad) {
    const Ready ready = member(bad);
    const CheckResult own = checked(ready);
    if (const auto found = family.find(ready.scenario, ready.built)) {
      CHECK(found->verdict == own.verdict);
      CHECK(found->states == own.states);
      CHECK(found->results == own.results);
      ++shared;
    } else {
      family.add(ready.scenario, ready.built, own);
    }
  }
  CHECK(shared > 40);  // behind the answer nobody looks
  CHECK(shared < 80);
}

TEST_CASE("what can drop a page, tags and all, keeps members apart", "[unit][family]") {
  Family family;
  const std::string dontneed = R"({ "action": "dontneed", "where": "buf", "budget": 1 })";
  const Ready known = member(200, dontneed);
  family.add(known.scenario, known.built, checked(known));
  const Ready alike = member(300, dontneed);
  CHECK_FALSE(family.find(alike.scenario, alike.built).has_value());
}

TEST_CASE("another scenario is no member", "[unit][family]") {
  Family family;
  const Ready known = member(200);
  family.add(known.scenario, known.built, checked(known));
  const Ready other = member(200, R"({ "action": "evict", "where": "buf", "budget": 2 })");
  CHECK_FALSE(family.find(other.scenario, other.built).has_value());
}

}  // namespace
}  // namespace mtesim::test
