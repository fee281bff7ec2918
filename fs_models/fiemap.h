#pragma once

#include "fs_models/copy_loop.h"
#include "fs_models/system_call.h"

namespace mtesim {

/// ioctl(FS_IOC_FIEMAP): a header of 32 bytes, and behind it 56 bytes for each extent of the file.
///
/// Rounds:    one try to fill in all extents. gfs2 fills them under its glock with page faults disabled; after an
///            EFAULT it faults the whole array in and begins anew. Others copy each extent once.
/// Progress:  gfs2's fault_in_safe_writeable() sees no tag, the copy does (A2), and every try begins at the first
///            extent (A4): with a mistagged granule in an extent that is filled in, it goes round for ever. 5.10 tries
///            once.
/// Signals:   a fatal one ends it, in the fault-in.
/// Locks:     gfs2: inode lock and glock, shared, during a try.
/// Source:    [linux-fiemap], [linux-gfs2-file].
struct Fiemap {
  static constexpr std::string_view kName = "fiemap";
  static constexpr Bytes kHeader{32};  ///< struct fiemap
  static constexpr Bytes kExtent{56};  ///< struct fiemap_extent

  struct State {
    std::uint64_t started{};  ///< the header has been read
    std::uint64_t mapped{};   ///< extents that this try has filled in
  };

  UserPtr argument;
  std::uint64_t room{};     ///< fm_extent_count
  std::uint64_t extents{};  ///< that the file has
  std::uint32_t object{};
  bool gfs2{};
  bool iomap{};  ///< iomap_fiemap(), which is an extent behind, and tries that one once more after an error

  explicit Fiemap(const SystemCall& call)
      : argument(call.segments.front().base),
        room(call.extent_count),
        extents(call.file_extents),
        object(call.object),
        gfs2(call.fs->name == "gfs2"),
        iomap(call.fs->name != "btrfs") {}
  [[nodiscard]] State begin() const { return {}; }
  [[nodiscard]] Step step(State& s, Kernel& k) const;
  [[nodiscard]] Bytes progress(const State& s) const { return kExtent * s.mapped; }

 private:
  [[nodiscard]] Errno fill(State& s, Kernel& k) const;
  [[nodiscard]] Finished finish(const State& s, Kernel& k, Errno error) const;
};

}  // namespace mtesim
