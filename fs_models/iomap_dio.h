#pragma once

#include "fs_models/copy_loop.h"
#include "fs_models/system_call.h"

namespace mtesim {

/// What iomap_dio_rw() is asked for.
struct DioRequest {
  const FileSystem* fs{};
  std::uint32_t object{};
  Bytes position;  ///< where the system call began
  bool writes{};
  bool partial{};       ///< IOMAP_DIO_PARTIAL: an EFAULT behind some bytes is a short result
  bool bounce{};        ///< IOMAP_DIO_BOUNCE: a write copies the user's bytes, and so is tag checked
  bool nocow{};         ///< btrfs: blocks are written in place
  Bytes done_before{};  ///< by earlier calls for the same iterator: counts in the result
};
struct DioResult {
  Errno error{Errno::ok};
  Bytes done{};  ///< done_before and what came to it; 0 with an error, and where there was nothing to do
};

/// iomap_dio_rw(): extent by extent. Data goes between the user's pages, by GUP, and the disk: no access is made by the
/// user's pointer and no tag looked at. A hole is read by iov_iter_zero(), inline data by copy_to_iter(), and both do.
/// What the file system cannot do directly ends it early, without an error (ENOTBLK): inline data of btrfs, and in
/// gfs2 a write to anything but an allocated block.
/// Alignment: offset, lengths and addresses are multiples of 512, or EINVAL.
/// Locks:     of btrfs, the range of each extent, while it is worked on.
/// Partial:   up to some revision an extent of btrfs that is not written to its end loses what of it was written,
/// though
///            that counts, and makes the file as long as the extent would have: one error for the whole ordered extent.
/// Effects:   dirty pages of the range are written back first; a write throws the cached pages of its range away,
///            before and after. The iterator has moved by what was done.
/// Source:    [linux-iomap-dio].
[[nodiscard]] DioResult iomap_dio_rw(Kernel& k, IovIter& iter, const DioRequest& request);

/// O_DIRECT read(2) and write(2) of ext4 and xfs: one iomap_dio_rw(), its page faults taken within GUP.
///
/// Rounds:    one.
/// Progress:  there is no retry.
/// Locks:     inode lock, shared for a read.
/// Source:    [linux-iomap-dio], [linux-ext4-file], [linux-xfs-file].
struct IomapDirectIo {
  static constexpr std::string_view kName = "iomap_dio_rw";

  struct State {
    IovPosition iter;
    Bytes done{};
  };

  UserSegments segments;
  const FileSystem* fs{};
  std::uint32_t object{};
  Bytes position;
  bool writes{};

  explicit IomapDirectIo(const SystemCall& call)
      : segments(call.segments), fs(call.fs), object(call.object), position(call.position), writes(call.is_write()) {}
  [[nodiscard]] State begin() const { return {iov_begin(segments), {}}; }
  [[nodiscard]] Step step(State& s, Kernel& k) const;
  [[nodiscard]] Bytes progress(const State& s) const { return s.done; }
  [[nodiscard]] UserSegments remaining(const State& s) const { return rest_of(segments, s.iter); }
};

/// Every address and length of what is left of the iterator is a multiple of `alignment`.
[[nodiscard]] bool is_aligned(const IovIter& iter, Bytes alignment);

}  // namespace mtesim
