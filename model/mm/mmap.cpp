#include "model/mm/mmap.h"

#include <vector>

#include "model/base/check.h"
#include "model/mm/fault.h"

namespace mtesim {

namespace {

bool may_be_tagged(const MemoryObject& object) { return object.kind != ObjectKind::file; }

struct Piece {
  std::uint64_t begin{};
  std::uint64_t end{};
  Vma vma;
};

/// The mappings within [begin, end), cut to it.
std::vector<Piece> pieces_within(const AddressSpace& space, std::uint64_t begin, std::uint64_t end) {
  std::vector<Piece> pieces;
  space.for_each_vma([&](std::uint64_t lower, std::uint64_t upper, const Vma& vma) {
    const std::uint64_t b = lower > begin ? lower : begin;
    const std::uint64_t e = upper < end ? upper : end;
    if (b < e) pieces.push_back({b, e, vma});
  });
  return pieces;
}

template <class F>
void for_each_page(const Machine& machine, std::uint64_t begin, std::uint64_t end, F&& f) {
  for (std::uint64_t address = begin; address < end; address += machine.page_size.n) f(machine.page_index(address));
}

}  // namespace

Errno map_memory(Machine& machine, std::uint32_t space, const MapRequest& request) {
  MTESIM_CHECK(is_aligned(request.begin, machine.page_size) && is_aligned(request.end, machine.page_size));
  if (request.prot.mte && !may_be_tagged(*machine.objects[request.object])) return Errno::einval;
  unmap_memory(machine, space, request.begin, request.end);
  const auto delta = request.first_page - static_cast<std::uint32_t>(machine.page_index(request.begin));
  machine.spaces[space].write().map(request.begin, request.end, {request.prot, request.shared, request.object, delta});
  return Errno::ok;
}

void unmap_memory(Machine& machine, std::uint32_t space, std::uint64_t begin, std::uint64_t end) {
  for_each_page(machine, begin, end, [&](std::uint64_t page) { zap_pte(machine, space, page); });
  machine.spaces[space].write().unmap(begin, end);
}

Errno protect_memory(Machine& machine, std::uint32_t space, std::uint64_t begin, std::uint64_t end, Prot prot) {
  const std::vector<Piece> pieces = pieces_within(*machine.spaces[space], begin, end);
  std::uint64_t covered = begin;
  for (const Piece& piece : pieces) {
    if (piece.begin != covered) return Errno::enomem;
    covered = piece.end;
    if (prot.mte && !may_be_tagged(*machine.objects[piece.vma.object])) return Errno::einval;
  }
  if (covered != end) return Errno::enomem;
  for (const Piece& piece : pieces) {
    Vma vma = piece.vma;
    const bool newly_tagged = prot.mte && !vma.prot.mte;
    vma.prot = {prot.read, prot.write, prot.mte || vma.prot.mte};
    machine.spaces[space].write().map(piece.begin, piece.end, vma);
    for_each_page(machine, piece.begin, piece.end, [&](std::uint64_t page) {
      Pte pte = machine.spaces[space]->pte(page);
      if (newly_tagged && (pte.state == PteState::present || pte.state == PteState::swapped)) {
        machine.edit_folio(pte.folio, [](Folio& folio) { folio.mte_tagged = true; });
      }
      if (pte.writable && !prot.write) {  // a later mprotect(PROT_WRITE) finds it read-only, and the store faults
        pte.writable = false;
        machine.spaces[space].write().set_pte(page, pte);
      }
    });
  }
  return Errno::ok;
}

void dontneed(Machine& machine, std::uint32_t space, std::uint64_t begin, std::uint64_t end) {
  for_each_page(machine, begin, end, [&](std::uint64_t page) { zap_pte(machine, space, page); });
}

std::uint32_t fork_space(Machine& machine, std::uint32_t parent) {
  AddressSpace child;
  const AddressSpace before = *machine.spaces[parent];
  before.for_each_vma([&](std::uint64_t begin, std::uint64_t end, const Vma& vma) {
    child.map(begin, end, vma);
    for_each_page(machine, begin, end, [&](std::uint64_t page) {
      Pte pte = before.pte(page);
      if (pte.state == PteState::none) return;
      if (!vma.shared && pte.writable) {
        pte.writable = false;
        machine.spaces[parent].write().set_pte(page, pte);
      }
      child.set_pte(page, pte);
      if (pte.state != PteState::zero) machine.edit_folio(pte.folio, [](Folio& folio) { ++folio.maps; });
    });
  });
  machine.spaces.emplace_back(std::move(child));
  return static_cast<std::uint32_t>(machine.spaces.size() - 1);
}

bool goes_to_swap(const Machine& machine, FolioRef page) {
  const ObjectKind kind = machine.objects[page.object]->kind;
  return kind == ObjectKind::anonymous || kind == ObjectKind::copies;
}

bool evict(Machine& machine, std::uint32_t space, std::uint64_t page_index) {
  const Pte pte = machine.spaces[space]->pte(page_index);
  if (pte.state == PteState::zero) {
    zap_pte(machine, space, page_index);
    return true;
  }
  if (pte.state != PteState::present) return false;
  const bool to_swap = goes_to_swap(machine, pte.folio);
  // Mappings keep their addresses across fork, so whoever maps the page maps it here.
  for (std::uint32_t s = 0; s < machine.spaces.size(); ++s) {
    const Pte theirs = machine.spaces[s]->pte(page_index);
    if (theirs.state != PteState::present || !(theirs.folio == pte.folio)) continue;
    if (to_swap) {
      machine.spaces[s].write().set_pte(page_index, {theirs.folio, PteState::swapped, false});
    } else {
      zap_pte(machine, s, page_index);
    }
  }
  return true;
}

bool store_tag(Machine& machine, std::uint32_t space, std::uint64_t address, Tag tag) {
  if (address < AddressSpace::kBaseAddress || address >= kUserEnd) return false;
  const Vma* vma = machine.spaces[space]->find(address);
  if (vma == nullptr || !vma->prot.mte) return false;
  const Pte& pte = machine.spaces[space]->pte(machine.page_index(address));
  if (pte.state != PteState::present || !pte.writable) return false;
  const std::size_t granule = (address % machine.page_size.n) / kGranule.n;
  machine.edit_folio(pte.folio, [&](Folio& folio) { folio.tags.set(granule, tag, machine.granules_per_page()); });
  return true;
}

Tag load_tag(const Machine& machine, std::uint32_t space, std::uint64_t address) {
  if (address < AddressSpace::kBaseAddress || address >= kUserEnd) return {};
  const Vma* vma = machine.spaces[space]->find(address);
  if (vma == nullptr || !vma->prot.mte) return {};
  const Pte& pte = machine.spaces[space]->pte(machine.page_index(address));
  if (pte.state != PteState::present && pte.state != PteState::swapped) return {};
  return machine.folio(pte.folio).tags.at((address % machine.page_size.n) / kGranule.n);
}

}  // namespace mtesim
