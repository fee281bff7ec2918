#include "model/kernel/fault_in.h"

#include <algorithm>

#include "model/kernel/gup.h"
#include "model/kernel/page_fault.h"
#include "model/kernel/touch.h"
#include "model/kernel/uaccess.h"

namespace mtesim {

namespace {

/// The one byte that page probes touch: loaded, or overwritten with zero.
bool touch_byte(Kernel& k, UserPtr at, AccessKind kind) {
  if (kind == AccessKind::store) return put_user(k, at, Provenance(Origin{}, Bytes{1})) == Errno::ok;
  Provenance ignored;
  return get_user(k, ignored, at, Bytes{1}) == Errno::ok;
}

Errno fault_in_pages(Kernel& k, UserPtr at, Bytes size, AccessKind kind) {
  if (size.n == 0) return Errno::ok;
  const UserPtr last = at + (size - Bytes{1});
  if (last < at) return Errno::efault;
  const Bytes page = k.machine.page_size;
  UserPtr p = at;
  for (; p <= last; p += page) {
    if (!touch_byte(k, p, kind)) return Errno::efault;
  }
  // The stride may have stepped over the page of the last byte.
  if (round_down(p.bits(), page) == round_down(last.bits(), page) && !touch_byte(k, last, kind)) return Errno::efault;
  return Errno::ok;
}

Bytes fault_in_by_page(Kernel& k, UserPtr at, Bytes size, AccessKind kind) {
  if (size.n == 0) return {};
  const Bytes page = k.machine.page_size;
  const UserPtr end = at + size;
  UserPtr p = at;
  while (p < end) {
    if (!touch_byte(k, p, kind)) return size - min(p - at, size);
    p = UserPtr(round_down(p.bits(), page)) + page;
  }
  return {};
}

/// One access at `at` and one at each granule boundary behind it, as long as none faults.
Bytes probe_granules(Kernel& k, UserPtr at, Bytes size, AccessKind kind) {
  if (size.n == 0 || k.machine.scheme->granule.n == 0) return {};  // the hook asks whether the CPU has tags at all
  if (touch(k, {at, 1, 1, 1, kind}, nullptr, nullptr).faulted) return size;
  const UserPtr first(round_up(at.bits(), kGranule));
  const UserPtr end = at + size;
  if (first >= end) return {};
  const auto step = static_cast<std::uint32_t>(kGranule.n);
  const std::uint64_t count = (end - first + kGranule - Bytes{1}) / kGranule;
  const Touched touched = touch(k, {first, 1, step, count, kind}, nullptr, nullptr);
  return touched.faulted ? end - (first + Bytes{touched.done * kGranule.n}) : Bytes{0};
}

/// Page level first (write permission, copy-on-write), then granules over what passed, `min_size` of them at the most.
Bytes fault_in_subpage(Kernel& k, UserPtr at, Bytes size, Bytes min_size, AccessKind granule_access) {
  const Bytes reached = size - fault_in_writeable(k, at, size);
  const Bytes wanted = min_size.n == 0 ? reached : min(reached, min_size);
  Bytes missed;
  if (granule_access == AccessKind::load) {
    missed = probe_subpage_writeable(k, at, wanted);
  } else {
    Traced traced(k, "probe_granule_store", at, wanted);
    missed = traced.returns(probe_granules(k, at, wanted, AccessKind::store));
  }
  return missed.n == 0 ? size - reached : size - (wanted - missed);
}

LockId mmap_lock(Kernel& k) { return mmap_lock_of(k.task().space); }

}  // namespace

Errno fault_in_pages_readable(Kernel& k, UserPtr at, Bytes size) {
  Traced traced(k, "fault_in_pages_readable", at, size);
  return traced.returns(fault_in_pages(k, at, size, AccessKind::load));
}

Errno fault_in_pages_writeable(Kernel& k, UserPtr at, Bytes size) {
  Traced traced(k, "fault_in_pages_writeable", at, size);
  return traced.returns(fault_in_pages(k, at, size, AccessKind::store));
}

Bytes fault_in_readable(Kernel& k, UserPtr at, Bytes size) {
  Traced traced(k, "fault_in_readable", at, size);
  return traced.returns(fault_in_by_page(k, at, size, AccessKind::load));
}

Bytes fault_in_writeable(Kernel& k, UserPtr at, Bytes size) {
  Traced traced(k, "fault_in_writeable", at, size);
  return traced.returns(fault_in_by_page(k, at, size, AccessKind::store));
}

Bytes probe_subpage_writeable(Kernel& k, UserPtr at, Bytes size) {
  Traced traced(k, "probe_subpage_writeable", at, size);
  return traced.returns(probe_granules(k, at, size, AccessKind::load));
}

Bytes fault_in_subpage_writeable(Kernel& k, UserPtr at, Bytes size) {
  Traced traced(k, "fault_in_subpage_writeable", at, size);
  return traced.returns(fault_in_subpage(k, at, size, Bytes{0}, AccessKind::load));
}

Bytes fault_in_safe_writeable(Kernel& k, UserPtr at, Bytes size) {
  Traced traced(k, "fault_in_safe_writeable", at, size);
  if (size.n == 0) return {};
  if (!lock(k, mmap_lock(k), LockMode::shared)) throw SleepsForLock{mmap_lock(k)};
  const Bytes page = k.machine.page_size;
  const UserPtr end = at + size;
  UserPtr p = at;
  bool reached_all = true;
  while (p < end) {
    Errno got = Errno::ok;
    if (k.revision.safe_writeable != SafeWriteable::gup) {
      got = fixup_user_fault(k, p, AccessKind::store, true);
    } else {
      got = fatal_signal_pending(k) ? Errno::eintr : get_user_page(k, p, {.write = true}).error;
    }
    if (got != Errno::ok) {
      reached_all = false;
      break;
    }
    p = UserPtr(round_down(p.bits(), page)) + page;
  }
  unlock(k, mmap_lock(k));
  if (reached_all) return traced.returns(Bytes{0});
  const bool in_first_page = p == at;
  switch (k.revision.safe_writeable) {
    case SafeWriteable::gup:  // the cursor had been rounded down: the difference wraps, and clips to everything
      if (in_first_page && !is_aligned(at.bits(), page)) return traced.returns(Bytes{0});
      break;
    case SafeWriteable::fixup_swapped:  // operands swapped: the difference wraps behind the first page
      if (!in_first_page) return traced.returns(Bytes{0});
      break;
    case SafeWriteable::fixup:
      break;
  }
  return traced.returns(size - (p - at));
}

Bytes fault_in(Kernel& k, const Probe& probe, UserPtr at, Bytes size) {
  const auto all_or_nothing = [&](Errno e) { return e == Errno::ok ? Bytes{0} : size; };
  switch (probe.kind) {
    case ProbeKind::none:
      return {};
    case ProbeKind::fault_in_pages_readable:
      return all_or_nothing(fault_in_pages_readable(k, at, size));
    case ProbeKind::fault_in_pages_writeable:
      return all_or_nothing(fault_in_pages_writeable(k, at, size));
    case ProbeKind::fault_in_readable:
      return fault_in_readable(k, at, size);
    case ProbeKind::fault_in_writeable:
      return fault_in_writeable(k, at, size);
    case ProbeKind::fault_in_safe_writeable:
      return fault_in_safe_writeable(k, at, size);
    case ProbeKind::fault_in_subpage_writeable: {
      if (probe.min_size.n == 0) return fault_in_subpage_writeable(k, at, size);
      Traced traced(k, "fault_in_subpage_writeable", at, size);
      return traced.returns(fault_in_subpage(k, at, size, probe.min_size, AccessKind::load));
    }
    case ProbeKind::probe_granule_store:
      return fault_in_subpage(k, at, size, probe.min_size, AccessKind::store);
  }
  MTESIM_CHECK(!"a probe without a path");
  return {};
}

Errno fixup_user_fault(Kernel& k, UserPtr at, AccessKind kind, bool may_retry) {
  Traced traced(k, "fixup_user_fault", at, Bytes{1});
  if (may_retry && fatal_signal_pending(k)) return traced.returns(Errno::eintr);
  const std::uint64_t address = at.address();
  k.environment.before(PageWalk{address, kind}, k.machine);
  const VmFault handled = fault_in_page(k, k.task().space, address, kind);
  k.emit(PageFaultTaken{address, kind,
                        failed(handled)             ? PageFaultResult::failed
                        : handled == VmFault::major ? PageFaultResult::major
                                                    : PageFaultResult::minor,
                        true});
  return traced.returns(failed(handled) ? Errno::efault : Errno::ok);
}

}  // namespace mtesim
