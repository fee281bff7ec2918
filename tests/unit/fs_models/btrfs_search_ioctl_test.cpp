#include "fs_models/btrfs_search_ioctl.h"

#include <catch2/catch.hpp>

#include "tests/support/calls.h"

namespace mtesim::test {
namespace {

constexpr std::int64_t kEfault = -14;
constexpr std::int64_t kEoverflow = -75;
constexpr std::uint64_t kKey = 104;  // results of v1 begin here
constexpr std::uint64_t kHeaderV2 = 112;

struct Search {
  std::vector<std::vector<Bytes>> leaves{{Bytes{100}, Bytes{60}}, {Bytes{200}}};  // 456 bytes of results
  std::uint64_t nr_items{~std::uint32_t{0}};
  std::uint64_t v2_buf_size{};  // 0: the old form of the ioctl
};

CopyLoop search(Bench& bench, const Search& what = {}) {
  SystemCall call;
  call.kind = what.v2_buf_size == 0 ? CallKind::tree_search : CallKind::tree_search_v2;
  call.fs = find_file_system("btrfs");
  call.segments = {{bench.user(), Bytes{0}}};
  call.buf_size = Bytes{what.v2_buf_size};
  call.nr_items = what.nr_items;
  call.tree = std::make_shared<const SearchTree>(SearchTree{what.leaves, Bytes{16384}});
  return loop_of(call);
}

std::int64_t result(const CopyLoop& loop, Bench& bench) {
  const Outcome outcome = carry_out(loop, bench.kernel());
  CHECK_FALSE(outcome.livelock);
  CHECK(bench.machine().locks.held().empty());
  return outcome.result;
}

constexpr std::uint64_t kResultsEnd = kKey + 32 + 100 + 32 + 60 + 32 + 200;

TEST_CASE("a search delivers the items of all leaves one behind the other, and the key", "[unit][btrfs]") {
  for (const Revision& revision : revisions()) {
    Bench bench{{.revision = revision.name, .pages = 1}};
    const Outcome outcome = carry_out(search(bench), bench.kernel());
    CHECK(outcome.result == 0);
    CHECK(outcome.rounds == 3);  // two leaves, and the look that finds no third
    Provenance key = kernel_made(0, 64);
    key.append(known_word(3));  // nr_items
    key.append(kernel_made(68, kKey - 68));
    CHECK(bench.in_user(0, kKey) == key);
    CHECK(bench.in_user(kKey, kResultsEnd - kKey) == kernel_made(kKey, kResultsEnd - kKey));
    CHECK(bench.in_user(kResultsEnd, 1) == zeroes(1));  // the last probe stored it
    CHECK(bench.in_user(kResultsEnd + 1, 3000) == Bench::untouched(kResultsEnd + 1, 3000));
    CHECK(bench.seen().delivered == Bytes{kResultsEnd - kKey});
    CHECK(bench.machine().locks.held().empty());
  }
}

TEST_CASE("a page probe livelocks on a bad granule that the results reach", "[unit][btrfs]") {
  const auto revision = GENERATE("5.10", "5.13", "5.16", "5.17");
  const auto bad = GENERATE(as<std::uint64_t>{}, 7, 10, 15, (kResultsEnd - 1) / 16);
  Bench bench{{.revision = revision}};
  bench.spoil_granule(bad);
  CHECK(carry_out(search(bench), bench.kernel()).livelock);
  bench.task().pending.fatal = true;  // nobody looks
  CHECK(carry_out(search(bench), bench.kernel()).livelock);
}

TEST_CASE("a round that rewinds changes nothing at all", "[unit][btrfs]") {
  Bench bench{{.revision = "5.17"}};
  bench.spoil_granule(7);  // bytes 8 to 24 of the first header
  const CopyLoop loop = search(bench);
  LoopState state = loop.begin();
  CHECK(std::holds_alternative<Advanced>(loop.step(state, bench.kernel())));
  const Machine after_one = bench.machine();
  const LoopState state_after_one = state;
  CHECK(std::holds_alternative<Advanced>(loop.step(state, bench.kernel())));
  CHECK(state == state_after_one);
  CHECK(bench.machine() == after_one);
  CHECK(bench.machine().fingerprint() == after_one.fingerprint());
  CHECK(loop.progress(state) == Bytes{0});
}

TEST_CASE("a copy that faults rewinds to its item's header, earlier items stay", "[unit][btrfs]") {
  Bench bench{{.revision = "5.17"}};
  bench.spoil_granule((kKey + 132 + 32 + 10) / 16);  // in the second item's data
  const CopyLoop loop = search(bench);
  CHECK(carry_out(loop, bench.kernel()).livelock);
  CHECK(bench.seen().delivered == Bytes{132});
}

TEST_CASE("under a byte that the page probe touches a bad granule is EFAULT", "[unit][btrfs]") {
  struct Row {
    const char* revision;
    std::uint64_t bad;
    std::int64_t result;
  };
  constexpr std::uint64_t kLast = (kHeaderV2 + 4096 - 1) / 16;  // the granule of the buffer's last byte, in page 1
  const auto row = GENERATE(values<Row>({
      {"5.10", kHeaderV2 / 16, kEfault},
      {"5.17", kHeaderV2 / 16, kEfault},
      {"5.10", 256, 0},  // the start of page 1 is not what 5.10 touches
      {"5.17", 256, kEfault},
      {"5.10", kLast - 1, 0},
      {"5.10", kLast, kEfault},  // but the last byte is
      {"5.17", kLast, 0},
  }));
  CAPTURE(row.revision, row.bad);
  Bench bench{{.revision = row.revision, .pages = 2}};
  bench.spoil_granule(row.bad);
  CHECK(result(search(bench, {.v2_buf_size = 4096}), bench) == row.result);
}

TEST_CASE("a bad granule behind the results harms no page probe, but the sub-page probe refuses it", "[unit][btrfs]") {
  struct Row {
    const char* revision;
    std::int64_t inside;  // in the buffer, behind the results
  };
  const auto row =
      GENERATE(values<Row>({{"5.10", 0}, {"5.17", 0}, {"5.19", kEfault}, {"6.1", kEfault}, {"7.3", kEfault}}));
  Bench behind{{.revision = row.revision}};
  behind.spoil_granule(kResultsEnd / 16 + 1);
  CHECK(result(search(behind), behind) == row.inside);

  const std::uint64_t buf_size = 520;  // ends eight bytes into granule 39
  Bench shared{{.revision = row.revision}};
  shared.spoil_granule((kHeaderV2 + buf_size - 1) / 16);
  CHECK(result(search(shared, {.v2_buf_size = buf_size}), shared) == row.inside);
  Bench outside{{.revision = row.revision}};
  outside.spoil_granule((kHeaderV2 + buf_size - 1) / 16 + 1);
  CHECK(result(search(outside, {.v2_buf_size = buf_size}), outside) == 0);
}

TEST_CASE("the sub-page probe ends the search wherever the bad granule is", "[unit][btrfs]") {
  const auto revision = GENERATE("5.19", "6.1", "6.12", "7.3");
  const auto bad = GENERATE(as<std::uint64_t>{}, 6, 7, 10, 34, 255);
  Bench bench{{.revision = revision}};
  bench.spoil_granule(bad);
  CHECK(carry_out(search(bench), bench.kernel()).rounds == 1);
  CHECK(bench.seen().delivered == Bytes{0});
}

TEST_CASE("a sub-page probe that loads cannot save stores that alone are checked", "[unit][btrfs][tcf]") {
  const char* word = GENERATE("fault_in_subpage_writeable", "probe_granule_store");
  const bool by_store = word == std::string_view("probe_granule_store");
  Bench bench{{.revision = "7.3", .change = {{"btrfs_search_ioctl.probe", word}}, .store_only = true}};
  bench.spoil_granule(10);
  const Outcome outcome = carry_out(search(bench), bench.kernel());
  CHECK(outcome.livelock == !by_store);
  CHECK(outcome.result == (by_store ? kEfault : 0));
}

TEST_CASE("under ASYMM the probe refuses what the stores would have passed", "[unit][btrfs][tcf]") {
  const char* word = GENERATE("fault_in_subpage_writeable", "fault_in_writeable");
  Bench bench{{.revision = "6.1", .change = {{"btrfs_search_ioctl.probe", word}}, .tcf = TcfMode::asymm}};
  bench.spoil_granule(10);
  CHECK(result(search(bench), bench) == (word == std::string_view("fault_in_writeable") ? 0 : kEfault));
}

TEST_CASE("a probe of the first bytes alone is no cure", "[unit][btrfs]") {
  const auto granules = GENERATE(as<std::uint64_t>{}, 3, 4);  // from byte 104 on, to 152 or 168
  Bench bench{{.revision = "6.1", .change = {{"btrfs_search_ioctl.min_size", granules == 3 ? "56" : "57"}}}};
  bench.spoil_granule(10);  // begins at 160, 56 bytes into the results
  CHECK(carry_out(search(bench), bench.kernel()).livelock == (granules == 3));
}

TEST_CASE("a page that reclaim takes between probe and copy costs a round", "[unit][btrfs]") {
  Bench bench{{.revision = "6.1", .pages = 1}};
  std::uint64_t evictions = 0;
  bench.seen().act = [&](const Look&, Machine& machine) -> std::uint64_t {
    if (machine.tasks[0].pagefault_disabled > 0 && evictions < 2 && bench.pte(0).state == PteState::present) {
      ++evictions;
      bench.evict_page(0);
    }
    return 0;
  };
  const Outcome outcome = carry_out_among_others(search(bench), bench.kernel());
  CHECK(outcome.result == 0);
  CHECK(outcome.rounds == 3 + evictions);
  CHECK(evictions == 2);
  CHECK(bench.in_user(kKey, kResultsEnd - kKey) == kernel_made(kKey, kResultsEnd - kKey));
}

TEST_CASE("the search ends when the buffer has no room for one item more", "[unit][btrfs]") {
  const Search exact{.v2_buf_size = 456};
  Bench bench{{.revision = "6.1"}};
  CHECK(result(search(bench, exact), bench) == 0);
  CHECK(bench.seen().delivered == Bytes{456});
  Bench tight{{.revision = "6.1"}};
  CHECK(result(search(tight, {.v2_buf_size = 455}), tight) == 0);
  CHECK(tight.seen().delivered == Bytes{224});
}

TEST_CASE("an item that does not fit an empty buffer is announced by an empty item", "[unit][btrfs]") {
  const Search big{.leaves = {{Bytes{4000}}}};
  Bench v1{{.revision = "6.1"}};
  CHECK(result(search(v1, big), v1) == 0);  // the old form has no EOVERFLOW
  CHECK(v1.seen().delivered == Bytes{32});
  CHECK(v1.in_user(kKey, 32) == kernel_made(kKey, 32));

  Bench v2{{.revision = "6.1", .pages = 2}};
  CHECK(result(search(v2, {.leaves = big.leaves, .v2_buf_size = 4031}), v2) == kEoverflow);
  Bench fits{{.revision = "6.1", .pages = 2}};
  CHECK(result(search(fits, {.leaves = big.leaves, .v2_buf_size = 4032}), fits) == 0);

  Bench later{{.revision = "6.1"}};  // not for the second item
  CHECK(result(search(later, {.leaves = {{Bytes{10}, Bytes{4000}}}}), later) == 0);
  CHECK(later.seen().delivered == Bytes{42});
}

TEST_CASE("a buffer without room for a header is EOVERFLOW before any probe", "[unit][btrfs]") {
  Bench none{{.revision = "6.1"}};
  CHECK(result(search(none, {.v2_buf_size = 31}), none) == kEoverflow);
  CHECK(none.in_user(kHeaderV2, 32) == Bench::untouched(kHeaderV2, 32));
  Bench header{{.revision = "6.1"}};
  CHECK(result(search(header, {.v2_buf_size = 32}), header) == kEoverflow);
  CHECK(header.in_user(kHeaderV2, 32) == kernel_made(kHeaderV2, 32));
}

TEST_CASE("a buffer that is too small livelocks as well, since its header is copied", "[unit][btrfs]") {
  Bench bench{{.revision = "5.10"}};
  bench.spoil_granule(8);
  CHECK(carry_out(search(bench, {.v2_buf_size = 40}), bench.kernel()).livelock);
}

TEST_CASE("nr_items ends the search, in the middle of a leaf or at its end", "[unit][btrfs]") {
  struct Row {
    std::uint64_t nr_items;
    std::uint64_t delivered;
  };
  const auto row = GENERATE(values<Row>({{1, 132}, {2, 224}, {3, 456}, {4, 456}}));
  Bench bench;
  CHECK(result(search(bench, {.nr_items = row.nr_items}), bench) == 0);
  CHECK(bench.seen().delivered == Bytes{row.delivered});
}

TEST_CASE("an argument that cannot be read is EFAULT before anything else", "[unit][btrfs]") {
  Bench bench;
  bench.spoil_granule(5);  // of the key
  const Outcome outcome = carry_out(search(bench), bench.kernel());
  CHECK(outcome.result == kEfault);
  CHECK(bench.in_user(0, 4096) == Bench::untouched(0, 4096));
}

TEST_CASE("a leaf that another task has locked is waited for, without a change", "[unit][btrfs]") {
  Bench bench{{.revision = "6.1"}};
  const LockId leaf{LockKind::btrfs_tree, 0, 0};
  REQUIRE(bench.machine().locks.try_lock(leaf, TaskId{1}, LockMode::exclusive));
  const CopyLoop loop = search(bench);
  LoopState state = loop.begin();
  const Step blocked = loop.step(state, bench.kernel());
  REQUIRE(std::holds_alternative<Blocked>(blocked));
  CHECK(std::get<Blocked>(blocked).lock == leaf);
  bench.machine().locks.unlock(leaf, TaskId{1});
  CHECK(std::holds_alternative<Advanced>(loop.step(state, bench.kernel())));
}

}  // namespace
}  // namespace mtesim::test
