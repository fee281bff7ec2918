#pragma once

#include "fs_models/copy_loop.h"
#include "fs_models/system_call.h"

namespace mtesim {

/// generic_perform_write(): write(2) through the page cache, a page at a time: fault the source in, lock the folio,
/// copy with page faults disabled, and let write_end() say how much of it counts.
///
/// Rounds:    one write_begin() each.
/// Progress:  A1 by the copy routine's one-byte retry. A4 is the weak one: a file system with blocks drops a short copy
///            into a page that is not up to date. Since 5.14 the next try asks for just what had been copied, which
///            cannot come back short again. 5.10 asks for the same length: it goes on for ever where a whole block of
///            the disk is overwritten, and ends elsewhere, as the first try leaves the page up to date.
/// Signals:   a fatal one ends it, each round.
/// Locks:     inode lock throughout; folio lock from write_begin() to write_end().
/// Source:    [linux-filemap], [linux-buffer], [linux-bc1bb416bbb9].
struct GenericPerformWrite {
  static constexpr std::string_view kName = "generic_perform_write";

  enum class At : std::uint64_t { begin, writing };
  struct State {
    IovPosition iter;
    Bytes written{};
    Bytes retry{};  ///< the length to try, after a short copy that was dropped; 0: the rest of the page
    At at{At::begin};
  };

  UserSegments segments;
  const FileSystem* fs{};
  std::uint32_t object{};
  Bytes position;

  explicit GenericPerformWrite(const SystemCall& call);
  [[nodiscard]] State begin() const { return {iov_begin(segments), {}, {}, At::begin}; }
  [[nodiscard]] Step step(State& s, Kernel& k) const;
  [[nodiscard]] Bytes progress(const State& s) const { return s.written; }
  [[nodiscard]] UserSegments remaining(const State& s) const { return rest_of(segments, s.iter); }

 private:
  [[nodiscard]] Bytes probed_at_once(const Kernel& k) const;
  [[nodiscard]] bool probe_fails(Kernel& k, const IovIter& iter, Bytes bytes) const;
  [[nodiscard]] Finished finish(Kernel& k, const State& s, Errno status) const;
};

}  // namespace mtesim
