#include "model/arch/page_tags.h"

#include <catch2/catch.hpp>

#include "tests/support/bench.h"

namespace mtesim::test {
namespace {

constexpr std::size_t kGranules = 256;

PageTags all(Tag tag, std::size_t granules = kGranules) {
  PageTags tags;
  tags.set_all(tag, granules);
  return tags;
}

TEST_CASE("a page begins with tag 0 everywhere, and prints nothing", "[unit][tag]") {
  const PageTags tags;
  CHECK(tags.at(0) == Tag{0});
  CHECK(tags.at(kGranules - 1) == Tag{0});
  CHECK(tags.fingerprint() == Fingerprint{});
  CHECK(tags == all(Tag{0}));
}

TEST_CASE("setting one granule leaves its neighbours, also across words", "[unit][tag]") {
  const auto granule = GENERATE(as<std::size_t>{}, 0, 1, 15, 16, 17, 254, 255);
  PageTags tags = all(Tag{3});
  tags.set(granule, Tag{12}, kGranules);
  for (std::size_t g = 0; g < kGranules; ++g) CHECK(tags.at(g) == (g == granule ? Tag{12} : Tag{3}));
}

TEST_CASE("equality and print go by the tags, however they came about", "[unit][tag]") {
  const auto granules = GENERATE(as<std::size_t>{}, 256, 1024, 4096);  // pages of 4, 16 and 64 KiB
  const auto tag = GENERATE(as<Tag>{}, Tag{0}, Tag{1}, Tag{15});
  const PageTags at_once = all(tag, granules);
  PageTags one_by_one = all(Tag{9}, granules);
  for (std::size_t g = 0; g < granules; ++g) one_by_one.set(g, tag, granules);
  CHECK(one_by_one == at_once);
  CHECK(at_once == one_by_one);
  CHECK(one_by_one.fingerprint() == at_once.fingerprint());
  CHECK(one_by_one.recomputed_fingerprint(granules) == one_by_one.fingerprint());
  CHECK(at_once.recomputed_fingerprint(granules) == at_once.fingerprint());

  SECTION("and one granule that differs is enough") {
    one_by_one.set(granules - 1, Tag{8}, granules);
    CHECK_FALSE(one_by_one == at_once);
    CHECK(one_by_one.fingerprint() != at_once.fingerprint());
    CHECK(one_by_one.recomputed_fingerprint(granules) == one_by_one.fingerprint());
  }
}

TEST_CASE("two granules that swap their tags make another page", "[unit][tag]") {
  PageTags a = all(Tag{3});
  PageTags b = all(Tag{3});
  a.set(4, Tag{1}, kGranules);
  a.set(5, Tag{2}, kGranules);
  b.set(4, Tag{2}, kGranules);
  b.set(5, Tag{1}, kGranules);
  CHECK_FALSE(a == b);
  CHECK(a.fingerprint() != b.fingerprint());
}

TEST_CASE("the first unlike granule is found wherever it lies in its word", "[unit][tag]") {
  const auto bad = GENERATE(as<std::size_t>{}, 0, 1, 14, 15, 16, 17, 31, 32, 200, 255);
  PageTags tags = all(Tag{3});
  tags.set(bad, Tag{2}, kGranules);
  CHECK(tags.first_unlike(Tag{3}, 0, kGranules) == bad);
  CHECK(tags.first_unlike(Tag{3}, bad, kGranules) == bad);  // it is the first looked at
  CHECK(tags.first_unlike(Tag{3}, 0, bad + 1) == bad);      // it is the last looked at
  CHECK(tags.first_unlike(Tag{3}, 0, bad) == bad);          // none: the end
  CHECK(tags.first_unlike(Tag{3}, bad + 1, kGranules) == kGranules);
}

TEST_CASE("of two unlike granules in one word the lower one is first", "[unit][tag]") {
  PageTags tags = all(Tag{3});
  tags.set(21, Tag{0}, kGranules);
  tags.set(18, Tag{15}, kGranules);
  CHECK(tags.first_unlike(Tag{3}, 16, 32) == 18);
  CHECK(tags.first_unlike(Tag{3}, 19, 32) == 21);
  CHECK(tags.first_unlike(Tag{3}, 22, 32) == 32);
  CHECK(tags.first_unlike(Tag{3}, 16, 18) == 18);
  CHECK(tags.first_unlike(Tag{3}, 16, 17) == 17);  // behind the end, though in the same word
  CHECK(tags.first_unlike(Tag{0}, 21, 22) == 22);  // that one alone is like 0
}

TEST_CASE("on a page of one tag every granule is unlike another tag", "[unit][tag]") {
  const PageTags tags = all(Tag{3});
  CHECK(tags.first_unlike(Tag{3}, 7, 9) == 9);
  CHECK(tags.first_unlike(Tag{4}, 7, 9) == 7);
  CHECK(tags.first_unlike(Tag{4}, 9, 9) == 9);  // of none, none
}

}  // namespace
}  // namespace mtesim::test
