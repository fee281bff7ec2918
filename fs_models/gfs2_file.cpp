#include "fs_models/gfs2_file.h"

#include "fs_models/iomap_dio.h"
#include "fs_models/page_cache.h"

namespace mtesim {

namespace {

constexpr Bytes kLargestWindow{1U << 20};

LockId glock_of(std::uint32_t object) { return {LockKind::glock, object, 0}; }
LockId inode_of(std::uint32_t object) { return {LockKind::inode, object, 0}; }

}  // namespace

bool Gfs2Window::choose(const Kernel& k, Bytes count, Bytes position) {
  if (count.n == 0) return false;
  const Bytes page = k.machine.page_size;
  const Bytes many = min(kLargestWindow, page * kMayDirtyPages);
  const bool one_page = prev_count == count || k.revision.gfs2_window_is_one_page;
  prev_count = count;
  size = (one_page ? page : many) - position % page;
  return true;
}

Step Gfs2BufferedRead::step(State& s, Kernel& k) const {
  const bool retries = k.revision.gfs2_retries;
  switch (s.at) {
    case At::cached: {
      const Step got = try_page(s, k, true, false);
      const auto* ended = std::get_if<Finished>(&got);
      if (ended == nullptr) return got;
      const bool all = s.attempt.iter.count.n == 0;
      const auto error = ended->result < 0 ? static_cast<Errno>(-ended->result) : Errno::ok;
      if (all || (error != Errno::ok && error != Errno::efault && error != Errno::eagain)) return got;
      s.written = s.attempt.read;
      s.at = At::locking;
      return Advanced{};
    }
    case At::locking:
      if (!lock(k, glock_of(read.object), LockMode::shared)) return Blocked{glock_of(read.object)};
      s.attempt.read = Bytes{0};
      s.at = At::reading;
      return Advanced{};
    case At::reading: {
      const Step got = try_page(s, k, false, !retries);
      const auto* ended = std::get_if<Finished>(&got);
      if (ended == nullptr) return got;
      unlock(k, glock_of(read.object));
      s.written += s.attempt.read;
      s.attempt.read = Bytes{0};
      const auto error = ended->result < 0 ? static_cast<Errno>(-ended->result) : Errno::ok;
      const bool go_on = retries && (ended->result > 0 || error == Errno::efault);
      if (!go_on || !s.window.choose(k, s.attempt.iter.count, read.position + s.written)) {
        return finished(s.written, error);
      }
      s.at = At::faulting_in;
      return Advanced{};
    }
    case At::faulting_in:
      break;
  }
  const IovIter iter{read.segments, s.attempt.iter};
  s.window.size -= min(s.window.size, fault_in_iov_iter(k, iter, s.window.size, k.revision.gfs2_read_probe));
  if (s.window.size.n == 0) return finished(s.written, Errno::efault);
  s.at = At::locking;
  return Advanced{};
}

/// A page of generic_file_read_iter(). What it finishes with is this try's.
Step Gfs2BufferedRead::try_page(State& s, Kernel& k, bool no_io, bool pagefaults) const {
  FilemapRead attempt = read;
  attempt.position = read.position + s.written;
  attempt.no_io = no_io;
  if (pagefaults) return attempt.step(s.attempt, k);
  const PagefaultDisabled disabled(k);
  return attempt.step(s.attempt, k);
}

Step Gfs2DirectRead::step(State& s, Kernel& k) const {
  if (s.iter.count.n == 0) return finished(s.read);
  if (!lock(k, glock_of(object), LockMode::shared)) return Blocked{glock_of(object)};
  IovIter iter{segments, s.iter};
  DioRequest request{.fs = fs, .object = object, .position = position, .done_before = s.read};
  DioResult result;
  if (k.revision.gfs2_retries) {
    const PagefaultDisabled disabled(k);
    iter.nofault = request.partial = true;
    result = iomap_dio_rw(k, iter, request);
    iter.nofault = false;
  } else {
    result = iomap_dio_rw(k, iter, request);
  }
  unlock(k, glock_of(object));
  const Errno error = result.error;
  if (error == Errno::ok && result.done.n > 0) s.read = result.done;
  const bool go_on = k.revision.gfs2_retries && (error == Errno::efault || (error == Errno::ok && result.done.n > 0));
  const bool choosing = go_on && s.window.choose(k, iter.count(), position + s.read);
  if (choosing) {
    s.window.size -= min(s.window.size, fault_in_iov_iter(k, iter, s.window.size, k.revision.gfs2_read_probe));
    if (s.window.size.n > 0) return Advanced{};
  }
  if (error != Errno::ok) return finished(error);
  return finished(s.read);
}

Step Gfs2Write::step(State& s, Kernel& k) const {
  switch (s.at) {
    case At::begin:
      if (s.write.iter.count.n == 0) return finished(Bytes{0});
      if (!lock(k, inode_of(object), LockMode::exclusive)) return Blocked{inode_of(object)};
      s.at = direct ? At::direct : At::to_buffered;
      return Advanced{};
    case At::direct:
      return direct_try(s, k);
    case At::to_buffered: {
      s.window = {};
      s.limit = s.write.iter.count;
      const bool probes = k.revision.gfs2_retries && s.window.choose(k, s.limit, position + s.write.written);
      s.at = probes ? At::faulting_in : At::locking;
      return step(s, k);
    }
    case At::faulting_in:
      return fault_in_window(s, k);
    case At::locking:
      if (!lock(k, glock_of(object), LockMode::exclusive)) return Blocked{glock_of(object)};
      s.write.in_extent = s.write.retry = Bytes{0};
      s.at = At::writing;
      return Advanced{};
    case At::writing:
      break;
  }
  return write_page(s, k);
}

/// A try of gfs2_file_direct_write(), and the fault-in behind it.
Step Gfs2Write::direct_try(State& s, Kernel& k) const {
  IovIter iter{segments, s.write.iter};
  if (!lock(k, glock_of(object), LockMode::shared)) return Blocked{glock_of(object)};
  const Bytes end = position + s.write.written + iter.count();
  const bool extends = end > k.machine.objects[object]->size;
  const bool retries = k.revision.gfs2_retries;
  DioResult result{Errno::ok, s.write.written};
  if (!extends) {
    iter.nofault = retries;
    result = iomap_dio_rw(k, iter,
                          {.fs = fs,
                           .object = object,
                           .position = position,
                           .writes = true,
                           .partial = retries,
                           .done_before = s.write.written});
    iter.nofault = false;
  }
  unlock(k, glock_of(object));
  const bool moved = result.error == Errno::ok && result.done > s.write.written;
  if (moved) s.write.written = s.direct = result.done;
  const bool enough = s.window.prev_count == iter.count() && s.window.size <= k.machine.page_size;
  const bool go_on = !extends && retries && (result.error == Errno::efault || moved);
  Errno error = result.error;
  if (go_on && s.window.choose(k, iter.count(), position + s.write.written)) {
    s.window.size -= min(s.window.size, fault_in_iov_iter(k, iter, s.window.size, k.revision.gfs2_write_probe));
    if (s.window.size.n > 0 && !enough) return Advanced{};
    if (s.window.size.n > 0) error = Errno::ok;
  }
  if (error != Errno::ok || iter.count().n == 0) return finish(s, k, error);
  s.at = At::to_buffered;
  return Advanced{};
}

/// Before a try: what cannot be faulted in is not tried.
Step Gfs2Write::fault_in_window(State& s, Kernel& k) const {
  const IovIter iter{segments, s.write.iter};
  s.window.size -= min(s.window.size, fault_in_iov_iter(k, iter, s.window.size, k.revision.gfs2_write_probe));
  if (s.window.size.n == 0) return finish(s, k, Errno::efault);
  s.limit = min(s.write.iter.count, s.window.size);
  s.at = At::locking;
  return Advanced{};
}

/// A trip of iomap_file_buffered_write(), which sees `limit` bytes of the iterator.
Step Gfs2Write::write_page(State& s, Kernel& k) const {
  const bool retries = k.revision.gfs2_retries;
  const Bytes behind = s.write.iter.count - s.limit;
  s.write.iter.count = s.limit;
  IovIter iter{segments, s.write.iter};
  std::optional<Errno> ended;
  if (retries) {
    const PagefaultDisabled disabled(k);
    ended = iomap_write_step(k, iter, s.write, *fs, object, position);
  } else {
    ended = iomap_write_step(k, iter, s.write, *fs, object, position);
  }
  s.limit = s.write.iter.count;
  s.write.iter.count += behind;
  if (!ended) return Advanced{};
  unlock(k, glock_of(object));
  const bool go_on = retries && (*ended == Errno::ok || *ended == Errno::efault);
  if (go_on && s.window.choose(k, s.write.iter.count, position + s.write.written)) {
    s.at = At::faulting_in;
    return Advanced{};
  }
  return finish(s, k, *ended);
}

Step Gfs2Write::finish(State& s, Kernel& k, Errno error) const {
  unlock(k, inode_of(object));
  if (direct) write_out_and_drop(k.machine, object, position + s.direct, position + s.write.written);
  return finished(s.write.written, error);
}

}  // namespace mtesim
