#pragma once

#include "fs_models/copy_loop.h"
#include "fs_models/system_call.h"

namespace mtesim {

/// get_random_bytes_user(): getrandom(2) and read(2) of /dev/urandom, a 64-byte ChaCha block at a time.
///
/// Rounds:    one block each; all in one, of 32 bytes, if no more are asked for.
/// Progress:  no retry, no probe: a short copy counts, and ends the call.
/// Signals:   any ends it, at every page of output.
/// Source:    [linux-random].
struct GetRandomBytesUser {
  static constexpr std::string_view kName = "get_random_bytes_user";
  static constexpr Bytes kBlock{64};
  static constexpr Bytes kKey{32};
  /// The block lies on the stack, 8 bytes past a multiple of 16: seen in what short copies report, 5.10 to 6.12.
  static constexpr std::uint32_t kBlockAlignment = 8;

  struct State {
    IovPosition iter;
    Bytes copied{};
  };

  UserSegments segments;

  explicit GetRandomBytesUser(const SystemCall& call) : segments(call.segments) {}
  [[nodiscard]] State begin() const { return {iov_begin(segments), {}}; }
  [[nodiscard]] Step step(State& s, Kernel& k) const;
  [[nodiscard]] Bytes progress(const State& s) const { return s.copied; }
};

}  // namespace mtesim
