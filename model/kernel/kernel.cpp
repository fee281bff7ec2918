#include "model/kernel/kernel.h"

#include "model/kernel/touch.h"

namespace mtesim {

bool fatal_signal_pending(Kernel& k) {
  k.environment.before(SignalCheck{}, k.machine);
  const bool pending = k.task().pending.fatal;
  k.emit(SignalSeen{pending});
  return pending;
}

bool signal_pending(Kernel& k) {
  k.environment.before(SignalCheck{}, k.machine);
  const bool pending = k.task().pending.fatal || k.task().pending.other;
  k.emit(SignalSeen{pending});
  return pending;
}

bool lock(Kernel& k, const LockId& id, LockMode mode) {
  if (!k.machine.locks.try_lock(id, k.current, mode)) {
    k.emit(LockContended{id});
    return false;
  }
  k.emit(LockTaken{id, mode});
  return true;
}

void unlock(Kernel& k, const LockId& id) {
  k.machine.locks.unlock(id, k.current);
  k.emit(LockReleased{id});
}

void enter_kernel(Kernel& k) {
  Task& task = k.task();
  if (task.tfsre0) {  // check_mte_async_tcf(): whatever user mode recorded is noticed here
    task.tfsre0 = false;
    task.pending.mteaerr = true;
  }
  const bool checks_synchronously = task.tcf == TcfMode::sync || task.tcf == TcfMode::asymm;
  task.kernel_tco = k.revision.tco_on_entry == TcoOnEntry::cleared_for_sync_or_asymm && !checks_synchronously;
}

void leave_kernel(Kernel& k) { k.task().tfsre0 = false; }

UserAccess access_from_user(Kernel& k, const AccessRun& run) {
  UserAccess result;
  const Provenance value(Origin{kUninitialisedSource, 0}, run.span());
  const bool dense = run.stride == run.width || run.count == 1;
  const Touched touched = touch(k, run, dense ? &value : nullptr, nullptr, Accessor::user_mode, &result.fault);
  result.done = touched.done;
  result.faulted = touched.faulted;
  return result;
}

}  // namespace mtesim
