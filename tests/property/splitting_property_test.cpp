#include <rapidcheck/catch.h>

#include "model/kernel/fault_in.h"
#include "model/kernel/iov_iter.h"
#include "tests/support/random_ops.h"

namespace mtesim::test {
namespace {

constexpr std::uint64_t kPages = 3;

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
  Observed observe(Path&& path, const std::vector<std::uint64_t>& splits) const {
    Bench bench{{.revision = revision, .pages = kPages, .tcf = tcf}};
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
    observed.result = outcome.livelock ? -1000 : outcome.result;
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

template <class Path>
void is_the_same_however_it_is_split(Path&& path) {
  const Trouble trouble;
  std::vector<std::uint64_t> splits(any_below(1, 8));
  for (std::uint64_t& n : splits) n = any_of<std::uint64_t>({0, 1, 2, 3, 7, 50});
  const Observed whole = trouble.observe(path, {});
  RC_CLASSIFY(!whole.tag_faults.empty(), "tag fault");
  RC_ASSERT(trouble.observe(path, splits) == whole);
  RC_ASSERT(trouble.observe(path, {1}) == whole);
}

Outcome ended(Bytes n) { return {static_cast<std::int64_t>(n.n), 1, false, false}; }

TEST_CASE("asking the world in between changes nothing if it does nothing", "[property][touch]") {
  rc::prop("in the copy routines", [] {
    const std::uint64_t begin = any_below(0, 6000);
    const std::uint64_t size = any_below(0, 5000);
    const auto alignment = static_cast<std::uint32_t>(any_below(0, 16));
    is_the_same_however_it_is_split([=](Bench& bench) {
      return ended(copy_to_user(bench.kernel(), bench.user(begin), {kernel_made(0, size), alignment}));
    });
    is_the_same_however_it_is_split([=](Bench& bench) {
      Provenance got;
      return ended(copy_from_user(bench.kernel(), got, bench.user(begin), Bytes{size}));
    });
    is_the_same_however_it_is_split(
        [=](Bench& bench) { return ended(clear_user(bench.kernel(), bench.user(begin), Bytes{size})); });
  });

  rc::prop("in the probes", [] {
    const std::uint64_t begin = any_below(0, 6000);
    const std::uint64_t size = any_below(0, 9000);
    const Probe probe{static_cast<ProbeKind>(any_below(0, 8)), {}};
    is_the_same_however_it_is_split(
        [=](Bench& bench) { return ended(fault_in(bench.kernel(), probe, bench.user(begin), Bytes{size})); });
  });

  rc::prop("in the loops", [] {
    const auto fs = any_of<std::string_view>({"ext4", "tmpfs", "pipe", "zero", "btrfs"});
    const auto kind = fs == "btrfs" ? CallKind::tree_search : any_of<CallKind>({CallKind::read, CallKind::write});
    const std::uint64_t begin = any_below(0, 5000);
    const std::uint64_t size = any_below(0, 6000);
    const std::uint64_t position = any_below(0, 5000);
    const bool cached = any_below(0, 2) == 0;
    const auto tree =
        std::make_shared<const SearchTree>(SearchTree{{{Bytes{100}, Bytes{300}}, {Bytes{50}}}, Bytes{16384}});
    is_the_same_however_it_is_split([=](Bench& bench) {
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
      return carry_out(loop_of(call), bench.kernel());
    });
  });
}

}  // namespace
}  // namespace mtesim::test
