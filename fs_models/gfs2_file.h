#pragma once

#include "fs_models/filemap_read.h"
#include "fs_models/iomap_write.h"

namespace mtesim {

/// should_fault_in_pages(): how much to fault in before the next try.
struct Gfs2Window {
  Bytes prev_count{};  ///< what was left the last time it was asked
  Bytes size{};
  /// False if nothing is left. As many pages as the task may dirty, or one if the last try made no progress.
  [[nodiscard]] bool choose(const Kernel& k, Bytes count, Bytes position);
};

/// gfs2_file_read_iter() without O_DIRECT.
///
/// Rounds:    the pages of a try to read, one each, and the fault-ins between tries. The first try takes only what is
///            cached and mapped, without the glock; the others hold it, with page faults disabled.
/// Progress:  fault_in_iov_iter_writeable() walks the page tables in software and sees no tag, but the copy does: A2
///            fails, and with the first byte left in a mistagged granule it goes round for ever. 5.10 reads once, with
///            page faults enabled: it ends.
/// Signals:   a fatal one ends it, at the next page or fault-in.
/// Locks:     the glock, shared, during a try. In 5.10 a page fault on a mapping of the same file wants it again: BUG.
/// Source:    [linux-gfs2-file], [linux-00bfe02f4796].
struct Gfs2BufferedRead {
  static constexpr std::string_view kName = "gfs2_file_read_iter";
  enum class At : std::uint64_t { cached, locking, reading, faulting_in };

  struct State {
    FilemapRead::State attempt;
    Bytes written{};  ///< by earlier tries
    Gfs2Window window;
    At at{};
  };

  FilemapRead read;

  explicit Gfs2BufferedRead(const SystemCall& call) : read(call) {}
  [[nodiscard]] State begin() const { return {read.begin(), {}, {}, At::cached}; }
  [[nodiscard]] Step step(State& s, Kernel& k) const;
  [[nodiscard]] Bytes progress(const State& s) const { return s.written + s.attempt.read; }
  [[nodiscard]] UserSegments remaining(const State& s) const { return read.remaining(s.attempt); }

 private:
  [[nodiscard]] Step try_page(State& s, Kernel& k, bool no_io, bool pagefaults) const;
};

/// gfs2_file_direct_read(): tries of iomap_dio_rw() under the deferred glock, page faults disabled.
///
/// Rounds:    a try and the fault-in behind it.
/// Progress:  blocks with data go by GUP, which sees no tag. A hole and a stuffed file's data are copied by the user's
///            pointer, while the fault-in sees no tag: A2 fails as in the buffered read. 5.10 tries once.
/// Signals:   a fatal one ends it, in the fault-in.
/// Locks:     the glock during a try. What a mapping of the same range has dirtied is written back at each try, and
///            then is not writable for GUP: no tags are needed for it to go round for ever.
/// Source:    [linux-gfs2-file], [linux-b01b2d72da25].
struct Gfs2DirectRead {
  static constexpr std::string_view kName = "gfs2_file_direct_read";

  struct State {
    IovPosition iter;
    Bytes read{};
    Gfs2Window window;
  };

  UserSegments segments;
  const FileSystem* fs{};
  std::uint32_t object{};
  Bytes position;

  explicit Gfs2DirectRead(const SystemCall& call)
      : segments(call.segments), fs(call.fs), object(call.object), position(call.position) {}
  [[nodiscard]] State begin() const { return {iov_begin(segments), {}, {}}; }
  [[nodiscard]] Step step(State& s, Kernel& k) const;
  [[nodiscard]] Bytes progress(const State& s) const { return s.read; }
  [[nodiscard]] UserSegments remaining(const State& s) const { return rest_of(segments, s.iter); }
};

/// gfs2_file_write_iter(): buffered, or direct and then buffered for what cannot be done directly: behind the file's
/// end, in holes, in stuffed files.
///
/// Rounds:    tries of iomap_dio_rw(); trips of iomap_write_iter(), and the fault-ins between.
/// Progress:  the fault-in loads by the user's pointer, and sees what the copy sees: nothing faulted in ends it. A
///            direct write that makes no progress with a window of one page falls back to the buffered one. In 5.10
///            the loop of iomap's buffered write stands alone, with its own argument.
/// Signals:   a fatal one ends it, in write_begin().
/// Locks:     inode lock throughout; the glock, deferred or exclusive, during a try. 5.10 takes page faults under it.
/// Source:    [linux-gfs2-file], [linux-00bfe02f4796], [linux-b01b2d72da25].
struct Gfs2Write {
  static constexpr std::string_view kName = "gfs2_file_write_iter";
  enum class At : std::uint64_t { begin, direct, to_buffered, faulting_in, locking, writing };

  struct State {
    IomapWriteState write;  ///< `written` counts the direct part, too
    Gfs2Window window;
    Bytes direct{};  ///< bytes of the direct part
    Bytes limit{};   ///< of the try: what was faulted in
    At at{};
  };

  UserSegments segments;
  const FileSystem* fs{};
  std::uint32_t object{};
  Bytes position;
  bool direct{};

  explicit Gfs2Write(const SystemCall& call)
      : segments(call.segments), fs(call.fs), object(call.object), position(call.position), direct(call.flags.direct) {}
  [[nodiscard]] State begin() const { return {{iov_begin(segments), {}, {}, {}}, {}, {}, {}, At::begin}; }
  [[nodiscard]] Step step(State& s, Kernel& k) const;
  [[nodiscard]] Bytes progress(const State& s) const { return s.write.written; }
  [[nodiscard]] UserSegments remaining(const State& s) const { return rest_of(segments, s.write.iter); }

 private:
  [[nodiscard]] Step direct_try(State& s, Kernel& k) const;
  [[nodiscard]] Step fault_in_window(State& s, Kernel& k) const;
  [[nodiscard]] Step write_page(State& s, Kernel& k) const;
  [[nodiscard]] Step finish(State& s, Kernel& k, Errno error) const;
};

}  // namespace mtesim
