#include "fs_models/futex.h"

#include <array>

#include "model/kernel/fault_in.h"
#include "model/kernel/gup.h"
#include "model/kernel/touch.h"
#include "model/kernel/uaccess.h"

namespace mtesim {

namespace {

constexpr Bytes kWord{4};

struct OpNames {
  FutexOp op;
  std::string_view call;
  const char* function;
};
constexpr std::array<OpNames, 7> kOps{{
    {FutexOp::wait, "futex FUTEX_WAIT", "futex_wait"},
    {FutexOp::wake, "futex FUTEX_WAKE", "futex_wake"},
    {FutexOp::wake_op, "futex FUTEX_WAKE_OP", "futex_wake_op"},
    {FutexOp::cmp_requeue, "futex FUTEX_CMP_REQUEUE", "futex_requeue"},
    {FutexOp::cmp_requeue_pi, "futex FUTEX_CMP_REQUEUE_PI", "futex_requeue"},
    {FutexOp::lock_pi, "futex FUTEX_LOCK_PI", "futex_lock_pi"},
    {FutexOp::unlock_pi, "futex FUTEX_UNLOCK_PI", "futex_unlock_pi"},
}};

const OpNames& names_of(FutexOp op) {
  for (const OpNames& names : kOps) {
    if (names.op == op) return names;
  }
  MTESIM_CHECK(!"a futex operation without a name");
  return kOps.front();
}

/// get_futex_key(): of a private futex the address itself; of a shared one its page, by GUP.
Errno get_futex_key(Kernel& k, UserPtr at, bool shared, AccessKind kind) {
  if (!is_aligned(at.address(), kWord)) return Errno::einval;
  if (!access_ok(k, at, kWord)) return Errno::efault;
  if (!shared) return Errno::ok;
  if (get_user_page(k, at, {.write = true}).error == Errno::ok) return Errno::ok;
  if (kind == AccessKind::store) return Errno::efault;
  const GotPage page = get_user_page(k, at, {.write = false});
  if (page.error != Errno::ok) return page.error;
  // A page that is anonymous and read-only will never change: it makes no sense as a futex.
  const bool anonymous = page.zero_page || (!k.machine.folio(page.folio).in_cache);
  return anonymous ? Errno::efault : Errno::ok;
}

/// get_futex_value_locked(): with page faults disabled.
Errno get_futex_value_locked(Kernel& k, Provenance& value, UserPtr at) {
  Traced traced(k, "get_futex_value_locked", at, kWord);
  const PagefaultDisabled disabled(k);
  return traced.returns(get_user(k, value, at, kWord));
}

/// An exclusive load and store with page faults disabled: the word's old value, and `change` of it stored.
template <class Change>
Errno futex_atomic(Kernel& k, const char* name, UserPtr at, Change&& change) {
  Traced traced(k, name, at, kWord);
  const PagefaultDisabled disabled(k);
  const Accessor accessor = k.revision.futex_lsui ? Accessor::uaccess : Accessor::privileged;
  const AccessRun load{at, 4, 4, 1, AccessKind::load};
  const AccessRun store{at, 4, 4, 1, AccessKind::store};
  Provenance old;
  if (touch(k, load, nullptr, &old, accessor).faulted) return traced.returns(Errno::efault);
  const Provenance changed = change(old);
  return traced.returns(touch(k, store, &changed, nullptr, accessor).faulted ? Errno::efault : Errno::ok);
}

/// fault_in_user_writeable(): no access, no look at signals.
Errno fault_in_user_writeable(Kernel& k, UserPtr at) {
  Traced traced(k, "fault_in_user_writeable", at, kWord);
  return traced.returns(fixup_user_fault(k, at, AccessKind::store, false));
}

/// What lock_pi and its like do when the word could not be had: round again, unless the page cannot be.
Step try_again(Kernel& k, UserPtr at) {
  const Errno status = fault_in_user_writeable(k, at);
  if (status != Errno::ok) return finished(status);
  return Advanced{};
}

/// The same where get_user() faults the word in.
Step try_again_by_access(Kernel& k, UserPtr at) {
  Provenance ignored;
  const Errno status = get_user(k, ignored, at, kWord);
  if (status != Errno::ok) return finished(status);
  return Advanced{};
}

Step lock_pi(Kernel& k, UserPtr at) {
  Provenance word;
  if (get_futex_value_locked(k, word, at) != Errno::ok) return try_again(k, at);
  if (word_value(word) != 0U) return finished(Errno::esrch);  // an owner that there is not
  const std::uint32_t tid = kFirstTid + k.current.n;
  const Errno locked =
      futex_atomic(k, "futex_cmpxchg_value_locked", at, [&](const Provenance&) { return known_word(tid); });
  return locked == Errno::ok ? Step(finished(Errno::ok)) : try_again(k, at);
}

/// Whoever unlocks must hold the lock, and here nobody does.
Step unlock_pi(Kernel& k, UserPtr at) {
  Provenance word;
  if (!access_ok(k, at, kWord) || get_user(k, word, at, kWord) != Errno::ok) return finished(Errno::efault);
  return finished(Errno::eperm);
}

}  // namespace

std::string_view futex_call_name(FutexOp op) { return names_of(op).call; }

Futex::Futex(const SystemCall& call)
    : op(call.futex_op), shared(call.futex_shared), first(call.segments.front().base), value(call.futex_value) {
  second = call.remote.empty() ? first : call.remote.front().base;
}

Step Futex::step(State&, Kernel& k) const {
  Traced traced(k, names_of(op).function, first, kWord);
  const bool pi = op == FutexOp::lock_pi || op == FutexOp::cmp_requeue_pi;
  const bool has_second = op == FutexOp::wake_op || op == FutexOp::cmp_requeue || op == FutexOp::cmp_requeue_pi;
  if (op == FutexOp::unlock_pi) return unlock_pi(k, first);
  Errno status = get_futex_key(k, first, shared, op == FutexOp::lock_pi ? AccessKind::store : AccessKind::load);
  if (status != Errno::ok) return finished(status);
  if (has_second) {
    const bool writes = pi || op == FutexOp::wake_op;
    status = get_futex_key(k, second, shared, writes ? AccessKind::store : AccessKind::load);
    if (status != Errno::ok) return finished(status);
  }

  switch (op) {
    case FutexOp::wake:
      return finished(Errno::ok);  // nobody to wake: the word is not looked at
    case FutexOp::lock_pi:
      return lock_pi(k, first);
    case FutexOp::wake_op: {
      const Errno done = futex_atomic(k, "futex_atomic_op_inuser", second, [&](const Provenance& old) {
        const auto known = word_value(old);
        return known ? known_word(*known + value) : old;
      });
      return done == Errno::ok ? Step(finished(Errno::ok)) : try_again(k, second);
    }
    case FutexOp::wait:
    case FutexOp::cmp_requeue:
    case FutexOp::cmp_requeue_pi:
    case FutexOp::unlock_pi:
      break;
  }
  Provenance word;
  if (get_futex_value_locked(k, word, first) != Errno::ok) return try_again_by_access(k, first);
  if (word_value(word) != value) return finished(Errno::eagain);
  if (op == FutexOp::wait) return finished(Errno::etimedout);  // nobody wakes it
  if (op == FutexOp::cmp_requeue_pi) {                         // futex_proxy_trylock_atomic()
    Provenance other;
    if (get_futex_value_locked(k, other, second) != Errno::ok) return try_again(k, second);
  }
  return finished(Errno::ok);  // nobody to requeue
}

}  // namespace mtesim
