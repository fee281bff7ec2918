#include "fs_models/user_events.h"

#include "model/kernel/fault_in.h"

namespace mtesim {

Step UserEventsWrite::step(State& s, Kernel& k) const {
  Traced traced(k, "user_events_write", {}, s.iter.count);
  IovIter iter{segments, s.iter};
  const Bytes size = iter.count();
  Provenance index;
  if (copy_from_iter(k, index, iter, kIndex) < kIndex) return finished(Errno::efault);
  if (fault_in_iov_iter(k, iter, iter.count(), k.revision.user_events_write_probe).n > 0) {
    return finished(Errno::efault);
  }
  const Bytes payload = iter.count();
  Provenance record;
  const PagefaultDisabled disabled(k);
  return copy_from_iter(k, record, iter, payload) < payload ? finished(Errno::efault) : finished(size);
}

Step UserEventRegister::step(State& s, Kernel& k) const {
  Traced traced(k, "user_event_enabler_write", word, word_size);
  if (s.at == At::begin) {
    if (const Errno status = user_reg_get(k); status != Errno::ok) return finished(status);
    s.at = At::looking;
  }
  const LockId mmap{LockKind::mmap, k.task().space, 0};
  if (s.at == At::looking) {
    const LockId event_mutex{LockKind::event, 0, 0};
    if (!lock(k, event_mutex, LockMode::exclusive)) return Blocked{event_mutex};
    if (!lock(k, mmap, LockMode::shared)) {
      unlock(k, event_mutex);
      return Blocked{mmap};
    }
    ++s.attempts;
    const bool done = set_bit(k);
    unlock(k, mmap);
    unlock(k, event_mutex);
    if (done) {
      // Whether the index reaches the program is not looked at.
      static_cast<void>(put_user(k, argument + kWriteIndex, Provenance(Origin{kKernelSource, 0}, Bytes{4})));
      return finished(Bytes{0});
    }
    s.at = At::faulting_in;
  }
  // user_event_mm_fault_in()
  if (s.attempts > k.revision.user_event_attempts) return finished(Errno::enomem);
  if (!lock(k, mmap, LockMode::shared)) return Blocked{mmap};
  const Errno faulted_in = fixup_user_fault(k, word, AccessKind::store, true);
  unlock(k, mmap);
  if (faulted_in != Errno::ok) return finished(Errno::enomem);
  s.at = At::looking;
  return Advanced{};
}

/// Through the kernel's own mapping, if the page is there and may be written.
bool UserEventRegister::set_bit(Kernel& k) const {
  const GotPage page = get_user_page(k, word, {.write = true, .nofault = true});
  if (page.error != Errno::ok) return false;
  const Provenance bit(Origin{kKernelSource, 0}, word_size);
  write_page(k.machine, page, Bytes{word.address()} % k.machine.page_size, bit);
  return true;
}

Errno UserEventRegister::user_reg_get(Kernel& k) const {
  Traced traced(k, "user_reg_get", argument, kStruct);
  Provenance bytes;
  if (get_user(k, bytes, argument, Bytes{4}) != Errno::ok) return traced.returns(Errno::efault);
  if (copy_from_user(k, bytes, argument, kStruct).n > 0) return traced.returns(Errno::efault);
  if (!is_aligned(word.bits(), word_size)) return traced.returns(Errno::einval);
  return traced.returns(access_ok(k, word, word_size) ? Errno::ok : Errno::efault);
}

}  // namespace mtesim
