#include "fs_models/dev_zero.h"

namespace mtesim {

ReadZero::ReadZero(const SystemCall& call) : segments(call.segments), vectored(call.kind == CallKind::readv) {}

Step ReadZero::step(State& s, Kernel& k) const {
  Traced traced(k, vectored ? "read_iter_zero" : "read_zero", {}, s.iter.count);
  IovIter iter{segments, s.iter};
  if (iter.count().n == 0) return finished(s.read);
  const Bytes chunk = min(k.machine.page_size, iter.count());
  const Bytes cleared = iov_iter_zero(k, iter, chunk);
  s.read += cleared;
  k.emit(Delivered{s.read});
  const bool ends = vectored ? cleared.n == 0 : cleared < chunk;
  if (ends) return finished(s.read, Errno::efault);
  if (iter.count().n == 0) return finished(s.read);
  if (signal_pending(k)) return finished(s.read, Errno::eintr);
  return Advanced{};
}

}  // namespace mtesim
