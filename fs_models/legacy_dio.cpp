#include "fs_models/legacy_dio.h"

#include "fs_models/page_cache.h"
#include "model/mm/fault.h"

namespace mtesim {

namespace {

constexpr Bytes kSector{512};

bool is_sector_aligned(Bytes offset, const UserSegments& segments) {
  std::uint64_t bits = offset.n;
  for (const UserSegment& segment : segments) bits |= segment.base.address() | segment.length.n;
  return is_aligned(bits, kSector);
}

FolioRef block_at(const Machine& machine, std::uint32_t object, Bytes at) {
  return {object, static_cast<std::uint32_t>(at / machine.page_size)};
}

/// get_more_blocks(): how far from `at` blocks of the same kind lie that one look at the file's map gives, `most` at
/// the most.
Bytes mapped_from(const Machine& machine, std::uint32_t object, Bytes at, Bytes most) {
  const BlockKind kind = block_of(machine, block_at(machine, object, at));
  Bytes length;
  while (length < most && block_of(machine, block_at(machine, object, at + length)) == kind) {
    length += min(machine.page_size - (at + length) % machine.page_size, most - length);
  }
  return length;
}

void write_block(Machine& machine, std::uint32_t object, Bytes at, const Provenance& bytes) {
  const FolioRef block = block_at(machine, object, at);
  Contents contents = contents_on_disk(machine, block);
  contents.write(static_cast<std::uint32_t>((at % machine.page_size).n), bytes);
  machine.edit_folio(block, [&](Folio& page) {
    page.contents = contents;
    page.stored = true;
  });
}

}  // namespace

LegacyDioResult blockdev_direct_io(Kernel& k, IovIter& iter, const LegacyDioRequest& request) {
  Traced traced(k, "blockdev_direct_IO", {}, iter.count());
  const Bytes page_size = k.machine.page_size;
  const Bytes begin = request.position;
  const Bytes size = iter.count();
  const Bytes file_size = k.machine.objects[request.object]->size;
  if (!is_sector_aligned(begin, iter.segments)) return {traced.returns(Errno::einval), {}};
  if (!request.writes && begin >= file_size) return {};
  write_back(k.machine, request.object, begin, begin + size);
  if (request.writes) invalidate_pages(k.machine, request.object, begin, begin + size);

  Bytes done;
  Bytes mapped_to;  // blocks are mapped this far: blocks_available, as an offset
  Errno page_error = Errno::ok;
  while (done < size) {
    const Bytes at = begin + done;
    const Bytes in_file_page = at % page_size;
    const Bytes in_user_page = Bytes{iter.pointer().address()} % page_size;
    const Bytes room = min(page_size - in_file_page, size - done);
    // dio_refill_pages(); the iterator stands still where that fails, and is asked again for the next page
    const IterPages pages = iov_iter_get_pages(k, iter, min(room, page_size - in_user_page),
                                               request.writes ? AccessKind::load : AccessKind::store);
    const bool zero_page = pages.bytes.n == 0;
    if (zero_page) {
      if (!request.writes || done >= mapped_to) return {traced.returns(pages.got.error), {}};
      page_error = pages.got.error;
    }
    if (done >= mapped_to) mapped_to = done + mapped_from(k.machine, request.object, at, size - done);
    const Bytes part = zero_page ? min(room, mapped_to - done) : pages.bytes;
    if (!request.writes) {
      const auto from = static_cast<std::uint32_t>(in_file_page.n);
      const Contents block = contents_on_disk(k.machine, block_at(k.machine, request.object, at));
      write_page(k.machine, pages.got.pages.front(), in_user_page,
                 block.read(from, static_cast<std::uint32_t>(from + part.n)));
    } else if (zero_page) {
      write_block(k.machine, request.object, at, Provenance(Origin{}, part));
    } else {
      write_block(k.machine, request.object, at, read_page(k.machine, pages.got.pages.front(), in_user_page, part));
    }
    done += part;
    if (!zero_page) k.emit(Delivered{done});
  }
  if (page_error != Errno::ok) return {traced.returns(page_error), {}};
  if (!request.writes) done = min(done, file_size - begin);
  return {Errno::ok, traced.returns(done)};
}

Step LegacyDirectIo::step(State& s, Kernel& k) const {
  if (s.at == At::buffered) {
    const Step written = buffered.step(s.buffered, k);
    if (const auto* end = std::get_if<Finished>(&written); end != nullptr && end->result > 0) {
      const Bytes to = position + Bytes{static_cast<std::uint64_t>(end->result)};
      write_back(k.machine, object, position, to);
      invalidate_pages(k.machine, object, position, to);
    }
    return written;
  }
  const LockId inode{LockKind::inode, object, 0};
  if (!lock(k, inode, writes ? LockMode::exclusive : LockMode::shared)) return Blocked{inode};
  if (writes && position + s.iter.count > k.machine.objects[object]->size) {
    unlock(k, inode);
    s.at = At::buffered;
    return Advanced{};
  }
  IovIter iter{segments, s.iter};
  const LegacyDioResult result = blockdev_direct_io(k, iter, {object, position, writes});
  unlock(k, inode);
  s.done = result.done;
  return result.error == Errno::ok ? finished(result.done) : finished(result.error);
}

}  // namespace mtesim
