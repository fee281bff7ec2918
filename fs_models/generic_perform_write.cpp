#include "fs_models/generic_perform_write.h"

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
  write_begin(k, folio, offset, bytes);
  Provenance copied;
  IovPosition before = s.iter;
  const Bytes moved = copy_page_from_iter_atomic(k, copied, iter, bytes);
  const Bytes status = write_end(k, folio, offset, bytes, copied);
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

/// Finds or makes the folio, and fills what the write leaves of a page that is not up to date: from the disk where the
/// file has it, with zeroes behind its end. A page that is overwritten whole is not read.
void GenericPerformWrite::write_begin(Kernel& k, FolioRef folio, Bytes offset, Bytes bytes) const {
  Traced traced(k, "write_begin", {}, bytes);
  k.environment.before(CacheLookup{folio}, k.machine);
  const Folio& found = k.machine.folio(folio);
  const bool uptodate = found.in_cache && found.uptodate;
  k.emit(Found{uptodate});
  if (uptodate) return;
  const bool whole = offset.n == 0 && bytes == k.machine.page_size;
  const bool read = on_disk(k, folio) && !whole;
  const Bytes page_at = k.machine.page_size * folio.index;
  k.machine.edit_folio(folio, [&](Folio& page) {
    page.allocated = page.in_cache = true;
    page.uptodate = false;
    page.contents = read    ? Contents(Origin{source_of_object(object), page_at.n})
                    : whole ? Contents(Origin{kUninitialisedSource, 0})
                            : Contents();
  });
  k.emit(CacheRead{folio, read});
}

bool GenericPerformWrite::on_disk(const Kernel& k, FolioRef folio) const {
  return fs->contract == WriteContract::block && k.machine.page_size * folio.index < k.machine.objects[object]->size;
}

/// What counts of a copy. Returns 0 where a short copy would leave part of a block without its data.
Bytes GenericPerformWrite::write_end(Kernel& k, FolioRef folio, Bytes offset, Bytes bytes,
                                     const Provenance& copied) const {
  Traced traced(k, "write_end", {}, bytes);
  const bool uptodate = k.machine.folio(folio).uptodate;
  const bool keep = copied.size() == bytes || uptodate || fs->contract == WriteContract::simple;
  const bool disk_block = on_disk(k, folio);
  const bool whole = offset.n == 0 && bytes == k.machine.page_size;
  const auto from = static_cast<std::uint32_t>(offset.n);
  k.machine.edit_folio(folio, [&](Folio& page) {
    page.contents.write(from, copied);
    if (!keep && disk_block && whole) {
      // Its data was neither read nor written: not up to date still; whoever reads it reads it from the disk.
      page.contents = Contents(Origin{kUninitialisedSource, 0});
      return;
    }
    if (!keep) {
      // page_zero_new_buffers() fills a new block; one that was read in is complete. Either way all buffers are up to
      // date now, so the page is, and a short copy is kept the next time.
      if (!disk_block) page.contents.write(from, Provenance(Origin{}, bytes));
      page.uptodate = true;
      page.dirty = !disk_block;
      return;
    }
    if (!uptodate && copied.size() < bytes) {  // simple_write_end(): the rest of a fresh page is zeroed
      const Bytes rest = bytes - copied.size();
      page.contents.write(static_cast<std::uint32_t>((offset + copied.size()).n), Provenance(Origin{}, rest));
    }
    page.uptodate = page.dirty = true;
  });
  if (!keep) return traced.returns(Bytes{0});
  const Bytes end = k.machine.page_size * folio.index + offset + copied.size();
  if (end > k.machine.objects[object]->size) k.machine.objects[object].write().size = end;
  return traced.returns(copied.size());
}

Finished GenericPerformWrite::finish(Kernel& k, const State& s, Errno status) const {
  unlock(k, {LockKind::inode, object, 0});
  return finished(s.written, status);
}

}  // namespace mtesim
