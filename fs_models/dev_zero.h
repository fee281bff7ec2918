#pragma once

#include "fs_models/copy_loop.h"
#include "fs_models/system_call.h"

namespace mtesim {

/// read_zero() for read(2), read_iter_zero() for readv(2): clear_user() a page at a time, page faults enabled.
///
/// Rounds:    one chunk of at most a page each.
/// Progress:  clear_user() has no one-byte retry (A1 fails), but nothing is tried twice: read_zero() ends at a short
///            clear, read_iter_zero() at one that cleared nothing.
/// Signals:   any ends it between chunks.
/// Source:    [linux-mem].
struct ReadZero {
  static constexpr std::string_view kName = "read_zero";

  struct State {
    IovPosition iter;
    Bytes read{};
  };

  UserSegments segments;
  bool vectored{};

  explicit ReadZero(const SystemCall& call);
  [[nodiscard]] State begin() const { return {iov_begin(segments), {}}; }
  [[nodiscard]] Step step(State& s, Kernel& k) const;
  [[nodiscard]] Bytes progress(const State& s) const { return s.read; }
  [[nodiscard]] UserSegments remaining(const State& s) const { return rest_of(segments, s.iter); }
};

/// write_null(): takes everything and looks at nothing.
struct WriteNull {
  static constexpr std::string_view kName = "write_null";

  struct State {
    Bytes written{};
  };

  UserSegments segments;

  explicit WriteNull(const SystemCall& call) : segments(call.segments) {}
  [[nodiscard]] State begin() const { return {}; }
  [[nodiscard]] Step step(State& s, Kernel&) const {
    s.written = iov_begin(segments).count;
    return finished(s.written);
  }
  [[nodiscard]] Bytes progress(const State& s) const { return s.written; }
};

/// read_null() and write_full(): end of file, and ENOSPC; neither looks at the buffer.
struct NoTransfer {
  static constexpr std::string_view kName = "write_full";

  struct State {
    std::uint64_t none{};
  };

  bool writes{};

  explicit NoTransfer(const SystemCall& call) : writes(call.is_write()) {}
  [[nodiscard]] State begin() const { return {}; }
  [[nodiscard]] Step step(State&, Kernel&) const { return finished(writes ? Errno::enospc : Errno::ok); }
  [[nodiscard]] Bytes progress(const State&) const { return {}; }
};

}  // namespace mtesim
