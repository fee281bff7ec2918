#include "fs_models/process_vm.h"

#include "model/kernel/page_fault.h"

namespace mtesim {

namespace {

bool segments_ok(Kernel& k, const UserSegments& segments) {
  for (const UserSegment& segment : segments) {
    if (!access_ok(k, segment.base, segment.length)) return false;
  }
  return true;
}

/// __access_remote_vm(): page by page, as far as pages can be had.
Bytes access_remote_vm(Kernel& k, UserPtr at, Bytes size, Provenance* read, const Provenance* written) {
  Traced traced(k, "access_remote_vm", at, size);
  Bytes done;
  const InPassing mmap_lock(k, mmap_lock_of(k.task().space), LockMode::shared);
  while (done < size) {
    const UserPtr here = at + done;
    const Bytes offset = Bytes{here.address()} % k.machine.page_size;
    const Bytes part = min(k.machine.page_size - offset, size - done);
    const GotPage page = get_user_page(k, here, {.write = written != nullptr, .force = true});
    if (page.error != Errno::ok) break;
    if (read != nullptr) read->append(read_page(k.machine, page, offset, part));
    if (written != nullptr) write_page(k.machine, page, offset, written->slice(done.n, part.n));
    done += part;
  }
  return traced.returns(done);
}

}  // namespace

Step ProcessVmRw::step(State& s, Kernel& k) const {
  Traced traced(k, "process_vm_rw", {}, s.local.count);
  IovIter iter{local, s.local};
  IovIter other{remote, s.remote};
  if (s.copied.n == 0 && !segments_ok(k, local)) return finished(Errno::efault);
  if (iter.count().n == 0 || other.count().n == 0) return finished(s.copied);

  const Bytes page_size = k.machine.page_size;
  const UserPtr first = other.pointer();
  Bytes offset = Bytes{first.address()} % page_size;
  const Bytes wanted = min(other.single_seg_count(), page_size * kMostPages - offset);
  const GotPages got = [&] {
    const bool own = remote_space == PageWalk::kOwnSpace;
    const InPassing mmap_lock(k, mmap_lock_of(own ? k.task().space : remote_space), LockMode::shared);
    return pin_user_pages(k, first, wanted, {.write = writes, .space = remote_space});
  }();
  if (got.pages.empty()) return finished(s.copied, Errno::efault);

  Bytes left = min(wanted, page_size * got.pages.size() - offset);
  Errno status = Errno::ok;
  for (const GotPage& page : got.pages) {
    if (left.n == 0 || iter.count().n == 0) break;
    const Bytes part = min(page_size - offset, left);
    Bytes copied;
    if (writes) {
      Provenance bytes;
      copied = copy_page_from_iter(k, bytes, iter, part);
      write_page(k.machine, page, offset, bytes);
    } else {
      const KernelBytes bytes{read_page(k.machine, page, offset, part), static_cast<std::uint32_t>(offset.n % 16)};
      copied = copy_page_to_iter(k, iter, bytes);
    }
    s.copied += copied;
    left -= copied;
    other.advance(copied);
    offset = Bytes{0};
    if (copied < part && iter.count().n > 0) {
      status = Errno::efault;
      break;
    }
  }
  k.emit(Delivered{s.copied});
  if (status != Errno::ok || iter.count().n == 0 || other.count().n == 0) return finished(s.copied, status);
  return Advanced{};
}

Step ProcMemRw::step(State& s, Kernel& k) const {
  Traced traced(k, "mem_rw", buffer, size - s.copied);
  const Bytes part = min(k.machine.page_size, size - s.copied);
  if (part.n == 0) return finished(s.copied);
  if (s.copied.n == 0 && !access_ok(k, buffer, size)) return finished(Errno::efault);
  const UserPtr user = buffer + s.copied;
  const UserPtr there = position + s.copied;
  Bytes moved;
  const bool found = position.top_byte() == 0 || k.revision.proc_mem_untags;
  if (writes) {
    Provenance bytes;
    if (copy_from_user(k, bytes, user, part).n > 0) return finished(Errno::efault);
    if (found) moved = access_remote_vm(k, there, part, nullptr, &bytes);
  } else {
    Provenance bytes;
    if (found) moved = access_remote_vm(k, there, part, &bytes, nullptr);
    if (moved.n > 0 && copy_to_user(k, user, {bytes, 0}).n > 0) return finished(Errno::efault);
  }
  s.copied += moved;
  k.emit(Delivered{s.copied});
  if (moved.n == 0) return finished(s.copied, Errno::eio);
  if (s.copied == size) return finished(s.copied);
  return Advanced{};
}

Step Vmsplice::step(State& s, Kernel& k) const {
  const LockId mutex{LockKind::pipe, pipe, 0};
  if (s.locked == 0) {
    if (!segments_ok(k, segments)) return finished(Errno::efault);
    if (s.iter.count.n == 0) return finished(Bytes{0});
    if (!lock(k, mutex, LockMode::exclusive)) return Blocked{mutex};
    s.locked = 1;
  }
  Traced traced(k, "vmsplice_to_pipe", {}, s.iter.count);
  IovIter iter{segments, s.iter};
  const auto finish = [&](Errno status) {
    unlock(k, mutex);
    return finished(s.spliced, status);
  };
  const auto is_full = [&] { return k.machine.pipes[pipe]->buffers.size() >= k.machine.pipes[pipe]->ring_size; };
  if (is_full()) return finish(Errno::eagain);  // SPLICE_F_NONBLOCK
  const Bytes page_size = k.machine.page_size;
  Bytes offset = Bytes{iter.pointer().address()} % page_size;
  const IterPages pages = iov_iter_get_pages(k, iter, page_size * kBatch - offset, AccessKind::load);
  if (pages.bytes.n == 0) return finish(Errno::efault);
  Bytes left = pages.bytes;
  for (const GotPage& page : pages.got.pages) {
    const Bytes part = min(page_size - offset, left);
    if (part.n == 0) break;
    if (is_full()) return finish(Errno::eagain);
    k.machine.pipes[pipe].write().buffers.push_back(
        {read_page(k.machine, page, offset, part), static_cast<std::uint32_t>(offset.n)});
    s.spliced += part;
    left -= part;
    offset = Bytes{0};
  }
  k.emit(Delivered{s.spliced});
  if (iter.count().n == 0) return finish(Errno::ok);
  return Advanced{};
}

}  // namespace mtesim
