#include "sim/conform/tag_programs.h"

#include <catch2/catch.hpp>

namespace mtesim {

inline std::ostream& operator<<(std::ostream& out, const TagDifference& d) {
  return out << d.key << ": expected " << d.expected << ", got " << d.got;
}

}  // namespace mtesim

namespace mtesim::test {
namespace {

using Json = nlohmann::json;
using Differences = std::vector<TagDifference>;

TEST_CASE("a result that differs is told key by key", "[unit][conform]") {
  const Json expected{{"ldg", 5}, {"sig", 11}, {"klog", "noise"}};
  CHECK(tag_differences(expected, expected).empty());
  CHECK(tag_differences(expected, Json{{"ldg", 5}, {"sig", 11}}).empty());
  CHECK(tag_differences(expected, Json{{"ldg", 4}}) == Differences{{"ldg", "5", "4"}, {"sig", "11", "nothing"}});
  CHECK(tag_differences(Json::object(), Json{{"ldg", 4}}) == Differences{{"ldg", "nothing", "4"}});
}

TEST_CASE("a program that cannot go on prints what it came to", "[unit][conform]") {
  CHECK(carry_out({"mmap", "xfs-shared", 0, "", "6.12"}) == Json{{"mmap_errno", 22}});
  CHECK(carry_out({"fork", "xfs-shared", 0, "", "6.12"}) == Json{{"child_exit", 99}});
}

TEST_CASE("every program runs on every kind of memory and every kernel", "[unit][conform]") {
  for (const Revision& revision : revisions()) {
    for (const char* sub : {"mmap", "mprotect", "untouched", "fork", "ptrace", "swap"}) {
      for (const char* kind : {"anon-private", "anon-shared", "memfd-shared", "devzero-private", "devzero-shared",
                               "hugetlb", "grow-stack", "tmpfs-private", "ramfs-shared", "gfs2-private"}) {
        CHECK_FALSE(carry_out({sub, kind, 1, "", revision.name}).empty());
      }
    }
    for (const char* sub : {"mprotect_keep", "mremap", "irg", "ctrl", "abi", "exec", "tmpfsfile"}) {
      CHECK_FALSE(carry_out({sub, "", 1, "", revision.name}).empty());
    }
    for (const char* tcf : {"none", "sync", "async", "asymm", "both", "off"}) {
      CHECK(carry_out({"userfault", "", 0, tcf, revision.name}).contains("stored"));
    }
  }
}

TEST_CASE("what is not a tag program is refused", "[unit][conform]") {
  CHECK_THROWS_AS(tag_program({"brew", "", 0, "", "6.1"}), std::invalid_argument);
  CHECK_THROWS_AS(tag_program({"mmap", "floppy-shared", 0, "", "6.1"}), std::invalid_argument);
  CHECK_THROWS_AS(tag_program({"madvise", "anon-private", 77, "", "6.1"}), std::invalid_argument);
  CHECK_THROWS_AS(tag_program({"matrix", "", 0, "sinc", "6.1"}), std::invalid_argument);
}

}  // namespace
}  // namespace mtesim::test
