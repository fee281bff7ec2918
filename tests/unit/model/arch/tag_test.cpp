#include "model/arch/tag.h"

#include <catch2/catch.hpp>

#include "tests/support/bench.h"

namespace mtesim::test {
namespace {

constexpr std::uint64_t kAddress = 0x2000000123;

TEST_CASE("a pointer keeps its logical tag in bits 59 to 56, and its address below", "[unit][tag]") {
  const UserPtr p(kAddress, Tag{0xb});
  CHECK(p.bits() == 0x0b00002000000123);
  CHECK(p.address() == kAddress);
  CHECK(p.tag() == Tag{0xb});
  CHECK(p.top_byte() == 0x0b);
}

TEST_CASE("bits 63 to 60 are part of the top byte but not of the tag", "[unit][tag]") {
  const UserPtr p(0xf500002000000123);
  CHECK(p.tag() == Tag{5});
  CHECK(p.top_byte() == 0xf5);
  CHECK(p.address() == kAddress);
}

TEST_CASE("a pointer that is moved keeps its tag", "[unit][tag]") {
  const UserPtr p(kAddress, Tag{7});
  CHECK((p + Bytes{5}).tag() == Tag{7});
  CHECK((p + Bytes{5}).address() == kAddress + 5);
  CHECK((p + Bytes{5}) - p == Bytes{5});
}

TEST_CASE("an address given with stray top bits loses them to the tag", "[unit][tag]") {
  CHECK(UserPtr(0xff00002000000123, Tag{2}).bits() == UserPtr(kAddress, Tag{2}).bits());
}

}  // namespace
}  // namespace mtesim::test
