#include "model/kernel/action.h"

#include <algorithm>
#include <array>
#include <optional>

#include "model/mm/mmap.h"

namespace mtesim {

namespace {

constexpr std::string_view kAtPage = "an access to the page, or a walk of the page tables to it";
constexpr std::string_view kAtSignalCheck = "a look for signals, and the return to user space";

constexpr std::array<ActionInfo, 11> kInfos{{
    {ActionKind::evict, "evict", "reclaim takes a page: to swap with its tags, or dropped", true, false, kAtPage},
    {ActionKind::evict_file_page, "evict_file_page", "reclaim takes a clean page of a file's page cache", false, true,
     "a lookup of the page in the page cache"},
    {ActionKind::retag, "retag", "another thread changes the tag of a granule", true, false,
     "an access to the granule"},
    {ActionKind::protect, "protect", "another thread takes the right to write from a page", true, false, kAtPage},
    {ActionKind::unmap, "unmap", "another thread unmaps a page", true, false, kAtPage},
    {ActionKind::dontneed, "dontneed", "another thread calls madvise(MADV_DONTNEED) on a page", true, false, kAtPage},
    {ActionKind::truncate, "truncate", "another thread makes a file shorter, while nobody holds a lock of it", false,
     true, "an access or walk to a mapping of what is cut off, a lookup in the file's page cache, a lock of the file"},
    {ActionKind::migrate_cpu, "migrate_cpu", "the task moves to a CPU that prefers another tag check mode", false,
     false, "an access to a granule whose tag is not the pointer's, and the entry to the kernel"},
    {ActionKind::short_copy, "short_copy",
     "the next access to a page needs a fault, though the page is there: its young bit was cleared", true, false,
     "an access to the page with page faults disabled"},
    {ActionKind::signal, "signal", "a signal with a handler becomes pending", false, false, kAtSignalCheck},
    {ActionKind::sigkill, "sigkill", "SIGKILL becomes pending", false, false, kAtSignalCheck},
}};

bool is_page_action(ActionKind kind) {
  return kind == ActionKind::evict || kind == ActionKind::protect || kind == ActionKind::unmap ||
         kind == ActionKind::dontneed || kind == ActionKind::short_copy;
}

/// The page whose tags another thread can have changed: one that is this process's own, or shared with those who are
/// to see it. It need not be writable any more, nor mapped at the moment: it was when the tags were stored.
std::optional<FolioRef> taggable_page(const Machine& machine, const Action& action, std::uint64_t address) {
  const AddressSpace& space = *machine.spaces[action.space];
  const Vma* vma = space.find(address);
  if (vma == nullptr || !vma->prot.mte) return std::nullopt;
  const std::uint64_t page_index = machine.page_index(address);
  const Pte& pte = space.pte(page_index);
  const bool named = pte.state == PteState::present || pte.state == PteState::swapped;
  if (vma->shared) {
    const FolioRef own{vma->object, static_cast<std::uint32_t>(page_index + vma->page_delta)};
    return machine.folio(own).allocated ? std::optional(own) : std::nullopt;
  }
  return named && machine.folio(pte.folio).maps == 1 ? std::optional(pte.folio) : std::nullopt;
}

/// Whether the action would change anything on the page of this address.
bool would_change(const Machine& machine, const Action& action, std::uint64_t address) {
  const AddressSpace& space = *machine.spaces[action.space];
  const Vma* vma = space.find(address);
  if (vma == nullptr) return false;
  const Pte& pte = space.pte(machine.page_index(address));
  const PteState state = pte.state;
  switch (action.kind) {
    case ActionKind::retag:
      return taggable_page(machine, action, address).has_value();
    case ActionKind::evict:
      return state == PteState::present || state == PteState::zero;
    case ActionKind::protect:
      return vma->prot.write;
    case ActionKind::unmap:
      return true;
    case ActionKind::dontneed:
      return state != PteState::none;
    case ActionKind::short_copy:
      return (state == PteState::present || state == PteState::zero) && !pte.old;
    default:
      return false;
  }
}

/// Whom a signal is for.
template <class F>
void for_each_task(const Action& action, Machine& machine, F&& f) {
  for (std::uint32_t t = 0; t < machine.tasks.size(); ++t) {
    if (action.is_for(TaskId{t})) f(machine.task(TaskId{t}));
  }
}

using Visit = std::function<bool(const ActionChoice&)>;

/// Visits the targets of a range action among [from, to): false as soon as a visit says so. Whether anything would
/// change is a question of the page, and is asked once a page.
class Targets {
 public:
  Targets(const Machine& machine, const Action& action)
      : machine_(machine), action_(action), unit_(is_page_action(action.kind) ? machine.page_size : kGranule) {}

