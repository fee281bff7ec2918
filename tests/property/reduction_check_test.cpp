// The guard of the checker's soundness: branches only before looks that they concern, and histories that saw the same
// joined, against branches before every access, each history by itself.
#include <catch2/catch.hpp>

#include "tests/support/reduction.h"

namespace mtesim::test {
namespace {

TEST_CASE("leaving out what nothing looks at changes no answer", "[property][check]") {
  const Tried tried = try_random_systems(1, 4000);
  INFO(tried.difference);
  CHECK(tried.difference.empty());
  CHECK(tried.searches > 6000);
  CHECK(tried.verdicts.at(Verdict::returns) > 1000);
  CHECK(tried.verdicts.at(Verdict::livelock) > 100);
  CHECK(tried.verdicts.at(Verdict::starvation) > 5);
}

constexpr std::uint64_t kBase = AddressSpace::kBaseAddress;

/// A page of tag 5.
SmallSystem one_page() {
  SmallSystem system;
  system.workload.revision = *find_revision("7.3");
  Machine& m = system.workload.start;
  m.spaces.emplace_back(AddressSpace{});
  m.tasks.push_back(Task{.tcf = TcfMode::sync, .tagged_addr_abi = true});
  m.objects.emplace_back(MemoryObject{ObjectKind::anonymous, Bytes{4096}});
  REQUIRE(map_memory(m, 0, {kBase, kBase + 4096, {true, true, true}, false, 1, 0}) == Errno::ok);
  REQUIRE_FALSE(failed(handle_mm_fault(m, 0, kBase, AccessKind::store)));
  m.edit_folio({1, 0}, [&](Folio& folio) { folio.tags.set_all(Tag{5}, 256); });
  system.workload.calls.resize(1);
  return system;
}

void add_call(SmallSystem& system, CallKind kind, std::string_view fs, std::uint64_t at, std::uint64_t size, Tag tag) {
  const std::uint32_t file = add_file(system.workload.start, fs, Bytes{4096});
  system.workload.calls[0].push_back(loop_of(transfer(kind, fs, file, {{UserPtr(kBase + at, tag), Bytes{size}}})));
}

std::set<std::vector<std::int64_t>> results(const SmallSystem& system, SiteRule rule) {
  return answer(system, {rule, true}, 10'000).results;
}

Action retag_granule(std::uint64_t granule) {
  return {.kind = ActionKind::retag, .begin = kBase + 16 * granule, .end = kBase + 16 * granule + 16, .budget = 1};
}

TEST_CASE("a retag that comes before its page becomes read-only is not missed", "[property][check]") {
  SmallSystem system = one_page();
  add_call(system, CallKind::read, "ext4", 0, 16, Tag{5});    // fails once the page is read-only
  add_call(system, CallKind::write, "tmpfs", 0, 64, Tag{5});  // looks at granule 2
  system.actions = {{.kind = ActionKind::protect, .begin = kBase, .end = kBase + 4096, .budget = 1}, retag_granule(2)};
  CHECK(results(system, SiteRule::lazy).count({-14, 32}) == 1);
  CHECK(results(system, SiteRule::lazy) == results(system, SiteRule::everywhere));
}

TEST_CASE("a SIGKILL between two calls is not missed", "[property][check]") {
  SmallSystem system = one_page();
  add_call(system, CallKind::read, "zero", 0, 16, Tag{5});  // does not look for signals within a page
  add_call(system, CallKind::read, "zero", 0, 16, Tag{5});
  system.actions = {{.kind = ActionKind::sigkill}};
  CHECK(results(system, SiteRule::lazy) == std::set<std::vector<std::int64_t>>{{16}, {16, 16}});
  CHECK(results(system, SiteRule::lazy) == results(system, SiteRule::everywhere));
}

// A retag is offered before a look, and gives the granule the looking pointer's tag or one that differs; not the tag
// of another pointer that is to look later.
TEST_CASE("known_gap_a_granule_is_not_given_the_tag_of_another_pointer", "[property][check]") {
  SmallSystem system = one_page();
  system.workload.start.edit_folio({1, 0}, [](Folio& folio) { folio.tags.set(4, Tag{2}, 256); });
  add_call(system, CallKind::read, "zero", 64, 16, Tag{2});  // a look with tag 2, elsewhere
  add_call(system, CallKind::read, "zero", 0, 16, Tag{5});
  add_call(system, CallKind::read, "zero", 0, 16, Tag{2});
  system.actions = {retag_granule(0)};
  CHECK(results(system, SiteRule::everywhere).count({16, -14, 16}) == 1);  // given tag 2 before both
  CHECK(results(system, SiteRule::lazy).count({16, -14, 16}) == 0);
}

}  // namespace
}  // namespace mtesim::test
