#include "fs_models/btrfs_buffered_write.h"

#include "fs_models/page_cache.h"

namespace mtesim {

namespace {

/// Of btrfs, where it has large folios: as many blocks as a word has bits.
constexpr Bytes kLargestFolio{256U << 10};

FolioRef page_of(const Kernel& k, std::uint32_t object, Bytes at) {
  return {object, static_cast<std::uint32_t>(at / k.machine.page_size)};
}

/// prepare_pages(): pages of [at, at + size) are found or made; the first and the last are read in where the write
/// begins or ends within them, the first by force as well.
void prepare_pages(Kernel& k, std::uint32_t object, Bytes at, Bytes size, bool force_uptodate) {
  Traced traced(k, "prepare_pages", {}, size);
  const Bytes page_size = k.machine.page_size;
  const Bytes end = at + size;
  for (Bytes begin{round_down(at.n, page_size)}; begin < end; begin += page_size) {
    const bool first = begin <= at;
    const bool last = begin + page_size >= end;
    const bool read =
        (first && (force_uptodate || !is_aligned(at.n, page_size))) || (last && !is_aligned(end.n, page_size));
    grab_page(k, page_of(k, object, begin), read);
  }
}

/// btrfs_copy_from_user(): page by page, until one moves nothing. A short copy into a page that is not up to date
/// counts as nothing.
/// Returns: bytes that count; the iterator has moved by them.
Bytes btrfs_copy_from_user(Kernel& k, IovIter& iter, std::uint32_t object, Bytes at, Bytes size) {
  Traced traced(k, "btrfs_copy_from_user", {}, size);
  Bytes done;
  while (done < size) {
    const Bytes offset = (at + done) % k.machine.page_size;
    const Bytes count = min(k.machine.page_size - offset, size - done);
    const FolioRef page = page_of(k, object, at + done);
    Provenance copied;
    Bytes moved = copy_into_page(k, copied, iter, page, offset, count);
    if (moved < count && !k.machine.folio(page).uptodate) {
      iter.revert(moved);
      moved = Bytes{0};
    }
    if (moved.n == 0) break;
    keep_in_page(k.machine, page, offset, copied);
    done += moved;
  }
  return traced.returns(done);
}

/// The bytes of [at, at + size) that lie in one folio: of a page that is up to date, that page; else of what is made
/// for as much: as many pages, a power of two, as the size fills and the place allows.
Bytes in_one_folio(const Kernel& k, std::uint32_t object, Bytes at, Bytes size) {
  const Bytes page = k.machine.page_size;
  Bytes folio = page;
  const auto is_uptodate = [&](Bytes begin, Bytes length) {  // and so a page of another folio
    for (Bytes p = begin; p < begin + length; p += page) {
      if (k.machine.folio(page_of(k, object, p)).uptodate) return true;
    }
    return false;
  };
  const Bytes begin{round_down(at.n, page)};
  while (k.revision.btrfs_large_folios && folio * 2 <= size && folio * 2 <= kLargestFolio &&
         is_aligned(begin.n, folio * 2) && !is_uptodate(begin, folio * 2)) {
    folio = folio * 2;
  }
  return min(folio - at % page, size);
}

/// copy_one_range() of 7.3, a folio at a time. 0: nothing is kept, and the caller tries the same again.
Bytes copy_one_range(Kernel& k, IovIter& iter, std::uint32_t object, Bytes at) {
  const Bytes size = in_one_folio(k, object, at, iter.count());
  Traced traced(k, "copy_one_range", {}, size);
  const IovPosition before = iter.at;
  prepare_pages(k, object, at, size, false);
  const bool fresh = !k.machine.folio(page_of(k, object, at)).uptodate;
  std::vector<Provenance> parts;
  Bytes moved;
  while (moved < size) {
    const Bytes offset = (at + moved) % k.machine.page_size;
    const Bytes count = min(k.machine.page_size - offset, size - moved);
    const FolioRef page = page_of(k, object, at + moved);
    Provenance copied;
    const Bytes part = copy_into_page(k, copied, iter, page, offset, count);
    parts.push_back(copied);
    moved += part;
    if (part < count) break;
  }
  if (moved < size && fresh) {
    iter.at = before;
    return traced.returns(Bytes{0});
  }
  Bytes kept;
  for (const Provenance& part : parts) {
    keep_in_page(k.machine, page_of(k, object, at + kept), (at + kept) % k.machine.page_size, part);
    kept += part.size();
  }
  return traced.returns(moved);
}

}  // namespace

std::optional<Errno> btrfs_buffered_write_round(Kernel& k, IovIter& iter, BtrfsWriteState& s, std::uint32_t object,
                                                Bytes position) {
  const Bytes page_size = k.machine.page_size;
  const Bytes at = position + s.written;
  const std::uint64_t pages = k.revision.btrfs_write_by_folio || s.one_page != 0 ? 1 : kMayDirtyPages;
  const bool large = k.revision.btrfs_write_by_folio && k.revision.btrfs_large_folios;
  const Bytes reach = large ? kLargestFolio - at % kLargestFolio : page_size * pages - at % page_size;
  const Bytes size = min(reach, iter.count());
  if (fault_in_iov_iter(k, iter, size, k.revision.btrfs_write_probe).n > 0) return Errno::efault;

  Bytes copied;
  if (k.revision.btrfs_write_by_folio) {
    copied = copy_one_range(k, iter, object, at);
  } else {
    prepare_pages(k, object, at, size, s.force_uptodate != 0);
    copied = btrfs_copy_from_user(k, iter, object, at, size);
    if (copied < size) s.one_page = 1;
    s.force_uptodate = copied.n == 0 ? 1 : 0;
  }
  extend_file(k.machine, object, at + copied);
  s.written += copied;
  k.emit(Delivered{s.written});
  if (iter.count().n > 0) return std::nullopt;
  return Errno::ok;
}

Step BtrfsBufferedWrite::step(State& s, Kernel& k) const {
  const LockId inode{LockKind::inode, object, 0};
  if (s.locked == 0) {
    if (s.write.iter.count.n == 0) return finished(Bytes{0});
    if (!lock(k, inode, LockMode::exclusive)) return Blocked{inode};
    s.locked = 1;
  }
  Traced traced(k, "btrfs_buffered_write", {}, s.write.iter.count);
  IovIter iter{segments, s.write.iter};
  const auto ended = btrfs_buffered_write_round(k, iter, s.write, object, position);
  if (!ended) return Advanced{};
  unlock(k, inode);
  return finished(s.write.written, *ended);
}

}  // namespace mtesim
