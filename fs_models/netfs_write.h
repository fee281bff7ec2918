#pragma once

#include "fs_models/copy_loop.h"
#include "fs_models/system_call.h"

namespace mtesim {

/// netfs_perform_write(): write(2) of network file systems through the page cache. How a folio is made ready depends on
/// what is known of it: it is up to date; the server has nothing there; it is overwritten whole; or it must be read.
///
/// Rounds:    one folio each.
/// Progress:  A4 would fail where a folio is overwritten whole, without having been read: a short copy there is
/// dropped.
///            After the first such copy the call is "in trouble" for good: folios are read first from then on, and then
///            a short copy is kept. A copy of nothing is EFAULT at once, without another look: a page that reclaim
///            takes between probe and copy makes the write fail.
/// Signals:   any signal ends it, each round, behind the probe.
/// Locks:     inode lock throughout; folio lock from the lookup until the copy is done.
/// Assumes:   the file is open for reading as well, so that no part of a folio is written without reading the rest.
/// Source:    [linux-netfs].
struct NetfsPerformWrite {
  static constexpr std::string_view kName = "netfs_perform_write";
  static constexpr Bytes kMaxChunk{std::uint64_t{2} << 20};  ///< the largest folio: as far as the probe goes

  enum class At : std::uint64_t { begin, writing };
  struct State {
    IovPosition iter;
    Bytes written{};
    std::uint64_t maybe_trouble{};
    At at{At::begin};
  };

  UserSegments segments;
  std::uint32_t object{};
  Bytes position;

  explicit NetfsPerformWrite(const SystemCall& call)
      : segments(call.segments), object(call.object), position(call.position) {}
  [[nodiscard]] State begin() const { return {iov_begin(segments), {}, 0, At::begin}; }
  [[nodiscard]] Step step(State& s, Kernel& k) const;
  [[nodiscard]] Bytes progress(const State& s) const { return s.written; }
  [[nodiscard]] UserSegments remaining(const State& s) const { return rest_of(segments, s.iter); }

 private:
  /// NETFS_*: how a folio is modified.
  enum class How : std::uint8_t { folio_is_uptodate, modify_and_clear, whole_folio_modify, just_prefetch };
  [[nodiscard]] How how_to_modify(Kernel& k, FolioRef folio, Bytes offset, Bytes part, bool maybe_trouble) const;
  [[nodiscard]] Finished finish(Kernel& k, const State& s, Errno status) const;
};

}  // namespace mtesim
