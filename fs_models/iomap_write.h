#pragma once

#include "fs_models/copy_loop.h"
#include "fs_models/system_call.h"

namespace mtesim {

/// Where iomap_file_buffered_write() stands.
struct IomapWriteState {
  IovPosition iter;
  Bytes written{};
  Bytes in_extent{};  ///< since the mapping was looked up
  Bytes retry{};      ///< the length to try, after a short copy that was dropped; 0: the rest of the page
};

/// One trip of iomap_write_iter(), the loop within iomap_file_buffered_write(): xfs and gfs2 write by it.
/// Returns: nullopt to go round again, else how it ended; s.written is what was written so far.
/// Source:  [linux-iomap].
[[nodiscard]] std::optional<Errno> iomap_write_step(Kernel& k, IovIter& iter, IomapWriteState& s, const FileSystem& fs,
                                                    std::uint32_t object, Bytes position);

/// iomap_file_buffered_write() under the inode lock: xfs_file_buffered_write().
///
/// Rounds:    one write_begin() each.
/// Progress:  as generic_perform_write(); but a page of a new block counts as up to date once its rest is zeroed, so
///            that 5.10 goes on for ever only where a whole page that is not cached is overwritten, new or old.
///            An error behind some progress is met once more, when the next extent is looked up.
/// Signals:   a fatal one ends it, in write_begin().
/// Locks:     inode lock throughout; folio lock from write_begin() to write_end().
/// Source:    [linux-iomap], [linux-xfs-file].
struct IomapBufferedWrite {
  static constexpr std::string_view kName = "iomap_file_buffered_write";

  struct State {
    IomapWriteState write;
    std::uint64_t locked{};
  };

  UserSegments segments;
  const FileSystem* fs{};
  std::uint32_t object{};
  Bytes position;

  explicit IomapBufferedWrite(const SystemCall& call)
      : segments(call.segments), fs(call.fs), object(call.object), position(call.position) {}
  [[nodiscard]] State begin() const { return {{iov_begin(segments), {}, {}, {}}, 0}; }
  [[nodiscard]] Step step(State& s, Kernel& k) const;
  [[nodiscard]] Bytes progress(const State& s) const { return s.write.written; }
  [[nodiscard]] UserSegments remaining(const State& s) const { return rest_of(segments, s.write.iter); }
};

}  // namespace mtesim
