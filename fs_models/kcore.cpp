#include "fs_models/kcore.h"

namespace mtesim {

namespace {

/// In place, or in a page of its own from its begin.
KernelBytes vmalloc_memory(Bytes from, Bytes count, bool in_place) {
  const std::uint64_t alignment = in_place ? from.n % 16 : 0;
  return {Provenance(Origin{kKernelSource, from.n}, count), static_cast<std::uint32_t>(alignment)};
}

constexpr LockId kKclistLock{LockKind::kclist, 0, 0};

}  // namespace

Step ReadKcore::step(State& s, Kernel& k) const {
  if (s.at == At::begin) {
    if (s.iter.count.n == 0 || position >= size) return finished(Bytes{0});
    if (!lock(k, kKclistLock, LockMode::shared)) return Blocked{kKclistLock};
    s.at = At::next_page;
  }
  Traced traced(k, "read_kcore", {}, s.iter.count);
  IovIter iter{segments, s.iter};
  const Bytes piece = page_piece(s, k);
  if (s.at == At::next_page) {
    s.read = Bytes{0};
    s.src = position + s.done;
    s.left = piece;
    s.at = At::in_page;
  }

  if (k.revision.read_kcore_copy == KcoreCopy::bounce) {
    s.read = copy_to_iter(k, iter, vmalloc_memory(s.src, piece, false));
    if (s.read < piece) return finish(k, s, Errno::efault);
  } else {
    s.read += vread_iter(k, iter, s.src, s.left);
    if (s.read != piece) {
      s.src += s.read;
      s.left -= s.read;  // mod 2^64
      if (fault_in_iov_iter(k, iter, s.left, k.revision.read_kcore_probe).n > 0) return finish(k, s, Errno::efault);
      return Advanced{};
    }
  }
  s.done += piece;
  s.read = Bytes{0};
  s.at = At::next_page;
  k.emit(Delivered{s.done});
  if (iter.count().n == 0 || position + s.done == size) return finish(k, s, Errno::ok);
  return Advanced{};
}

/// How much of the page at the position is wanted. While the page is being read its bytes count as wanted still.
Bytes ReadKcore::page_piece(const State& s, const Kernel& k) const {
  const Bytes at = position + s.done;
  const Bytes wanted = s.iter.count + s.read;
  return min(min(k.machine.page_size - at % k.machine.page_size, size - at), wanted);
}

/// vread_iter(): page by page of the source, each piece of a page and a segment whole or not at all.
Bytes ReadKcore::vread_iter(Kernel& k, IovIter& iter, Bytes from, Bytes count) const {
  Traced traced(k, "vread_iter", {}, count);
  Bytes done;
  while (done < count) {
    const Bytes at = from + done;
    const Bytes part = min(k.machine.page_size - at % k.machine.page_size, count - done);
    const Bytes copied = copy_page_to_iter_nofault(k, iter, vmalloc_memory(at, part, true));
    done += copied;
    if (copied < part) break;
  }
  return traced.returns(done);
}

Finished ReadKcore::finish(Kernel& k, const State& s, Errno status) const {
  unlock(k, kKclistLock);
  return status == Errno::ok ? finished(s.done) : finished(status);
}

}  // namespace mtesim
