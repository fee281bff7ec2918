#include "sim/check/check.h"

#include <catch2/catch.hpp>
#include <sstream>

#include "tests/support/workloads.h"

namespace mtesim::test {
namespace {

using Results = std::set<std::vector<std::int64_t>>;
constexpr std::uint64_t kBase = AddressSpace::kBaseAddress;

CheckResult check_all(const Workload& workload, const std::vector<Action>& actions = {},
                      std::uint64_t max_states = 100'000) {
  CheckOptions options;
  options.actions = actions;
  options.stop_at_livelock = false;
  options.max_states = max_states;
  return check(workload, options);
}

bool replays(const Workload& workload, const std::vector<Action>& actions, const Witness& witness) {
  CheckOptions options;
  options.actions = actions;
  return replay(workload, options, witness, {}, {});
}

const std::vector<Action> kSigkill = {{.kind = ActionKind::sigkill}};

// Toy loops.

TEST_CASE("a loop that ends returns, with its rounds counted exactly", "[unit][check]") {
  const auto rounds = GENERATE(1u, 2u, 17u);
  const Workload workload = toy_workload({[=](ToyState& s, Kernel&) -> Step {
    if (++s.at == rounds) return Finished{42};
    return Advanced{};
  }});
  const CheckResult result = check_all(workload);
  CHECK(result.verdict == Verdict::returns);
  CHECK(result.most_rounds == rounds);
  CHECK(result.results == Results{{42}});
  CHECK(result.states == rounds + 1);
  CHECK(result.transitions == rounds);
  CHECK(result.complete);
  REQUIRE(result.witnesses.size() == 1);  // a longest way
  CHECK(result.witnesses[0].stem.size() == rounds);
  CHECK(replays(workload, {}, result.witnesses[0]));
}

/// Looks for a signal in round `at` of `rounds` and then returns -4; else counts on.
Workload looks_in_round(std::uint64_t at, std::uint64_t rounds) {
  return toy_workload({[=](ToyState& s, Kernel& k) -> Step {
    ++s.at;
    if (s.at == at && fatal_signal_pending(k)) return Finished{-4};
    if (s.at == rounds) return Finished{1};
    return Advanced{};
  }});
}

TEST_CASE("every way out is in the results, and the longest gives the most rounds", "[unit][check]") {
  const Workload workload = looks_in_round(2, 5);
  const CheckResult result = check_all(workload, kSigkill);
  CHECK(result.verdict == Verdict::returns);
  CHECK(result.results == Results{{-4}, {1}});
  CHECK(result.most_rounds == 5u);
  CHECK(result.reached.signal_seen);
  CHECK(result.reached.environment_acted);
  CHECK(result.reached.returned_error);
  CHECK(result.reached.returned_success);
  CHECK_FALSE(result.reached.tag_fault);
  CHECK(check_all(workload).results == Results{{1}});  // nobody to send it
}

TEST_CASE("a livelock is shown by a shortest stem and a shortest loop", "[unit][check]") {
  const auto stem = GENERATE(1u, 2u, 5u);
  const auto cycle = GENERATE(1u, 2u, 3u);
  CAPTURE(stem, cycle);
  const Workload workload = toy_workload({[=](ToyState& s, Kernel&) -> Step {
    s.at = s.at + 1 == stem + cycle ? stem : s.at + 1;
    return Advanced{};
  }});
  const CheckResult result = check_all(workload);
  CHECK(result.verdict == Verdict::livelock);
  CHECK_FALSE(result.killable);
  CHECK(result.results.empty());
  CHECK_FALSE(result.most_rounds.has_value());
  REQUIRE(result.witnesses.size() == 1);
  CHECK(result.witnesses[0].stem.size() == stem);
  CHECK(result.witnesses[0].loop.size() == cycle);
  CHECK(replays(workload, {}, result.witnesses[0]));
}

TEST_CASE("of several livelocks each must be killable", "[unit][check]") {
  // The signal decides in which of two cycles the loop is caught; only the first looks for a fatal one.
  const auto second_looks = GENERATE(true, false);
  const Workload workload = toy_workload({[=](ToyState& s, Kernel& k) -> Step {
    if (s.at == 0) s.at = signal_pending(k) ? 1 : 2;
    if ((s.at == 2 || second_looks) && fatal_signal_pending(k)) return Finished{-4};
    return Advanced{};
  }});
  const CheckResult result = check_all(workload, {{.kind = ActionKind::signal}});
  CHECK(result.verdict == Verdict::livelock);
  CHECK(result.killable == second_looks);
}

TEST_CASE("a livelock behind an action has the action in its stem", "[unit][check]") {
  const Workload workload = toy_workload({[](ToyState& s, Kernel& k) -> Step {
    if (s.at == 0 && signal_pending(k)) s.at = 9;
    if (s.at == 9) return Advanced{};
    if (++s.at == 3) return Finished{0};
    return Advanced{};
  }});
  CHECK(check_all(workload).verdict == Verdict::returns);
  const std::vector<Action> actions = {{.kind = ActionKind::signal}};
  const CheckResult result = check_all(workload, actions);
  CHECK(result.verdict == Verdict::livelock);
  REQUIRE(result.witnesses.size() == 1);
  REQUIRE(result.witnesses[0].stem.size() == 1);
  CHECK(result.witnesses[0].stem[0].choices.size() == 1);
  CHECK(result.witnesses[0].loop.size() == 1);
  CHECK(result.witnesses[0].loop[0].choices.empty());
}

TEST_CASE("locks of a livelock are told: held between its rounds, or taken within them", "[unit][check]") {
  const LockId held{LockKind::inode, 1, 0};
  const LockId taken{LockKind::folio, 1, 3};
  const Workload workload = toy_workload({[=](ToyState& s, Kernel& k) -> Step {
    if (s.at == 0 && !lock(k, held, LockMode::exclusive)) return Blocked{held};
    s.at = 1;
    if (!lock(k, taken, LockMode::exclusive)) return Blocked{taken};
    unlock(k, taken);
    return Advanced{};
  }});
  const CheckResult result = check_all(workload);
  CHECK(result.verdict == Verdict::livelock);
  CHECK(result.locks_held == std::vector<LockId>{held});
  CHECK(result.locks_taken == std::vector<LockKind>{LockKind::inode, LockKind::folio});
}

TEST_CASE("tasks that wait for each other are a deadlock, found though the run misses it", "[unit][check]") {
  const auto takes = [](LockId first, LockId second) -> Trip {
    return [=](ToyState& s, Kernel& k) -> Step {
      if (s.at == 0) {
        if (!lock(k, first, LockMode::exclusive)) return Blocked{first};
        s.at = 1;
        return Advanced{};
      }
      if (!lock(k, second, LockMode::exclusive)) return Blocked{second};
      unlock(k, second);
      unlock(k, first);
      return Finished{0};
    };
  };
  const LockId a{LockKind::inode, 1, 0};
  const LockId b{LockKind::inode, 2, 0};
  const Workload crossed = toy_workload({takes(a, b), takes(b, a)});
  const CheckResult result = check_all(crossed);
  CHECK(result.verdict == Verdict::deadlock);
  CHECK(result.results == Results{{0, 0}});  // some ways end
  REQUIRE(result.witnesses.size() == 1);
  CHECK(result.witnesses[0].stem.size() == 4);  // each takes one, and lies down to sleep
  CHECK(result.witnesses[0].loop.empty());
  CHECK(check_all(toy_workload({takes(a, b), takes(a, b)})).verdict == Verdict::returns);
}

TEST_CASE("a task that goes round while another could step is no livelock unless both are on it", "[unit][check]") {
  // The second waits until the first has returned: a cycle that leaves the first out for ever is unfair.
  const Trip first = [](ToyState&, Kernel& k) -> Step {
    k.task().user_tco = true;  // a mark that the other sees
    return Finished{0};
  };
  const Trip waits = [](ToyState&, Kernel& k) -> Step {
    if (k.machine.tasks[0].user_tco) return Finished{0};
    return Advanced{};
  };
  CHECK(check_all(toy_workload({first, waits})).verdict != Verdict::livelock);
}

TEST_CASE("a search that was cut never passes, and says by what", "[unit][check]") {
  const Workload workload = looks_in_round(2, 10);
  const CheckResult whole = check_all(workload);
  REQUIRE(whole.verdict == Verdict::returns);
  CheckOptions options;
  SECTION("by the number of states, at exactly one too few") {
    options.max_states = whole.states;
    CHECK(check(workload, options).verdict == Verdict::returns);
    options.max_states = whole.states - 1;
    const CheckResult cut = check(workload, options);
    CHECK(cut.verdict == Verdict::bound);
    CHECK(cut.cut_by == "the limit on states");
    CHECK_FALSE(cut.complete);
  }
  SECTION("by an interrupt") {
    const std::atomic<bool> interrupt{true};
    options.interrupt = &interrupt;
    const CheckResult cut = check(workload, options);
    CHECK(cut.verdict == Verdict::bound);
    CHECK(cut.cut_by == "an interrupt");
  }
  SECTION("by a deadline that has passed") {
    options.deadline = std::chrono::steady_clock::now() - std::chrono::seconds(1);
    const CheckResult cut = check(workload, options);
    CHECK(cut.verdict == Verdict::bound);
    CHECK(cut.cut_by == "the limit on time");
  }
  SECTION("by memory") {
    options.max_bytes = 1;
    CHECK(check(workload, options).verdict == Verdict::bound);
  }
}

TEST_CASE("a call behind a call that was killed is never made", "[unit][check]") {
  Workload workload = looks_in_round(1, 2);
  workload.calls[0].push_back(workload.calls[0][0]);
  const CheckResult result = check_all(workload, kSigkill);
  CHECK(result.verdict == Verdict::returns);
  CHECK(result.results == Results{{-4}, {1}, {1, -4}, {1, 1}});  // {1}: it comes on the way back to user space
  CHECK(result.most_rounds == 4u);
}

// Histories that are joined must have seen the same: the machine alone does not tell what a path keeps of the past.

TEST_CASE("a path that saw a signal early is not joined with one that saw it late", "[unit][check]") {
  const Workload workload = toy_workload({[](ToyState&, Kernel& k) -> Step {
    const bool first = signal_pending(k);
    const bool second = signal_pending(k);
    const bool third = signal_pending(k);
    return Finished{4 * first + 2 * second + third};
  }});
  CHECK(check_all(workload, {{.kind = ActionKind::signal}}).results == Results{{0}, {1}, {3}, {7}});
}

TEST_CASE("a path that found a page cached is not joined with one that did not", "[unit][check]") {
  Workload workload = toy_workload({[](ToyState&, Kernel& k) -> Step {
    std::int64_t found = 0;
    for (int look = 0; look < 3; ++look) {
      const FolioRef page{1, 0};
      k.environment.before(CacheLookup{page}, k.machine);
      const bool cached = k.machine.folio(page).in_cache;
      k.emit(Found{cached});
      found = 2 * found + cached;
    }
    return Finished{found};
  }});
  add_file(workload.start, "ext4", Bytes{4096});
  CHECK(check_all(workload, {{.kind = ActionKind::evict_file_page, .object = 1, .budget = 1}}).results ==
        Results{{7}, {6}, {4}, {0}});
}

TEST_CASE("a path that loaded old bytes is not joined with one that loaded new ones", "[unit][check]") {
  // Byte 0 is loaded, then byte 1 and byte 2: whoever lost the page before the first has the same page afterwards.
  Workload workload = toy_workload({[](ToyState&, Kernel& k) -> Step {
    std::int64_t old = 0;
    for (std::uint64_t at = 0; at < 3; ++at) {
      Provenance byte;
      if (get_user(k, byte, UserPtr(kBase + at), Bytes{1}) != Errno::ok) return Finished{-14};
      old = 2 * old + (byte != zeroes(1));
    }
    return Finished{old};
  }});
  Machine& m = workload.start;
  m.objects.emplace_back(MemoryObject{ObjectKind::anonymous, Bytes{4096}});
  REQUIRE(map_memory(m, 0, {kBase, kBase + 4096, {true, true, false}, false, 1, 0}) == Errno::ok);
  REQUIRE_FALSE(failed(handle_mm_fault(m, 0, kBase, AccessKind::store)));
  m.edit_folio({1, 0}, [](Folio& folio) { folio.contents = Contents(Origin{source_of_object(1), 0}); });
  CheckOptions options;
  options.actions = {{.kind = ActionKind::dontneed, .begin = kBase, .end = kBase + 4096, .budget = 1}};
  options.track_contents = true;
  CHECK(check(workload, options).results == Results{{7}, {6}, {4}, {0}});
}

// The search ioctl.

struct Search {
  std::string_view revision{"5.17"};
  std::uint64_t buf_size{128};
  std::uint64_t item{8};             ///< data of each of two items
  std::vector<std::uint64_t> bad{};  ///< granules of the results
  std::uint64_t at{0};
};

/// Two pages of tag 5, and the ioctl with its argument at `at`.
Workload search_workload(const Search& search) {
  Workload workload;
  workload.revision = *find_revision(search.revision);
  Machine& m = workload.start;
  m.spaces.emplace_back(AddressSpace{});
  m.tasks.push_back(Task{.tcf = TcfMode::sync, .tagged_addr_abi = true});
  m.objects.emplace_back(MemoryObject{ObjectKind::anonymous, Bytes{8192}});
  MTESIM_CHECK(map_memory(m, 0, {kBase, kBase + 8192, {true, true, true}, false, 1, 0}) == Errno::ok);
  for (std::uint32_t page = 0; page < 2; ++page) {
    MTESIM_CHECK(!failed(handle_mm_fault(m, 0, kBase + 4096 * page, AccessKind::store)));
    m.edit_folio({1, page}, [&](Folio& folio) { folio.tags.set_all(Tag{5}, 256); });
  }
  for (const std::uint64_t granule : search.bad) {
    const std::uint64_t number = (search.at + 112) / 16 + granule;
    m.edit_folio({1, static_cast<std::uint32_t>(number / 256)},
                 [&](Folio& folio) { folio.tags.set(number % 256, Tag{6}, 256); });
  }
  SearchTree tree;
  tree.leaves.emplace_back(2, Bytes{search.item});
  SystemCall call;
  call.kind = CallKind::tree_search_v2;
  call.fs = find_file_system("btrfs");
  call.object = add_file(m, "btrfs", Bytes{4096});
  call.segments = {{UserPtr(kBase + search.at, Tag{5}), Bytes{112 + search.buf_size}}};
  call.buf_size = Bytes{search.buf_size};
  call.nr_items = ~std::uint64_t{0};
  call.tree = std::make_shared<const SearchTree>(std::move(tree));
  workload.calls.push_back({loop_of(call)});
  return workload;
}

Action on_buffer(ActionKind kind, std::uint8_t budget) {
  return {.kind = kind, .begin = kBase, .end = kBase + 8192, .budget = budget};
}

TEST_CASE("a page probe livelocks on a granule that it does not look at, and a granule probe does not",
          "[unit][check]") {
  const CheckResult page = check_all(search_workload({.revision = "5.17", .bad = {1}}));
  CHECK(page.verdict == Verdict::livelock);
  CHECK_FALSE(page.killable);
  CHECK(page.reached.tag_fault);
  CHECK(page.reached.retried);
  CHECK(page.locks_held.empty());
  CHECK(page.locks_taken == std::vector<LockKind>{LockKind::btrfs_tree});
  const CheckResult granule = check_all(search_workload({.revision = "5.19", .bad = {1}}));
  CHECK(granule.verdict == Verdict::returns);
  CHECK(granule.results == Results{{-14}});
  CHECK(granule.most_rounds == 1u);
}

TEST_CASE("on clean tags a search takes a round a leaf and one to find no more", "[unit][check]") {
  const CheckResult result = check_all(search_workload({}));
  CHECK(result.verdict == Verdict::returns);
  CHECK(result.results == Results{{0}});
  CHECK(result.most_rounds == 2u);
  CHECK(result.reached.bytes_delivered);
  CHECK_FALSE(result.reached.tag_fault);
  CHECK_FALSE(result.reached.retried);
  CHECK_FALSE(result.reached.environment_acted);
}

TEST_CASE("each eviction that the environment has left costs a search one round more", "[unit][check]") {
  const auto budget = GENERATE(std::uint8_t{1}, std::uint8_t{2}, std::uint8_t{3});
  const CheckResult result = check_all(search_workload({}), {on_buffer(ActionKind::evict, budget)});
  CHECK(result.verdict == Verdict::returns);
  CHECK(result.most_rounds == 2u + budget);
  CHECK(result.results == Results{{0}});
  CHECK(result.reached.page_fault_refused);
}

TEST_CASE("evictions without end starve a search, one a round", "[unit][check]") {
  const Workload workload = search_workload({});
  const std::vector<Action> actions = {on_buffer(ActionKind::evict, Action::kUnbounded)};
  const CheckResult result = check_all(workload, actions);
  CHECK(result.verdict == Verdict::starvation);
  CHECK(result.least_actions == 1);
  CHECK(result.least_rounds == 1);
  CHECK(result.results == Results{{0}});
  REQUIRE(result.witnesses.size() == 1);
  REQUIRE(result.witnesses[0].loop.size() == 1);
  CHECK(result.witnesses[0].loop[0].choices.size() == 1);
  CHECK(replays(workload, actions, result.witnesses[0]));
}

TEST_CASE("least actions are those of the quietest way, though others that did more in vain end alike",
          "[unit][check]") {
  // Nobody sees a retag in mode async, so one that is taken back again leaves no trace but its count.
  Workload workload = search_workload({});
  workload.start.tasks[0].tcf = TcfMode::async;
  const Action retag{.kind = ActionKind::retag, .begin = kBase + 160, .end = kBase + 176};
  const Action evict = on_buffer(ActionKind::evict, Action::kUnbounded);
  for (const std::vector<Action>& actions : {std::vector{retag, evict}, std::vector{evict, retag}}) {
    const CheckResult result = check_all(workload, actions);
    CHECK(result.verdict == Verdict::starvation);
    CHECK(result.least_actions == 1);
    CHECK(result.least_rounds == 1);
  }
}

TEST_CASE("the zero page can be taken away from under a copy", "[unit][check]") {
  Workload workload = search_workload({});
  workload.calls.clear();
  Machine& m = workload.start;
  dontneed(m, 0, kBase, kBase + 4096);
  REQUIRE_FALSE(failed(handle_mm_fault(m, 0, kBase, AccessKind::load)));
  const std::uint32_t file = add_file(m, "tmpfs", Bytes{4096});
  workload.calls.push_back({loop_of(transfer(CallKind::write, "tmpfs", file, {{UserPtr(kBase, Tag{0}), Bytes{8}}}))});
  CHECK(check_all(workload).most_rounds == 1u);
  const CheckResult result = check_all(workload, {on_buffer(ActionKind::evict, 1)});
  CHECK(result.verdict == Verdict::returns);
  CHECK(result.most_rounds == 2u);
  CHECK(result.results == Results{{8}});
}

TEST_CASE("one retag is enough for a livelock behind a page probe", "[unit][check]") {
  const Workload workload = search_workload({.revision = "5.17"});
  const std::vector<Action> actions = {on_buffer(ActionKind::retag, 1)};
  const CheckResult result = check_all(workload, actions);
  CHECK(result.verdict == Verdict::livelock);
  CHECK(result.results.count({0}) == 1);
  CHECK(result.results.count({-14}) == 1);
  REQUIRE(result.witnesses.size() == 1);
  CHECK(result.witnesses[0].stem.size() == 1);
  CHECK(result.witnesses[0].stem[0].choices.size() == 1);
  CHECK(replays(workload, actions, result.witnesses[0]));
  // A granule probe sees what was retagged before; what is retagged behind it, once, costs one more round.
  const CheckResult mended = check_all(search_workload({.revision = "5.19"}), actions);
  CHECK(mended.verdict == Verdict::returns);
  CHECK(mended.results == Results{{0}, {-14}});
}

TEST_CASE("stopping at the first livelock gives the same verdict from fewer states", "[unit][check]") {
  const Workload workload = search_workload({.revision = "5.17"});
  CheckOptions options;
  options.actions = {on_buffer(ActionKind::retag, 1)};
  const CheckResult first = check(workload, options);
  options.stop_at_livelock = false;
  const CheckResult whole = check(workload, options);
  CHECK(first.verdict == whole.verdict);
  CHECK(first.killable == whole.killable);
  CHECK(first.transitions < whole.transitions);
  CHECK_FALSE(first.complete);
  CHECK(whole.complete);
}

TEST_CASE("a pass that met nothing shows it", "[unit][check]") {
  // The buffer cannot be written at all: it returns, and nothing was tried.
  Workload workload = search_workload({});
  MTESIM_CHECK(protect_memory(workload.start, 0, kBase, kBase + 8192, {true, false, true}) == Errno::ok);
  const CheckResult result = check_all(workload, {on_buffer(ActionKind::retag, 1)});
  CHECK(result.verdict == Verdict::returns);
  CHECK_FALSE(result.reached.bytes_delivered);
  CHECK_FALSE(result.reached.retried);
  CHECK_FALSE(result.reached.returned_success);
  CHECK(result.reached.returned_error);
}

// Witnesses.

TEST_CASE("a witness that was tampered with does not replay", "[unit][check]") {
  const Workload workload = search_workload({.revision = "5.17"});
  const std::vector<Action> actions = {on_buffer(ActionKind::retag, 1)};
  const CheckResult result = check_all(workload, actions);
  REQUIRE(result.witnesses.size() == 1);
  const Witness good = result.witnesses[0];
  REQUIRE(replays(workload, actions, good));
  Witness bad = good;
  SECTION("more progress than there was") { bad.loop[0].progress_after = Bytes{40}; }
  SECTION("more progress before than there was") { bad.loop[0].progress_before = Bytes{1}; }
  SECTION("the step that retags is missing") { bad.stem.clear(); }
  SECTION("the retagging is missing") { bad.stem[0].choices.clear(); }
  SECTION("a loop with a step of which nothing comes back") { bad.loop.insert(bad.loop.begin(), good.stem[0]); }
  SECTION("another granule, that the copy never looks at") { bad.stem[0].choices[0].choice.target = kBase + 8000; }
  CHECK_FALSE(replays(workload, actions, bad));
}

TEST_CASE("a witness with steps behind the end of the call does not replay", "[unit][check]") {
  const Workload workload = search_workload({});
  const CheckResult result = check_all(workload);
  REQUIRE(result.witnesses.size() == 1);
  Witness longer = result.witnesses[0];
  longer.stem.push_back(longer.stem.back());
  CHECK_FALSE(replays(workload, {}, longer));
}

TEST_CASE("a witness of one kernel does not replay on another", "[unit][check]") {
  const Workload workload = search_workload({.revision = "5.17", .bad = {1}});
  const CheckResult result = check_all(workload);
  REQUIRE(result.witnesses.size() == 1);
  CHECK(replays(workload, {}, result.witnesses[0]));
  CHECK_FALSE(replays(search_workload({.revision = "5.19", .bad = {1}}), {}, result.witnesses[0]));
}

TEST_CASE("every witness of every check replays, and a check comes out the same twice", "[unit][check]") {
  std::mt19937_64 random(5);
  int witnesses = 0;
  for (int i = 0; i < 300; ++i) {
    const SmallSystem system = small_system(random_genes(random));
    if (system.weight() > 3) continue;
    CAPTURE(system.told);
    const CheckResult one = check_all(system.workload, system.actions, 3000);
    const CheckResult two = check_all(system.workload, system.actions, 3000);
    CHECK(one.verdict == two.verdict);
    CHECK(one.states == two.states);
    CHECK(one.transitions == two.transitions);
    CHECK(one.results == two.results);
    REQUIRE(one.witnesses.size() == two.witnesses.size());
    for (std::size_t w = 0; w < one.witnesses.size(); ++w) {
      ++witnesses;
      REQUIRE(one.witnesses[w].stem.size() == two.witnesses[w].stem.size());
      for (std::size_t s = 0; s < one.witnesses[w].stem.size(); ++s) {
        CHECK(one.witnesses[w].stem[s].choices == two.witnesses[w].stem[s].choices);
      }
      if (!one.witnesses[w].loop.empty()) CHECK(replays(system.workload, system.actions, one.witnesses[w]));
    }
  }
  CHECK(witnesses > 100);
}

// What was done before the call and left open.

TEST_CASE("one check with an open placement answers for every placement by itself", "[unit][check]") {
  const auto revision = GENERATE("5.10", "5.17", "5.19", "7.3");
  const auto buf_size = GENERATE(64u, 128u);
  const std::uint64_t at = GENERATE(0u, 4096u - 112u - 32u);  // within a page, and across two
  CAPTURE(revision, buf_size, at);
  const Search search{.revision = revision, .buf_size = buf_size, .at = at};
  const Workload workload = search_workload(search);
  const std::uint64_t first = (at + 112) / 16;
  const std::uint64_t last = first + buf_size / 16;  // one granule behind the buffer, too
  Action open{.kind = ActionKind::retag,
              .begin = kBase + 16 * first,
              .end = kBase + 16 * (last + 1),
              .budget = 1,
              .before_call = true};
  const CheckResult all = check_all(workload, {open});

  Results results = check_all(workload).results;  // nothing placed at all
  bool livelock = false;
  std::uint64_t most_rounds = check_all(workload).most_rounds.value_or(0);
  for (std::uint64_t granule = 0; granule <= last - first; ++granule) {
    Search placed = search;
    placed.bad = {granule};
    const CheckResult one = check_all(search_workload(placed));
    livelock |= one.verdict == Verdict::livelock;
    results.insert(one.results.begin(), one.results.end());
    most_rounds = std::max(most_rounds, one.most_rounds.value_or(0));
  }
  CHECK(all.verdict == (livelock ? Verdict::livelock : Verdict::returns));
  CHECK(all.results == results);
  if (!livelock) CHECK(all.most_rounds == most_rounds);
}

TEST_CASE("two open placements are every pair", "[unit][check]") {
  const auto revision = GENERATE("5.17", "5.19");
  const Search search{.revision = revision, .buf_size = 64};
  const std::uint64_t first = 112 / 16;
  Action open{.kind = ActionKind::retag,
              .begin = kBase + 16 * first,
              .end = kBase + 16 * (first + 4),
              .budget = 2,
              .before_call = true};
  const CheckResult all = check_all(search_workload(search), {open});
  Results results;
  bool livelock = false;
  for (std::uint64_t a = 0; a < 5; ++a) {  // 4: not placed
    for (std::uint64_t b = a; b < 5; ++b) {
      Search placed = search;
      for (const std::uint64_t granule : {a, b}) {
        if (granule < 4) placed.bad.push_back(granule);
      }
      const CheckResult one = check_all(search_workload(placed));
      livelock |= one.verdict == Verdict::livelock;
      results.insert(one.results.begin(), one.results.end());
    }
  }
  CHECK(all.verdict == (livelock ? Verdict::livelock : Verdict::returns));
  CHECK(all.results == results);
}

}  // namespace
}  // namespace mtesim::test
