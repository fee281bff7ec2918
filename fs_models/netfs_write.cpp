#include "fs_models/netfs_write.h"

#include "model/mm/fault.h"

namespace mtesim {

Step NetfsPerformWrite::step(State& s, Kernel& k) const {
  const LockId inode{LockKind::inode, object, 0};
  if (s.at == At::begin) {
    if (s.iter.count.n == 0) return finished(Bytes{0});
    if (!lock(k, inode, LockMode::exclusive)) return Blocked{inode};
    s.at = At::writing;
  }
  Traced traced(k, "netfs_perform_write", {}, s.iter.count);
  IovIter iter{segments, s.iter};
  const Bytes at = position + s.written;
  const Bytes wanted = min(kMaxChunk - at % kMaxChunk, iter.count());
  if (fault_in_iov_iter(k, iter, wanted, k.revision.netfs_perform_write_probe) == wanted) {
    return finish(k, s, Errno::efault);
  }

  const Bytes page_size = k.machine.page_size;
  const Bytes offset = at % page_size;
  const Bytes part = min(page_size - offset, wanted);
  const FolioRef folio{object, static_cast<std::uint32_t>(at / page_size)};
  const LockId folio_lock{LockKind::folio, folio.object, folio.index};
  if (!lock(k, folio_lock, LockMode::exclusive)) return Blocked{folio_lock};
  if (signal_pending(k)) {
    unlock(k, folio_lock);
    return finish(k, s, Errno::eintr);
  }

  const How how = how_to_modify(k, folio, offset, part, s.maybe_trouble != 0);
  if (how == How::just_prefetch) k.emit(CacheRead{folio, read_into_cache(k.machine, folio)});
  Provenance copied;
  const IovPosition before = s.iter;
  const Bytes moved = copy_page_from_iter_atomic(k, copied, iter, part);
  const bool dropped = how == How::whole_folio_modify && moved < part;
  if (moved.n > 0 && !dropped) {
    k.machine.edit_folio(folio, [&](Folio& page) {
      if (how == How::modify_and_clear) page.contents = Contents();  // zeroes before and behind what was copied
      page.contents.write(static_cast<std::uint32_t>(offset.n), copied);
      page.allocated = page.in_cache = page.uptodate = page.dirty = true;
    });
  }
  unlock(k, folio_lock);

  if (moved.n == 0) return finish(k, s, Errno::efault);
  if (dropped) {
    s.maybe_trouble = 1;
    s.iter = before;
    return Advanced{};
  }
  s.written += moved;
  const Bytes end = at + moved;
  if (end > k.machine.objects[object]->size) k.machine.objects[object].write().size = end;
  k.emit(Delivered{s.written});
  if (iter.count().n == 0) return finish(k, s, Errno::ok);
  return Advanced{};
}

/// netfs_how_to_modify(). What lies behind the file's end at the server reads as zeroes, and needs no reading.
NetfsPerformWrite::How NetfsPerformWrite::how_to_modify(Kernel& k, FolioRef folio, Bytes offset, Bytes part,
                                                        bool maybe_trouble) const {
  k.environment.before(CacheLookup{folio}, k.machine);
  const Folio& found = k.machine.folio(folio);
  const bool uptodate = found.in_cache && found.uptodate;
  const bool at_server = found.stored || k.machine.page_size * folio.index < k.machine.objects[object]->laid_out;
  k.emit(Found{uptodate});
  if (uptodate) return How::folio_is_uptodate;
  if (!at_server) return How::modify_and_clear;
  const bool whole = offset.n == 0 && part == k.machine.page_size;
  return whole && !maybe_trouble ? How::whole_folio_modify : How::just_prefetch;
}

Finished NetfsPerformWrite::finish(Kernel& k, const State& s, Errno status) const {
  unlock(k, {LockKind::inode, object, 0});
  return finished(s.written, status);
}

}  // namespace mtesim
