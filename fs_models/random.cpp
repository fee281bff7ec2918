#include "fs_models/random.h"

namespace mtesim {

Step GetRandomBytesUser::step(State& s, Kernel& k) const {
  Traced traced(k, "get_random_bytes_user", {}, s.iter.count);
  IovIter iter{segments, s.iter};
  if (iter.count().n == 0) return finished(s.copied);
  const bool short_answer = s.copied.n == 0 && iter.count() <= kKey;
  const Bytes block = min(short_answer ? kKey : kBlock, iter.count());
  const KernelBytes bytes{Provenance(Origin{kKernelSource, s.copied.n}, block), kBlockAlignment};
  const Bytes copied = copy_to_iter(k, iter, bytes);
  s.copied += copied;
  k.emit(Delivered{s.copied});
  if (short_answer || copied < block || iter.count().n == 0) return finished(s.copied, Errno::efault);
  if (s.copied % k.machine.page_size == Bytes{0} && signal_pending(k)) return finished(s.copied, Errno::eintr);
  return Advanced{};
}

}  // namespace mtesim
