#include "model/kernel/page_fault.h"

#include <optional>

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

/// A lock that the fault handler takes and gives back.
void wait_for(Kernel& k, const LockId& lock, LockMode mode) {
  // A task may take a glock once, in whatever mode.
  if (lock.kind == LockKind::glock && k.machine.locks.holds(lock, k.current)) throw KernelBug{"recursive glock"};
  if (!ask_for(k, {lock, mode})) throw SleepsForLock{lock};
  k.emit(LockTaken{lock, mode, true});
  k.emit(LockReleased{lock, true});
}

/// What a fault at an address meets.
struct Faulting {
  std::optional<FileFault> file;
  FaultLocking locking{};
};

Faulting look_up(const Machine& machine, std::uint32_t space_index, std::uint64_t address, AccessKind kind) {
  const AddressSpace& space = *machine.spaces[space_index];
  const Vma* vma = address < kUserEnd && address >= AddressSpace::kBaseAddress ? space.find(address) : nullptr;
  if (vma == nullptr) return {};
  const FaultLocking locking = machine.objects[vma->object]->fault_locking;
  if (locking == FaultLocking::none) return {};
  return {file_fault(machine, space, address, *vma, kind == AccessKind::store), locking};
}

/// With the mmap lock or that of the mapping held. `read_in`: the page is, as the fault was tried before.
VmFault handle(Kernel& k, std::uint32_t space, std::uint64_t address, AccessKind kind, bool forced, bool read_in) {
  const Faulting faulting = look_up(k.machine, space, address, kind);
  if (faulting.file) {
    const FileFault& fault = *faulting.file;
    if (faulting.locking == FaultLocking::glock) {
      const LockId glock{LockKind::glock, fault.page.object};
      if (fault.asks_handler) wait_for(k, glock, LockMode::shared);
      if (fault.makes_writable) wait_for(k, glock, LockMode::exclusive);
    } else {
      if (fault.reads_in && !read_in) wait_for(k, read_around(k.machine, fault.page), LockMode::exclusive);
      if (fault.makes_writable) {
        wait_for(k, {LockKind::btrfs_range, fault.page.object, fault.page.index}, LockMode::exclusive);
      }
    }
  }
  return handle_mm_fault(k.machine, space, address, kind, forced);
}

/// do_sync_mmap_readahead() drops the mmap lock of who lets it: all but walkers that took it for longer than the fault.
void wait_for_reading_in(Kernel& k, std::uint32_t space, std::uint64_t address, AccessKind kind) {
  const Faulting faulting = look_up(k.machine, space, address, kind);
  if (!faulting.file || faulting.locking != FaultLocking::extent_range || !faulting.file->reads_in) return;
  wait_for(k, read_around(k.machine, faulting.file->page), LockMode::exclusive);
}

}  // namespace

VmFault take_page_fault(Kernel& k, std::uint64_t address, AccessKind kind) {
  const std::uint32_t space = k.task().space;
  wait_for_reading_in(k, space, address, kind);
  if (k.trail != nullptr && k.revision.page_fault_vma_lock) {
    const LockId vma{LockKind::vma, space, static_cast<std::uint32_t>(k.machine.page_index(address))};
    if (k.trail->expects(vma) || k.machine.locks.available(vma, k.current, LockMode::shared)) {
      const InPassing held(k, vma, LockMode::shared);
      return handle(k, space, address, kind, false, true);
    }
  }
  const InPassing held(k, mmap_lock_of(space), LockMode::shared);
  return handle(k, space, address, kind, false, true);
}

VmFault fault_in_page(Kernel& k, std::uint32_t space, std::uint64_t address, AccessKind kind, bool forced) {
  if (k.machine.locks.holds(mmap_lock_of(space), k.current)) return handle(k, space, address, kind, forced, false);
  wait_for_reading_in(k, space, address, kind);
  const InPassing held(k, mmap_lock_of(space), LockMode::shared);
  return handle(k, space, address, kind, forced, true);
}

}  // namespace mtesim
