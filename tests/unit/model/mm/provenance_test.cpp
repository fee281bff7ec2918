#include "model/mm/provenance.h"

#include <catch2/catch.hpp>

#include "tests/support/bench.h"

namespace mtesim::test {
namespace {

constexpr SourceId kFile = source_of_object(1);

TEST_CASE("a byte counts on from its neighbour where its source has positions", "[unit][provenance]") {
  CHECK(Origin{kFile, 10}.after(5) == Origin{kFile, 15});
  CHECK(Origin{kKernelSource, 0}.after(5) == Origin{kKernelSource, 5});
  CHECK(Origin{kZeroSource, 0}.after(5) == Origin{kZeroSource, 0});
  CHECK(Origin{kUninitialisedSource, 0}.after(5) == Origin{kUninitialisedSource, 0});
}

TEST_CASE("pieces that continue each other are one piece", "[unit][provenance]") {
  Provenance whole(Origin{kFile, 100}, Bytes{16});
  Provenance parts(Origin{kFile, 100}, Bytes{5});
  parts.append(Origin{kFile, 105}, 11);
  CHECK(parts == whole);
  CHECK(parts.pieces().size() == 1);

  SECTION("but a gap or an overlap of one byte keeps them apart") {
    const auto next = GENERATE(as<std::uint64_t>{}, 115, 117);
    parts.append(Origin{kFile, next}, 1);
    CHECK(parts.pieces().size() == 2);
    CHECK(parts.size() == Bytes{17});
  }
  SECTION("and so does another source at the same position") {
    parts.append(Origin{source_of_object(2), 116}, 1);
    CHECK(parts.pieces().size() == 2);
  }
}

TEST_CASE("zeroes are alike, whatever position they were given", "[unit][provenance]") {
  Provenance zero(Origin{kZeroSource, 3}, Bytes{4});
  zero.append(Origin{kZeroSource, 99}, 4);
  CHECK(zero == zeroes(8));
}

TEST_CASE("appending nothing changes nothing", "[unit][provenance]") {
  Provenance bytes = kernel_made(0, 4);
  bytes.append(Origin{kFile, 7}, 0);
  bytes.append(Provenance{});
  CHECK(bytes == kernel_made(0, 4));
  CHECK(Provenance(Origin{kFile, 7}, Bytes{0}) == Provenance{});
}

TEST_CASE("a slice is the bytes in between, wherever the pieces meet", "[unit][provenance]") {
  Provenance bytes = kernel_made(0, 10);
  bytes.append(Origin{kFile, 50}, 10);
  bytes.append(zeroes(10));
  CHECK(bytes.slice(0, 30) == bytes);
  CHECK(bytes.slice(9, 1) == kernel_made(9, 1));
  CHECK(bytes.slice(10, 1) == Provenance(Origin{kFile, 50}, Bytes{1}));
  CHECK(bytes.slice(19, 2).pieces().size() == 2);
  CHECK(bytes.slice(30, 0) == Provenance{});
  Provenance joined = bytes.slice(0, 13);
  joined.append(bytes.slice(13, 17));
  CHECK(joined == bytes);
}

TEST_CASE("a string taken apart in turn gives its slices", "[unit][provenance]") {
  Provenance bytes = kernel_made(0, 10);
  bytes.append(Origin{kFile, 50}, 10);
  bytes.append(zeroes(10));
  const auto begin = GENERATE(as<std::uint64_t>{}, 0, 3, 10, 25, 30);
  const auto step = GENERATE(as<std::uint64_t>{}, 1, 4, 10, 30);
  ProvenanceReader reader(bytes, begin);
  for (std::uint64_t at = begin; at < 30; at += step) {
    const std::uint64_t length = std::min<std::uint64_t>(step, 30 - at);
    CHECK(reader.take(length) == bytes.slice(at, length));
  }
  CHECK(reader.take(0) == Provenance{});
}

TEST_CASE("the common prefix of two strings of bytes is found to the byte", "[unit][provenance]") {
  const auto same = GENERATE(as<std::uint64_t>{}, 0, 1, 9, 10, 11, 19, 20);
  Provenance bytes = kernel_made(0, 10);
  bytes.append(Origin{kFile, 50}, 10);
  Provenance other = bytes.slice(0, same);
  other.append(zeroes(20 - same));
  CHECK(common_prefix(bytes, other) == same);
}

}  // namespace
}  // namespace mtesim::test
