#include "fs_models/pipe.h"

namespace mtesim {

PipeRead::PipeRead(const SystemCall& call) : segments(call.segments), pipe(call.object) {}

Step PipeRead::step(State& s, Kernel& k) const {
  const LockId mutex{LockKind::pipe, pipe, 0};
  if (s.locked == 0) {
    if (s.iter.count.n == 0) return finished(Bytes{0});
    if (!lock(k, mutex, LockMode::exclusive)) return Blocked{mutex};
    s.locked = 1;
  }
  Traced traced(k, "pipe_read", {}, s.iter.count);
  IovIter iter{segments, s.iter};
  const auto finish = [&](Errno status) {
    unlock(k, mutex);
    return finished(s.read, status);
  };
  if (k.machine.pipes[pipe]->buffers.empty()) {
    // The other end does not write any more while this call lasts: an open one means waiting for ever.
    const bool end_of_file = k.machine.pipes[pipe]->writers == 0 || s.read.n > 0;
    return finish(end_of_file ? Errno::ok : Errno::eagain);
  }
  const Pipe::Buffer buffer = k.machine.pipes[pipe]->buffers.front();
  const Bytes wanted = min(buffer.bytes.size(), iter.count());
  const KernelBytes bytes{buffer.bytes.slice(0, wanted.n), buffer.offset % 16};
  if (copy_page_to_iter(k, iter, bytes) < wanted) return finish(Errno::efault);

  std::vector<Pipe::Buffer>& ring = k.machine.pipes[pipe].write().buffers;
  if (wanted == buffer.bytes.size()) {
    ring.erase(ring.begin());
  } else {
    ring.front() = {buffer.bytes.slice(wanted.n, (buffer.bytes.size() - wanted).n),
                    static_cast<std::uint32_t>(buffer.offset + wanted.n)};
  }
  s.read += wanted;
  k.emit(Delivered{s.read});
  if (iter.count().n == 0) return finish(Errno::ok);
  return Advanced{};
}

PipeWrite::PipeWrite(const SystemCall& call) : segments(call.segments), pipe(call.object) {}

Step PipeWrite::step(State& s, Kernel& k) const {
  const LockId mutex{LockKind::pipe, pipe, 0};
  if (s.at == At::begin) {
    if (s.iter.count.n == 0) return finished(Bytes{0});
    if (!lock(k, mutex, LockMode::exclusive)) return Blocked{mutex};
    s.at = At::merging;
  }
  Traced traced(k, "pipe_write", {}, s.iter.count);
  IovIter iter{segments, s.iter};
  const Bytes page_size = k.machine.page_size;
  const auto finish = [&](Errno status) {
    unlock(k, mutex);
    return finished(s.written, status);
  };
  if (k.machine.pipes[pipe]->readers == 0) return finish(Errno::epipe);

  if (s.at == At::merging) {
    s.at = At::filling;
    const Bytes odd = iter.count() % page_size;
    if (odd.n > 0 && !k.machine.pipes[pipe]->buffers.empty()) {
      const Pipe::Buffer last = k.machine.pipes[pipe]->buffers.back();
      if (Bytes{last.offset} + last.bytes.size() + odd <= page_size) {
        Provenance copied;
        if (copy_page_from_iter(k, copied, iter, odd) < odd) return finish(Errno::efault);
        k.machine.pipes[pipe].write().buffers.back().bytes.append(copied);
        s.written += odd;
        k.emit(Delivered{s.written});
        if (iter.count().n == 0) return finish(Errno::ok);
        return Advanced{};
      }
    }
  }
  // Nobody reads while this call lasts: a full ring means waiting for ever.
  if (k.machine.pipes[pipe]->buffers.size() >= k.machine.pipes[pipe]->ring_size) return finish(Errno::eagain);
  const Bytes wanted = min(page_size, iter.count());
  Provenance copied;
  if (copy_page_from_iter(k, copied, iter, page_size) < wanted) return finish(Errno::efault);
  k.machine.pipes[pipe].write().buffers.push_back({copied, 0});
  s.written += wanted;
  k.emit(Delivered{s.written});
  if (iter.count().n == 0) return finish(Errno::ok);
  return Advanced{};
}

}  // namespace mtesim
