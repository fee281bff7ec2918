#include "sim/scenario/family.h"

#include <algorithm>

namespace mtesim {

namespace {

/// Whether tags that nobody looks at can be told from others by nothing else, either: no call and no action moves,
/// drops or reads tags but by accesses.
bool tags_show_by_accesses_only(const Built& built) {
  const Workload& workload = built.workload;
  if (workload.start.spaces.size() != 1 || workload.calls.size() != 1 || workload.system_calls.empty()) return false;
  if (built.check.rules.sites != SiteRule::lazy) return false;
  const auto& calls = workload.system_calls.front();
  const bool only_copies = std::all_of(calls.begin(), calls.end(), [](const auto& call) { return call.has_value(); });
  const bool tags_stay = std::none_of(built.check.actions.begin(), built.check.actions.end(), [](const Action& action) {
    return action.kind == ActionKind::dontneed || action.kind == ActionKind::unmap ||
           action.kind == ActionKind::truncate;
  });
  return only_copies && tags_stay;
}

Scenario without_tags(Scenario scenario) {
  for (MappingSpec& mapping : scenario.memory) mapping.tags.clear();
  return scenario;
}

const PageTags& tags_of(const Machine& machine, std::uint64_t page) {
  return machine.folio(machine.spaces.front()->pte(page).folio).tags;
}

bool same_tags(const Machine& a, const Machine& b, const std::vector<UserRange>& where) {
  const std::uint64_t page_size = a.page_size.n;
  for (const UserRange& range : where) {
    for (std::uint64_t at = round_down(range.begin, kGranule); at < range.end; at += kGranule.n) {
      if (at < AddressSpace::kBaseAddress) continue;
      const std::uint64_t page = a.page_index(at);
      const std::size_t granule = at % page_size / kGranule.n;
      if (!(tags_of(a, page).at(granule) == tags_of(b, page).at(granule))) return false;
    }
  }
  return true;
}

}  // namespace

std::optional<CheckResult> Family::find(const Scenario& scenario, const Built& built) const {
  if (!tags_show_by_accesses_only(built)) return std::nullopt;
  const Scenario asked = without_tags(scenario);
  const std::lock_guard lock(mutex_);
  for (const Known& known : known_) {
    if (known.but_for_tags == asked && same_tags(known.start, built.workload.start, known.result.accessed)) {
      return known.result;
    }
  }
  return std::nullopt;
}

void Family::add(const Scenario& scenario, const Built& built, const CheckResult& result) {
  if (result.verdict == Verdict::bound || !tags_show_by_accesses_only(built)) return;
  Known known{without_tags(scenario), built.workload.start, result};
  const std::lock_guard lock(mutex_);
  known_.push_back(std::move(known));
}

}  // namespace mtesim
