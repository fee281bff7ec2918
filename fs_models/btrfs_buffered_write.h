#pragma once

#include "fs_models/copy_loop.h"
#include "fs_models/system_call.h"

namespace mtesim {

/// Where btrfs_buffered_write() stands.
struct BtrfsWriteState {
  IovPosition iter;
  Bytes written{};
  std::uint64_t one_page{};        ///< to 6.12: a round came back short, so that the next ones are of one page
  std::uint64_t force_uptodate{};  ///< to 6.12: a round copied nothing, so that the next one reads its page first
};

/// One round of btrfs_buffered_write(): up to 6.12 as many pages as the task may dirty, prepared together; in 7.3 one
/// folio, copy_one_range(). The inode lock is the caller's.
/// Returns: nullopt to go round again, else how it ended; s.written is what was written so far.
/// Source:  [linux-btrfs-file].
[[nodiscard]] std::optional<Errno> btrfs_buffered_write_round(Kernel& k, IovIter& iter, BtrfsWriteState& s,
                                                              std::uint32_t object, Bytes position);

/// btrfs_buffered_write() under the inode lock: write(2) without O_DIRECT.
///
/// Rounds:    one probe, pages prepared, one copy with page faults disabled, what counts made dirty.
/// Progress:  a short copy into a page that is not up to date counts as nothing there. To 6.12 a round that copied
///            nothing has the next one read its first page, which then keeps what is copied: A4 holds. 7.3 has no such
///            flag, and reads a folio only where the write begins or ends within a block: with both ends aligned, and
///            a bad granule where the probe does not look, every round is like the one before: A4 fails.
/// Signals:   nobody looks for one.
/// Locks:     inode lock throughout.
/// Source:    [linux-btrfs-file], [linux-b1bf862e9dad].
struct BtrfsBufferedWrite {
  static constexpr std::string_view kName = "btrfs_buffered_write";

  struct State {
    BtrfsWriteState write;
    std::uint64_t locked{};
  };

  UserSegments segments;
  std::uint32_t object{};
  Bytes position;

  explicit BtrfsBufferedWrite(const SystemCall& call)
      : segments(call.segments), object(call.object), position(call.position) {}
  [[nodiscard]] State begin() const { return {{iov_begin(segments), {}, 0, 0}, 0}; }
  [[nodiscard]] Step step(State& s, Kernel& k) const;
  [[nodiscard]] Bytes progress(const State& s) const { return s.write.written; }
};

}  // namespace mtesim
