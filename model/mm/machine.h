#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "model/arch/access.h"
#include "model/arch/subpage_scheme.h"
#include "model/base/cow.h"
#include "model/mm/address_space.h"
#include "model/mm/locks.h"
#include "model/mm/memory_object.h"
#include "model/mm/pipe.h"
#include "model/mm/socket.h"
#include "model/mm/task.h"

namespace mtesim {

/// The whole machine: memory, page tables, tags, files, pipes, locks and threads.
/// Value:   copy it, compare it, keep it in a set. Copying costs a reference count a part; what is written is copied
///          then, a chunk at a time. It knows no clock, no statistics and no log: whatever only grows is an observer's.
/// Parts keep their own prints; the whole's is a sum over parts, and does not depend on how much memory there is.
struct Machine {
  Bytes page_size{4096};  ///< a power of two
  const SubpageScheme* scheme{find_subpage_scheme("mte")};
  bool swap_in_writable{};                ///< do_swap_page() maps an unshared page writable even for a load
  TcfMode preferred_tcf{TcfMode::async};  ///< mte_tcf_preferred of the CPU that tasks begin on
  bool track_contents{true};  ///< false: user stores leave contents alone, loads bring bytes of unknown origin
  std::vector<Cow<AddressSpace>> spaces;
  std::vector<Cow<MemoryObject>> objects{1};  ///< [0] is ObjectKind::copies
  std::vector<Cow<Pipe>> pipes;
  std::vector<Cow<Socket>> sockets;
  std::vector<std::uint64_t> eventfds;  ///< their counters
  std::vector<Task> tasks;
  Locks locks;

  [[nodiscard]] Fingerprint fingerprint() const;
  [[nodiscard]] Fingerprint recomputed_fingerprint() const;  ///< O(memory): tests compare the two
  friend bool operator==(const Machine& a, const Machine& b);

  [[nodiscard]] const Task& task(TaskId id) const { return tasks[id.n]; }
  [[nodiscard]] Task& task(TaskId id) { return tasks[id.n]; }
  [[nodiscard]] const AddressSpace& space_of(TaskId id) const { return *spaces[task(id).space]; }

  [[nodiscard]] std::size_t granules_per_page() const { return page_size / kGranule; }
  [[nodiscard]] std::uint64_t page_index(std::uint64_t address) const {
    return (address - AddressSpace::kBaseAddress) >> __builtin_ctzll(page_size.n);
  }
  [[nodiscard]] std::uint64_t page_address(std::uint64_t index) const {
    return AddressSpace::kBaseAddress + index * page_size.n;
  }

  [[nodiscard]] const FolioSlot& slot(FolioRef ref) const { return objects[ref.object]->folios.at(ref.index); }
  [[nodiscard]] const Folio& folio(FolioRef ref) const { return slot(ref).folio(); }
  /// The one writer of folios.
  template <class Change>
  void edit_folio(FolioRef ref, Change&& change) {
    objects[ref.object].write().folios.edit(ref.index, [&](FolioSlot& held) { held.edit(change); });
  }
};

enum class FaultKind : std::uint8_t {
  translation,  ///< nothing is mapped or present there
  permission,   ///< the page table entry forbids it
  tag,          ///< sub-page check: no page-fault handling can cure it
};

struct AccessFault {
  std::uint64_t access{};  ///< index in the run
  UserPtr address;         ///< FAR_EL1: of the first byte that fails
  FaultKind kind{};
};

/// What the hardware makes of a run: every access before `fault` passes.
struct AccessCheck {
  std::optional<AccessFault> fault;
  bool mismatch_recorded{};  ///< an access that passes had a mismatch that goes to TFSRE0
};

/// Whether a run lies in one page where nothing can fault, as nearly all do: it is present, permitted, and its tags are
/// all the pointer's. False says nothing.
[[nodiscard]] inline bool plainly_passes(const Machine& machine, const AddressSpace& space, const AccessRun& run,
                                         OnMismatch on_mismatch) {
  const std::uint64_t begin = run.first.address();
  const std::uint64_t page = machine.page_index(begin);
  if (machine.page_index(begin + run.span().n - 1) != page) return false;
  const Pte& pte = space.pte(page);  // none outside of what can be mapped
  if (pte.state != PteState::present || pte.old) return false;
  const Vma* vma = space.find(begin);
  if (vma == nullptr || !pte.permits(run.kind, vma->prot)) return false;
  return on_mismatch == OnMismatch::ignored || machine.slot(pte.folio).tags_all_are(run.first.tag());
}

[[nodiscard]] AccessCheck check_access_closely(const Machine& machine, const AddressSpace& space, const AccessRun& run,
                                               OnMismatch on_mismatch);

/// Translation and permission come before the tag check on the same access; an access that straddles two pages needs
/// both. Changes nothing. Source: [arm-mte].
[[nodiscard]] inline AccessCheck check_access(const Machine& machine, const AddressSpace& space, const AccessRun& run,
                                              OnMismatch on_mismatch) {
  if (plainly_passes(machine, space, run, on_mismatch)) return {};
  return check_access_closely(machine, space, run.upto(run.count), on_mismatch);  // a copy: `run` may stay in registers
}

}  // namespace mtesim
