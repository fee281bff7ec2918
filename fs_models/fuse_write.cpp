#include "fs_models/fuse_write.h"

#include "model/mm/fault.h"

namespace mtesim {

namespace {

bool probe_fails(Kernel& k, const IovIter& iter, Bytes bytes) {
  const Bytes missing = fault_in_iov_iter(k, iter, bytes, k.revision.fuse_fill_write_pages_probe);
  return k.revision.fuse_fill_write_pages_failure == ProbeFailure::any_shortfall ? missing.n > 0 : missing == bytes;
}

}  // namespace

Step FusePerformWrite::step(State& s, Kernel& k) const {
  const LockId inode{LockKind::inode, object, 0};
  if (s.at == At::begin) {
    if (s.iter.count.n == 0) return finished(Bytes{0});
    if (!lock(k, inode, LockMode::exclusive)) return Blocked{inode};
    s.at = At::filling;
  }
  const Step filled = fuse_fill_write_page(s, k);
  if (std::holds_alternative<Finished>(filled)) unlock(k, inode);
  return filled;
}

Step FusePerformWrite::fuse_fill_write_page(State& s, Kernel& k) const {
  Traced traced(k, "fuse_fill_write_pages", {}, s.iter.count);
  IovIter iter{segments, s.iter};
  const Bytes at = position + s.written + s.count;
  const Bytes offset = at % k.machine.page_size;
  const FolioRef folio{object, static_cast<std::uint32_t>(at / k.machine.page_size)};
  const Bytes bytes = min(min(k.machine.page_size - offset, iter.count()), kMaxWrite - s.count);
  const bool probe_first = k.revision.fuse_fill_write_pages_order == WriteOrder::probe_first;

  if (probe_first && probe_fails(k, iter, bytes)) return stop_filling(s, k, Errno::efault);

  const LockId folio_lock{LockKind::folio, folio.object, folio.index};
  if (!lock(k, folio_lock, LockMode::exclusive)) return Blocked{folio_lock};
  Provenance copied;
  const Bytes moved = copy_page_from_iter_atomic(k, copied, iter, bytes);
  if (moved.n > 0) fill(k, folio, offset, copied);
  unlock(k, folio_lock);

  if (moved.n == 0) {
    if (!probe_first && probe_fails(k, iter, bytes)) return stop_filling(s, k, Errno::efault);
    return Advanced{};
  }
  s.count += moved;
  ++s.pages;
  const bool to_its_end = offset + moved == k.machine.page_size;
  const bool more = to_its_end && iter.count().n > 0 && s.count < kMaxWrite && s.pages < kMaxPages;
  return more ? Step{Advanced{}} : stop_filling(s, k, Errno::ok);
}

/// What is filled is sent, whatever comes between: so the server may be taken to have it at once. A page that was not
/// up to date, and is not overwritten whole, is read again by whoever wants the rest of it.
void FusePerformWrite::fill(Kernel& k, FolioRef folio, Bytes offset, const Provenance& bytes) const {
  k.environment.before(CacheLookup{folio}, k.machine);
  const Folio& found = k.machine.folio(folio);
  const bool uptodate = found.in_cache && found.uptodate;
  k.emit(Found{uptodate});
  Contents contents = uptodate ? found.contents : contents_on_disk(k.machine, folio);
  contents.write(static_cast<std::uint32_t>(offset.n), bytes);
  k.machine.edit_folio(folio, [&](Folio& page) {
    page.contents = contents;
    page.allocated = page.in_cache = page.stored = true;
    page.uptodate = uptodate || bytes.size() == k.machine.page_size;
  });
}

void FusePerformWrite::fuse_send_write_pages(State& s, Kernel& k) const {
  Traced traced(k, "fuse_send_write_pages", {}, s.count);
  s.written += s.count;
  s.count = Bytes{0};
  s.pages = 0;
  const Bytes end = position + s.written;
  if (end > k.machine.objects[object]->size) k.machine.objects[object].write().size = end;
  k.emit(Delivered{s.written});
}

/// An error behind some bytes is forgotten: the next request meets it again.
Step FusePerformWrite::stop_filling(State& s, Kernel& k, Errno status) const {
  if (s.count.n == 0) return finished(s.written, status);
  fuse_send_write_pages(s, k);
  return s.iter.count.n == 0 ? Step{finished(s.written)} : Step{Advanced{}};
}

}  // namespace mtesim
