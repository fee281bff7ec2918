#include "sim/scenario/boundaries.h"

#include <catch2/catch.hpp>

namespace mtesim::test {
namespace {

using Lines = std::vector<std::string>;

Member member(std::int64_t offset, const std::string& outcome) { return {{{"/offset", JsonScalar{offset}}}, outcome}; }

TEST_CASE("numbers that rise are told as ranges, with a step if there are three", "[unit][boundaries]") {
  CHECK(ranges({}).empty());
  CHECK(ranges({7}) == "7");
  CHECK(ranges({7, 8}) == "7..8");
  CHECK(ranges({16, 32}) == "16, 32");
  CHECK(ranges({16, 32, 48}) == "16..48 step 16");
  CHECK(ranges({0, 1, 2, 10, 20, 30, 99}) == "0..2, 10..30 step 10, 99");
  CHECK(ranges({1, 3, 7, 12, 20, 31, 44, 60, 77}) == "1, 3, 7, 12, 20, 31, 44, 60, … (9 in all)");
}

TEST_CASE("a family that came out alike has no boundary", "[unit][boundaries]") {
  CHECK(boundaries({member(0, "returns"), member(1, "returns")}).empty());
}

TEST_CASE("the boundary lies where the outcome changes; that it ends needs no list", "[unit][boundaries]") {
  std::vector<Member> members;
  for (std::int64_t offset = 0; offset < 4096; ++offset) {
    members.push_back(member(offset, offset >= 16 && offset % 16 == 0 ? "livelock" : "returns"));
  }
  CHECK(boundaries(members) == Lines{"livelock for /offset 16..4080 step 16; otherwise returns"});
}

TEST_CASE("too long a list is told the other way round", "[unit][boundaries]") {
  std::vector<Member> members;
  for (std::int64_t offset = 0; offset < 100; ++offset) {
    members.push_back(member(offset, offset % 10 == 0 ? "returns" : "livelock"));
  }
  CHECK(boundaries(members) == Lines{"returns for /offset 0..90 step 10; otherwise livelock"});
}

TEST_CASE("values of the other axes that behave alike share a line", "[unit][boundaries]") {
  std::vector<Member> members;
  for (std::int64_t offset = 0; offset < 4; ++offset) {
    for (const std::string revision : {"5.17", "5.19", "7.3"}) {
      const bool stuck = revision == "5.17" && offset == 1;
      members.push_back(
          {{{"/offset", JsonScalar{offset}}, {"/revision", JsonScalar{revision}}}, stuck ? "livelock" : "returns"});
    }
  }
  CHECK(boundaries(members) ==
        Lines{"/revision 5.17: livelock for /offset 1; otherwise returns", "/revision 5.19, 7.3: returns throughout"});
}

TEST_CASE("with several other axes each combination is named", "[unit][boundaries]") {
  std::vector<Member> members;
  for (std::int64_t a = 0; a < 2; ++a) {
    for (std::int64_t b = 0; b < 2; ++b) {
      for (std::int64_t c = 0; c < 5; ++c) {
        members.push_back({{{"/a", JsonScalar{a}}, {"/b", JsonScalar{b}}, {"/c", JsonScalar{c}}},
                           a == 1 && b == 1 && c > 2 ? "deadlock" : "returns"});
      }
    }
  }
  CHECK(boundaries(members) == Lines{"/a 0 and /b 0, /a 0 and /b 1, /a 1 and /b 0: returns throughout",
                                     "/a 1 and /b 1: deadlock for /c 3..4; otherwise returns"});
}

}  // namespace
}  // namespace mtesim::test
