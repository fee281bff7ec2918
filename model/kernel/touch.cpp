#include "model/kernel/touch.h"

#include <algorithm>

#include "model/kernel/page_fault.h"
#include "model/mm/mmap.h"

namespace mtesim {

namespace {

/// Visits [begin, begin + size) of user memory a page at a time: f(entry, offset in the page, bytes). Every page has
/// been checked to be present.
template <class F>
void for_each_page_part(const Machine& machine, const AddressSpace& space, std::uint64_t begin, Bytes size, F&& f) {
  for (std::uint64_t done = 0; done < size.n;) {
    const std::uint64_t address = begin + done;
    const std::uint64_t offset = address & (machine.page_size.n - 1);
    const std::uint64_t bytes = std::min(machine.page_size.n - offset, size.n - done);
    f(space.pte(machine.page_index(address)), static_cast<std::uint32_t>(offset), bytes);
    done += bytes;
  }
}

void move_contents(Machine& machine, std::uint32_t space_index, const AccessRun& run, std::uint64_t offset_in_stored,
                   const Provenance* stored, Provenance* loaded) {
  const std::uint64_t begin = run.first.address();
  if (!machine.track_contents) {
    if (run.kind == AccessKind::load && loaded != nullptr)
      loaded->append(Origin{kUninitialisedSource, 0}, run.span().n);
    return;
  }
  if (run.kind == AccessKind::store && stored != nullptr) {
    const Cow<AddressSpace> space = machine.spaces[space_index];
    ProvenanceReader left(*stored, offset_in_stored);
    for_each_page_part(machine, *space, begin, run.span(),
                       [&](const Pte& pte, std::uint32_t offset, std::uint64_t bytes) {
                         const Provenance part = left.take(bytes);
                         machine.edit_folio(pte.folio, [&](Folio& folio) { folio.contents.write(offset, part); });
                       });
  }
  if (run.kind == AccessKind::load && loaded != nullptr) {
    for_each_page_part(machine, *machine.spaces[space_index], begin, run.span(),
                       [&](const Pte& pte, std::uint32_t offset, std::uint64_t bytes) {
                         if (pte.state == PteState::zero) {
                           loaded->append(Origin{}, bytes);
                         } else {
                           const auto end = static_cast<std::uint32_t>(offset + bytes);
                           machine.folio(pte.folio).contents.append_to(*loaded, offset, end);
                         }
                       });
  }
}

/// What a mismatch would have done to an access that passed: nothing where memory has no tags.
OnMismatch checked_by(const Kernel& k, const AccessRun& run, OnMismatch policy) {
  if (policy == OnMismatch::ignored) return policy;
  const Vma* vma = k.machine.space_of(k.current).find(run.first.address());
  return vma != nullptr && vma->prot.mte ? policy : OnMismatch::ignored;
}

}  // namespace

Touched touch(Kernel& k, const AccessRun& run, const Provenance* stored, Provenance* loaded, Accessor accessor,
              AccessFault* fault_out) {
  const bool user_mode = accessor == Accessor::user_mode || accessor == Accessor::tag_instruction;
  // Each made from its parts, not as a copy of one just made: the processor would have to wait for that.
  const auto part = [&run](std::uint64_t from, std::uint64_t count) {
    return AccessRun{run.at(from), run.width, run.stride, count, run.kind};
  };
  std::uint64_t done = 0;
  bool just_faulted_in = false;
  while (done < run.count) {
    // The world is asked before each access, but not again before the retry of one that just had its page faulted in.
    const std::uint64_t ahead = just_faulted_in ? 1 : k.environment.before(part(done, run.count - done), k.machine);
    const std::uint64_t count = std::clamp<std::uint64_t>(ahead, 1, run.count - done);

    const Task& task = k.task();
    const OnMismatch policy =
        accessor == Accessor::tag_instruction || accessor == Accessor::privileged
            ? OnMismatch::ignored
            : on_mismatch(task.tcf, task.store_only, user_mode ? task.user_tco : task.kernel_tco, run.kind);
    const AccessCheck check = check_access(k.machine, k.machine.space_of(k.current), part(done, count), policy);
    const std::uint64_t passed = check.fault ? check.fault->access : count;
    if (check.mismatch_recorded) k.task().tfsre0 = true;
    if (passed > 0) {
      Provenance read;
      move_contents(k.machine, k.task().space, part(done, passed), done * run.stride, stored,
                    loaded != nullptr ? &read : nullptr);
      if (loaded != nullptr) loaded->append(read);
      k.emit(Accessed{part(done, passed), loaded != nullptr ? &read : nullptr, user_mode,
                      checked_by(k, part(done, passed), policy)});
      done += passed;
    }
    if (!check.fault) {
      just_faulted_in = false;
      continue;
    }
    if (fault_out != nullptr) *fault_out = *check.fault;
    const std::uint64_t address = check.fault->address.address();
    if (check.fault->kind == FaultKind::tag) {
      k.emit(TagFaultTaken{check.fault->address, run.kind, user_mode, load_tag(k.machine, k.task().space, address)});
      return {done, true};
    }
    if (!user_mode && k.task().pagefault_disabled > 0) {
      k.emit(PageFaultTaken{address, run.kind, PageFaultResult::disabled, false});
      return {done, true};
    }
    const VmFault handled = take_page_fault(k, address, run.kind);
    const bool lost = failed(handled);
    k.emit(PageFaultTaken{address, run.kind,
                          lost                        ? PageFaultResult::failed
                          : handled == VmFault::major ? PageFaultResult::major
                                                      : PageFaultResult::minor,
                          false});
    if (lost) return {done, true};
    just_faulted_in = true;
  }
  return {done, false};
}

}  // namespace mtesim
