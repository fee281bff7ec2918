#include "fs_models/iomap_dio.h"

#include "fs_models/page_cache.h"
#include "model/mm/fault.h"

namespace mtesim {

namespace {

constexpr Bytes kSector{512};  // logical block of the device, and its DMA alignment

/// Of what is left of the iterator: every address and length.
bool is_sector_aligned(const IovIter& iter) {
  IovPosition at = iter.at;
  IovIter rest{iter.segments, at};
  while (rest.count().n > 0) {
    const Bytes length = rest.single_seg_count();
    if (!is_aligned(rest.pointer().address() | length.n, kSector)) return false;
    rest.advance(length);
  }
  return true;
}

struct Extent {
  BlockKind kind{};
  Bytes length;
};

/// From `at` to where the kind of block changes, `size` at the most.
Extent extent_at(const Machine& machine, std::uint32_t object, Bytes at, Bytes size) {
  const auto kind_at = [&](Bytes position) {
    return block_of(machine, {object, static_cast<std::uint32_t>(position / machine.page_size)});
  };
  Extent extent{kind_at(at), Bytes{}};
  while (extent.length < size && kind_at(at + extent.length) == extent.kind) {
    const Bytes in_page = machine.page_size - (at + extent.length) % machine.page_size;
    extent.length += min(in_page, size - extent.length);
  }
  return extent;
}

/// iomap_dio_bio_iter() of a read: what reached the user's pages.
Bytes read_blocks(Kernel& k, IovIter& iter, const DioRequest& request, Bytes at, Bytes size) {
  Bytes done;
  while (done < size) {
    const Bytes position = at + done;
    const Bytes in_file_page = position % k.machine.page_size;
    const Bytes in_user_page = Bytes{iter.pointer().address()} % k.machine.page_size;
    const Bytes room = min(k.machine.page_size - in_file_page, k.machine.page_size - in_user_page);
    const IterPages pages = iov_iter_get_pages(k, iter, min(size - done, room), AccessKind::store);
    if (pages.bytes.n == 0) break;
    const FolioRef block{request.object, static_cast<std::uint32_t>(position / k.machine.page_size)};
    const auto begin = static_cast<std::uint32_t>(in_file_page.n);
    const Provenance bytes =
        contents_on_disk(k.machine, block).read(begin, static_cast<std::uint32_t>(begin + pages.bytes.n));
    write_page(k.machine, pages.got.pages.front(), in_user_page, bytes);
    done += pages.bytes;
  }
  return done;
}

/// The same of a write. What a block did not have before, and what is not written of it, is zeroed.
Bytes write_blocks(Kernel& k, IovIter& iter, const DioRequest& request, Bytes at, Bytes size) {
  Bytes done;
  while (done < size) {
    const Bytes position = at + done;
    const Bytes in_file_page = position % k.machine.page_size;
    const Bytes in_user_page = Bytes{iter.pointer().address()} % k.machine.page_size;
    const Bytes room = min(k.machine.page_size - in_file_page, k.machine.page_size - in_user_page);
    const IterPages pages = iov_iter_get_pages(k, iter, min(size - done, room), AccessKind::load);
    if (pages.bytes.n == 0) break;
    const Provenance bytes = read_page(k.machine, pages.got.pages.front(), in_user_page, pages.bytes);
    const FolioRef block{request.object, static_cast<std::uint32_t>(position / k.machine.page_size)};
    Contents contents = contents_on_disk(k.machine, block);
    contents.write(static_cast<std::uint32_t>(in_file_page.n), bytes);
    k.machine.edit_folio(block, [&](Folio& page) {
      page.contents = contents;
      page.stored = true;
    });
    done += pages.bytes;
  }
  return done;
}

}  // namespace

DioResult iomap_dio_rw(Kernel& k, IovIter& iter, const DioRequest& request) {
  Traced traced(k, "iomap_dio_rw", {}, iter.count());
  const Bytes file_size = k.machine.objects[request.object]->size;
  const Bytes begin = request.position + request.done_before;
  if (iter.count().n == 0) return {Errno::ok, traced.returns(request.done_before)};
  if (!request.writes && begin >= file_size) return {Errno::ok, traced.returns(request.done_before)};
  write_back(k.machine, request.object, begin, begin + iter.count());
  if (request.writes) invalidate_pages(k.machine, request.object, begin, begin + iter.count());

  Errno error = Errno::ok;
  Bytes done;
  while (iter.count().n > 0 && error == Errno::ok) {
    const Bytes at = begin + done;
    if (!request.writes && at >= file_size && k.revision.dio_read_stops_at_eof) break;
    const Extent extent = extent_at(k.machine, request.object, at, iter.count());
    Bytes moved;
    if (!request.writes && extent.kind != BlockKind::data) {
      moved = iov_iter_zero(k, iter, extent.length);
      if (moved.n == 0 && k.revision.dio_read_stops_at_eof) break;  // iomap_dio_hole_actor(): as if it had ended
    } else {
      if (!is_aligned(at.n | extent.length.n, kSector) || !is_sector_aligned(iter)) {
        error = Errno::einval;
        break;
      }
      moved = request.writes ? write_blocks(k, iter, request, at, extent.length)
                             : read_blocks(k, iter, request, at, extent.length);
    }
    if (moved.n == 0) error = Errno::efault;
    done += moved;
    k.emit(Delivered{request.done_before + done});
  }
  if (error == Errno::efault && done.n > 0 && request.partial) error = Errno::ok;
  if (error != Errno::ok) return {traced.returns(error), Bytes{}};
  if (!request.writes) {
    done = min(done, file_size - begin);  // what lies behind the end was read, and does not count
  } else if (begin + done > file_size) {
    k.machine.objects[request.object].write().size = begin + done;
  }
  return {Errno::ok, traced.returns(request.done_before + done)};
}

Step IomapDirectIo::step(State& s, Kernel& k) const {
  const LockId inode{LockKind::inode, object, 0};
  if (!lock(k, inode, writes ? LockMode::exclusive : LockMode::shared)) return Blocked{inode};
  IovIter iter{segments, s.iter};
  const DioResult result = iomap_dio_rw(k, iter, {object, position, writes, false, {}});
  unlock(k, inode);
  s.done = result.done;
  return result.error == Errno::ok ? finished(result.done) : finished(result.error);
}

}  // namespace mtesim
