#include <rapidcheck/catch.h>

#include "tests/support/random_ops.h"

namespace mtesim::test {
namespace {

constexpr std::uint32_t kSize = 64;  // bytes of the page that are written

Origin any_origin() {
  return any_of<Origin>({{kZeroSource, 0},
                         {kUninitialisedSource, 0},
                         {kKernelSource, any_below(0, 80)},
                         {source_of_object(1), any_below(0, 80)},
                         {source_of_object(1), 4096 + any_below(0, 80)}});
}

/// One write of some bytes of one origin.
struct Write {
  std::uint32_t begin{};
  std::uint32_t length{};
  Origin origin;
};

std::vector<Write> any_writes() {
  std::vector<Write> writes(any_below(0, 12));
  for (Write& w : writes) {
    w.begin = static_cast<std::uint32_t>(any_below(0, kSize));
    w.length = static_cast<std::uint32_t>(any_below(1, kSize - w.begin + 1));
    w.origin = any_origin();
  }
  return writes;
}

TEST_CASE("a page of runs is the page byte by byte", "[property][provenance]") {
  rc::prop("reads give back each byte, and equality and print go by the bytes", [] {
    const Origin base = any_origin();
    Contents page(base);
    std::vector<Origin> bytes;
    for (std::uint32_t i = 0; i < kSize; ++i) bytes.push_back(base.after(i));
    for (const Write& w : any_writes()) {
      page.write(w.begin, Provenance(w.origin, Bytes{w.length}));
      for (std::uint32_t i = 0; i < w.length; ++i) bytes[w.begin + i] = w.origin.after(i);
    }
    for (std::uint32_t i = 0; i < kSize; ++i) RC_ASSERT(page.read(i, i + 1) == Provenance(bytes[i], Bytes{1}));
    RC_ASSERT(page.fingerprint() == page.recomputed_fingerprint());

    Contents again(base);  // the same bytes, backwards and one at a time
    for (std::uint32_t i = kSize; i-- > 0;) again.write(i, Provenance(bytes[i], Bytes{1}));
    RC_ASSERT(page == again);
    RC_ASSERT(page.fingerprint() == again.fingerprint());
  });

  rc::prop("a page with one byte changed is another page", [] {
    Contents page(any_origin());
    for (const Write& w : any_writes()) page.write(w.begin, Provenance(w.origin, Bytes{w.length}));
    Contents other = page;
    const auto at = static_cast<std::uint32_t>(any_below(0, kSize));
    other.write(at, Provenance(Origin{source_of_object(7), 12345}, Bytes{1}));
    RC_ASSERT(!(page == other));
    RC_ASSERT(page.fingerprint() != other.fingerprint());
    other.write(at, page.read(at, at + 1));
    RC_ASSERT(page == other);
    RC_ASSERT(page.fingerprint() == other.fingerprint());
  });
}

TEST_CASE("a string of bytes is the same however it was put together", "[property][provenance]") {
  rc::prop("cut anywhere and joined again it is what it was", [] {
    Provenance whole;
    for (const Write& w : any_writes()) whole.append(w.origin, w.length);
    const std::uint64_t cut = any_below(0, whole.size().n + 1);
    Provenance joined = whole.slice(0, cut);
    joined.append(whole.slice(cut, whole.size().n - cut));
    RC_ASSERT(joined == whole);
    Provenance bytewise;
    for (std::uint64_t i = 0; i < whole.size().n; ++i) bytewise.append(whole.slice(i, 1));
    RC_ASSERT(bytewise == whole);
  });
}

TEST_CASE("a page of tags is the page granule by granule", "[property][tag]") {
  rc::prop("at, first_unlike, equality and print", [] {
    constexpr std::size_t kGranules = 256;
    const auto tag = [] { return Tag{static_cast<std::uint8_t>(any_below(0, 4))}; };
    PageTags page;
    std::vector<Tag> granules(kGranules);
    for (std::uint64_t steps = any_below(0, 30); steps > 0; --steps) {
      const Tag to = tag();
      if (any_below(0, 8) == 0) {
        page.set_all(to, kGranules);
        granules.assign(kGranules, to);
      } else {
        const std::size_t g = any_below(0, kGranules);
        page.set(g, to, kGranules);
        granules[g] = to;
      }
    }
    const Tag wanted = tag();
    const std::size_t begin = any_below(0, kGranules + 1);
    const std::size_t end =
        std::min(kGranules, begin + any_of<std::size_t>({any_below(0, 8), any_below(0, kGranules)}));
    std::size_t first = begin;
    while (first < end && granules[first] == wanted) ++first;
    RC_ASSERT(page.first_unlike(wanted, begin, end) == first);

    PageTags again;
    for (std::size_t g = 0; g < kGranules; ++g) {
      RC_ASSERT(page.at(g) == granules[g]);
      again.set(g, granules[g], kGranules);
    }
    RC_ASSERT(page == again);
    RC_ASSERT(page.fingerprint() == again.fingerprint());
    RC_ASSERT(page.fingerprint() == page.recomputed_fingerprint(kGranules));
  });
}

}  // namespace
}  // namespace mtesim::test
