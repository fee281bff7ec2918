#pragma once

#include "fs_models/copy_loop.h"
#include "fs_models/system_call.h"

namespace mtesim {

/// filemap_read() (generic_file_buffered_read() up to 5.10) and shmem_file_read_iter(): page by page out of the page
/// cache, page faults enabled, no folio lock held during the copy.
///
/// Other loops read by it as well, with a begin of their own.
///
/// Rounds:    one page of the file each.
/// Progress:  there is no retry and no probe: a short copy ends the call with what was read, or EFAULT. Safe by
///            construction.
/// Signals:   a fatal one ends it between pages.
/// Source:    [linux-filemap], [linux-shmem].
struct FilemapRead {
  static constexpr std::string_view kName = "filemap_read";

  struct State {
    IovPosition iter;
    Bytes read{};
  };

  UserSegments segments;
  std::uint32_t object{};
  Bytes position;
  bool no_io{};  ///< IOCB_NOIO: a page that is not in the cache ends it, with EAGAIN

  explicit FilemapRead(const SystemCall& call);
  [[nodiscard]] State begin() const { return {iov_begin(segments), {}}; }
  [[nodiscard]] Step step(State& s, Kernel& k) const;
  [[nodiscard]] Bytes progress(const State& s) const { return s.read; }
  [[nodiscard]] UserSegments remaining(const State& s) const { return rest_of(segments, s.iter); }
};

}  // namespace mtesim
