#pragma once

#include "fs_models/copy_loop.h"
#include "fs_models/system_call.h"

namespace mtesim {

/// What iomap_dio_rw() is asked for.
struct DioRequest {
  std::uint32_t object{};
  Bytes position;
  bool writes{};
  bool partial{};       ///< IOMAP_DIO_PARTIAL: an EFAULT behind some bytes is a short result
  Bytes done_before{};  ///< by earlier calls for the same iterator: counts in the result
};
struct DioResult {
  Errno error{Errno::ok};
  Bytes done{};  ///< done_before and what came to it; 0 with an error
};

/// iomap_dio_rw(): extent by extent. Data goes between the user's pages, by GUP, and the disk: no access is made by the
/// user's pointer and no tag looked at. A hole is read by iov_iter_zero(), which does both.
/// Alignment: offset, lengths and addresses are multiples of 512, or EINVAL.
/// Effects:   dirty pages of the range are written back first; a write throws the cached pages of its range away. The
///            iterator has moved by what was done.
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
  std::uint32_t object{};
  Bytes position;
  bool writes{};

  explicit IomapDirectIo(const SystemCall& call)
      : segments(call.segments), object(call.object), position(call.position), writes(call.is_write()) {}
  [[nodiscard]] State begin() const { return {iov_begin(segments), {}}; }
  [[nodiscard]] Step step(State& s, Kernel& k) const;
  [[nodiscard]] Bytes progress(const State& s) const { return s.done; }
};

}  // namespace mtesim
