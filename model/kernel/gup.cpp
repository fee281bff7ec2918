#include "model/kernel/gup.h"

#include "model/kernel/page_fault.h"

namespace mtesim {

namespace {

/// check_vma_flags(): the mapping, as these flags see it, lets it be done.
bool permits(const Vma& vma, GupFlags flags) {
  if (flags.write) return vma.prot.write || (flags.force && !vma.shared);
  return vma.prot.read || flags.force;
}

/// The entry at `address` serves these flags as it is.
bool suits(const Machine& machine, const AddressSpace& space, std::uint64_t address, const Vma& vma, GupFlags flags) {
  const Pte& pte = space.pte(machine.page_index(address));
  if (pte.state == PteState::zero) return !flags.write;
  if (pte.state != PteState::present) return false;
  if (!flags.write || pte.writable) return true;
  // A private page that was copied already may be written though the entry does not say so.
  const Folio& folio = machine.folio(pte.folio);
  return flags.force && !vma.prot.write && folio.maps == 1 && !folio.in_cache;
}

GotPages collect(Kernel& k, const char* name, UserPtr at, Bytes size, GupFlags flags) {
  Traced traced(k, name, at, size);
  GotPages got;
  const Bytes page = k.machine.page_size;
  for (UserPtr p = at; p < at + size; p = UserPtr(round_down(p.bits(), page)) + page) {
    const Errno error = fatal_signal_pending(k) ? Errno::eintr : Errno::ok;
    const GotPage one = error == Errno::ok ? get_user_page(k, p, flags) : GotPage{error, false, {}};
    if (one.error != Errno::ok) {
      if (got.pages.empty()) got.error = traced.returns(one.error);
      break;
    }
    got.pages.push_back(one);
  }
  if (got.error == Errno::ok) traced.returns(Bytes{got.pages.size()});
  return got;
}

}  // namespace

GotPage get_user_page(Kernel& k, UserPtr at, GupFlags flags) {
  const std::uint64_t address = at.address();
  const AccessKind kind = flags.write ? AccessKind::store : AccessKind::load;
  const std::uint32_t space = flags.space == PageWalk::kOwnSpace ? k.task().space : flags.space;
  k.environment.before(PageWalk{address, kind, flags.space}, k.machine);
  const bool in_user_space = address >= AddressSpace::kBaseAddress && address < kUserEnd;
  const Vma* vma = in_user_space ? k.machine.spaces[space]->find(address) : nullptr;
  if (vma == nullptr || !permits(*vma, flags)) {
    k.emit(PageFaultTaken{address, kind, PageFaultResult::failed, true});
    return {Errno::efault, false, {}};
  }
  if (!suits(k.machine, *k.machine.spaces[space], address, *vma, flags)) {
    const VmFault handled = flags.nofault ? VmFault::sigsegv : fault_in_page(k, space, address, kind, flags.force);
    k.emit(PageFaultTaken{address, kind,
                          flags.nofault               ? PageFaultResult::disabled
                          : failed(handled)           ? PageFaultResult::failed
                          : handled == VmFault::major ? PageFaultResult::major
                                                      : PageFaultResult::minor,
                          true});
    if (failed(handled)) return {Errno::efault, false, {}};
  }
  const Pte& pte = k.machine.spaces[space]->pte(k.machine.page_index(address));
  k.emit(Found{std::uint64_t{pte.folio.object} << 32 | pte.folio.index});
  return {Errno::ok, pte.state == PteState::zero, pte.folio};
}

Provenance read_page(const Machine& machine, const GotPage& page, Bytes offset, Bytes size) {
  if (page.zero_page) return {Origin{}, size};
  return machine.folio(page.folio)
      .contents.read(static_cast<std::uint32_t>(offset.n), static_cast<std::uint32_t>((offset + size).n));
}

void write_page(Machine& machine, const GotPage& page, Bytes offset, const Provenance& bytes) {
  machine.edit_folio(page.folio, [&](Folio& folio) {
    folio.contents.write(static_cast<std::uint32_t>(offset.n), bytes);
    folio.dirty = folio.dirty || folio.in_cache;
  });
}

GotPages get_user_pages(Kernel& k, UserPtr at, Bytes size, GupFlags flags) {
  return collect(k, "get_user_pages", at, size, flags);
}

GotPages pin_user_pages(Kernel& k, UserPtr at, Bytes size, GupFlags flags) {
  return collect(k, "pin_user_pages", at, size, flags);
}

}  // namespace mtesim
