#include "fs_models/iomap_write.h"

#include "fs_models/page_cache.h"

namespace mtesim {

namespace {

/// 6.12: as far as the largest folio reaches, where the file system has large folios; here folios are pages.
Bytes probed_at_once(const Kernel& k, const FileSystem& fs) {
  constexpr Bytes kLargest{std::uint64_t{2} << 20};
  return fs.name == "xfs" && k.revision.iomap_large_folios ? kLargest : k.machine.page_size;
}

/// The page before this one has blocks of another kind.
bool begins_extent(const Machine& machine, FolioRef page, Bytes offset) {
  return offset.n == 0 && page.index > 0 && block_of(machine, page) != block_of(machine, {page.object, page.index - 1});
}

/// xfs_zero_range() before a write behind the file's end: the rest of its last block is zeroed if it has data, and up
/// to some revision belongs to the file from then on, whatever becomes of the write.
void zero_to_position(Kernel& k, std::uint32_t object, Bytes position) {
  if (!k.revision.iomap_zeroing_extends) return;
  const Bytes size = k.machine.objects[object]->size;
  const FolioRef last{object, static_cast<std::uint32_t>(size / k.machine.page_size)};
  const Bytes end = min(position, Bytes{round_up(size.n, k.machine.page_size)});
  if (size < end && has_bytes(block_of(k.machine, last))) extend_file(k.machine, object, end);
}

}  // namespace

std::optional<Errno> iomap_write_step(Kernel& k, IovIter& iter, IomapWriteState& s, const FileSystem& fs,
                                      std::uint32_t object, Bytes position) {
  Traced traced(k, "iomap_write_iter", {}, iter.count());
  const Bytes at = position + s.written;
  const Bytes offset = at % k.machine.page_size;
  const FolioRef folio{object, static_cast<std::uint32_t>(at / k.machine.page_size)};
  if (begins_extent(k.machine, folio, offset)) s.in_extent = Bytes{0};
  const Bytes chunk = probed_at_once(k, fs);
  const Bytes wanted = s.retry.n > 0 ? s.retry : min(chunk - at % chunk, iter.count());
  const Bytes bytes = min(wanted, k.machine.page_size - offset);

  const Bytes missing = fault_in_iov_iter(k, iter, wanted, k.revision.iomap_write_probe);
  const bool fails =
      k.revision.generic_perform_write_failure == ProbeFailure::any_shortfall ? missing.n > 0 : missing == wanted;
  const Errno status = fails ? Errno::efault : fatal_signal_pending(k) ? Errno::eintr : Errno::ok;
  if (status != Errno::ok) {
    if (s.in_extent.n == 0) return status;
    s.in_extent = s.retry = Bytes{0};  // what was written counts; the next mapping meets the error again
    return std::nullopt;
  }

  const PageWrite write{folio, offset, bytes, WriteContract::iomap};
  write_begin(k, write);
  Provenance copied;
  const IovPosition before = iter.at;
  const Bytes moved = copy_into_page(k, copied, iter, folio, offset, bytes);
  const Bytes kept = write_end(k, write, copied);
  iter.at = before;
  iter.advance(kept);
  s.written += kept;
  s.in_extent += kept;
  k.emit(Delivered{s.written});
  if (kept.n > 0) {
    s.retry = Bytes{0};
    return iter.count().n == 0 ? std::optional(Errno::ok) : std::nullopt;
  }
  if (!k.revision.generic_perform_write_shrinks) {
    s.retry = min(k.machine.page_size - offset, iter.single_seg_count());
  } else {
    s.retry = moved.n > 0 ? moved : bytes;
  }
  return std::nullopt;
}

Step IomapBufferedWrite::step(State& s, Kernel& k) const {
  const LockId inode{LockKind::inode, object, 0};
  if (s.locked == 0) {
    if (s.write.iter.count.n == 0) return finished(Bytes{0});
    if (!lock(k, inode, LockMode::exclusive)) return Blocked{inode};
    s.locked = 1;
    zero_to_position(k, object, position);
  }
  Traced traced(k, "iomap_file_buffered_write", {}, s.write.iter.count);
  IovIter iter{segments, s.write.iter};
  const auto ended = iomap_write_step(k, iter, s.write, *fs, object, position);
  if (!ended) return Advanced{};
  unlock(k, inode);
  return finished(s.write.written, *ended);
}

}  // namespace mtesim
