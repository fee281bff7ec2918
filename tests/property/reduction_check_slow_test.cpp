#include <catch2/catch.hpp>

#include "tests/support/reduction.h"

namespace mtesim::test {
namespace {

TEST_CASE("leaving out what nothing looks at changes no answer, over many systems", "[slow][check]") {
  const Tried tried = try_random_systems(2, 300);
  INFO(tried.difference);
  CHECK(tried.difference.empty());
  CHECK(tried.searches > 500);
}

}  // namespace
}  // namespace mtesim::test
