#pragma once

#include <cstdint>

#include "model/kernel/kernel.h"

namespace mtesim {

/// Thrown where a path has to sleep for a lock deeper than where its loop could say so: in a page fault, say. The step
/// that it cuts short counts as not made; whoever makes steps takes it for Blocked.
struct SleepsForLock {
  LockId lock;
};

/// BUG(): the kernel ends the task where it stands, locks and all.
struct KernelBug {
  const char* what;  ///< a string literal
};

/// handle_mm_fault() as a kernel path calls it: with the locks that the fault handler of the page's file system wants.
/// Throws:  SleepsForLock if somebody holds such a lock; KernelBug if it is gfs2's glock and the task itself does.
/// Source:  [linux-fault], [linux-gfs2-file], [linux-btrfs-file].
[[nodiscard]] VmFault take_page_fault(Kernel& k, std::uint64_t address, AccessKind kind, bool forced = false);

}  // namespace mtesim
