#include "model/mm/fault.h"

#include "model/base/check.h"

namespace mtesim {

namespace {

bool is_page_cache(const MemoryObject& object) {
  return object.kind == ObjectKind::shmem || object.kind == ObjectKind::file;
}

/// The page that this address has by its own name, or, if that is taken by a copy that others still use, the lowest
/// free one among the copies: the choice depends on the state alone, so equal histories make equal states.
FolioRef name_for_copy(const Machine& machine, FolioRef own) {
  if (!machine.folio(own).allocated) return own;
  FolioRef ref{0, 0};
  while (machine.folio(ref).allocated) ++ref.index;
  return ref;
}

void make_tagged(Folio& folio, const Vma& vma) {
  if (vma.prot.mte) folio.mte_tagged = true;
}

void install(Machine& machine, std::uint32_t space, std::uint64_t page_index, const Pte& pte) {
  const Pte old = machine.spaces[space]->pte(page_index);
  machine.spaces[space].write().set_pte(page_index, pte);
  const bool named_before = old.state == PteState::present || old.state == PteState::swapped;
  const bool named_now = pte.state == PteState::present || pte.state == PteState::swapped;
  if (named_now) machine.edit_folio(pte.folio, [](Folio& folio) { ++folio.maps; });
  if (named_before) {
    machine.edit_folio(old.folio, [](Folio& folio) {
      MTESIM_CHECK(folio.maps > 0);
      if (--folio.maps == 0 && !folio.in_cache) folio = Folio{};
    });
  }
}

VmFault fault_on_file(Machine& machine, std::uint32_t space, std::uint64_t page_index, const Vma& vma, FolioRef own,
                      AccessKind kind) {
  const MemoryObject& file = *machine.objects[own.object];
  if (Bytes{own.index * machine.page_size.n} >= file.size) return VmFault::sigbus;
  const VmFault done = read_into_cache(machine, own) ? VmFault::major : VmFault::minor;
  machine.edit_folio(own, [&](Folio& folio) { make_tagged(folio, vma); });
  if (vma.shared || kind == AccessKind::load) {
    install(machine, space, page_index, {own, PteState::present, vma.shared && kind == AccessKind::store});
    if (vma.shared && kind == AccessKind::store) machine.edit_folio(own, [](Folio& folio) { folio.dirty = true; });
    return done;
  }
  const Folio source = machine.folio(own);  // a private file page is copied at the first store
  const FolioRef copy = name_for_copy(machine, own);
  machine.edit_folio(copy, [&](Folio& folio) {
    folio = Folio{.contents = source.contents, .tags = source.tags, .allocated = true, .mte_tagged = source.mte_tagged};
  });
  install(machine, space, page_index, {copy, PteState::present, vma.prot.write});
  return done;
}

}  // namespace

BlockKind block_of(const Machine& machine, FolioRef ref) {
  const MemoryObject& file = *machine.objects[ref.object];
  if (machine.folio(ref).stored) return BlockKind::data;
  return machine.page_size * ref.index < file.laid_out ? file.blocks : BlockKind::hole;
}

Contents contents_on_disk(const Machine& machine, FolioRef ref) {
  if (machine.folio(ref).stored) return machine.folio(ref).contents;
  if (!has_bytes(block_of(machine, ref))) return {};
  return Contents(Origin{source_of_object(ref.object), ref.index * machine.page_size.n});
}

bool read_into_cache(Machine& machine, FolioRef ref) {
  const Folio& folio = machine.folio(ref);
  if (folio.in_cache && folio.uptodate && !folio.in_swap) return false;
  const bool shmem = machine.objects[ref.object]->kind == ObjectKind::shmem;
  const bool from_swap = folio.in_swap;
  const Contents stored = contents_on_disk(machine, ref);
  machine.edit_folio(ref, [&](Folio& page) {
    page.in_swap = false;
    if (!page.uptodate && !shmem) page.contents = stored;
    page.allocated = page.in_cache = page.uptodate = true;
  });
  return !shmem || from_swap;
}

VmFault handle_mm_fault(Machine& machine, std::uint32_t space, std::uint64_t address, AccessKind kind, bool forced) {
  if (address < AddressSpace::kBaseAddress || address >= kUserEnd) return VmFault::sigsegv;
  const Vma* found = machine.spaces[space]->find(address);
  if (found == nullptr) return VmFault::sigsegv;
  const Vma vma = *found;
  const bool store = kind == AccessKind::store;
  if (!forced && (!vma.prot.read || (store && !vma.prot.write))) return VmFault::sigsegv;

  const std::uint64_t page_index = machine.page_index(address);
  const FolioRef own{vma.object, static_cast<std::uint32_t>(page_index + vma.page_delta)};
  VmFault done = VmFault::minor;
  Pte pte = machine.spaces[space]->pte(page_index);

  if (pte.old) {
    pte.old = false;
    machine.spaces[space].write().set_pte(page_index, pte);
  }
  if (pte.state == PteState::swapped) {  // tags come back with the data
    const bool sole = vma.shared || machine.folio(pte.folio).maps == 1;
    pte = {pte.folio, PteState::present, sole && vma.prot.write && (store || machine.swap_in_writable)};
    machine.spaces[space].write().set_pte(page_index, pte);
    done = VmFault::major;
  }
  if (pte.state == PteState::present) {
    if (!store || pte.writable) return done;
    if (vma.shared || machine.folio(pte.folio).maps == 1) {
      const bool private_cache_page = !vma.shared && machine.folio(pte.folio).in_cache;
      if (!private_cache_page) {  // the last user of a copy-on-write page, or a shared page to be dirtied: no copy
        pte.writable = vma.prot.write;
        machine.spaces[space].write().set_pte(page_index, pte);
        if (vma.shared) machine.edit_folio(pte.folio, [](Folio& folio) { folio.dirty = true; });
        return done;
      }
    }
    const Folio source = machine.folio(pte.folio);  // copy_highpage(): data, and tags if there are any
    const FolioRef copy = name_for_copy(machine, own);
    machine.edit_folio(copy, [&](Folio& folio) {
      folio = Folio{.contents = source.contents,
                    .tags = source.mte_tagged ? source.tags : PageTags{},
                    .allocated = true,
                    .mte_tagged = source.mte_tagged};
    });
    install(machine, space, page_index, {copy, PteState::present, vma.prot.write});
    return done;
  }

  if (is_page_cache(*machine.objects[vma.object])) return fault_on_file(machine, space, page_index, vma, own, kind);
  if (!store && !vma.shared) {
    if (pte.state != PteState::zero) install(machine, space, page_index, {{}, PteState::zero, false});
    return done;
  }
  // A fresh page: zeroes, tags 0. A shared one may have been made by another process already, and like one of tmpfs it
  // stays when nobody maps it.
  const FolioRef page = vma.shared ? own : name_for_copy(machine, own);
  machine.edit_folio(page, [&](Folio& folio) {
    folio.allocated = true;
    if (vma.shared) folio.in_cache = folio.uptodate = true;
    make_tagged(folio, vma);
  });
  install(machine, space, page_index, {page, PteState::present, vma.prot.write});
  return done;
}

void zap_pte(Machine& machine, std::uint32_t space, std::uint64_t page_index) {
  if (machine.spaces[space]->pte(page_index).state != PteState::none) install(machine, space, page_index, Pte{});
}

}  // namespace mtesim
