#include "model/arch/random_tag.h"

#include <catch2/catch.hpp>

#include "tests/support/bench.h"

namespace mtesim::test {
namespace {

TEST_CASE("steps go from included tag to included tag, round the sixteen", "[unit][irg]") {
  constexpr std::uint16_t kOdd = 0xaaaa;
  CHECK(choose_tag(Tag{3}, 0, kOdd) == Tag{3});
  CHECK(choose_tag(Tag{4}, 0, kOdd) == Tag{5});  // not included: on to the next one
  CHECK(choose_tag(Tag{3}, 1, kOdd) == Tag{5});
  CHECK(choose_tag(Tag{15}, 1, kOdd) == Tag{1});
  CHECK(choose_tag(Tag{0}, 3, kOdd) == Tag{5});
}

TEST_CASE("a mask without a tag gives tag 0, whatever the register holds", "[unit][irg]") {
  RandomTagRegister rgsr{0x1234, Tag{7}};
  CHECK(insert_random_tag(rgsr, 0) == Tag{0});
  CHECK(choose_tag(Tag{9}, 5, 0) == Tag{0});
}

TEST_CASE("IRG draws every tag of its mask, and no other", "[unit][irg]") {
  const auto mask = GENERATE(as<std::uint16_t>{}, 0x0001, 0x8000, 0x0003, 0xaaaa, 0xfffe, 0xffff);
  RandomTagRegister rgsr;
  unsigned seen = 0;
  for (int i = 0; i < 4000; ++i) seen |= 1u << insert_random_tag(rgsr, mask).bits;
  CHECK(seen == mask);
}

TEST_CASE("the seed is shifted by four bits a tag, its top filled from bits 5, 3, 2 and 0", "[unit][irg]") {
  RandomTagRegister rgsr{0x0001, Tag{0}};
  CHECK(insert_random_tag(rgsr, 0xffff) == Tag{1});  // bits 1, 0, 0, 0: one step
  CHECK(rgsr.seed == 0x1000);
}

}  // namespace
}  // namespace mtesim::test
