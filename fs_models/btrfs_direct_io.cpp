#include "fs_models/btrfs_direct_io.h"

#include "fs_models/iomap_dio.h"
#include "fs_models/page_cache.h"

namespace mtesim {

namespace {

/// check_direct_IO(): the file offset, every address and every length are multiples of the block.
bool is_aligned_to_blocks(const Kernel& k, const IovIter& iter, Bytes position) {
  return is_aligned(position.n, k.machine.page_size) && is_aligned(iter, k.machine.page_size);
}

/// A read may not have two segments that begin at the same place.
bool has_twin_segments(const UserSegments& segments) {
  for (std::size_t i = 0; i < segments.size(); ++i) {
    for (std::size_t j = i + 1; j < segments.size(); ++j) {
      if (segments[i].base == segments[j].base) return true;
    }
  }
  return false;
}

}  // namespace

Step BtrfsDirectRead::step(State& s, Kernel& k) const {
  switch (s.at) {
    case At::begin: {
      IovIter iter{buffered.segments, s.read.iter};
      const bool direct = is_aligned_to_blocks(k, iter, buffered.position) && !has_twin_segments(buffered.segments);
      s.at = direct ? At::direct : At::buffered;
      return step(s, k);
    }
    case At::direct:
      return direct_round(s, k);
    case At::buffered:
      break;
  }
  return buffered.step(s.read, k);
}

Step BtrfsDirectRead::direct_round(State& s, Kernel& k) const {
  const LockId inode{LockKind::inode, buffered.object, 0};
  if (!lock(k, inode, LockMode::shared)) return Blocked{inode};
  IovIter iter{buffered.segments, s.read.iter};
  const bool nofault = k.revision.dio_nofault;
  DioRequest request{.fs = fs, .object = buffered.object, .position = buffered.position, .partial = nofault};
  request.done_before = s.read.read;
  DioResult result;
  if (nofault) {
    const PagefaultDisabled disabled(k);
    iter.nofault = true;
    result = iomap_dio_rw(k, iter, request);
    iter.nofault = false;
  } else {
    result = iomap_dio_rw(k, iter, request);
  }
  unlock(k, inode);
  if (result.error == Errno::ok && result.done.n > 0) s.read.read = result.done;

  const Bytes left = iter.count();
  const bool try_again =
      nofault && left.n > 0 && (result.error == Errno::efault || (result.error == Errno::ok && result.done.n > 0));
  if (try_again && left != s.prev_left) {
    (void)fault_in_iov_iter(k, iter, left, k.revision.btrfs_direct_read_probe);
    s.prev_left = left;
    return Advanced{};
  }
  if (result.error != Errno::ok && !try_again) return finished(result.error);
  return fall_back(s, k);
}

/// filemap_read() of the rest, unless there is none, or the file has ended.
Step BtrfsDirectRead::fall_back(State& s, Kernel& k) const {
  const Bytes at = buffered.position + s.read.read;
  if (s.read.iter.count.n == 0 || at >= k.machine.objects[buffered.object]->size) return finished(s.read.read);
  s.at = At::buffered;
  return Advanced{};
}

Step BtrfsDirectWrite::step(State& s, Kernel& k) const {
  if (s.at == At::begin) {
    if (s.write.iter.count.n == 0) return finished(Bytes{0});
    IovIter iter{segments, s.write.iter};
    const bool direct = is_aligned_to_blocks(k, iter, position) &&
                        !(checksummed && k.revision.btrfs_checksummed_write == ChecksummedWrite::buffered);
    s.at = direct ? At::direct : At::buffered;
  }
  return s.at == At::direct ? direct_round(s, k) : buffered_round(s, k);
}

Step BtrfsDirectWrite::direct_round(State& s, Kernel& k) const {
  const LockId inode{LockKind::inode, object, 0};
  if (!lock(k, inode, LockMode::exclusive)) return Blocked{inode};
  IovIter iter{segments, s.write.iter};
  const bool nofault = k.revision.dio_nofault;
  iter.nofault = nofault;
  const DioResult result =
      iomap_dio_rw(k, iter,
                   {.fs = fs,
                    .object = object,
                    .position = position,
                    .writes = true,
                    .partial = nofault,
                    .bounce = checksummed && k.revision.btrfs_checksummed_write == ChecksummedWrite::bounce,
                    .nocow = !checksummed,
                    .done_before = s.write.written});
  iter.nofault = false;
  unlock(k, inode);
  if (result.error == Errno::ok) s.write.written = s.direct = result.done;

  const Bytes left = iter.count();
  const bool try_again =
      nofault && left.n > 0 && (result.error == Errno::efault || (result.error == Errno::ok && result.done.n > 0));
  if (try_again && left != s.prev_left) {
    (void)fault_in_iov_iter(k, iter, left, k.revision.btrfs_write_probe);
    s.prev_left = left;
    return Advanced{};
  }
  if (result.error != Errno::ok && !try_again) return finished(result.error);
  if (left.n == 0) return finished(s.write.written);
  s.at = At::buffered;
  return Advanced{};
}

Step BtrfsDirectWrite::buffered_round(State& s, Kernel& k) const {
  const LockId inode{LockKind::inode, object, 0};
  if (s.locked == 0) {
    if (!lock(k, inode, LockMode::exclusive)) return Blocked{inode};
    s.locked = 1;
  }
  IovIter iter{segments, s.write.iter};
  const auto ended = btrfs_buffered_write_round(k, iter, s.write, object, position);
  if (!ended) return Advanced{};
  unlock(k, inode);
  write_out_and_drop(k.machine, object, position + s.direct, position + s.write.written);
  const bool buffered_failed = s.write.written == s.direct && *ended != Errno::ok;
  if (buffered_failed && k.revision.dio_nofault) return finished(*ended);  // and what was written directly is not told
  return finished(s.write.written, *ended);
}

}  // namespace mtesim
