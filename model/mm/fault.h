#pragma once

#include <cstdint>

#include "model/mm/machine.h"

namespace mtesim {

/// What handle_mm_fault() came back with: VM_FAULT_* reduced to what callers tell apart.
enum class VmFault : std::uint8_t {
  minor,    ///< done, nothing was read from a disk or from swap
  major,    ///< done, with I/O
  sigsegv,  ///< no mapping there, or it does not allow this
  sigbus,   ///< behind the end of the file
};

[[nodiscard]] constexpr bool failed(VmFault fault) { return fault == VmFault::sigsegv || fault == VmFault::sigbus; }

/// handle_mm_fault(): makes the page at `address` (untagged) usable for `kind`: allocates, reads in, breaks
/// copy-on-write. A page that already is usable comes back as `minor`.
/// Tags:    a fresh page has tags 0; copies and pages from swap keep theirs.
/// Source:  [linux-mte-doc], [linux-fault].
/// `forced`: the mapping's protection does not count; a page copied for a store that the mapping does not allow is the
///          process's own then, but its entry does not let user space write.
VmFault handle_mm_fault(Machine& machine, std::uint32_t space, std::uint64_t address, AccessKind kind,
                        bool forced = false);

/// A page's entry is dropped; a page that nothing names any more is freed, tags and all.
void zap_pte(Machine& machine, std::uint32_t space, std::uint64_t page_index);

/// The disk has bytes of the file there; elsewhere it reads as zeroes.
[[nodiscard]] constexpr bool has_bytes(BlockKind kind) {
  return kind == BlockKind::data || kind == BlockKind::inline_data;
}

/// What the disk has for page `ref` of a file, and what of it.
[[nodiscard]] BlockKind block_of(const Machine& machine, FolioRef ref);
[[nodiscard]] Contents contents_on_disk(const Machine& machine, FolioRef ref);

/// Brings page `ref` of a file or shmem object into the page cache, up to date. True if that needed I/O.
bool read_into_cache(Machine& machine, FolioRef ref);

}  // namespace mtesim
