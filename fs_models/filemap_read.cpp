#include "fs_models/filemap_read.h"

#include "fs_models/page_cache.h"

namespace mtesim {

FilemapRead::FilemapRead(const SystemCall& call)
    : segments(call.segments), object(call.object), position(call.position) {}

namespace {

/// The page behind the file's end is looked up, and made, before the size is looked at.
bool caches_page_at(const Kernel& k, std::uint32_t object, Bytes position) {
  const bool of_disk = k.machine.objects[object]->kind == ObjectKind::file;
  return of_disk && k.revision.read_at_eof_caches_page && position == k.machine.objects[object]->size &&
         is_aligned(position.n, k.machine.page_size);
}

}  // namespace

Step FilemapRead::step(State& s, Kernel& k) const {
  Traced traced(k, "filemap_read", {}, s.iter.count);
  IovIter iter{segments, s.iter};
  if (fatal_signal_pending(k)) return finished(s.read, Errno::eintr);

  const Bytes at = position + s.read;
  const Bytes page_size = k.machine.page_size;
  const FolioRef folio{object, static_cast<std::uint32_t>(at / page_size)};
  k.environment.before(CacheLookup{folio}, k.machine);
  const Bytes size = k.machine.objects[object]->size;
  k.emit(Found{size.n});
  if (iter.count().n > 0 && at >= size && caches_page_at(k, object, at))
    k.emit(CacheRead{folio, read_into_cache(k.machine, folio)});
  if (iter.count().n == 0 || at >= size) return finished(s.read);

  const Bytes offset = at % page_size;
  const Bytes wanted = min(min(page_size - offset, size - at), iter.count());
  if (no_io && !(k.machine.folio(folio).in_cache && k.machine.folio(folio).uptodate)) {
    return finished(s.read, Errno::eagain);
  }
  k.emit(CacheRead{folio, read_into_cache(k.machine, folio)});
  const Bytes copied = copy_from_page(k, iter, folio, offset, wanted);
  s.read += copied;
  k.emit(Delivered{s.read});
  if (copied < wanted) return finished(s.read, Errno::efault);
  if (iter.count().n == 0) return finished(s.read);
  return Advanced{};
}

}  // namespace mtesim
