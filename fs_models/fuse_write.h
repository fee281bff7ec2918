#pragma once

#include "fs_models/copy_loop.h"
#include "fs_models/system_call.h"

namespace mtesim {

/// fuse_perform_write() around fuse_fill_write_pages(): write(2) through the page cache to a server in user space.
/// Pages are filled one by one, and what they got goes to the server in one request.
///
/// Rounds:    one page, or part of one, each. A page that was not filled to its end ends the request.
/// Progress:  A4 holds, as every byte that was copied is kept and sent, so that a short copy costs a request and no
///            progress. A copy of nothing goes round again: up to 6.12 the probe before it, in 7.3 the one behind it,
///            must have an answer for the first byte (A2), and a load by the user's pointer has. The probe's answer is
///            taken too strictly: a shortfall behind the first page is EFAULT, though bytes before it could be had;
///            before a copy of 5.15 to 6.12 always, in 7.3 only if the copy moved nothing.
/// Signals:   nobody looks while pages are filled. The server answers at once here.
/// Locks:     inode lock throughout; folio lock during the copy.
/// Source:    [linux-fuse].
struct FusePerformWrite {
  static constexpr std::string_view kName = "fuse_fill_write_pages";
  static constexpr Bytes kMaxWrite{128 * 1024};  ///< fc->max_write, as the library asks for
  static constexpr std::uint64_t kMaxPages = 32;

  enum class At : std::uint64_t { begin, filling };
  struct State {
    IovPosition iter;
    Bytes written{};        ///< by requests that were answered
    Bytes count{};          ///< in the request that is being filled
    std::uint64_t pages{};  ///< of that request
    At at{At::begin};
  };

  UserSegments segments;
  std::uint32_t object{};
  Bytes position;

  explicit FusePerformWrite(const SystemCall& call)
      : segments(call.segments), object(call.object), position(call.position) {}
  [[nodiscard]] State begin() const { return {iov_begin(segments), {}, {}, 0, At::begin}; }
  [[nodiscard]] Step step(State& s, Kernel& k) const;
  [[nodiscard]] Bytes progress(const State& s) const { return s.written + s.count; }

 private:
  [[nodiscard]] Step fuse_fill_write_page(State& s, Kernel& k) const;
  void fill(Kernel& k, FolioRef folio, Bytes offset, const Provenance& bytes) const;
  void fuse_send_write_pages(State& s, Kernel& k) const;
  [[nodiscard]] Step stop_filling(State& s, Kernel& k, Errno status) const;
};

}  // namespace mtesim
