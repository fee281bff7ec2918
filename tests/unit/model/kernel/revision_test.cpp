#include "model/kernel/revision.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <string>

#include "tests/support/bench.h"

namespace mtesim::test {
namespace {

TEST_CASE("revisions come oldest first, and are found by name", "[unit][revision]") {
  std::vector<std::string> names;
  for (const Revision& revision : revisions()) {
    names.push_back(revision.name);
    CHECK(find_revision(revision.name) == &revision);
  }
  CHECK(names ==
        std::vector<std::string>{"5.10", "5.13", "5.14", "5.15", "5.16", "5.17", "5.19", "6.1", "6.12", "7.3"});
  CHECK(find_revision("5.18") == nullptr);
}

TEST_CASE("each change is in from its release on, and not before", "[unit][revision]") {
  const auto from = [](auto&& has) {
    std::string first;
    bool gone_again = false;
    for (const Revision& revision : revisions()) {
      if (has(revision) && first.empty()) first = revision.name;
      gone_again |= !first.empty() && !has(revision);
    }
    CHECK_FALSE(gone_again);
    return first;
  };
  using R = const Revision&;
  CHECK(from([](R r) { return r.copy_page_iter == IterCopy::until_zero; }) == "5.14");
  CHECK(from([](R r) { return r.generic_perform_write_shrinks; }) == "5.14");
  CHECK(from([](R r) { return r.tcf_is_a_set; }) == "5.15");
  CHECK(from([](R r) { return r.clear_user_count == ClearUserCount::to_fault; }) == "5.16");
  CHECK(from([](R r) { return r.btrfs_search_ioctl_probe.kind != ProbeKind::fault_in_pages_writeable; }) == "5.16");
  CHECK(from([](R r) { return r.safe_writeable != SafeWriteable::gup; }) == "5.17");
  CHECK(from([](R r) { return r.btrfs_search_ioctl_probe.kind == ProbeKind::fault_in_subpage_writeable; }) == "5.19");
  CHECK(from([](R r) { return r.safe_writeable == SafeWriteable::fixup; }) == "6.1");
  CHECK(from([](R r) { return r.has_store_only; }) == "7.3");
  CHECK(from([](R r) { return r.generic_perform_write_order == WriteOrder::copy_first; }) == "7.3");
  CHECK(from([](R r) { return r.copy_page_from_iter_atomic == IterCopy::until_zero; }) == "7.3");
}

TEST_CASE("the one-byte retry is in 5.14, and back-ported to 5.10", "[unit][revision]") {
  for (const Revision& revision : revisions()) CHECK(revision.copy_retries_one_byte == (revision.name != "5.13"));
}

TEST_CASE("a knob reads back what it was set to, and changes nothing else", "[unit][revision]") {
  const Revision original = *find_revision("6.1");
  for (const Knob& knob : knobs()) {
    CAPTURE(knob.name);
    CHECK(find_knob(knob.name) == &knob);
    std::vector<std::string> words = knob.allowed;
    if (words.empty()) words = {std::to_string(knob.least), std::to_string(knob.most)};
    for (const std::string& word : words) {
      Revision changed = original;
      knob.set(changed, word);
      CHECK(knob.get(changed) == word);
      for (const Knob& other : knobs()) {
        if (other.name != knob.name) CHECK(other.get(changed) == other.get(original));
      }
      knob.set(changed, knob.get(original));
      CHECK(changed == original);
    }
  }
}

TEST_CASE("knobs are in the order of their names, and no two have one", "[unit][revision]") {
  std::vector<std::string> names;
  for (const Knob& knob : knobs()) names.push_back(knob.name);
  CHECK(std::is_sorted(names.begin(), names.end()));
  CHECK(std::adjacent_find(names.begin(), names.end()) == names.end());
  CHECK(find_knob("btrfs_search_ioctl.probes") == nullptr);
}

TEST_CASE("every probe has a name that its knob takes", "[unit][revision]") {
  const Knob* knob = find_knob("btrfs_search_ioctl.probe");
  REQUIRE(knob != nullptr);
  for (const std::string& word : knob->allowed) {
    Revision changed;
    knob->set(changed, word);
    CHECK(probe_name(changed.btrfs_search_ioctl_probe.kind) == word);
  }
}

}  // namespace
}  // namespace mtesim::test
