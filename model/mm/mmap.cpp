#include "model/mm/mmap.h"

#include <algorithm>
#include <vector>

#include "model/base/check.h"
#include "model/mm/fault.h"

namespace mtesim {

namespace {

/// VM_MTE_ALLOWED: memory asked for with MAP_ANONYMOUS, and files of tmpfs. /dev/zero gives the one without the flag.
bool may_be_tagged(const MemoryObject& object) {
  return object.kind != ObjectKind::file && object.kind != ObjectKind::dev_zero;
}

bool is_anonymous(ObjectKind kind) {
  return kind == ObjectKind::anonymous || kind == ObjectKind::dev_zero || kind == ObjectKind::copies;
}

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
  if (machine.objects[request.object]->kind == ObjectKind::hugetlb) return Errno::enomem;
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

bool fully_mapped(const AddressSpace& space, std::uint64_t begin, std::uint64_t end) {
  std::uint64_t covered = begin;
  for (const Piece& piece : pieces_within(space, begin, end)) {
    if (piece.begin != covered) return false;
    covered = piece.end;
  }
  return covered == end;
}

Errno free_lazily(const Machine& machine, std::uint32_t space, std::uint64_t begin, std::uint64_t end) {
  if (!fully_mapped(*machine.spaces[space], begin, end)) return Errno::enomem;
  for (const Piece& piece : pieces_within(*machine.spaces[space], begin, end)) {
    if (piece.vma.shared || !is_anonymous(machine.objects[piece.vma.object]->kind)) return Errno::einval;
  }
  return Errno::ok;
}

void drop_object_pages(Machine& machine, std::uint32_t object, std::uint64_t first, std::uint64_t end,
                       PrivateCopies copies) {
  for (std::uint32_t s = 0; s < machine.spaces.size(); ++s) {
    const AddressSpace before = *machine.spaces[s];
    before.for_each_vma([&](std::uint64_t lower, std::uint64_t upper, const Vma& vma) {
      if (vma.object != object) return;
      for_each_page(machine, lower, upper, [&](std::uint64_t page) {
        const auto index = static_cast<std::uint32_t>(page + vma.page_delta);
        const Pte& pte = before.pte(page);
        const bool names_any = pte.state == PteState::present || pte.state == PteState::swapped;
        const bool names_it =
            names_any && (copies == PrivateCopies::dropped ||
                          (pte.folio == FolioRef{object, index} && (vma.shared || machine.folio(pte.folio).in_cache)));
        if (index >= first && index < end && names_it) zap_pte(machine, s, page);
      });
    });
  }
  const std::uint64_t last = std::min<std::uint64_t>(end, machine.objects[object]->folios.extent());
  for (std::uint64_t i = first; i < last; ++i) {
    const FolioRef page{object, static_cast<std::uint32_t>(i)};
    if (!machine.folio(page).in_cache) continue;
    MTESIM_CHECK(machine.folio(page).maps == 0);
    machine.edit_folio(page, [](Folio& folio) { folio = Folio{}; });
  }
}

Errno remove_pages(Machine& machine, std::uint32_t space, std::uint64_t begin, std::uint64_t end) {
  if (!fully_mapped(*machine.spaces[space], begin, end)) return Errno::enomem;
  const std::vector<Piece> pieces = pieces_within(*machine.spaces[space], begin, end);
  for (const Piece& piece : pieces) {
    const bool anonymous = is_anonymous(machine.objects[piece.vma.object]->kind);
    if (anonymous && !piece.vma.shared) return Errno::einval;
    if (!piece.vma.shared || !piece.vma.prot.write) return Errno::eacces;
  }
  for (const Piece& piece : pieces) {
    const auto first = static_cast<std::uint32_t>(machine.page_index(piece.begin) + piece.vma.page_delta);
    drop_object_pages(machine, piece.vma.object, first, first + (piece.end - piece.begin) / machine.page_size.n);
  }
  return Errno::ok;
}

void truncate_object(Machine& machine, std::uint32_t object, Bytes size) {
  const Bytes old = machine.objects[object]->size;
  MemoryObject& file = machine.objects[object].write();
  file.size = size;
  if (size >= old) return;
  if (file.kind == ObjectKind::file) file.laid_out = min(file.laid_out, size);
  const std::uint64_t whole = round_up(size.n, machine.page_size) / machine.page_size.n;
  drop_object_pages(machine, object, whole, ~std::uint32_t{0}, PrivateCopies::dropped);
  const Bytes rest = size % machine.page_size;
  const FolioRef last{object, static_cast<std::uint32_t>(size / machine.page_size)};
  if (rest.n == 0 || !machine.folio(last).in_cache) return;
  machine.edit_folio(last, [&](Folio& folio) {
    folio.contents.write(static_cast<std::uint32_t>(rest.n), Provenance(Origin{}, machine.page_size - rest));
  });
}

Errno page_out(Machine& machine, std::uint32_t space, std::uint64_t begin, std::uint64_t end) {
  if (!fully_mapped(*machine.spaces[space], begin, end)) return Errno::enomem;
  for_each_page(machine, begin, end, [&](std::uint64_t page) {
    const Pte pte = machine.spaces[space]->pte(page);
    if (pte.state != PteState::present || machine.folio(pte.folio).maps != 1) return;
    evict(machine, space, page);
    if (machine.objects[pte.folio.object]->kind == ObjectKind::shmem) {
      machine.edit_folio(pte.folio, [](Folio& folio) { folio.in_swap = true; });
    }
  });
  return Errno::ok;
}

Errno move_mapping(Machine& machine, std::uint32_t space, std::uint64_t begin, Bytes old_size, std::uint64_t to,
                   Bytes new_size) {
  const std::vector<Piece> pieces = pieces_within(*machine.spaces[space], begin, begin + old_size.n);
  if (pieces.size() != 1 || pieces.front().begin != begin || pieces.front().end != begin + old_size.n) {
    return Errno::efault;
  }
  Vma vma = pieces.front().vma;
  const std::uint64_t from_page = machine.page_index(begin);
  const std::uint64_t to_page = machine.page_index(to);
  const std::uint64_t kept = min(old_size, new_size) / machine.page_size;
  unmap_memory(machine, space, to, to + new_size.n);
  if (new_size < old_size) unmap_memory(machine, space, begin + new_size.n, begin + old_size.n);
  AddressSpace& table = machine.spaces[space].write();
  for (std::uint64_t i = 0; i < kept; ++i) {  // entries move as they are: nobody's page changes hands
    const Pte moved = table.pte(from_page + i);
    table.set_pte(to_page + i, moved);
    table.set_pte(from_page + i, Pte{});
  }
  table.unmap(begin, begin + old_size.n);
  vma.page_delta += static_cast<std::uint32_t>(from_page - to_page);
  table.map(to, to + new_size.n, vma);
  return Errno::ok;
}

bool resident(const Machine& machine, std::uint32_t space, std::uint64_t page_index) {
  const Pte& pte = machine.spaces[space]->pte(page_index);
  if (pte.state == PteState::present || pte.state == PteState::zero) return true;
  const Vma* vma = machine.spaces[space]->find(machine.page_address(page_index));
  if (vma == nullptr || pte.state == PteState::swapped) return false;
  const ObjectKind kind = machine.objects[vma->object]->kind;
  if (kind != ObjectKind::shmem && kind != ObjectKind::file && !vma->shared) return false;
  const Folio& cached = machine.folio({vma->object, static_cast<std::uint32_t>(page_index + vma->page_delta)});
  return cached.in_cache && !cached.in_swap;
}

void unmap_all(Machine& machine, std::uint32_t space) {
  std::vector<Piece> pieces = pieces_within(*machine.spaces[space], 0, kUserEnd);
  for (const Piece& piece : pieces) unmap_memory(machine, space, piece.begin, piece.end);
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
  return is_anonymous(kind);
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
