#pragma once

#include "fs_models/copy_loop.h"
#include "fs_models/system_call.h"

namespace mtesim {

/// pipe_read(): buffer by buffer. A buffer that is not copied whole is not consumed and not counted, though its good
/// bytes were stored.
///
/// Rounds:    one buffer each.
/// Progress:  no retry, no probe: a short copy ends the call.
/// Locks:     pipe mutex throughout.
/// Source:    [linux-pipe].
struct PipeRead {
  static constexpr std::string_view kName = "pipe_read";

  struct State {
    IovPosition iter;
    Bytes read{};
    std::uint64_t locked{};
  };

  UserSegments segments;
  std::uint32_t pipe{};

  explicit PipeRead(const SystemCall& call);
  [[nodiscard]] State begin() const { return {iov_begin(segments), {}, 0}; }
  [[nodiscard]] Step step(State& s, Kernel& k) const;
  [[nodiscard]] Bytes progress(const State& s) const { return s.read; }
  [[nodiscard]] UserSegments remaining(const State& s) const { return rest_of(segments, s.iter); }
};

/// pipe_write(): a page at a time into the ring, the odd bytes first behind what the last buffer holds.
///
/// Rounds:    one buffer each.
/// Progress:  no retry, no probe: a short copy ends the call, and its page does not count.
/// Locks:     pipe mutex throughout.
/// Source:    [linux-pipe].
struct PipeWrite {
  static constexpr std::string_view kName = "pipe_write";

  enum class At : std::uint64_t { begin, merging, filling };
  struct State {
    IovPosition iter;
    Bytes written{};
    At at{At::begin};
  };

  UserSegments segments;
  std::uint32_t pipe{};

  explicit PipeWrite(const SystemCall& call);
  [[nodiscard]] State begin() const { return {iov_begin(segments), {}, At::begin}; }
  [[nodiscard]] Step step(State& s, Kernel& k) const;
  [[nodiscard]] Bytes progress(const State& s) const { return s.written; }
  [[nodiscard]] UserSegments remaining(const State& s) const { return rest_of(segments, s.iter); }
};

}  // namespace mtesim
