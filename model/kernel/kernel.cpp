#include "model/kernel/kernel.h"

#include <exception>

#include "model/kernel/touch.h"
#include "model/mm/mmap.h"

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

bool LockTrail::got_before(const LockRequest& request) {
  if (passed.size() >= known.size()) return false;
  if (known[passed.size()] == request) {
    passed.push_back(request);
    return true;
  }
  known.resize(passed.size());  // the step goes another way this time
  return false;
}

bool ask_for(Kernel& k, const LockRequest& request) {
  if (k.trail == nullptr) {
    if (k.machine.locks.available(request.lock, k.current, request.mode)) return true;
    k.emit(LockContended{request.lock, request.mode});
    return false;
  }
  if (k.trail->got_before(request)) return true;
  const bool may_pause = k.trail->pauses && k.trail->passed.size() >= k.trail->pauses_from;
  k.trail->paused = may_pause && k.machine.locks.held_by(k.current) != k.trail->at_begin;
  if (!k.trail->paused && k.machine.locks.available(request.lock, k.current, request.mode)) {
    k.trail->got(request);
    return true;
  }
  if (!k.trail->paused) k.emit(LockContended{request.lock, request.mode});
  k.trail->sleeps_for(request, k.machine.locks, k.current);
  return false;
}

bool lock(Kernel& k, const LockId& id, LockMode mode) {
  if (is_of_file(id.kind) && id.object < k.machine.objects.size()) {
    k.environment.before(FileLook{id.object}, k.machine);
    k.emit(Found{k.machine.objects[id.object]->size.n});
  }
  if (!ask_for(k, {id, mode})) return false;
  k.machine.locks.take(id, k.current, mode);
  k.emit(LockTaken{id, mode});
  return true;
}

InPassing::InPassing(Kernel& k, const LockId& id, LockMode mode)
    : k_(k), id_(id), exceptions_(std::uncaught_exceptions()) {
  if (k.trail != nullptr) {
    if (!ask_for(k, {id, mode})) throw SleepsForLock{id};
    k.machine.locks.take(id, k.current, mode);
  }
  k.emit(LockTaken{id, mode, true});
}

InPassing::~InPassing() {
  if (std::uncaught_exceptions() > exceptions_) return;
  if (k_.trail != nullptr) k_.machine.locks.unlock(id_, k_.current);
  k_.emit(LockReleased{id_, true});
}

void pass_lock(Kernel& k, const LockId& id, LockMode mode) { const InPassing passing(k, id, mode); }

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
  k.environment.before(KernelEntry{}, k.machine);
  const bool checks_synchronously = task.tcf == TcfMode::sync || task.tcf == TcfMode::asymm;
  task.kernel_tco = k.revision.tco_on_entry == TcoOnEntry::cleared_for_sync_or_asymm && !checks_synchronously;
  k.emit(Found{task.kernel_tco});
}

void leave_kernel(Kernel& k) { k.task().tfsre0 = false; }

UserAccess access_from_user(Kernel& k, const AccessRun& run, const Provenance* stored) {
  UserAccess result;
  const Provenance unknown(Origin{kUninitialisedSource, 0}, run.span());
  const bool dense = run.stride == run.width || run.count == 1;
  const Provenance* value = stored != nullptr ? stored : &unknown;
  const Touched touched = touch(k, run, dense ? value : nullptr, nullptr, Accessor::user_mode, &result.fault);
  result.done = touched.done;
  result.faulted = touched.faulted;
  return result;
}

UserAccess store_tags_from_user(Kernel& k, UserPtr at, std::uint64_t granules, Tag first, unsigned step) {
  UserAccess result;
  constexpr auto kWidth = static_cast<std::uint32_t>(kGranule.n);
  const UserPtr begin(round_down(at.bits(), kGranule));
  for (; result.done < granules; ++result.done) {  // one by one: the world may act between two
    const UserPtr granule = begin + kGranule * result.done;
    const AccessRun one{granule, kWidth, kWidth, 1, AccessKind::store};
    if (touch(k, one, nullptr, nullptr, Accessor::tag_instruction, &result.fault).faulted) {
      result.faulted = true;
      break;
    }
    const Tag tag{static_cast<std::uint8_t>((first.bits + result.done * step) % kTagValues)};
    static_cast<void>(store_tag(k.machine, k.task().space, granule.address(), tag));  // false: no PROT_MTE, ignored
  }
  return result;
}

UserAccess load_tag_from_user(Kernel& k, UserPtr at, Tag& tag) {
  UserAccess result;
  constexpr auto kWidth = static_cast<std::uint32_t>(kGranule.n);
  const AccessRun one{UserPtr(round_down(at.bits(), kGranule)), kWidth, kWidth, 1, AccessKind::load};
  const Touched touched = touch(k, one, nullptr, nullptr, Accessor::tag_instruction, &result.fault);
  result.done = touched.done;
  result.faulted = touched.faulted;
  if (touched.faulted) return result;
  tag = load_tag(k.machine, k.task().space, at.address());
  k.emit(Found{tag.bits});
  return result;
}

SigInfo signal_for(const Machine& machine, std::uint32_t space, const AccessFault& fault) {
  const std::uint64_t address = fault.address.address();
  if (fault.kind == FaultKind::tag) return {address, kSigsegv, kSegvMteserr};
  const Vma* vma = machine.spaces[space]->find(address);
  if (vma == nullptr) return {address, kSigsegv, kSegvMaperr};
  if (!vma->prot.read || fault.kind == FaultKind::permission) return {address, kSigsegv, kSegvAccerr};
  const ObjectKind kind = machine.objects[vma->object]->kind;
  const bool of_file = kind == ObjectKind::file || kind == ObjectKind::shmem;
  const std::uint64_t page = static_cast<std::uint32_t>(machine.page_index(address) + vma->page_delta);
  if (of_file && machine.page_size * page >= machine.objects[vma->object]->size) {
    return {address, kSigbus, kBusAdrerr};
  }
  return {address, kSigsegv, kSegvAccerr};
}

}  // namespace mtesim
