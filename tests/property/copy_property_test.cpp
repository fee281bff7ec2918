#include <rapidcheck/catch.h>

#include "model/kernel/iov_iter.h"
#include "tests/support/random_ops.h"

namespace mtesim::test {
namespace {

constexpr std::uint64_t kPages = 4;
constexpr std::uint64_t kWhole = kPages * 4096;

/// A buffer without a bad granule; some of its pages are in swap.
struct CleanBench {
  Bench bench{{.revision = any_revision(),
               .change = {{"uaccess.mops", any_of<std::string_view>({"on", "off", "off"})}},
               .pages = kPages}};
  CleanBench() {
    for (std::uint64_t page = 0; page < kPages; ++page) {
      if (any_below(0, 3) == 0) bench.evict_page(page);
    }
  }
  /// Nothing but [begin, begin + size) has changed.
  [[nodiscard]] bool untouched_around(std::uint64_t begin, std::uint64_t size) const {
    return bench.in_user(0, begin) == Bench::untouched(0, begin) &&
           bench.in_user(begin + size, kWhole - begin - size) == Bench::untouched(begin + size, kWhole - begin - size);
  }
};

std::uint64_t any_size() {
  return any_of<std::uint64_t>({any_below(0, 40), any_below(0, 300), any_below(0, 3 * 4096)});
}
std::uint64_t any_begin(std::uint64_t size) { return any_below(0, std::min<std::uint64_t>(kWhole - size, 4200) + 1); }

TEST_CASE("on clean tags a copy routine is a plain copy", "[property][uaccess]") {
  rc::prop("copy_to_user puts the bytes there in order, and no others anywhere", [] {
    CleanBench clean;
    const std::uint64_t size = any_size();
    const std::uint64_t begin = any_begin(size);
    const KernelBytes source{kernel_made(0, size), static_cast<std::uint32_t>(any_below(0, 16))};
    RC_ASSERT(copy_to_user(clean.bench.kernel(), clean.bench.user(begin), source) == Bytes{0});
    RC_ASSERT(clean.bench.in_user(begin, size) == source.bytes);
    RC_ASSERT(clean.untouched_around(begin, size));
  });

  rc::prop("copy_from_user brings the bytes in order, and changes none", [] {
    CleanBench clean;
    const std::uint64_t size = any_size();
    const std::uint64_t begin = any_begin(size);
    Provenance got;
    RC_ASSERT(copy_from_user(clean.bench.kernel(), got, clean.bench.user(begin), Bytes{size}) == Bytes{0});
    RC_ASSERT(got == Bench::untouched(begin, size));
    RC_ASSERT(clean.untouched_around(begin, 0));
  });

  rc::prop("clear_user clears the bytes, and no others", [] {
    CleanBench clean;
    const std::uint64_t size = any_size();
    const std::uint64_t begin = any_begin(size);
    RC_ASSERT(clear_user(clean.bench.kernel(), clean.bench.user(begin), Bytes{size}) == Bytes{0});
    RC_ASSERT(clean.bench.in_user(begin, size) == zeroes(size));
    RC_ASSERT(clean.untouched_around(begin, size));
  });
}

/// Up to three segments that do not overlap, and what they hold in order.
UserSegments any_buffer(const Bench& bench) {
  UserSegments segments;
  std::uint64_t at = any_below(0, 100);
  for (std::uint64_t n = any_below(1, 4); n > 0; --n) {
    const std::uint64_t length = any_of<std::uint64_t>({0, any_below(1, 50), any_below(1, 4500)});
    segments.push_back({bench.user(at), Bytes{length}});
    at += length + any_below(0, 20);
  }
  return segments;
}
Provenance held(const Bench& bench, const UserSegments& segments) {
  Provenance bytes;
  for (const UserSegment& s : segments) bytes.append(bench.in_user((s.base - bench.user()).n, s.length.n));
  return bytes;
}
bool untouched_between(const Bench& bench, const UserSegments& segments) {
  std::uint64_t at = 0;
  for (const UserSegment& s : segments) {
    const std::uint64_t begin = (s.base - bench.user()).n;
    if (bench.in_user(at, begin - at) != Bench::untouched(at, begin - at)) return false;
    at = begin + s.length.n;
  }
  return bench.in_user(at, kWhole - at) == Bench::untouched(at, kWhole - at);
}

TEST_CASE("on clean tags a copy loop is a plain copy", "[property][loops]") {
  rc::prop("a read brings the file's bytes into the segments", [] {
    CleanBench clean;
    Bench& bench = clean.bench;
    const auto fs = any_of<std::string_view>({"ext4", "tmpfs", "btrfs", "zero"});
    const std::uint64_t file_size = any_below(0, 20000);
    const std::uint32_t file =
        fs == "zero" ? 0 : add_file(bench.machine(), fs, Bytes{file_size}, fs == "tmpfs" || any_below(0, 2) == 0);
    const UserSegments segments = any_buffer(bench);
    const std::uint64_t asked = iov_begin(segments).count.n;
    const std::uint64_t position = fs == "zero" ? 0 : any_below(0, 9000);
    const CopyLoop loop = loop_of(transfer(CallKind::readv, fs, file, segments, position));
    const std::uint64_t there = fs == "zero" ? asked : file_size > position ? std::min(file_size - position, asked) : 0;
    RC_ASSERT(carry_out(loop, bench.kernel()).result == static_cast<std::int64_t>(there));
    const Provenance wanted = fs == "zero" ? zeroes(there) : on_disk(file, position, there);
    RC_ASSERT(held(bench, segments).slice(0, there) == wanted);
    RC_ASSERT(untouched_between(bench, segments));
  });

  rc::prop("a write takes the segments' bytes into the file, and changes neither them nor other bytes", [] {
    CleanBench clean;
    Bench& bench = clean.bench;
    const auto fs = any_of<std::string_view>({"ext4", "tmpfs", "ramfs"});
    const std::uint64_t size = 40960;
    const std::uint32_t file = add_file(bench.machine(), fs, Bytes{size}, fs != "ext4" || any_below(0, 2) == 0);
    const UserSegments segments = any_buffer(bench);
    const Provenance source = held(bench, segments);
    const std::uint64_t position = any_below(0, 9000);
    const CopyLoop loop = loop_of(transfer(CallKind::writev, fs, file, segments, position));
    RC_ASSERT(carry_out(loop, bench.kernel()).result == static_cast<std::int64_t>(source.size().n));
    RC_ASSERT(held(bench, segments) == source);
    for (std::uint32_t page = 0; page < size / 4096; ++page) read_into_cache(bench.machine(), {file, page});
    const std::uint64_t behind = position + source.size().n;
    RC_ASSERT(in_cache(bench.machine(), file, 0, position) == on_disk(file, 0, position));
    RC_ASSERT(in_cache(bench.machine(), file, position, source.size().n) == source);
    RC_ASSERT(in_cache(bench.machine(), file, behind, size - behind) == on_disk(file, behind, size - behind));
  });

  rc::prop("what goes into a pipe comes out of it", [] {
    CleanBench clean;
    Bench& bench = clean.bench;
    const std::uint32_t pipe = add_pipe(bench.machine());
    Provenance source;
    for (std::uint64_t n = any_below(1, 4); n > 0; --n) {
      const UserSegments segments = any_buffer(bench);
      const Provenance bytes = held(bench, segments);
      if (source.size().n + bytes.size().n > kWhole) break;
      RC_ASSERT(carry_out(loop_of(transfer(CallKind::writev, "pipe", pipe, segments)), bench.kernel()).result ==
                static_cast<std::int64_t>(bytes.size().n));
      source.append(bytes);
    }
    Provenance got;
    while (got.size() < source.size()) {
      const std::uint64_t at = any_below(0, 5000);
      const std::uint64_t length = any_below(1, 5000);
      const CopyLoop loop = loop_of(transfer(CallKind::read, "pipe", pipe, {{bench.user(at), Bytes{length}}}));
      const std::uint64_t wanted = std::min(length, source.size().n - got.size().n);
      RC_ASSERT(carry_out(loop, bench.kernel()).result == static_cast<std::int64_t>(wanted));
      got.append(bench.in_user(at, wanted));
    }
    RC_ASSERT(got == source);
  });

  rc::prop("a search delivers as many whole items as the buffer takes", [] {
    CleanBench clean;
    Bench& bench = clean.bench;
    SearchTree tree;
    std::vector<std::uint64_t> ends{0};
    for (std::uint64_t leaf = any_below(0, 4); leaf > 0; --leaf) {
      tree.leaves.emplace_back();
      for (std::uint64_t item = any_below(1, 6); item > 0; --item) {
        tree.leaves.back().push_back(Bytes{any_below(0, 500)});
        ends.push_back(ends.back() + 32 + tree.leaves.back().back().n);
      }
    }
    SystemCall call = transfer(CallKind::tree_search_v2, "btrfs", 0, {{bench.user(any_below(0, 64)), Bytes{0}}});
    call.buf_size = Bytes{any_below(600, 3000)};
    call.nr_items = any_below(1, 20);
    call.tree = std::make_shared<const SearchTree>(tree);
    RC_ASSERT(carry_out(loop_of(call), bench.kernel()).result == 0);
    std::uint64_t wanted = 0;
    for (std::uint64_t i = 0; i < ends.size() && i <= call.nr_items; ++i) {
      if (ends[i] <= call.buf_size.n) wanted = ends[i];
    }
    const std::uint64_t begin = (call.segments[0].base - bench.user()).n + 112;
    RC_ASSERT(bench.seen().delivered == Bytes{wanted});
    RC_ASSERT(bench.in_user(begin, wanted) == kernel_made(112, wanted));
  });
}

}  // namespace
}  // namespace mtesim::test
