#include "fs_models/pseudo_files.h"

namespace mtesim {

SeqRead::SeqRead(const SystemCall& call) : segments(call.segments), position(call.position), size(call.file_size) {}

Step SeqRead::step(State& s, Kernel& k) const {
  Traced traced(k, "seq_read_iter", {}, s.iter.count);
  IovIter iter{segments, s.iter};
  if (iter.count().n == 0 || position >= size) return finished(Bytes{0});
  const Bytes wanted = min(size - position, iter.count());
  // The buffer is a page of its own, and keeps what an earlier read left of the text.
  const KernelBytes text{Provenance(Origin{kKernelSource, position.n}, wanted),
                         static_cast<std::uint32_t>(position.n % 16)};
  s.copied = copy_to_iter(k, iter, text);
  k.emit(Delivered{s.copied});
  return finished(s.copied, Errno::efault);
}

Step PagemapRead::step(State& s, Kernel& k) const {
  constexpr std::uint64_t kEntry = 8;
  constexpr Bytes kWalk{std::uint64_t{2} << 20};  // PAGEMAP_WALK_SIZE
  const UserSegment& buffer = segments.front();
  Traced traced(k, "pagemap_read", buffer.base, buffer.length);
  if (position.n % kEntry != 0 || buffer.length.n % kEntry != 0) return finished(Errno::einval);
  const std::uint64_t most = kWalk / k.machine.page_size;
  const std::uint64_t page = (position + s.copied).n / kEntry;
  const Bytes walked{(most - page % most) * kEntry};  // to the next multiple of the walk's size
  const Bytes wanted = min(walked, buffer.length - s.copied);
  if (wanted.n == 0) return finished(s.copied);
  const KernelBytes entries{Provenance(Origin{kKernelSource, position.n + s.copied.n}, wanted), 0};
  if (copy_to_user(k, buffer.base + s.copied, entries).n > 0) return finished(Errno::efault);
  s.copied += wanted;
  k.emit(Delivered{s.copied});
  if (s.copied == buffer.length) return finished(s.copied);
  return Advanced{};
}

Step CommWrite::step(State& s, Kernel& k) const {
  constexpr Bytes kMost{15};  // TASK_COMM_LEN without the NUL
  const UserSegment& buffer = segments.front();
  Traced traced(k, "comm_write", buffer.base, buffer.length);
  Provenance name;
  if (copy_from_user(k, name, buffer.base, min(buffer.length, kMost)).n > 0) return finished(Errno::efault);
  s.copied = buffer.length;
  return finished(s.copied);
}

Step EventfdTransfer::step(State& s, Kernel& k) const {
  constexpr Bytes kCount{8};
  Traced traced(k, writes ? "eventfd_write" : "eventfd_read", {}, s.iter.count);
  IovIter iter{segments, s.iter};
  if (iter.count() < kCount) return finished(Errno::einval);
  std::uint64_t& counter = k.machine.eventfds[eventfd];
  if (writes) {
    Provenance added;
    if (copy_from_user(k, added, iter.pointer(), kCount).n > 0) return finished(Errno::efault);
    ++counter;  // by how much, only the user's memory knows
    return finished(kCount);
  }
  if (counter == 0) return finished(Errno::eagain);
  counter = 0;
  const KernelBytes count{Provenance(Origin{kKernelSource, 0}, kCount), 0};
  return copy_to_iter(k, iter, count) < kCount ? finished(Errno::efault) : finished(kCount);
}

}  // namespace mtesim