  template <class F>
  bool visit(std::uint64_t from, std::uint64_t to, F&& f) {
    for (std::uint64_t t = round_down(from, unit_); t < to; t += unit_.n) {
      if (t + unit_.n <= action_.begin || t >= action_.end) continue;
      const std::uint64_t page = round_down(t, machine_.page_size);
      if (page != page_) {
        page_ = page;
        changes_ = would_change(machine_, action_, page);
      }
      if (changes_ && !f(t)) return false;
    }
    return true;
  }

 private:
  const Machine& machine_;
  const Action& action_;
  Bytes unit_;
  std::uint64_t page_{~std::uint64_t{0}};
  bool changes_{};
};

/// Whether it can be seen that a page got old or was evicted just before an access of this kind, which faults it in
/// again. An old one is as it was. One that was evicted may come back otherwise: a load brings it back read-only, and
/// others who map it have lost it. Or whether it may not come back at once: the fault asks for locks, which other tasks
/// may have, or of some files the task itself.
bool fault_shows(const Machine& machine, const Action& action, std::uint64_t page_address, AccessKind kind) {
  const Pte& pte = machine.spaces[action.space]->pte(machine.page_index(page_address));
  if (pte.state != PteState::present) return false;
  const Vma* vma = machine.spaces[action.space]->find(page_address);
  const bool asks_file = vma != nullptr && machine.objects[vma->object]->fault_locking != FaultLocking::none;
  if (asks_file || machine.tasks.size() > 1) return true;
  if (action.kind == ActionKind::short_copy) return false;
  if (machine.folio(pte.folio).maps > 1) return true;
  return kind == AccessKind::load && pte.writable && !(goes_to_swap(machine, pte.folio) && machine.swap_in_writable);
}

/// How many accesses of the run will be come to, should nobody act: behind one that ends it there is nothing to act on.
std::uint64_t accesses_to_come(const AccessRun& run, const Machine& machine, TaskId current) {
  const Task& task = machine.task(current);
  const OnMismatch policy = on_mismatch(task.tcf, task.store_only, task.kernel_tco, run.kind);
  AccessCheck check = check_access(machine, machine.space_of(current), run, policy);
  if (!check.fault) return run.count;
  if (check.fault->kind == FaultKind::tag || task.pagefault_disabled > 0) return check.fault->access + 1;
  Machine imagined = machine;  // with the page faults handled that will be
  do {
    const std::uint64_t address = check.fault->address.address();
    if (failed(handle_mm_fault(imagined, task.space, address, run.kind))) return check.fault->access + 1;
    check = check_access(imagined, imagined.space_of(current), run, policy);
    if (!check.fault) return run.count;
  } while (check.fault->kind != FaultKind::tag);
  return check.fault->access + 1;
}

bool visit_run(const AccessRun& run, const Machine& machine, TaskId current, const Action& action, std::uint32_t index,
               SiteRule rule, const Visit& visit) {
  Targets targets(machine, action);
  if (rule == SiteRule::everywhere) {
    for (std::uint64_t i = 0; i < run.count; ++i) {
      const bool on = targets.visit(action.begin, action.end, [&](std::uint64_t target) {
        return visit({index, i, target, run.first.tag()});
      });
      if (!on) return false;
    }
    return true;
  }
  const std::uint64_t begin = run.first.address();
  if (begin >= action.end || begin + run.span().n <= action.begin) return true;
  const bool faults = action.kind == ActionKind::evict || action.kind == ActionKind::short_copy;
  const bool handled = faults && machine.task(current).pagefault_disabled == 0;
  std::uint64_t met = ~std::uint64_t{0};  // the last page offered
  const std::uint64_t count = accesses_to_come(run, machine, current);
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::uint64_t address = run.at(i).address();
    const std::uint64_t last_page = round_down(address + run.width - 1, machine.page_size);
    if (handled && last_page == met) continue;
    const bool on = targets.visit(address, address + run.width, [&](std::uint64_t target) {
      const bool undone = rule == SiteRule::lazy && !fault_shows(machine, action, target, run.kind);
      if (handled && (target == met || undone)) return true;
      return visit({index, i, target, run.first.tag()});
    });
    if (!on) return false;
    met = last_page;
  }
  return true;
}

/// Visits the sizes that the file may be cut to, the smallest first: below `below`, and such that page `index` is gone
/// with all its bytes, if one is asked for.
bool visit_sizes(const Machine& machine, const Action& action, std::uint32_t index, std::uint64_t access,
                 std::uint64_t page, const Visit& visit) {
  const Bytes now = machine.objects[action.object]->size;
  const auto offer = [&](Bytes size) {
    const bool cuts = size < now && round_up(size.n, machine.page_size) <= page * machine.page_size.n;
    return !cuts || visit({index, access, size.n, {}});
  };
  if (action.size) return offer(*action.size);
  for (Bytes size; size < now; size += machine.page_size) {
    if (!offer(size)) return false;
  }
  return true;
}

bool visit_truncate(const Look& look, const Machine& machine, TaskId current, std::span<const Action> actions,
                    std::uint32_t index, SiteRule rule, const Visit& visit) {
  constexpr std::uint64_t kAnyPage = std::uint64_t{1} << 32;
  const Action& action = actions[index];
  for (const Locks::Held& held : machine.locks.held()) {
    if (is_of_file(held.lock.kind) && held.lock.object == action.object) return true;  // it waits for that
  }
  const auto* lookup = std::get_if<CacheLookup>(&look);
  const auto* file = std::get_if<FileLook>(&look);
  const bool everywhere = rule == SiteRule::everywhere && (lookup != nullptr || file != nullptr);
  if (everywhere || (lookup != nullptr && lookup->folio.object == action.object) ||
      (file != nullptr && file->object == action.object)) {
    return visit_sizes(machine, action, index, 0, kAnyPage, visit);
  }
  const auto* walk = std::get_if<PageWalk>(&look);
  const auto* run = std::get_if<AccessRun>(&look);
  if (walk == nullptr && run == nullptr) return true;
  const AccessRun accesses = run != nullptr ? *run : AccessRun{UserPtr(walk->address), 1, 1, 1, walk->kind};
  const std::uint64_t count =
      run == nullptr || rule == SiteRule::everywhere ? accesses.count : accesses_to_come(accesses, machine, current);
  const AddressSpace& space = machine.space_of(current);
  for (std::uint64_t i = 0; i < count; ++i) {
    std::uint64_t page = rule == SiteRule::everywhere ? kAnyPage : 0;  // of the file, the last one that is looked at
    const std::uint64_t first = accesses.at(i).address();
    bool of_file = rule == SiteRule::everywhere;
    for (const std::uint64_t address : {first, first + accesses.width - 1}) {
      const Vma* vma = space.find(address);
      if (vma == nullptr || vma->object != action.object) continue;
      of_file = true;
      page = std::max<std::uint64_t>(page, static_cast<std::uint32_t>(machine.page_index(address) + vma->page_delta));
    }
    if (of_file && !visit_sizes(machine, action, index, i, page, visit)) return false;
  }
  return true;
}

bool visit_migrate(const Look& look, const Machine& machine, TaskId current, std::span<const Action> actions,
                   std::uint32_t index, SiteRule rule, const Visit& visit) {
  const Action& action = actions[index];
  const Task& task = machine.task(action.task);
  if (!(action.task == current) || !task.tcf_sync_asked || !task.tcf_async_asked) return true;
  const auto offer = [&](std::uint64_t access) {
    for (const TcfMode mode : {TcfMode::sync, TcfMode::async, TcfMode::asymm}) {
      const bool moves = action.allows(mode) && mode != task.tcf;
      if (moves && !visit({index, access, static_cast<std::uint64_t>(mode), {}})) return false;
    }
    return true;
  };
  const auto* run = std::get_if<AccessRun>(&look);
  if (run == nullptr) {
    const bool looks = std::holds_alternative<KernelEntry>(look) || rule == SiteRule::everywhere;
    return !looks || offer(0);
  }
  if (rule == SiteRule::everywhere) {
    for (std::uint64_t i = 0; i < run->count; ++i) {
      if (!offer(i)) return false;
    }
    return true;
  }
  const std::uint64_t count = accesses_to_come(*run, machine, current);
  for (std::uint64_t i = 0; i < count; ++i) {  // from one access that could have a mismatch to the next
    const AccessRun rest = run->from(i).upto(count - i);
    const AccessCheck check = check_access(machine, machine.space_of(current), rest, OnMismatch::fault);
    if (!check.fault) return true;
    i += check.fault->access;
    if (!offer(i)) return false;
  }
  return true;
}

}  // namespace

