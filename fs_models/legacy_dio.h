#pragma once

#include "fs_models/copy_loop.h"
#include "fs_models/generic_perform_write.h"
#include "fs_models/iomap_dio.h"
#include "fs_models/system_call.h"

namespace mtesim {

/// What __blockdev_direct_IO() is asked for.
struct LegacyDioRequest {
  std::uint32_t object{};
  Bytes position;
  bool writes{};
};
struct LegacyDioResult {
  Errno error{Errno::ok};
  Bytes done{};  ///< 0 with an error
};

/// __blockdev_direct_IO(), the direct I/O before iomap: block by block between the user's pages, by GUP, and the disk.
/// No access is made by the user's pointer, not even for a hole, which is read by zeroing the page through the kernel's
/// mapping: no tag is ever looked at.
/// The zero page: where a page of the user's cannot be had and blocks are mapped already, a write uses those blocks up
/// with zeroes, as fresh blocks would show what was on the disk before. It ends with the error; blocks that held data
/// of the file hold zeroes then, though the write failed.
/// Alignment: offset, lengths and addresses are multiples of 512, or EINVAL.
/// Effects:   as iomap_dio_rw(): write-back first, and what a write passes leaves the cache.
/// Source:    [linux-direct-io].
[[nodiscard]] LegacyDioResult blockdev_direct_io(Kernel& k, IovIter& iter, const LegacyDioRequest& request);

/// O_DIRECT read(2) and write(2) of vfat, and of f2fs to 5.16. A write that goes behind the file's end is done through
/// the page cache instead, and written back.
///
/// Rounds:    one, or those of generic_perform_write() instead.
/// Progress:  there is no retry; page faults are taken within GUP.
/// Signals:   a fatal one ends GUP.
/// Locks:     inode lock, shared for a read.
/// Source:    [linux-direct-io].
struct LegacyDirectIo {
  static constexpr std::string_view kName = "blockdev_direct_IO";

  enum class At : std::uint64_t { begin, buffered };
  struct State {
    IovPosition iter;
    Bytes done{};
    GenericPerformWrite::State buffered;
    At at{At::begin};
  };

  UserSegments segments;
  std::uint32_t object{};
  Bytes position;
  bool writes{};
  GenericPerformWrite buffered;

  explicit LegacyDirectIo(const SystemCall& call)
      : segments(call.segments),
        object(call.object),
        position(call.position),
        writes(call.is_write()),
        buffered(call) {}
  [[nodiscard]] State begin() const { return {iov_begin(segments), {}, buffered.begin(), At::begin}; }
  [[nodiscard]] Step step(State& s, Kernel& k) const;
  [[nodiscard]] Bytes progress(const State& s) const { return s.done + buffered.progress(s.buffered); }
};

/// O_DIRECT of f2fs, whose form is the revision's.
/// Source:    [linux-direct-io], [linux-f2fs-dio].
struct F2fsDirectIo {
  static constexpr std::string_view kName = "f2fs_direct_IO";

  struct State {
    LegacyDirectIo::State legacy;
    IomapDirectIo::State iomap;
  };

  LegacyDirectIo legacy;
  IomapDirectIo iomap;

  explicit F2fsDirectIo(const SystemCall& call) : legacy(call), iomap(call) {}
  [[nodiscard]] State begin() const { return {legacy.begin(), iomap.begin()}; }
  [[nodiscard]] Step step(State& s, Kernel& k) const {
    return k.revision.f2fs_direct_io == DirectIoForm::legacy ? legacy.step(s.legacy, k) : iomap.step(s.iomap, k);
  }
  [[nodiscard]] Bytes progress(const State& s) const { return legacy.progress(s.legacy) + iomap.progress(s.iomap); }
};

}  // namespace mtesim
