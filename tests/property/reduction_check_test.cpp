// The guard of the checker's soundness: branches only before looks that they concern, and histories that saw the same
// joined, against branches before every access, each history by itself.
#include <algorithm>
#include <catch2/catch.hpp>

#include "tests/support/reduction.h"

namespace mtesim::test {
namespace {

TEST_CASE("leaving out what nothing looks at changes no answer", "[property][check]") {
  const Tried tried = try_random_systems(1, 1500);
  INFO(tried.difference);
  CHECK(tried.difference.empty());
  CHECK(tried.searches > 6000);
  CHECK(tried.verdicts.at(Verdict::returns) > 500);
  CHECK(tried.verdicts.at(Verdict::livelock) > 50);
  CHECK(tried.verdicts.at(Verdict::starvation) > 3);
}

/// Notes what is accessed or walked to outside what the loop said at the trip's begin that it would come to.
class WithinReach final : public Environment {
 public:
  explicit WithinReach(UserSegments reach) : reach_(std::move(reach)) {}
  std::uint64_t before(const Look& next, Machine&) override {
    const auto* run = std::get_if<AccessRun>(&next);
    if (run != nullptr) {
      for (std::uint64_t i = 0; i < run->count; ++i) outside_ |= !covers(run->at(i).address(), run->width);
    } else if (const auto* walk = std::get_if<PageWalk>(&next)) {
      outside_ |= !covers(walk->address, 1);
    }
    return run != nullptr ? run->count : 1;
  }
  void observe(const Event&) override {}
  [[nodiscard]] bool outside() const { return outside_; }

 private:
  [[nodiscard]] bool covers(std::uint64_t address, std::uint64_t size) const {
    for (std::uint64_t byte = address; byte < address + size; ++byte) {
      const bool known = std::any_of(reach_.begin(), reach_.end(), [&](const UserSegment& s) {
        return byte >= s.base.address() && byte < s.base.address() + s.length.n;
      });
      if (!known) return false;
    }
    return true;
  }
  UserSegments reach_;
  bool outside_{};
};

TEST_CASE("no loop comes to memory that it did not say it would come to", "[property][check]") {
  std::mt19937_64 random(7);
  std::uint64_t trips = 0;
  for (int i = 0; i < 2000; ++i) {
    const SmallSystem system = small_system(random_genes(random));
    if (system.workload.calls.size() != 1) continue;
    WorkState state = begin(system.workload);
    for (int trip = 0; trip < 20 && !is_done(system.workload, state); ++trip) {
      const TaskState& task = state.tasks.front();
      const CopyLoop& loop = system.workload.calls.front()[task.call];
      const auto reach = loop.remaining(task.in_kernel ? task.loop : loop.begin());
      if (!reach) break;
      WithinReach watch(*reach);
      const Step made = step(system.workload, state, TaskId{0}, watch);
      INFO(system.told << ", trip " << trip);
      CHECK_FALSE(watch.outside());
      ++trips;
      if (std::holds_alternative<Blocked>(made)) break;
    }
  }
  CHECK(trips > 2000);
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
  return answer(system, {.sites = rule}, 10'000).results;
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
