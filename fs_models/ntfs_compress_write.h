#pragma once

#include "fs_models/copy_loop.h"
#include "fs_models/system_call.h"

namespace mtesim {

/// ntfs_compress_write() of ntfs3: write(2) to a compressed file, a frame at a time. A frame is what is compressed as a
/// whole: 16 clusters of 4 KiB. It is locked, read unless it is overwritten from its begin to its end, filled from the
/// user, compressed and written to the disk.
///
/// Rounds:    one frame each.
/// Progress:  what was copied is kept (A4), and the next probe begins where the copy stopped (A3), with a load of that
///            very byte (A2): it ends.
/// Not safe:  a frame that is not read, and then is not filled, is written all the same, and all its pages count as up
///            to date: memory that nobody initialised reaches the disk and every reader (no_stale). And an error hides
///            what was written before: the call is EFAULT, though the file has changed.
/// Signals:   nobody looks.
/// Locks:     inode lock throughout; the locks of all the frame's folios until it is on the disk.
/// Source:    [linux-ntfs3].
struct NtfsCompressWrite {
  static constexpr std::string_view kName = "ntfs_compress_write";
  static constexpr Bytes kFrame{64 * 1024};

  struct State {
    IovPosition iter;
    Bytes written{};
    std::uint64_t locked{};
  };

  UserSegments segments;
  std::uint32_t object{};
  Bytes position;

  explicit NtfsCompressWrite(const SystemCall& call)
      : segments(call.segments), object(call.object), position(call.position) {}
  [[nodiscard]] State begin() const { return {iov_begin(segments), {}, 0}; }
  [[nodiscard]] Step step(State& s, Kernel& k) const;
  [[nodiscard]] Bytes progress(const State& s) const { return s.written; }

 private:
  [[nodiscard]] std::uint32_t pages_per_frame(const Kernel& k) const;
  [[nodiscard]] bool ntfs_get_frame_pages(Kernel& k, FolioRef first) const;
  void make_ready(Kernel& k, FolioRef first, bool read) const;
};

}  // namespace mtesim
