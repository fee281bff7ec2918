#include "fs_models/userfaultfd_copy.h"

#include "model/mm/fault.h"

namespace mtesim {

Step UserfaultfdCopy::step(State& s, Kernel& k) const {
  Traced traced(k, "mfill_atomic_copy", src + s.copied, length - s.copied);
  const Bytes page_size = k.machine.page_size;
  const bool aligned = is_aligned(dst.bits() | length.n, page_size);
  if (!aligned || length.n == 0) return finished(Errno::einval);
  const LockId mmap{LockKind::mmap, k.task().space, 0};
  const UserPtr from = src + s.copied;
  Provenance page;

  if (s.at == At::without_it) {
    if (copy_from_user(k, page, from, page_size).n > 0) return finish(s, Errno::efault);
    if (!lock(k, mmap, LockMode::shared)) return Blocked{mmap};
  } else {
    if (!lock(k, mmap, LockMode::shared)) return Blocked{mmap};
    if (copy_under_lock(k, page, from, page_size).n > 0) {
      unlock(k, mmap);
      s.at = At::without_it;
      return Advanced{};
    }
  }
  s.at = At::under_the_lock;
  const Errno status = install(k, dst + s.copied, page);
  unlock(k, mmap);
  if (status != Errno::ok) return finish(s, status);
  s.copied += page_size;
  k.emit(Delivered{s.copied});
  if (fatal_signal_pending(k)) return finish(s, Errno::eintr);
  if (s.copied == length) return finish(s, Errno::ok);
  return Advanced{};
}

Bytes UserfaultfdCopy::copy_under_lock(Kernel& k, Provenance& page, UserPtr from, Bytes size) const {
  if (k.revision.mfill_pagefaults_under_lock) return copy_from_user(k, page, from, size);
  const PagefaultDisabled disabled(k);
  return copy_from_user(k, page, from, size);
}

/// mfill_atomic_install_pte(): only where nothing is.
Errno UserfaultfdCopy::install(Kernel& k, UserPtr to, const Provenance& page) const {
  const std::uint64_t address = to.address();
  k.environment.before(PageWalk{address, AccessKind::store}, k.machine);
  const bool missing = k.machine.space_of(k.current).pte(k.machine.page_index(address)).state == PteState::none;
  const bool mapped = missing && !failed(handle_mm_fault(k.machine, k.task().space, address, AccessKind::store));
  k.emit(Found{mapped});
  if (!missing) return Errno::eexist;
  if (!mapped) return Errno::enoent;
  const FolioRef folio = k.machine.space_of(k.current).pte(k.machine.page_index(address)).folio;
  k.machine.edit_folio(folio, [&](Folio& fresh) { fresh.contents.write(0, page); });
  return Errno::ok;
}

Finished UserfaultfdCopy::finish(const State& s, Errno status) const {
  if (s.copied == length) return finished(Bytes{0});
  return finished(s.copied.n > 0 ? Errno::eagain : status);
}

}  // namespace mtesim
