#include "model/kernel/page_fault.h"

namespace mtesim {

namespace {

/// What a fault on a page of a mapped file has to do, beyond its page table entry.
struct FileFault {
  FolioRef page;
  bool asks_handler{};    ///< vm_ops->fault(): find the page, read it in if need be
  bool reads_in{};        ///< and it is not in the page cache
  bool makes_writable{};  ///< vm_ops->page_mkwrite()
};

FileFault file_fault(const Machine& machine, const AddressSpace& space, std::uint64_t address, const Vma& vma,
                     bool store) {
  const std::uint64_t index = machine.page_index(address);
  const Pte& pte = space.pte(index);
  FileFault fault;
  fault.page = {vma.object, static_cast<std::uint32_t>(index + vma.page_delta)};
  if (pte.state == PteState::present && pte.folio.object != vma.object) return fault;  // a private copy
  const Folio& folio = machine.folio(fault.page);
  const bool absent = pte.state != PteState::present;
  const bool cached = folio.in_cache && folio.uptodate;
  fault.reads_in = absent && !cached;
  fault.asks_handler = absent && (store || !cached);  // cached pages are mapped around a load without asking
  fault.makes_writable = store && vma.shared && (absent || !pte.writable);
  return fault;
}

/// The range that a page is read in with: mmap read-around, 128 KiB of pages at the most.
LockId read_around(const Machine& machine, FolioRef page) {
  const auto window = static_cast<std::uint32_t>((std::uint64_t{128} << 10) / machine.page_size.n);
  const std::uint32_t begin = page.index < window / 2 ? 0 : page.index - window / 2;
  return {LockKind::btrfs_range, page.object, begin, window};
}

void wait_for(Kernel& k, const LockId& lock, LockMode mode) {
  const Locks::Held* holder = k.machine.locks.conflict(lock, mode);
  // A task may take a glock once, in whatever mode.
  if (lock.kind == LockKind::glock && k.machine.locks.holds(lock, k.current)) throw KernelBug{"recursive glock"};
  if (holder == nullptr) return;
  k.emit(LockContended{lock});
  throw SleepsForLock{lock};
}

}  // namespace

VmFault take_page_fault(Kernel& k, std::uint64_t address, AccessKind kind, bool forced) {
  const AddressSpace& space = k.machine.space_of(k.current);
  const Vma* vma = address < kUserEnd && address >= AddressSpace::kBaseAddress ? space.find(address) : nullptr;
  if (vma != nullptr && k.machine.objects[vma->object]->fault_locking != FaultLocking::none) {
    const FileFault fault = file_fault(k.machine, space, address, *vma, kind == AccessKind::store);
    if (k.machine.objects[vma->object]->fault_locking == FaultLocking::glock) {
      const LockId glock{LockKind::glock, vma->object};
      if (fault.asks_handler) wait_for(k, glock, LockMode::shared);
      if (fault.makes_writable) wait_for(k, glock, LockMode::exclusive);
    } else {
      if (fault.reads_in) wait_for(k, read_around(k.machine, fault.page), LockMode::exclusive);
      if (fault.makes_writable) {
        wait_for(k, {LockKind::btrfs_range, fault.page.object, fault.page.index}, LockMode::exclusive);
      }
    }
  }
  return handle_mm_fault(k.machine, k.task().space, address, kind, forced);
}

}  // namespace mtesim
