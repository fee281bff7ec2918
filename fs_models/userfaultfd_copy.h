#pragma once

#include "fs_models/copy_loop.h"
#include "fs_models/system_call.h"

namespace mtesim {

/// mfill_atomic_copy() of ioctl(UFFDIO_COPY): pages of one range become the missing pages of another, which is
/// registered with a userfaultfd.
///
/// A page is copied into a fresh one with page faults disabled, as the mmap lock is held: two processes that fill each
/// other's memory would deadlock in the fault handler. If that comes short the lock is dropped, and the same page
/// copied again with page faults enabled; if that comes short as well it is EFAULT.
///
/// Rounds:    one page each; a page whose first copy came short has two.
/// Progress:  whole pages only (A1 and A4 do not matter). There is no probe; the second copy is its own, and what it
///            brought stays in the kernel, so that nothing the world does between two rounds can undo it: it ends under
///            any eviction.
/// Signals:   a fatal one ends it behind a page.
/// Result:    0 if all was copied, EAGAIN if some was, else the error. The argument's `copy` has the count, here the
///            argument is not looked at: it is taken to lie in good memory.
/// Tags:      addresses come without a tag, [linux-mte-doc]; a fresh page's tags are 0, whatever the source's were.
/// Locks:     mmap lock, shared, from the first copy to the page table entry.
/// Source:    [linux-userfaultfd].
struct UserfaultfdCopy {
  static constexpr std::string_view kName = "mfill_atomic_copy";

  enum class At : std::uint64_t { under_the_lock, without_it };
  struct State {
    Bytes copied{};
    At at{At::under_the_lock};
  };

  UserPtr src;
  UserPtr dst;
  Bytes length;

  explicit UserfaultfdCopy(const SystemCall& call)
      : src(call.segments.front().base), dst(call.remote.front().base), length(call.segments.front().length) {}
  [[nodiscard]] State begin() const { return {}; }
  [[nodiscard]] Step step(State& s, Kernel& k) const;
  [[nodiscard]] Bytes progress(const State& s) const { return s.copied; }

 private:
  [[nodiscard]] Bytes copy_under_lock(Kernel& k, Provenance& page, UserPtr from, Bytes size) const;
  [[nodiscard]] Errno install(Kernel& k, UserPtr to, const Provenance& page) const;
  [[nodiscard]] Finished finish(const State& s, Errno status) const;
};

}  // namespace mtesim