std::span<const ActionInfo> action_infos() { return kInfos; }

const ActionInfo& info_of(ActionKind kind) {
  return *std::find_if(kInfos.begin(), kInfos.end(), [&](const ActionInfo& info) { return info.kind == kind; });
}

bool for_each_choice(const Look& look, const Machine& machine, TaskId current, std::span<const Action> actions,
                     std::uint32_t index, SiteRule rule, const Visit& visit) {
  const Action& action = actions[index];
  if (action.kind == ActionKind::signal || action.kind == ActionKind::sigkill) {
    const bool fatal = action.kind == ActionKind::sigkill;
    const bool looks =
        rule == SiteRule::everywhere || (std::holds_alternative<SignalCheck>(look) && action.is_for(current));
    bool already = true;
    for (std::uint32_t t = 0; t < machine.tasks.size(); ++t) {
      const PendingSignals& pending = machine.task(TaskId{t}).pending;
      if (action.is_for(TaskId{t})) already = already && (fatal ? pending.fatal : pending.other);
    }
    return !looks || already || visit({index, 0, 0, {}});
  }
  if (action.kind == ActionKind::evict_file_page) {
    const auto* lookup = std::get_if<CacheLookup>(&look);
    if (lookup == nullptr || lookup->folio.object != action.object) return true;
    const Folio& folio = machine.folio(lookup->folio);
    const bool clean = folio.in_cache && !folio.dirty && folio.maps == 0;
    const bool on_disk = machine.objects[action.object]->kind == ObjectKind::file;
    return !clean || !on_disk || visit({index, 0, lookup->folio.index, {}});
  }
  if (action.kind == ActionKind::truncate) return visit_truncate(look, machine, current, actions, index, rule, visit);
  if (action.kind == ActionKind::migrate_cpu) return visit_migrate(look, machine, current, actions, index, rule, visit);
  const auto* const walks = std::get_if<PageWalk>(&look);
  const bool elsewhere = walks != nullptr && walks->space != PageWalk::kOwnSpace;
  if ((elsewhere ? walks->space : machine.task(current).space) != action.space) return true;
  if (const auto* run = std::get_if<AccessRun>(&look)) {
    return visit_run(*run, machine, current, action, index, rule, visit);
  }
  if (const auto* walk = std::get_if<PageWalk>(&look)) {
    if (rule == SiteRule::everywhere) {
      const AccessRun one{UserPtr(walk->address), 1, 1, 1, walk->kind};
      return visit_run(one, machine, current, action, index, rule, visit);
    }
    if (!is_page_action(action.kind) || action.kind == ActionKind::short_copy) return true;
    return Targets(machine, action).visit(walk->address, walk->address + 1, [&](std::uint64_t target) {
      return visit({index, 0, target, {}});
    });
  }
  return true;
}

