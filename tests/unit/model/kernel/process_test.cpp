#include "model/kernel/process.h"

#include <catch2/catch.hpp>

#include "tests/support/bench.h"

namespace mtesim::test {
namespace {

constexpr std::uint64_t kPage = 4096;

TEST_CASE("a child has its parent's modes and memory, and nothing pending", "[unit][process]") {
  Bench bench{{.tcf = TcfMode::sync, .tag = Tag{3}}};
  bench.task().pending.other = true;
  const TaskId child = fork_task(bench.kernel());
  const Task& theirs = bench.machine().task(child);
  CHECK(bench.task().child == child.n);
  CHECK(theirs.tcf == TcfMode::sync);
  CHECK_FALSE(theirs.pending.other);
  CHECK(theirs.space != bench.task().space);
  CHECK(load_tag(bench.machine(), theirs.space, bench.address({})) == Tag{3});
}

TEST_CASE("exec leaves an empty space and a fresh thread", "[unit][process]") {
  Bench bench;
  exec_task(bench.kernel());
  CHECK(bench.machine().spaces[0]->find(bench.address({})) == nullptr);
  CHECK(bench.task() == Task{});
}

TEST_CASE("tags are peeked as far as PROT_MTE goes", "[unit][process]") {
  Bench bench{{.pages = 2, .tag = Tag{3}}};
  bench.retag_granule(1, Tag{9});
  dontneed(bench.machine(), 0, bench.address(Bytes{kPage}), bench.address(Bytes{2 * kPage}));
  const TaskId child = fork_task(bench.kernel());
  const UserPtr at = bench.user(8);  // rounded down to a granule
  CHECK(peek_tags(bench.kernel(), child, at, 3) == std::vector<Tag>{Tag{3}, Tag{9}, Tag{3}});
  const std::vector<Tag> end = peek_tags(bench.kernel(), child, bench.user(2 * kPage - 32), 3);
  CHECK(end == std::vector<Tag>{Tag{0}, Tag{0}});  // never touched, then the end of the mapping
  CHECK(peek_tags(bench.kernel(), child, bench.user(2 * kPage), 1).empty());
}

TEST_CASE("memory without PROT_MTE has no tags to peek or poke", "[unit][process]") {
  Bench bench{{.tag = Tag{0}, .prot = {true, true, false}}};
  const TaskId child = fork_task(bench.kernel());
  CHECK(peek_tags(bench.kernel(), child, bench.user(), 1).empty());
  CHECK(poke_tags(bench.kernel(), child, bench.user(), {1}) == 0);
}

TEST_CASE("a poke breaks copy-on-write and takes four bits of a byte", "[unit][process]") {
  Bench bench{{.tag = Tag{3}}};
  const TaskId child = fork_task(bench.kernel());
  CHECK(poke_tags(bench.kernel(), child, bench.user(), {0x7f, 0x12}) == 2);
  const std::uint32_t space = bench.machine().task(child).space;
  CHECK(load_tag(bench.machine(), space, bench.address({})) == Tag{15});
  CHECK(load_tag(bench.machine(), space, bench.address(Bytes{16})) == Tag{2});
  CHECK(bench.tag_at(0) == Tag{3});
  CHECK(bench.tag_at(1) == Tag{3});
}

}  // namespace
}  // namespace mtesim::test
