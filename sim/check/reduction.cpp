#include "sim/check/reduction.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>
#include <vector>

#include "model/mm/mmap.h"

namespace mtesim {

namespace {

struct Range {
  std::uint64_t begin{};
  std::uint64_t end{};
};

/// User memory by address: sorted, apart from each other, to whole granules.
class Ranges {
 public:
  void add(const UserSegments& segments) {
    for (const UserSegment& segment : segments) {
      if (segment.length.n == 0) continue;
      const std::uint64_t begin = segment.base.address();
      ranges_.push_back({round_down(begin, kGranule), round_up(begin + segment.length.n, kGranule)});
    }
  }
  void sort() {
    std::sort(ranges_.begin(), ranges_.end(), [](const Range& a, const Range& b) { return a.begin < b.begin; });
    std::size_t kept = 0;
    for (const Range& range : ranges_) {
      if (kept > 0 && range.begin <= ranges_[kept - 1].end) {
        ranges_[kept - 1].end = std::max(ranges_[kept - 1].end, range.end);
      } else {
        ranges_[kept++] = range;
      }
    }
    ranges_.resize(kept);
  }
  /// f(begin, end) for each part of [begin, end) that is in none.
  template <class F>
  void for_each_gap(std::uint64_t begin, std::uint64_t end, F&& f) const {
    for (const Range& range : ranges_) {
      if (begin >= end || range.begin >= end) break;
      if (begin < range.begin) f(begin, range.begin);
      begin = std::max(begin, range.end);
    }
    if (begin < end) f(begin, end);
  }

 private:
  std::vector<Range> ranges_;
};

/// All memory that any task can still come to; nullopt: any.
std::optional<Ranges> within_reach(const Workload& workload, const WorkState& work) {
  Ranges reach;
  for (std::size_t t = 0; t < work.tasks.size(); ++t) {
    const TaskState& task = work.tasks[t];
    if (task.killed) continue;
    const std::vector<CopyLoop>& calls = workload.calls[t];
    for (std::size_t c = task.call; c < calls.size(); ++c) {
      const bool inside = c == task.call && task.in_kernel;
      const std::optional<UserSegments> more = calls[c].remaining(inside ? task.loop : calls[c].begin());
      if (!more) return std::nullopt;
      reach.add(*more);
    }
  }
  reach.sort();
  return reach;
}

/// Mappings whose pages have one name only, and nobody else's cache behind them.
std::vector<Range> private_memory(const Machine& machine) {
  std::vector<Range> found;
  machine.spaces.front()->for_each_vma([&](std::uint64_t begin, std::uint64_t end, const Vma& vma) {
    const bool anonymous = machine.objects[vma.object]->kind == ObjectKind::anonymous;
    if (!vma.shared && anonymous) found.push_back({begin, end});
  });
  return found;
}

void forget_tags(Machine& machine, std::uint64_t page, std::uint64_t begin, std::uint64_t end) {
  const Pte& pte = machine.spaces.front()->pte(machine.page_index(page));
  if (pte.state != PteState::present && pte.state != PteState::swapped) return;
  const std::size_t first = (begin - page) / kGranule.n;
  const std::size_t last = (end - page) / kGranule.n;
  if (machine.folio(pte.folio).tags.first_unlike(Tag{}, first, last) == last) return;
  machine.edit_folio(pte.folio, [&](Folio& folio) {
    for (std::size_t g = first; g < last; ++g) folio.tags.set(g, Tag{}, machine.granules_per_page());
  });
}

void forget_untouched(const Workload& workload, std::span<const Action> actions, CheckState& state) {
  Machine& machine = state.work.machine;
  if (machine.spaces.size() != 1) return;
  const std::optional<Ranges> reach = within_reach(workload, state.work);
  if (!reach) return;
  for (const Range& memory : private_memory(machine)) {
    std::vector<Range> parts;  // of pages that are within reach elsewhere
    std::vector<Range> whole;
    reach->for_each_gap(memory.begin, memory.end, [&](std::uint64_t begin, std::uint64_t end) {
      const std::uint64_t from = std::min(round_up(begin, machine.page_size), end);
      const std::uint64_t to = std::max(round_down(end, machine.page_size), from);
      if (begin < from) parts.push_back({begin, from});
      if (from < to) whole.push_back({from, to});
      if (to < end) parts.push_back({to, end});
    });
    for (const Range& part : parts)
      forget_tags(machine, round_down(part.begin, machine.page_size), part.begin, part.end);
    for (const Range& pages : whole) unmap_memory(machine, 0, pages.begin, pages.end);
  }
  if (state.looked_at.empty()) return;
  const Action& placement =
      *std::find_if(actions.begin(), actions.end(), [](const Action& action) { return action.before_call; });
  reach->for_each_gap(placement.begin, placement.end, [&](std::uint64_t begin, std::uint64_t end) {
    mark_looked_at(state.looked_at, placement, begin, end);
  });
}

void merge_tags(std::uint16_t pointers, Machine& machine) {
  Tag other;
  while (other.bits < 16 && (pointers >> other.bits & 1U) != 0) ++other.bits;
  if (other.bits == 16) return;  // every tag is some pointer's
  const auto known = static_cast<std::uint16_t>(pointers | 1U << other.bits);
  const std::size_t granules = machine.granules_per_page();
  for (std::uint32_t o = 0; o < machine.objects.size(); ++o) {
    const std::size_t pages = machine.objects[o]->folios.extent();
    for (std::uint32_t i = 0; i < pages; ++i) {
      if (machine.folio({o, i}).tags.only(known)) continue;
      machine.edit_folio({o, i}, [&](Folio& folio) {
        for (std::size_t g = 0; g < granules; ++g) {
          if ((known >> folio.tags.at(g).bits & 1U) == 0) folio.tags.set(g, other, granules);
        }
      });
    }
  }
}

constexpr std::array<Reduction, 4> kReductions{{
    {"lazy", "the environment acts only before looks at what the action is on",
     [](BranchRules& rules) { rules.sites = SiteRule::everywhere; }},
    {"join", "ways through a step that saw the same and came to the same are followed once",
     [](BranchRules& rules) { rules.join_histories = false; }},
    {"tags", "tags that no pointer has are alike", [](BranchRules& rules) { rules.merge_tags = false; }},
    {"untouched", "memory that no call can come to any more is forgotten",
     [](BranchRules& rules) { rules.forget_untouched = false; }},
}};

}  // namespace

std::span<const Reduction> reductions() { return kReductions; }

void canonicalise(const Workload& workload, const BranchRules& rules, std::span<const Action> actions,
                  CheckState& state) {
  if (state.work.machine.track_contents) return;
  if (rules.forget_untouched) forget_untouched(workload, actions, state);
  if (rules.merge_tags && workload.pointer_tags) merge_tags(*workload.pointer_tags, state.work.machine);
}

}  // namespace mtesim
