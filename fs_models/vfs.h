#pragma once

#include "fs_models/copy_loop.h"
#include "fs_models/system_call.h"
#include "model/kernel/uaccess.h"

namespace mtesim {

/// vfs_read(), vfs_write() and import_iovec() before a loop of read(2), write(2) and their relatives: buffers that
/// access_ok() refuses are EFAULT, whatever the file would have made of them. In the loop's first step.
/// Source: [linux-read-write].
template <class L>
struct AfterAccessOk {
  static constexpr std::string_view kName = L::kName;

  struct State {
    typename L::State loop;
    std::uint64_t entered{};
  };

  UserSegments segments;
  L loop;

  explicit AfterAccessOk(const SystemCall& call) : segments(call.segments), loop(call) {}
  [[nodiscard]] State begin() const { return {loop.begin(), 0}; }
  [[nodiscard]] Step step(State& s, Kernel& k) const {
    if (s.entered == 0) {
      for (const UserSegment& segment : segments) {
        if (!access_ok(k, segment.base, segment.length)) return finished(Errno::efault);
      }
    }
    const Step made = loop.step(s.loop, k);
    if (!std::holds_alternative<Blocked>(made)) s.entered = 1;  // who blocks has not moved
    return made;
  }
  [[nodiscard]] Bytes progress(const State& s) const { return loop.progress(s.loop); }
  [[nodiscard]] UserSegments remaining(const State& s) const requires
      requires(const L& l, const typename L::State& state) {
    l.remaining(state);
  }
  { return loop.remaining(s.loop); }
};

}  // namespace mtesim
