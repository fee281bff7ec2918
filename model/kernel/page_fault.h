#pragma once

#include <cstdint>

#include "model/kernel/kernel.h"

namespace mtesim {

/// BUG(): the kernel ends the task where it stands, locks and all.
struct KernelBug {
  const char* what;  ///< a string literal
};

/// The page fault of an access, as do_page_fault() handles it: under the mmap lock, shared, or since 6.4 under the lock
/// of the mapping if nobody changes that; and with the locks that the fault handler of the page's file system wants. A
/// page of btrfs is read in after the mmap lock was dropped.
/// Throws:  SleepsForLock if somebody holds such a lock; KernelBug if it is gfs2's glock and the task itself does.
/// Source:  [linux-fault], [linux-gfs2-file], [linux-btrfs-file], [linux-mmap-lock].
[[nodiscard]] VmFault take_page_fault(Kernel& k, std::uint64_t address, AccessKind kind);

/// The same for a software walk of an address space: under the mmap lock, which the walker takes unless it has it.
[[nodiscard]] VmFault fault_in_page(Kernel& k, std::uint32_t space, std::uint64_t address, AccessKind kind,
                                    bool forced = false);

/// mm->mmap_lock.
[[nodiscard]] constexpr LockId mmap_lock_of(std::uint32_t space) { return {LockKind::mmap, space, 0}; }

}  // namespace mtesim
