#include <rapidcheck/catch.h>

#include "model/kernel/iov_iter.h"
#include "tests/support/random_ops.h"

namespace mtesim::test {
namespace {

UserSegments any_segments(const Bench& bench) {
  UserSegments segments(any_below(0, 6));
  for (UserSegment& s : segments)
    s = {bench.user(any_below(0, 4000)), Bytes{any_of<std::uint64_t>({0, 0, 1, 16, 33, 90})}};
  return segments;
}

TEST_CASE("an iterator that is moved on and back is where it was", "[property][iov-iter]") {
  rc::prop("from any place, by any number of bytes, in any number of steps", [] {
    Bench bench;
    const UserSegments segments = any_segments(bench);
    IovPosition at = iov_begin(segments);
    IovIter iter{segments, at};
    iter.advance(Bytes{any_below(0, iter.count().n + 1)});
    const IovPosition before = at;
    const std::uint64_t moved = any_below(0, iter.count().n + 1);
    const std::uint64_t first = any_below(0, moved + 1);
    iter.advance(Bytes{first});
    iter.advance(Bytes{moved - first});
    RC_ASSERT(iter.count() == before.count - Bytes{moved});
    IovPosition at_once = before;
    IovIter{segments, at_once}.advance(Bytes{moved});
    RC_ASSERT(at == at_once);
    const std::uint64_t back = any_below(0, moved + 1);
    iter.revert(Bytes{back});
    iter.revert(Bytes{moved - back});
    RC_ASSERT(at == before);
  });
}

TEST_CASE("an iterator visits every byte of its segments in order", "[property][iov-iter]") {
  rc::prop("the pointer is the segment's, byte for byte", [] {
    Bench bench;
    const UserSegments segments = any_segments(bench);
    IovPosition at = iov_begin(segments);
    IovIter iter{segments, at};
    for (const UserSegment& s : segments) {
      for (std::uint64_t i = 0; i < s.length.n; ++i) {
        RC_ASSERT(iter.pointer() == s.base + Bytes{i});
        RC_ASSERT(iter.single_seg_count() == s.length - Bytes{i});
        iter.advance(Bytes{1});
      }
    }
    RC_ASSERT(iter.count() == Bytes{0});
  });
}

}  // namespace
}  // namespace mtesim::test
