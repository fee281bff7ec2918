#pragma once

#include "fs_models/copy_loop.h"
#include "fs_models/system_call.h"

namespace mtesim {

/// read_kcore() of memory in the vmalloc area: a page of the file at a time, the file being /proc/kcore.
///
/// To 6.1 a page goes into a buffer of the kernel's, and from there to the user with page faults enabled; a short copy
/// is EFAULT. Since 6.12 it goes straight to the user, with page faults disabled, as a spinlock of the vmalloc area is
/// held; whatever was not copied is faulted in and tried again.
///
/// Rounds:    one copy each, with its probe.
/// Progress:  A1 fails: a piece that lies in one page and one segment is copied whole or not at all. A2 fails: the
/// probe
///            is a software walk, which cannot see a tag. So a bad granule in the first piece means going round for
///            ever. A3 fails behind a first piece that was copied: the cursor moves by all that was copied of this page
///            so far, and not by what the last copy added; after two such rounds source bytes have been passed over,
///            and what is left has become negative, which the probe refuses: EFAULT.
/// Signals:   a fatal one makes the software walk fail, and so the call; nobody else looks.
/// Result:    EFAULT hides what was read before.
/// Locks:     kclist_lock, shared, throughout.
/// Source:    [linux-kcore].
struct ReadKcore {
  static constexpr std::string_view kName = "read_kcore";

  enum class At : std::uint64_t { begin, next_page, in_page };
  struct State {
    IovPosition iter;
    Bytes done{};  ///< whole pages
    Bytes read{};  ///< of the page that is being read
    Bytes src{};   ///< where the next copy begins; no longer in that page if it went wrong
    Bytes left{};  ///< how much it wants; may wrap around
    At at{At::begin};
  };

  UserSegments segments;
  Bytes position;
  Bytes size;  ///< of the area

  explicit ReadKcore(const SystemCall& call) : segments(call.segments), position(call.position), size(call.file_size) {}
  [[nodiscard]] State begin() const { return {iov_begin(segments), {}, {}, {}, {}, At::begin}; }
  [[nodiscard]] Step step(State& s, Kernel& k) const;
  [[nodiscard]] Bytes progress(const State& s) const { return s.done + s.read; }

 private:
  [[nodiscard]] Bytes page_piece(const State& s, const Kernel& k) const;
  [[nodiscard]] Bytes vread_iter(Kernel& k, IovIter& iter, Bytes from, Bytes count) const;
  [[nodiscard]] Finished finish(Kernel& k, const State& s, Errno status) const;
};

}  // namespace mtesim
