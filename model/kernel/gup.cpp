#include "model/kernel/gup.h"

namespace mtesim {

namespace {

/// The entry at `address` serves these flags as it is.
bool suits(const Machine& machine, const AddressSpace& space, std::uint64_t address, GupFlags flags) {
  if (address < AddressSpace::kBaseAddress || address >= kUserEnd) return false;
  const Vma* vma = space.find(address);
  const Pte& pte = space.pte(machine.page_index(address));
  const bool there = pte.state == PteState::present || pte.state == PteState::zero;
  return vma != nullptr && vma->prot.read && there && (!flags.write || (vma->prot.write && pte.writable));
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
  k.environment.before(PageWalk{address, kind}, k.machine);
  if (!suits(k.machine, k.machine.space_of(k.current), address, flags)) {
    const VmFault handled =
        flags.nofault ? VmFault::sigsegv : handle_mm_fault(k.machine, k.task().space, address, kind);
    k.emit(PageFaultTaken{address, kind,
                          flags.nofault               ? PageFaultResult::disabled
                          : failed(handled)           ? PageFaultResult::failed
                          : handled == VmFault::major ? PageFaultResult::major
                                                      : PageFaultResult::minor,
                          true});
    if (failed(handled)) return {Errno::efault, false, {}};
  }
  const Pte& pte = k.machine.space_of(k.current).pte(k.machine.page_index(address));
  k.emit(Found{std::uint64_t{pte.folio.object} << 32 | pte.folio.index});
  return {Errno::ok, pte.state == PteState::zero, pte.folio};
}

GotPages get_user_pages(Kernel& k, UserPtr at, Bytes size, GupFlags flags) {
  return collect(k, "get_user_pages", at, size, flags);
}

GotPages pin_user_pages(Kernel& k, UserPtr at, Bytes size, GupFlags flags) {
  return collect(k, "pin_user_pages", at, size, flags);
}

}  // namespace mtesim
