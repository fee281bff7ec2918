#include "model/base/fingerprint.h"

#include <catch2/catch.hpp>

#include "tests/support/bench.h"

namespace mtesim::test {
namespace {

TEST_CASE("a part of a print can be taken out and put back changed", "[unit][base]") {
  const Fingerprint old = slot_print(1, 10);
  const Fingerprint other = slot_print(2, 20);
  const Fingerprint changed = slot_print(1, 11);
  CHECK((old + other) - old + changed == changed + other);
  CHECK((old + other) - old != other + changed);
}

TEST_CASE("equal parts that swap places print differently", "[unit][base]") {
  CHECK(slot_print(1, 10) + slot_print(2, 20) != slot_print(1, 20) + slot_print(2, 10));
}

TEST_CASE("the print of a list depends on its order and its length", "[unit][base]") {
  CHECK(print_of(1, 2) == print_of(1, 2));
  CHECK(print_of(1, 2) != print_of(2, 1));
  CHECK(print_of(0) != print_of(0, 0));
  CHECK(print_of() != print_of(0));
}

}  // namespace
}  // namespace mtesim::test
