#include "model/kernel/action.h"

#include <algorithm>
#include <catch2/catch.hpp>

#include "model/mm/fault.h"
#include "tests/support/calls.h"

namespace mtesim::test {
namespace {

constexpr std::uint64_t kPage = 4096;

Action on_buffer(const Bench& bench, ActionKind kind, std::uint64_t from, std::uint64_t to) {
  Action action;
  action.kind = kind;
  action.begin = bench.address(Bytes{from});
  action.end = bench.address(Bytes{to});
  return action;
}

std::vector<ActionChoice> choices(Bench& bench, const Action& action, const Look& look,
                                  SiteRule rule = SiteRule::lazy) {
  std::vector<ActionChoice> all;
  CHECK(for_each_choice(look, bench.machine(), TaskId{0}, std::span(&action, 1), 0, rule, [&](const ActionChoice& c) {
    all.push_back(c);
    return true;
  }));
  return all;
}

/// Carries out the one choice that there is.
void act(Bench& bench, const Action& action, const Look& look) {
  const std::vector<ActionChoice> all = choices(bench, action, look);
  REQUIRE(all.size() == 1);
  apply(all.front(), std::span(&action, 1), bench.machine());
}

AccessRun store(const Bench& bench, std::uint64_t at, std::uint32_t width = 1, std::uint64_t count = 1) {
  return {bench.user(at), width, width, count, AccessKind::store};
}

TEST_CASE("a granule is retagged just before an access that touches it, and no other", "[unit][action]") {
  Bench bench;
  const Action retag = on_buffer(bench, ActionKind::retag, 16, 48);  // granules 1 and 2
  CHECK(choices(bench, retag, store(bench, 8, 8)).empty());
  CHECK(choices(bench, retag, store(bench, 9, 8)).size() == 1);
  CHECK(choices(bench, retag, store(bench, 28, 8)).size() == 2);  // straddles both
  CHECK(choices(bench, retag, store(bench, 47, 1)).size() == 1);
  CHECK(choices(bench, retag, store(bench, 48, 8)).empty());
}

TEST_CASE("a retag makes a like granule unlike, and an unlike one like", "[unit][action]") {
  Bench bench{{.tag = Tag{3}}};
  const Action retag = on_buffer(bench, ActionKind::retag, 0, 16);
  act(bench, retag, store(bench, 0));
  CHECK_FALSE(bench.tag_at(0) == Tag{3});
  act(bench, retag, store(bench, 0));
  CHECK(bench.tag_at(0) == Tag{3});
  CHECK(bench.machine().fingerprint() == bench.machine().recomputed_fingerprint());
}

TEST_CASE("each page action does to the page what its system call does", "[unit][action]") {
  const auto kind = GENERATE(ActionKind::evict, ActionKind::protect, ActionKind::unmap, ActionKind::dontneed);
  Bench bench{{.pages = 2}};
  bench.task().pagefault_disabled = 1;  // so that an eviction can be seen
  Machine expected = bench.machine();
  const std::uint64_t begin = bench.address(Bytes{kPage});
  switch (kind) {
    case ActionKind::evict:
      evict(expected, 0, Bench::kFirstPage + 1);
      break;
    case ActionKind::protect:
      REQUIRE(protect_memory(expected, 0, begin, begin + kPage, {true, false, true}) == Errno::ok);
      break;
    case ActionKind::unmap:
      unmap_memory(expected, 0, begin, begin + kPage);
      break;
    default:
      dontneed(expected, 0, begin, begin + kPage);
      break;
  }
  const Action action = on_buffer(bench, kind, 0, 2 * kPage);
  act(bench, action, store(bench, kPage + 100));
  CHECK(bench.machine() == expected);
  CHECK(choices(bench, action, PageWalk{begin, AccessKind::store}).empty());  // there is nothing left to change
}

TEST_CASE("a software walk can be raced by page actions, not by a retag", "[unit][action]") {
  Bench bench;
  const PageWalk walk{bench.address(Bytes{100}), AccessKind::store};
  CHECK(choices(bench, on_buffer(bench, ActionKind::evict, 0, kPage), walk).size() == 1);
  CHECK(choices(bench, on_buffer(bench, ActionKind::retag, 0, kPage), walk).empty());
}

TEST_CASE("a signal becomes pending just before somebody looks for it", "[unit][action]") {
  const auto kind = GENERATE(ActionKind::signal, ActionKind::sigkill);
  Bench bench;
  Action signal;
  signal.kind = kind;
  CHECK(choices(bench, signal, store(bench, 0)).empty());
  act(bench, signal, SignalCheck{});
  CHECK(bench.task().pending.fatal == (kind == ActionKind::sigkill));
  CHECK(bench.task().pending.other == (kind == ActionKind::signal));
  CHECK(choices(bench, signal, SignalCheck{}).empty());  // it is pending already
}

TEST_CASE("a clean page of a file can be dropped just before its lookup, a dirty or mapped one not", "[unit][action]") {
  Bench bench;
  const std::uint32_t file = add_file(bench.machine(), "ext4", Bytes{2 * kPage});
  Action drop;
  drop.kind = ActionKind::evict_file_page;
  drop.object = file;
  const CacheLookup lookup{{file, 1}};
  const auto set = [&](bool dirty, std::uint32_t maps) {
    bench.machine().edit_folio({file, 1}, [&](Folio& folio) {
      folio.dirty = dirty;
      folio.maps = maps;
    });
  };
  set(true, 0);
  CHECK(choices(bench, drop, lookup).empty());
  set(false, 1);
  CHECK(choices(bench, drop, lookup).empty());
  set(false, 0);
  act(bench, drop, lookup);
  CHECK(bench.machine().folio({file, 1}) == Folio{});
  CHECK(bench.machine().folio({file, 0}).in_cache);
  CHECK(choices(bench, drop, lookup).empty());
}

TEST_CASE("a file is cut just before its size is looked at, but not while somebody holds a lock of it",
          "[unit][action]") {
  Bench bench;
  const std::uint32_t file = add_file(bench.machine(), "ext4", Bytes{2 * kPage});
  Action truncate;
  truncate.kind = ActionKind::truncate;
  truncate.object = file;
  CHECK(choices(bench, truncate, CacheLookup{{file, 0}}).size() == 2);  // to nothing, or to a page
  CHECK(choices(bench, truncate, FileLook{file}).size() == 2);
  CHECK(choices(bench, truncate, FileLook{file + 1}).empty());
  CHECK(choices(bench, truncate, store(bench, 0)).empty());  // no mapping of it
  truncate.size = Bytes{kPage};
  const LockId inode{LockKind::inode, file};
  REQUIRE(bench.machine().locks.try_lock(inode, TaskId{0}, LockMode::shared));
  CHECK(choices(bench, truncate, CacheLookup{{file, 0}}).empty());
  bench.machine().locks.unlock(inode, TaskId{0});
  act(bench, truncate, CacheLookup{{file, 0}});
  CHECK(bench.machine().objects[file]->size == Bytes{kPage});
  CHECK(bench.machine().folio({file, 0}).in_cache);
  CHECK(bench.machine().folio({file, 1}) == Folio{});
  CHECK(choices(bench, truncate, CacheLookup{{file, 0}}).empty());  // it is no longer than that
}

TEST_CASE("a thread that asked for several modes is moved where its mode is looked at", "[unit][action]") {
  Bench bench{{.tag = Tag{3}}};
  bench.task().tcf = TcfMode::sync;
  Action migrate;
  migrate.kind = ActionKind::migrate_cpu;
  migrate.allow(TcfMode::sync);
  migrate.allow(TcfMode::async);
  bench.task().tcf_sync_asked = true;
  CHECK(choices(bench, migrate, KernelEntry{}).empty());
  bench.task().tcf_async_asked = true;
  CHECK(choices(bench, migrate, KernelEntry{}).size() == 1);
  CHECK(choices(bench, migrate, store(bench, 0)).empty());  // the tags agree
  const Action retag = on_buffer(bench, ActionKind::retag, 16, 32);
  act(bench, retag, store(bench, 16));
  CHECK(choices(bench, migrate, store(bench, 15)).empty());
  act(bench, migrate, store(bench, 0, 8, 4));
  CHECK(bench.task().tcf == TcfMode::async);
}

TEST_CASE("an old page fails an access with page faults disabled, until a fault is handled", "[unit][action]") {
  Bench bench;
  const Action old = on_buffer(bench, ActionKind::short_copy, 0, kPage);
  CHECK(choices(bench, old, store(bench, 0)).empty());
  bench.task().pagefault_disabled = 1;
  act(bench, old, store(bench, 0));
  CHECK(choices(bench, old, store(bench, 0)).empty());
  const auto fails = [&] {
    return check_access(bench.machine(), *bench.machine().spaces[0], store(bench, 0), OnMismatch::ignored).fault;
  };
  REQUIRE(fails());
  CHECK(fails()->kind == FaultKind::translation);
  CHECK(handle_mm_fault(bench.machine(), 0, bench.address(Bytes{0}), AccessKind::store) == VmFault::minor);
  CHECK_FALSE(fails());
}

TEST_CASE("the reference rule offers every target before every access", "[unit][action]") {
  Bench bench{{.pages = 2}};
  const Action unmap = on_buffer(bench, ActionKind::unmap, 0, 2 * kPage);
  const AccessRun run = store(bench, 0, 8, 3);
  CHECK(choices(bench, unmap, run, SiteRule::everywhere).size() == 6);
  CHECK(choices(bench, unmap, run, SiteRule::lazy).size() == 3);  // page 0, before each
}

TEST_CASE("every kind of action has a name of its own", "[unit][action]") {
  for (const ActionInfo& info : action_infos()) {
    CHECK(&info_of(info.kind) == &info);
    CHECK(std::count_if(action_infos().begin(), action_infos().end(),
                        [&](const ActionInfo& other) { return other.name == info.name; }) == 1);
  }
}

}  // namespace
}  // namespace mtesim::test
