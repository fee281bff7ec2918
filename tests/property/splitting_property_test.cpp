#include <rapidcheck/catch.h>

#include "model/kernel/fault_in.h"
#include "model/kernel/iov_iter.h"
#include "tests/support/random_ops.h"

namespace mtesim::test {
namespace {

constexpr std::uint64_t kPages = 3;
constexpr std::int64_t kLivelock = -1000;

/// What a path did, as far as anybody can tell.
struct Observed {
  std::int64_t result{};
  std::uint64_t rounds{};
  Machine machine;
  std::vector<Touch> touches;
  std::vector<TagFault> tag_faults;
  std::vector<std::pair<std::uint64_t, PageFaultResult>> page_faults;

  friend bool operator==(const Observed& a, const Observed& b) {
    return a.result == b.result && a.rounds == b.rounds && a.machine == b.machine && a.touches == b.touches &&
           a.tag_faults == b.tag_faults && a.page_faults == b.page_faults;
  }
};

/// A buffer with a few bad granules and pages away, the same for the same numbers.
struct Trouble {
  std::string_view revision = any_revision();
  TcfMode tcf = any_of<TcfMode>({TcfMode::sync, TcfMode::sync, TcfMode::async, TcfMode::asymm});
  std::vector<std::uint64_t> bad = {any_granule(), any_granule()};
  std::uint64_t away = any_below(0, 2 * kPages);

  /// Page starts more often than others, and now and then none.
  static std::uint64_t any_granule() {
    return any_of<std::uint64_t>(
        {0, 256, 512, kPages * 256, any_below(0, 20), any_below(0, 256), any_below(0, kPages * 256)});
  }

  template <class Path>
  Observed observe(Path&& path, const std::vector<std::uint64_t>& splits, bool track_contents = true) const {
    Bench bench{{.revision = revision, .pages = kPages, .tcf = tcf}};
    bench.machine().track_contents = track_contents;
    for (const std::uint64_t granule : bad) {
      if (granule < kPages * 256) bench.spoil_granule(granule);
    }
    if (away < kPages) bench.evict_page(away);
    std::size_t next = 0;
    if (!splits.empty()) {
      bench.seen().act = [&](const Look&, Machine&) { return splits[next++ % splits.size()]; };
    }
    Observed observed;
    const Outcome outcome = path(bench);
    observed.result = outcome.livelock ? kLivelock : outcome.result;
    observed.rounds = outcome.rounds;
    observed.machine = bench.machine();
    observed.touches = bench.seen().touches;
    observed.tag_faults = bench.seen().tag_faults;
    for (const PageFaultTaken& fault : bench.seen().page_faults) {
      observed.page_faults.emplace_back(fault.address, fault.result);
    }
    return observed;
  }
};

/// True if there was a tag check fault to be watched.
template <class Path>
bool is_the_same_however_it_is_watched(Path&& path) {
  const Trouble trouble;
  std::vector<std::uint64_t> splits(any_below(1, 8));
  for (std::uint64_t& n : splits) n = any_of<std::uint64_t>({0, 1, 2, 3, 7, 50});
  const Observed whole = trouble.observe(path, {});
  RC_ASSERT(trouble.observe(path, splits) == whole);
  RC_ASSERT(trouble.observe(path, {1}) == whole);
  // Which bytes they are decides nothing: a search that does not ask for them may leave them out.
  Observed blind = trouble.observe(path, {}, false);
  RC_ASSERT(blind.result == whole.result);
  if (whole.result != kLivelock) {  // which is told when a state comes again: sooner, if it holds less
    blind.machine = whole.machine;
    RC_ASSERT(blind == whole);
  }
  return !whole.tag_faults.empty();
}

Outcome ended(Bytes n) { return {static_cast<std::int64_t>(n.n), 1, false, false}; }

// Asking the world in between, or not keeping track of bytes, changes nothing else.

TEST_CASE("a copy routine does the same however it is watched", "[property][touch]") {
  int faults = 0;
  rc::prop("copy_to_user, copy_from_user, clear_user", [&] {
    const std::uint64_t begin = any_below(0, 6000);
    const std::uint64_t size = any_below(0, 5000);
    const auto alignment = static_cast<std::uint32_t>(any_below(0, 16));
    faults += is_the_same_however_it_is_watched([=](Bench& bench) {
      return ended(copy_to_user(bench.kernel(), bench.user(begin), {kernel_made(0, size), alignment}));
    });
    faults += is_the_same_however_it_is_watched([=](Bench& bench) {
      Provenance got;
      return ended(copy_from_user(bench.kernel(), got, bench.user(begin), Bytes{size}));
    });
    faults += is_the_same_however_it_is_watched(
        [=](Bench& bench) { return ended(clear_user(bench.kernel(), bench.user(begin), Bytes{size})); });
  });
  CHECK(faults > 0);
}

TEST_CASE("a probe does the same however it is watched", "[property][touch]") {
  int faults = 0;
  rc::prop("each kind", [&] {
    const std::uint64_t begin = any_of<std::uint64_t>({0, any_below(0, 320), any_below(0, 6000)});
    const std::uint64_t size = any_below(0, 9000);
    const Probe probe{static_cast<ProbeKind>(any_below(0, 8)), {}};
    faults += is_the_same_however_it_is_watched(
        [=](Bench& bench) { return ended(fault_in(bench.kernel(), probe, bench.user(begin), Bytes{size})); });
  });
  CHECK(faults > 0);
}

TEST_CASE("a copy loop does the same however it is watched", "[property][loops]") {
  int faults = 0;
  rc::prop("reads, writes and searches", [&] {
    const auto fs =
        any_of<std::string_view>({"ext4", "tmpfs", "pipe", "zero", "btrfs", "fuse", "9p", "ntfs3", "kcore"});
    const auto kind = fs == "btrfs"   ? CallKind::tree_search
                      : fs == "kcore" ? CallKind::read
                                      : any_of<CallKind>({CallKind::read, CallKind::write});
    const std::uint64_t begin = any_of<std::uint64_t>({any_below(0, 320), any_below(0, 5000)});
    const std::uint64_t size = any_below(0, 6000);
    const std::uint64_t position = any_below(0, 5000);
    const bool cached = any_below(0, 2) == 0;
    const auto tree =
        std::make_shared<const SearchTree>(SearchTree{{{Bytes{100}, Bytes{300}}, {Bytes{50}}}, Bytes{16384}});
    faults += is_the_same_however_it_is_watched([=](Bench& bench) {
      std::uint32_t object = 0;
      if (fs == "pipe") {
        object = add_pipe(bench.machine());
        bench.machine().pipes[object].write().buffers.push_back({kernel_made(0, 3000), 50});
      } else if (fs != "zero") {
        object = add_file(bench.machine(), fs, Bytes{8192}, cached || fs == "tmpfs");
      }
      SystemCall call = transfer(kind, fs, object, {{bench.user(begin), Bytes{size}}}, position);
      call.tree = tree;
      call.nr_items = 100;
      call.file_size = Bytes{8192};
      call.flags.compressed = fs == "ntfs3";
      return carry_out(loop_of(call), bench.kernel());
    });
  });
  CHECK(faults > 0);
}

}  // namespace
}  // namespace mtesim::test