void apply(const ActionChoice& choice, std::span<const Action> actions, Machine& machine) {
  const Action& action = actions[choice.action];
  const std::uint64_t page_end = choice.target + machine.page_size.n;
  switch (action.kind) {
    case ActionKind::evict:
      evict(machine, action.space, machine.page_index(choice.target));
      break;
    case ActionKind::evict_file_page:
      machine.edit_folio({action.object, static_cast<std::uint32_t>(choice.target)},
                         [](Folio& folio) { folio = Folio{}; });
      break;
    case ActionKind::retag: {
      const std::optional<FolioRef> page = taggable_page(machine, action, choice.target);
      MTESIM_CHECK(page.has_value());
      const std::size_t granule = choice.target % machine.page_size.n / kGranule.n;
      const Tag now = machine.folio(*page).tags.at(granule);
      const Tag next = now == choice.pointer ? action.unlike(choice.pointer) : choice.pointer;
      machine.edit_folio(*page, [&](Folio& folio) { folio.tags.set(granule, next, machine.granules_per_page()); });
      break;
    }
    case ActionKind::protect: {
      Prot prot = machine.spaces[action.space]->find(choice.target)->prot;
      prot.write = false;
      const Errno done = protect_memory(machine, action.space, choice.target, page_end, prot);
      MTESIM_CHECK(done == Errno::ok);
      break;
    }
    case ActionKind::unmap:
      unmap_memory(machine, action.space, choice.target, page_end);
      break;
    case ActionKind::dontneed:
      dontneed(machine, action.space, choice.target, page_end);
      break;
    case ActionKind::truncate:
      truncate_object(machine, action.object, Bytes{choice.target});
      break;
    case ActionKind::migrate_cpu: {
      Task& task = machine.task(action.task);
      task.tcf = static_cast<TcfMode>(choice.target);
      task.moved_to = task.tcf == machine.preferred_tcf ? TcfMode::none : task.tcf;
      break;
    }
    case ActionKind::short_copy: {
      const std::uint64_t page = machine.page_index(choice.target);
      Pte pte = machine.spaces[action.space]->pte(page);
      pte.old = true;
      machine.spaces[action.space].write().set_pte(page, pte);
      break;
    }
    case ActionKind::signal:
      for_each_task(action, machine, [](Task& task) { task.pending.other = true; });
      break;
    case ActionKind::sigkill:
      for_each_task(action, machine, [](Task& task) { task.pending.fatal = true; });
      break;
  }
}

}  // namespace mtesim
