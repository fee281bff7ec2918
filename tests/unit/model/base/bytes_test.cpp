#include "model/base/bytes.h"

#include <catch2/catch.hpp>

#include "tests/support/bench.h"

namespace mtesim::test {
namespace {

TEST_CASE("rounding leaves what is aligned where it is, and moves its neighbours to the two sides", "[unit][base]") {
  constexpr Bytes kUnit{16};
  CHECK(round_down(32, kUnit) == 32);
  CHECK(round_down(31, kUnit) == 16);
  CHECK(round_up(32, kUnit) == 32);
  CHECK(round_up(33, kUnit) == 48);
  CHECK(is_aligned(32, kUnit));
  CHECK_FALSE(is_aligned(33, kUnit));
}

TEST_CASE("bytes divide into whole units and a rest", "[unit][base]") {
  CHECK(Bytes{4095} / Bytes{4096} == 0);
  CHECK(Bytes{4096} / Bytes{4096} == 1);
  CHECK(Bytes{4097} % Bytes{4096} == Bytes{1});
  CHECK(min(Bytes{3}, Bytes{4}) == Bytes{3});
  CHECK(max(Bytes{3}, Bytes{4}) == Bytes{4});
}

}  // namespace
}  // namespace mtesim::test
