#include "model/mm/contents.h"

#include <catch2/catch.hpp>

#include "tests/support/bench.h"

namespace mtesim::test {
namespace {

const Origin kDisk{source_of_object(1), 4096};  // page 1 of a file

Provenance from_disk(std::uint64_t begin, std::uint64_t length) {
  return Provenance(kDisk.after(begin), Bytes{length});
}

void agrees_with_its_parts(const Contents& contents) {
  CHECK(contents.fingerprint() == contents.recomputed_fingerprint());
}

TEST_CASE("a page that nobody wrote continues its base", "[unit][provenance]") {
  CHECK(Contents().read(0, 4096) == zeroes(4096));
  CHECK(Contents(kDisk).read(0, 4096) == from_disk(0, 4096));
  CHECK(Contents(kDisk).read(100, 101) == from_disk(100, 1));
  CHECK(Contents().fingerprint() == Fingerprint{});
  CHECK(Contents(kDisk).fingerprint() != Fingerprint{});
}

TEST_CASE("what is written is read back, and its neighbours are as they were", "[unit][provenance]") {
  Contents page(kDisk);
  page.write(100, kernel_made(0, 8));
  CHECK(page.read(99, 100) == from_disk(99, 1));
  CHECK(page.read(100, 108) == kernel_made(0, 8));
  CHECK(page.read(103, 104) == kernel_made(3, 1));
  CHECK(page.read(108, 109) == from_disk(108, 1));
  agrees_with_its_parts(page);
}

TEST_CASE("a run written in pieces is the run written at once", "[unit][provenance]") {
  Contents at_once(kDisk);
  at_once.write(16, kernel_made(0, 64));
  Contents pieces(kDisk);
  pieces.write(48, kernel_made(32, 32));
  pieces.write(16, kernel_made(0, 1));
  pieces.write(17, kernel_made(1, 31));
  CHECK(pieces == at_once);
  CHECK(pieces.fingerprint() == at_once.fingerprint());
  agrees_with_its_parts(pieces);

  SECTION("but not if a piece comes from one byte further on") {
    pieces.write(17, kernel_made(2, 31));
    CHECK_FALSE(pieces == at_once);
    CHECK(pieces.fingerprint() != at_once.fingerprint());
    agrees_with_its_parts(pieces);
  }
}

TEST_CASE("writing into the middle of a run splits it, and writing it back joins it again", "[unit][provenance]") {
  Contents page(kDisk);
  page.write(0, kernel_made(0, 256));
  const Contents before = page;
  page.write(100, zeroes(10));
  CHECK(page.read(99, 111).pieces().size() == 3);
  CHECK(page.read(110, 111) == kernel_made(110, 1));
  agrees_with_its_parts(page);
  page.write(100, kernel_made(100, 10));
  CHECK(page == before);
  CHECK(page.fingerprint() == before.fingerprint());
}

TEST_CASE("a byte that returns to its base costs nothing again", "[unit][provenance]") {
  const auto base = GENERATE(as<Origin>{}, kDisk, Origin{}, Origin{kUninitialisedSource, 0});
  Contents page(base);
  page.write(0, kernel_made(0, 4096));
  CHECK_FALSE(page == Contents(base));
  page.write(7, Provenance(base.after(7), Bytes{4089}));
  CHECK_FALSE(page == Contents(base));  // seven bytes are still the kernel's
  page.write(0, Provenance(base, Bytes{7}));
  CHECK(page == Contents(base));
  CHECK(page.fingerprint() == Contents(base).fingerprint());
}

TEST_CASE("bytes of the base's source at another place are not the base", "[unit][provenance]") {
  Contents page(kDisk);
  page.write(0, from_disk(1, 1));
  CHECK_FALSE(page == Contents(kDisk));
  agrees_with_its_parts(page);
}

TEST_CASE("the print of a page is the sum over its runs", "[unit][provenance]") {
  Contents low(kDisk);
  low.write(0, kernel_made(0, 10));
  Contents high(kDisk);
  high.write(50, zeroes(20));
  Contents both(kDisk);
  both.write(50, zeroes(20));
  both.write(0, kernel_made(0, 10));
  const Fingerprint base = Contents(kDisk).fingerprint();
  CHECK(both.fingerprint() - base == (low.fingerprint() - base) + (high.fingerprint() - base));
}

TEST_CASE("a string of several pieces is written piece by piece", "[unit][provenance]") {
  Provenance bytes = kernel_made(0, 3);
  bytes.append(zeroes(2));
  bytes.append(from_disk(0, 4));
  Contents page(kDisk);
  page.write(4087, bytes);
  CHECK(page.read(4087, 4096) == bytes);
  agrees_with_its_parts(page);
}

TEST_CASE("a page written whole once more is the page written in parts", "[unit][provenance]") {
  const auto base = GENERATE(as<Origin>{}, kDisk, Origin{});
  const auto bytes =
      GENERATE(as<Provenance>{}, kernel_made(7, 4096), Provenance(Origin{source_of_object(2), 0}, Bytes{4096}),
               Provenance(Origin{kUninitialisedSource, 0}, Bytes{4096}));
  Contents whole(base);
  whole.write(0, kernel_made(0, 4096));
  whole.write(0, bytes);
  Contents parts(base);
  for (std::uint32_t at = 0; at < 4096; at += 512) parts.write(4096 - 512 - at, bytes.slice(4096 - 512 - at, 512));
  CHECK(whole == parts);
  CHECK(whole.fingerprint() == parts.fingerprint());
  CHECK(whole.read(0, 4096) == bytes);
  CHECK(whole.read(1, 4095) == bytes.slice(1, 4094));
  agrees_with_its_parts(whole);

  SECTION("and what it held is forgotten") {
    whole.write(0, Provenance(base, Bytes{4096}));
    CHECK(whole == Contents(base));
    CHECK(whole.fingerprint() == Contents(base).fingerprint());
  }
  SECTION("also where only a part is written then") {
    whole.write(100, zeroes(8));
    parts.write(100, zeroes(8));
    CHECK(whole == parts);
    agrees_with_its_parts(whole);
  }
  SECTION("but another one if a byte less was written") {
    Contents less(base);
    less.write(0, kernel_made(0, 4096));
    less.write(0, bytes.slice(0, 4095));
    CHECK_FALSE(less == whole);
    CHECK(less.fingerprint() != whole.fingerprint());
    agrees_with_its_parts(less);
  }
}

TEST_CASE("bytes of a page go behind what a string has", "[unit][provenance]") {
  Contents page(kDisk);
  page.write(0, kernel_made(0, 16));
  Provenance out = kernel_made(100, 4);
  page.append_to(out, 8, 20);
  Provenance wanted = kernel_made(100, 4);
  wanted.append(kernel_made(8, 8));
  wanted.append(from_disk(16, 4));
  CHECK(out == wanted);
}

TEST_CASE("known_gap_two_pages_with_equal_bytes_over_different_bases_are_different_pages", "[unit][provenance]") {
  Contents over_zeroes;
  over_zeroes.write(0, kernel_made(0, 4096));
  Contents over_disk(kDisk);
  over_disk.write(0, kernel_made(0, 4096));
  CHECK(over_zeroes.read(0, 4096) == over_disk.read(0, 4096));
  CHECK_FALSE(over_zeroes == over_disk);  // one state too many, never one too few
}

}  // namespace
}  // namespace mtesim::test
