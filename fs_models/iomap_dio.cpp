#include "fs_models/iomap_dio.h"

#include "fs_models/page_cache.h"
#include "model/kernel/page_fault.h"
#include "model/mm/fault.h"

namespace mtesim {

namespace {

constexpr Bytes kSector{512};  // logical block of the device, and its DMA alignment
/// Where in its block a stuffed file's data begins: sizeof(struct gfs2_dinode).
constexpr std::uint32_t kStuffedAt = 232;
/// What one bio takes at the most, in pages: BIO_MAX_VECS.
constexpr std::uint64_t kBioPages = 256;

struct Extent {
  BlockKind kind{};
  Bytes length;
};

/// From `at` to where the kind of block changes, `size` at the most, or a block.
Extent extent_at(const Machine& machine, std::uint32_t object, Bytes at, Bytes size, bool by_sector) {
  const auto kind_at = [&](Bytes position) {
    return block_of(machine, {object, static_cast<std::uint32_t>(position / machine.page_size)});
  };
  Extent extent{kind_at(at), Bytes{}};
  if (extent.kind == BlockKind::inline_data) {  // it ends where the file ends, and a hole begins
    const Bytes end = machine.objects[object]->size;
    if (at >= end) return {BlockKind::hole, size};
    return {extent.kind, min(size, end - at)};
  }
  if (by_sector) size = min(size, machine.page_size - at % machine.page_size);
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

/// What a block did not have before, and what is not written of it, is zeroed.
void store_block(Kernel& k, const DioRequest& request, Bytes position, const Provenance& bytes) {
  const FolioRef block{request.object, static_cast<std::uint32_t>(position / k.machine.page_size)};
  Contents contents = contents_on_disk(k.machine, block);
  contents.write(static_cast<std::uint32_t>((position % k.machine.page_size).n), bytes);
  k.machine.edit_folio(block, [&](Folio& page) {
    page.contents = contents;
    page.stored = true;
  });
}

/// The same of a write.
Bytes write_blocks(Kernel& k, IovIter& iter, const DioRequest& request, Bytes at, Bytes size) {
  Bytes done;
  while (done < size) {
    const Bytes position = at + done;
    const Bytes in_user_page = Bytes{iter.pointer().address()} % k.machine.page_size;
    const Bytes room = k.machine.page_size - max(position % k.machine.page_size, in_user_page);
    const IterPages pages = iov_iter_get_pages(k, iter, min(size - done, room), AccessKind::load);
    if (pages.bytes.n == 0) break;
    store_block(k, request, position, read_page(k.machine, pages.got.pages.front(), in_user_page, pages.bytes));
    done += pages.bytes;
  }
  return done;
}

/// bio_iov_iter_bounce() and the write of what it copied: a bio whose bytes cannot all be had is not sent. Of an
/// iterator that takes only what is mapped the copy takes no page fault either. [linux-d5b58fbb2fd7]
Bytes write_bounced(Kernel& k, IovIter& iter, const DioRequest& request, Bytes at, Bytes size) {
  Bytes done;
  while (done < size) {
    const Bytes wanted = min(size - done, k.machine.page_size * kBioPages);
    Provenance copied;
    const IovPosition before = iter.at;
    const Bytes moved = iter.nofault ? copy_page_from_iter_atomic(k, copied, iter, wanted)
                                     : copy_page_from_iter(k, copied, iter, wanted);
    if (moved < wanted) {
      iter.at = before;
      break;
    }
    for (Bytes sent; sent < wanted;) {
      const Bytes position = at + done + sent;
      const Bytes part = min(wanted - sent, k.machine.page_size - position % k.machine.page_size);
      store_block(k, request, position, copied.slice(sent.n, part.n));
      sent += part;
    }
    done += wanted;
  }
  return done;
}

/// iomap_dio_inline_iter() of a read.
Bytes read_inline(Kernel& k, IovIter& iter, const DioRequest& request, Bytes at, Bytes size) {
  const auto begin = static_cast<std::uint32_t>(at.n);
  const Bytes end = min(at + size, k.machine.objects[request.object]->size);
  const Provenance bytes =
      contents_on_disk(k.machine, {request.object, 0}).read(begin, static_cast<std::uint32_t>(max(end, at).n));
  return copy_to_iter(k, iter, {bytes, (kStuffedAt + begin) % 16});
}

bool is_btrfs(const DioRequest& request) { return request.fs->name == "btrfs"; }

/// ENOTBLK: not to be done directly here.
bool falls_back(const DioRequest& request, BlockKind kind) {
  if (is_btrfs(request)) return kind == BlockKind::inline_data;
  return request.fs->name == "gfs2" && request.writes && kind != BlockKind::data;
}

/// The bytes of one extent. 0: a fault, at the first byte.
Bytes transfer(Kernel& k, IovIter& iter, const DioRequest& request, Bytes at, const Extent& extent) {
  const bool locks_range = is_btrfs(request);
  const Bytes page = k.machine.page_size;
  const LockId range{
      LockKind::btrfs_range, request.object, static_cast<std::uint32_t>(at / page),
      static_cast<std::uint32_t>((round_up((at + extent.length).n, page) - round_down(at.n, page)) / page.n)};
  if (locks_range && !lock(k, range, LockMode::exclusive)) throw SleepsForLock{range};
  Bytes moved;
  if (request.writes) {
    const bool may_lose = is_btrfs(request) && k.revision.btrfs_partial_dio_is_lost;
    if (may_lose) extend_file(k.machine, request.object, at + extent.length);
    const Cow<MemoryObject> before = k.machine.objects[request.object];
    moved = request.bounce ? write_bounced(k, iter, request, at, extent.length)
                           : write_blocks(k, iter, request, at, extent.length);
    const bool in_place = request.nocow && extent.kind == BlockKind::data;
    if (may_lose && moved < extent.length && !in_place) k.machine.objects[request.object] = before;
  } else if (extent.kind == BlockKind::data) {
    moved = read_blocks(k, iter, request, at, extent.length);
  } else if (extent.kind == BlockKind::inline_data) {
    moved = read_inline(k, iter, request, at, extent.length);
  } else {
    moved = iov_iter_zero(k, iter, extent.length);
  }
  if (locks_range) unlock(k, range);
  return moved;
}

}  // namespace

bool is_aligned(const IovIter& iter, Bytes alignment) {
  IovPosition at = iter.at;
  IovIter rest{iter.segments, at};
  while (rest.count().n > 0) {
    const Bytes length = rest.single_seg_count();
    if (!is_aligned(rest.pointer().address() | length.n, alignment)) return false;
    rest.advance(length);
  }
  return true;
}

DioResult iomap_dio_rw(Kernel& k, IovIter& iter, const DioRequest& request) {
  Traced traced(k, "iomap_dio_rw", {}, iter.count());
  const Bytes file_size = k.machine.objects[request.object]->size;
  const Bytes begin = request.position + request.done_before;
  const Bytes end = begin + iter.count();
  if (begin == end || (!request.writes && begin >= file_size)) return {Errno::ok, traced.returns(Bytes{0})};
  write_back(k.machine, request.object, begin, end);
  if (request.writes) invalidate_pages(k.machine, request.object, begin, end);

  Errno error = Errno::ok;
  Bytes done;
  while (iter.count().n > 0) {
    const Bytes at = begin + done;
    if (!request.writes && at >= file_size && k.revision.dio_read_stops_at_eof) break;
    const bool by_sector = is_btrfs(request) && !request.writes && k.revision.btrfs_dio_read_by_sector;
    const Extent extent = extent_at(k.machine, request.object, at, iter.count(), by_sector);
    if (falls_back(request, extent.kind)) break;
    const bool by_blocks = request.writes || extent.kind == BlockKind::data;
    if (by_blocks && (!is_aligned(at.n | extent.length.n, kSector) || !is_aligned(iter, kSector))) {
      error = Errno::einval;
      break;
    }
    const Bytes moved = transfer(k, iter, request, at, extent);
    done += moved;
    k.emit(Delivered{request.done_before + done});
    if (moved.n > 0) continue;
    // iomap_dio_hole_actor() and iomap_dio_inline_actor(): as if it had ended.
    if (!by_blocks && k.revision.dio_read_stops_at_eof) break;
    // Where the rest of a new block has to be zeroed, that hides the error.
    const bool zeroes_tail =
        request.writes && !is_aligned(at.n, k.machine.page_size) && (at >= file_size || extent.kind != BlockKind::data);
    if (zeroes_tail && k.revision.dio_zeroing_hides_fault) break;
    if (request.partial && done.n > 0) break;
    error = Errno::efault;
    break;
  }
  if (request.writes) invalidate_pages(k.machine, request.object, begin, end);
  if (error != Errno::ok) return {traced.returns(error), Bytes{}};
  if (!request.writes) {
    done = min(done, file_size - begin);  // what lies behind the end was read, and does not count
  } else {
    extend_file(k.machine, request.object, begin + done);
  }
  return {Errno::ok, traced.returns(request.done_before + done)};
}

Step IomapDirectIo::step(State& s, Kernel& k) const {
  const LockId inode{LockKind::inode, object, 0};
  if (!lock(k, inode, writes ? LockMode::exclusive : LockMode::shared)) return Blocked{inode};
  IovIter iter{segments, s.iter};
  const DioResult result = iomap_dio_rw(k, iter, {.fs = fs, .object = object, .position = position, .writes = writes});
  unlock(k, inode);
  s.done = result.done;
  return result.error == Errno::ok ? finished(result.done) : finished(result.error);
}

}  // namespace mtesim
