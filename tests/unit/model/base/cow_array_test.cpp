#include "model/base/cow_array.h"

#include <catch2/catch.hpp>

#include "tests/support/bench.h"

namespace mtesim::test {
namespace {

struct Number {
  int n{};
  [[nodiscard]] Fingerprint fingerprint() const { return print_of(n); }
  bool operator==(const Number&) const = default;
};
using Numbers = CowArray<Number, 4>;

void put(Numbers& numbers, std::size_t i, int n) {
  numbers.edit(i, [&](Number& held) { held.n = n; });
}

TEST_CASE("an element reads back, its neighbours and what lies behind the end read as default", "[unit][base]") {
  Numbers numbers;
  CHECK(numbers.at(0) == Number{});
  put(numbers, 3, 7);  // the last of a chunk
  put(numbers, 4, 8);  // the first of the next
  CHECK(numbers.at(2) == Number{});
  CHECK(numbers.at(3) == Number{7});
  CHECK(numbers.at(4) == Number{8});
  CHECK(numbers.at(5) == Number{});
  CHECK(numbers.at(1000) == Number{});
  CHECK(numbers.extent() == 8);
}

TEST_CASE("equality and print go by the elements, not by what was written in between", "[unit][base]") {
  Numbers direct;
  put(direct, 2, 5);
  Numbers devious;
  put(devious, 20, 9);  // a chunk that returns to defaults
  put(devious, 2, 1);
  put(devious, 2, 5);
  put(devious, 20, 0);
  CHECK(direct.extent() != devious.extent());
  CHECK(direct == devious);
  CHECK(devious == direct);
  CHECK(direct.fingerprint() == devious.fingerprint());
  CHECK(devious.fingerprint() == devious.recomputed_fingerprint());
  put(devious, 20, 1);
  CHECK_FALSE(direct == devious);
  CHECK(direct.fingerprint() != devious.fingerprint());
}

TEST_CASE("an array that was never written prints nothing", "[unit][base]") {
  Numbers numbers;
  CHECK(numbers.fingerprint() == Fingerprint{});
  put(numbers, 0, 1);
  CHECK(numbers.fingerprint() != Fingerprint{});
  put(numbers, 0, 0);
  CHECK(numbers.fingerprint() == Fingerprint{});
  CHECK(numbers == Numbers{});
}

TEST_CASE("two elements that swap their values print differently", "[unit][base]") {
  Numbers a;
  put(a, 0, 1);
  put(a, 1, 2);
  Numbers b;
  put(b, 0, 2);
  put(b, 1, 1);
  CHECK(a.fingerprint() != b.fingerprint());
  CHECK_FALSE(a == b);
}

TEST_CASE("a copied array keeps its elements when the original is written", "[unit][base]") {
  Numbers original;
  put(original, 1, 1);
  const Numbers copy = original;
  put(original, 1, 2);
  put(original, 5, 3);
  CHECK(copy.at(1) == Number{1});
  CHECK(copy.at(5) == Number{});
  CHECK(copy.fingerprint() == copy.recomputed_fingerprint());
}

}  // namespace
}  // namespace mtesim::test
