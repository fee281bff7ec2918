#pragma once

#include "fs_models/btrfs_buffered_write.h"
#include "fs_models/filemap_read.h"

namespace mtesim {

/// btrfs_file_read_iter() with O_DIRECT: directly, and what that leaves through the page cache.
///
/// Rounds:    since 5.16 an iomap_dio_rw() with page faults disabled, which takes what is mapped; then what is left is
///            faulted in without the lock, and it is tried again. Before, one iomap_dio_rw() that takes page faults
///            under the extent lock. What is not aligned to blocks is read through the page cache, a page a round.
/// Progress:  a round that leaves as much as the one before it is the last: the rest is read through the page cache.
/// Locks:     inode lock, shared, for each direct round; the extent's range within it. Up to 5.15 a page fault on a
///            mapping of the same file may wait for that range: deadlock.
/// Source:    [linux-btrfs-direct-io].
struct BtrfsDirectRead {
  static constexpr std::string_view kName = "btrfs_direct_read";
  enum class At : std::uint64_t { begin, direct, buffered };

  struct State {
    FilemapRead::State read;
    At at{};
    Bytes prev_left{};
  };

  FilemapRead buffered;
  const FileSystem* fs{};

  explicit BtrfsDirectRead(const SystemCall& call) : buffered(call), fs(call.fs) {}
  [[nodiscard]] State begin() const { return {buffered.begin(), At::begin, {}}; }
  [[nodiscard]] Step step(State& s, Kernel& k) const;
  [[nodiscard]] Bytes progress(const State& s) const { return s.read.read; }
  [[nodiscard]] UserSegments remaining(const State& s) const { return buffered.remaining(s.read); }

 private:
  [[nodiscard]] Step direct_round(State& s, Kernel& k) const;
  [[nodiscard]] Step fall_back(State& s, Kernel& k) const;
};

/// btrfs_direct_write(): directly, and what that leaves through btrfs_buffered_write().
///
/// Rounds:    as of a read; then those of btrfs_buffered_write().
/// Progress:  a round that leaves as much as the one before it is the last: the rest is written through the page cache,
///            and that loop's own argument holds from there on.
/// Locks:     inode lock for each direct round, and for the buffered part; the extent's range, up to 5.15 as an ordered
///            extent that a page fault on the same file waits for: deadlock.
/// Checksums: from 6.12 on, a file whose data is checksummed is written through the page cache, or in 7.3 by way of
///            bounce pages, since user space could change the data under way.
/// Source:    [linux-btrfs-direct-io].
struct BtrfsDirectWrite {
  static constexpr std::string_view kName = "btrfs_direct_write";
  enum class At : std::uint64_t { begin, direct, buffered };

  struct State {
    BtrfsWriteState write;  ///< `written` counts the direct part, too
    At at{};
    Bytes prev_left{};
    Bytes direct{};
    std::uint64_t locked{};
  };

  UserSegments segments;
  const FileSystem* fs{};
  std::uint32_t object{};
  Bytes position;
  bool checksummed{};

  explicit BtrfsDirectWrite(const SystemCall& call)
      : segments(call.segments),
        fs(call.fs),
        object(call.object),
        position(call.position),
        checksummed(!call.flags.nocow) {}
  [[nodiscard]] State begin() const { return {{iov_begin(segments), {}, 0, 0}, At::begin, {}, {}, 0}; }
  [[nodiscard]] Step step(State& s, Kernel& k) const;
  [[nodiscard]] Bytes progress(const State& s) const { return s.write.written; }
  [[nodiscard]] UserSegments remaining(const State& s) const { return rest_of(segments, s.write.iter); }

 private:
  [[nodiscard]] Step direct_round(State& s, Kernel& k) const;
  [[nodiscard]] Step buffered_round(State& s, Kernel& k) const;
};

}  // namespace mtesim
