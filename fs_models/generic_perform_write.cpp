#include "fs_models/generic_perform_write.h"

#include "fs_models/page_cache.h"

namespace mtesim {

GenericPerformWrite::GenericPerformWrite(const SystemCall& call)
    : segments(call.segments), fs(call.fs), object(call.object), position(call.position) {}

Step GenericPerformWrite::step(State& s, Kernel& k) const {
  const LockId inode{LockKind::inode, object, 0};
  if (s.at == At::begin) {
    if (s.iter.count.n == 0) return finished(Bytes{0});
    if (!lock(k, inode, LockMode::exclusive)) return Blocked{inode};
    s.at = At::writing;
  }
  Traced traced(k, "generic_perform_write", {}, s.iter.count);
  IovIter iter{segments, s.iter};
  const Bytes at = position + s.written;
  const Bytes offset = at % k.machine.page_size;
  const FolioRef folio{object, static_cast<std::uint32_t>(at / k.machine.page_size)};
  const Bytes chunk = probed_at_once(k);
  const Bytes wanted = s.retry.n > 0 ? s.retry : min(chunk - at % chunk, iter.count());
  const Bytes bytes = min(wanted, k.machine.page_size - offset);
  const bool probe_first = k.revision.generic_perform_write_order == WriteOrder::probe_first;

  if (probe_first && probe_fails(k, iter, wanted)) return finish(k, s, Errno::efault);
  if (fatal_signal_pending(k)) return finish(k, s, Errno::eintr);

  const LockId folio_lock{LockKind::folio, folio.object, folio.index};
  if (!lock(k, folio_lock, LockMode::exclusive)) return Blocked{folio_lock};
  const PageWrite write{folio, offset, bytes, fs->contract};
  write_begin(k, write);
  Provenance copied;
  IovPosition before = s.iter;
  const Bytes moved = copy_into_page(k, copied, iter, folio, offset, bytes);
  const Bytes status = write_end(k, write, copied);
  unlock(k, folio_lock);

  s.iter = before;
  iter.advance(status);
  s.written += status;
  k.emit(Delivered{s.written});
  if (status.n == 0) {
    if (!k.revision.generic_perform_write_shrinks) {
      s.retry = min(k.machine.page_size - offset, iter.single_seg_count());
    } else if (moved.n > 0) {
      s.retry = moved;
    } else if (probe_first) {
      s.retry = bytes;
    } else {
      if (probe_fails(k, iter, bytes)) return finish(k, s, Errno::efault);
      s.retry = Bytes{0};
    }
    return Advanced{};
  }
  s.retry = Bytes{0};
  if (iter.count().n == 0) return finish(k, s, Errno::ok);
  return Advanced{};
}

/// mapping_max_folio_size(): a page, unless the file system may have large folios; they are not modelled, but the
/// probe is as long as if they were. (A chunk that could not be copied at all is halved for the next probe in 6.12;
/// here it is not: the probe would look at less, in the same order.)
Bytes GenericPerformWrite::probed_at_once(const Kernel& k) const {
  constexpr Bytes kLargest{std::uint64_t{2} << 20};
  const bool large = fs->name == "tmpfs" && k.revision.tmpfs_large_folios;
  return large ? kLargest : k.machine.page_size;
}

bool GenericPerformWrite::probe_fails(Kernel& k, const IovIter& iter, Bytes bytes) const {
  const Bytes missing = fault_in_iov_iter(k, iter, bytes, k.revision.generic_perform_write_probe);
  return k.revision.generic_perform_write_failure == ProbeFailure::any_shortfall ? missing.n > 0 : missing == bytes;
}

Finished GenericPerformWrite::finish(Kernel& k, const State& s, Errno status) const {
  unlock(k, {LockKind::inode, object, 0});
  return finished(s.written, status);
}

}  // namespace mtesim
