#include "model/arch/subpage_scheme.h"

#include <catch2/catch.hpp>

#include "tests/support/bench.h"

namespace mtesim::test {
namespace {

/// A page of tag 3 with granule 2, bytes [32, 48), of tag 4.
PageTags one_bad_granule() {
  PageTags tags;
  tags.set_all(Tag{3}, 256);
  tags.set(2, Tag{4}, 256);
  return tags;
}

SubpageAccess access(std::uint32_t begin, std::uint32_t end) {
  return {UserPtr(0, Tag{3}), AccessKind::load, begin, end, true};
}

TEST_CASE("MTE compares every granule that an access touches, and no other", "[unit][tag]") {
  const SubpageScheme& mte = *find_subpage_scheme("mte");
  const PageTags tags = one_bad_granule();
  CHECK(mte.first_mismatch(access(16, 32), tags) == std::nullopt);
  CHECK(mte.first_mismatch(access(16, 33), tags) == 32u);  // one byte of the bad granule: reported at its start
  CHECK(mte.first_mismatch(access(47, 49), tags) == 47u);  // the first granule is bad: reported at the access
  CHECK(mte.first_mismatch(access(48, 64), tags) == std::nullopt);
}

TEST_CASE("tag 0 is an ordinary tag: it matches nothing but 0", "[unit][tag]") {
  const SubpageScheme& mte = *find_subpage_scheme("mte");
  for (std::uint8_t pointer = 0; pointer < kTagValues; ++pointer) {
    for (std::uint8_t memory = 0; memory < kTagValues; ++memory) {
      PageTags tags;
      tags.set_all(Tag{memory}, 256);
      const SubpageAccess one{UserPtr(0, Tag{pointer}), AccessKind::load, 0, 1, true};
      CHECK(mte.first_mismatch(one, tags).has_value() == (pointer != memory));
    }
  }
}

TEST_CASE("a page that was not mapped with PROT_MTE passes, whatever its tags", "[unit][tag]") {
  SubpageAccess one = access(32, 33);
  const PageTags tags = one_bad_granule();
  CHECK(find_subpage_scheme("mte")->first_mismatch(one, tags) == 32u);
  one.page_is_tagged = false;
  CHECK(find_subpage_scheme("mte")->first_mismatch(one, tags) == std::nullopt);
}

TEST_CASE("without a scheme nothing finer than a page is looked at", "[unit][tag]") {
  const SubpageScheme& page = *find_subpage_scheme("page");
  CHECK(page.granule == Bytes{0});
  CHECK(page.first_mismatch(access(32, 33), one_bad_granule()) == std::nullopt);
}

TEST_CASE("schemes are found by name", "[unit][tag]") {
  for (const SubpageScheme& scheme : subpage_schemes()) CHECK(find_subpage_scheme(scheme.name) == &scheme);
  CHECK(find_subpage_scheme("mtee") == nullptr);
}

}  // namespace
}  // namespace mtesim::test
