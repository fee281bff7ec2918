#include "fs_models/ntfs_compress_write.h"

#include "model/mm/fault.h"

namespace mtesim {

namespace {

FolioRef page_of(FolioRef first, std::uint32_t page) { return {first.object, first.index + page}; }
LockId lock_of(FolioRef folio) { return {LockKind::folio, folio.object, folio.index}; }

}  // namespace

Step NtfsCompressWrite::step(State& s, Kernel& k) const {
  const LockId inode{LockKind::inode, object, 0};
  if (s.locked == 0) {
    if (s.iter.count.n == 0) return finished(Bytes{0});
    if (!lock(k, inode, LockMode::exclusive)) return Blocked{inode};
    s.locked = 1;
  }
  Traced traced(k, "ntfs_compress_write", {}, s.iter.count);
  IovIter iter{segments, s.iter};
  const Bytes at = position + s.written;
  const Bytes in_frame = at % kFrame;
  const Bytes bytes = min(kFrame - in_frame, iter.count());
  if (fault_in_iov_iter(k, iter, bytes, k.revision.ntfs_compress_write_probe).n > 0) {
    unlock(k, inode);
    return finished(Errno::efault);  // whatever was written
  }

  const Bytes page_size = k.machine.page_size;
  const FolioRef first{object, static_cast<std::uint32_t>((at - in_frame) / page_size)};
  for (std::uint32_t page = 0; page < pages_per_frame(k); ++page) {
    const LockId wanted = lock_of(page_of(first, page));
    if (lock(k, wanted, LockMode::exclusive)) continue;
    while (page > 0) unlock(k, lock_of(page_of(first, --page)));
    return Blocked{wanted};
  }
  const Bytes to = at + bytes;
  const bool ends_inside = to < k.machine.objects[object]->size && to % kFrame > Bytes{0};
  if (!ntfs_get_frame_pages(k, first)) make_ready(k, first, in_frame.n > 0 || ends_inside);

  Bytes copied;
  while (copied < bytes) {
    const Bytes here = in_frame + copied;
    const Bytes offset = here % page_size;
    Provenance part;
    const Bytes moved = copy_page_from_iter_atomic(k, part, iter, min(page_size - offset, bytes - copied));
    if (moved.n == 0) break;
    k.machine.edit_folio(page_of(first, static_cast<std::uint32_t>(here / page_size)),
                         [&](Folio& page) { page.contents.write(static_cast<std::uint32_t>(offset.n), part); });
    copied += moved;
  }

  {
    Traced write_frame(k, "ni_write_frame", {}, kFrame);
    for (std::uint32_t page = 0; page < pages_per_frame(k); ++page) {
      k.machine.edit_folio(page_of(first, page), [](Folio& folio) {
        folio.stored = folio.uptodate = true;
        folio.dirty = false;
      });
      unlock(k, lock_of(page_of(first, page)));
    }
  }
  s.written += copied;
  k.emit(Delivered{s.written});
  if (iter.count().n > 0) return Advanced{};
  const Bytes end = position + s.written;
  if (end > k.machine.objects[object]->size) k.machine.objects[object].write().size = end;
  unlock(k, inode);
  return finished(s.written);
}

std::uint32_t NtfsCompressWrite::pages_per_frame(const Kernel& k) const {
  return static_cast<std::uint32_t>(kFrame / k.machine.page_size);
}

/// Finds or makes the frame's folios.
/// Returns: all of them are up to date.
bool NtfsCompressWrite::ntfs_get_frame_pages(Kernel& k, FolioRef first) const {
  bool uptodate = true;
  for (std::uint32_t page = 0; page < pages_per_frame(k); ++page) {
    const FolioRef folio = page_of(first, page);
    k.environment.before(CacheLookup{folio}, k.machine);
    const Folio& found = k.machine.folio(folio);
    const bool this_one = found.in_cache && found.uptodate;
    k.emit(Found{this_one});
    uptodate = uptodate && this_one;
  }
  return uptodate;
}

/// Reads the frame, or leaves those of its folios that are new as the allocator gave them.
void NtfsCompressWrite::make_ready(Kernel& k, FolioRef first, bool read) const {
  for (std::uint32_t page = 0; page < pages_per_frame(k); ++page) {
    const FolioRef folio = page_of(first, page);
    if (read) {
      k.emit(CacheRead{folio, read_into_cache(k.machine, folio)});
      continue;
    }
    k.machine.edit_folio(folio, [](Folio& found) {
      if (!found.in_cache || !found.uptodate) found.contents = Contents(Origin{kUninitialisedSource, 0});
      found.allocated = found.in_cache = true;
    });
  }
}

}  // namespace mtesim
