#pragma once

#include <cstdint>

#include "model/base/cow_array.h"
#include "model/mm/folio.h"

namespace mtesim {

enum class ObjectKind : std::uint8_t {
  copies,     ///< object 0: copies that break copy-on-write and have no page of their own name
  anonymous,  ///< an anonymous mapping, private or shared
  shmem,      ///< a tmpfs file or memfd: page cache that may be tagged, and goes to swap
  file,       ///< a file on a disk, with its page cache
  dev_zero,   ///< a mapping of /dev/zero: pages as of anonymous memory, but PROT_MTE is refused
  hugetlb,    ///< MAP_HUGETLB; there are no huge pages to be had
};

/// What a disk has for a block of a file.
enum class BlockKind : std::uint8_t {
  hole,
  unwritten,  ///< allocated ahead; reads as zeroes
  data,
  inline_data,  ///< the bytes lie within the file's metadata: btrfs inline extents, gfs2 stuffed files
};

/// What the file system's page fault handler waits for.
enum class FaultLocking : std::uint8_t {
  none,
  glock,         ///< gfs2: the inode's glock, shared to find a page, exclusive to make one writable
  extent_range,  ///< btrfs: the range of pages that are read in, or the page that is made writable
};

/// What pages belong to: an anonymous mapping, or a file with its page cache.
struct MemoryObject {
  ObjectKind kind{ObjectKind::copies};
  Bytes size{};  ///< of a file; of an anonymous mapping, its length
  /// Of a file: what the disk had for its first `laid_out` bytes when nothing had happened yet; behind them, holes. A
  /// page that was written since says so itself (Folio::stored).
  BlockKind blocks{BlockKind::data};
  Bytes laid_out{};
  FaultLocking fault_locking{};
  CowArray<FolioSlot> folios;

  [[nodiscard]] Fingerprint fingerprint() const {
    return print_of(kind, size.n, blocks, laid_out.n, fault_locking) + slot_print(1, folios.fingerprint());
  }
  bool operator==(const MemoryObject&) const = default;
};

}  // namespace mtesim
