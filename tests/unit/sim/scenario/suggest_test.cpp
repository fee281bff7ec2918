#include "sim/scenario/suggest.h"

#include <array>
#include <catch2/catch.hpp>
#include <string>
#include <vector>

namespace mtesim {
namespace {

const std::vector<std::string> kModes = {"none", "sync", "async", "asymm"};

TEST_CASE("a slip of the finger is mended", "[unit][scenario]") {
  CHECK(did_you_mean("sinc", kModes) == "sync");    // another letter
  CHECK(did_you_mean("synnc", kModes) == "sync");   // one too many
  CHECK(did_you_mean("syc", kModes) == "sync");     // one too few
  CHECK(did_you_mean("aysnc", kModes) == "async");  // two swapped
  CHECK(did_you_mean("opp", {"op"}) == "op");
  CHECK(did_you_mean("sync", kModes) == "sync");
}

TEST_CASE("case does not count", "[unit][scenario]") {
  CHECK(did_you_mean("SYNC", kModes) == "sync");
  CHECK(did_you_mean("btrfs_ioc_tree_search", {"BTRFS_IOC_TREE_SEARCH_V2", "BTRFS_IOC_TREE_SEARCH"}) ==
        "BTRFS_IOC_TREE_SEARCH");
}

TEST_CASE("one slip is near in a short word, three in a long one", "[unit][scenario]") {
  CHECK(did_you_mean("ab", {"cb"}) == "cb");
  CHECK(did_you_mean("ab", {"cd"}) == std::nullopt);
  CHECK(did_you_mean("a", {"b"}) == std::nullopt);
  CHECK(did_you_mean("abcd", {"abce"}) == "abce");
  CHECK(did_you_mean("abcd", {"abef"}) == std::nullopt);
  CHECK(did_you_mean("abcde", {"abcfg"}) == "abcfg");
  CHECK(did_you_mean("abcdefghij", {"abcdefgxyz"}) == "abcdefgxyz");
  CHECK(did_you_mean("abcdefghij", {"abcdefwxyz"}) == std::nullopt);
  CHECK(did_you_mean("abcdefghijklmnop", {"abcdefghijklmxyz"}) == "abcdefghijklmxyz");
  CHECK(did_you_mean("abcdefghijklmnop", {"abcdefghijklwxyz"}) == std::nullopt);
}

TEST_CASE("the nearest candidate is taken, and of two as near the first", "[unit][scenario]") {
  CHECK(did_you_mean("evit", {"edit_file", "emit", "evict"}) == "emit");
  CHECK(did_you_mean("evct", {"edit", "evict"}) == "evict");
  CHECK(did_you_mean("bat", {"cat", "rat"}) == "cat");
}

TEST_CASE("the beginning of one candidate alone stands for it", "[unit][scenario]") {
  CHECK(did_you_mean("fault_in_safe", {"fault_in_writeable", "fault_in_safe_writeable"}) == "fault_in_safe_writeable");
  CHECK(did_you_mean("fault_in", {"fault_in_writeable", "fault_in_safe_writeable"}) == std::nullopt);
  CHECK(did_you_mean("fa", {"fault_in_writeable"}) == std::nullopt);
}

TEST_CASE("nothing is near nothing, and nothing is near a very long word", "[unit][scenario]") {
  CHECK(did_you_mean("", kModes) == std::nullopt);
  CHECK(did_you_mean("sync", std::vector<std::string>{}) == std::nullopt);
  const std::string hundred(100, 'x');
  CHECK(did_you_mean(hundred, std::array{hundred}) == hundred);
  CHECK(did_you_mean(hundred + 'x', std::array{hundred}) == std::nullopt);
  std::string endless;
  endless.resize(10'000'000, 'x');
  CHECK(did_you_mean(endless, kModes) == std::nullopt);
}

}  // namespace
}  // namespace mtesim
