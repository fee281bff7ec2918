#include "model/base/cow.h"

#include <catch2/catch.hpp>
#include <vector>

namespace mtesim::test {
namespace {

using Numbers = std::vector<int>;

TEST_CASE("a copy shares until one of the two is written", "[unit][base]") {
  Cow<Numbers> first(Numbers{1, 2, 3});
  const Cow<Numbers> second = first;
  CHECK(&first.read() == &second.read());
  first.write().push_back(4);
  CHECK(first.read() == Numbers{1, 2, 3, 4});
  CHECK(second.read() == Numbers{1, 2, 3});
}

TEST_CASE("whoever holds a value alone writes it in place", "[unit][base]") {
  Cow<Numbers> only(Numbers{1});
  const Numbers* before = &only.read();
  only.write().front() = 2;
  CHECK(&only.read() == before);
  {
    const Cow<Numbers> guest = only;
    only.write().front() = 3;
    CHECK(guest.read() == Numbers{2});
  }
  before = &only.read();
  only.write().front() = 4;
  CHECK(&only.read() == before);
}

TEST_CASE("empty stands for the default value, and equality goes by value", "[unit][base]") {
  Cow<Numbers> empty;
  CHECK(empty.read().empty());
  CHECK(empty == Cow<Numbers>(Numbers{}));
  CHECK(empty->empty());
  empty.write().push_back(1);
  CHECK(empty == Cow<Numbers>(Numbers{1}));
  CHECK_FALSE(empty == Cow<Numbers>(Numbers{2}));
  empty.reset();
  CHECK((*empty).empty());
}

}  // namespace
}  // namespace mtesim::test
