#include "fs_models/user_access.h"

#include "model/arch/random_tag.h"

namespace mtesim {

namespace {

constexpr SigInfo kAsynchronous{0, kSigsegv, kSegvMteaerr};

/// A fault of the program's own becomes its signal, which the task takes behind this step.
Finished ended(Kernel& k, const UserAccess& access, std::uint64_t result) {
  if (!access.faulted) return finished(Bytes{result});
  const SigInfo signal = signal_for(k.machine, k.task().space, access.fault);
  k.task().pending.fault = signal;
  return finished(signal);
}

}  // namespace

bool Guard::interrupted(Kernel& k) const {
  if (!sigsetjmp) return false;
  enter_kernel(k);
  leave_kernel(k);
  return k.task().pending.mteaerr;
}

Step UserLoadStore::step(State&, Kernel& k) const {
  if (guard.interrupted(k)) return finished(kAsynchronous);
  const AccessRun run{at, 1, 1, size.n, kind};
  const Provenance bytes(Origin{source_of_value(value), 0}, size);
  const UserAccess access = access_from_user(k, run, &bytes);
  return ended(k, access, access.done);
}

Step UserStoreTags::step(State&, Kernel& k) const {
  if (guard.interrupted(k)) return finished(kAsynchronous);
  const UserAccess access = store_tags_from_user(k, at, granules, tag, tag_step);
  return ended(k, access, access.done);
}

Step UserLoadTag::step(State&, Kernel& k) const {
  if (guard.interrupted(k)) return finished(kAsynchronous);
  Tag tag;
  const UserAccess access = load_tag_from_user(k, at, tag);
  return ended(k, access, tag.bits);
}

Step UserRandomTags::step(State& s, Kernel& k) const {
  if (s.made == count) return finished(Bytes{s.seen});
  Task& task = k.task();
  s.seen |= std::uint64_t{1} << insert_random_tag(task.rgsr, task.tag_mask).bits;
  ++s.made;
  return s.made == count ? Step{finished(Bytes{s.seen})} : Step{Advanced{}};
}

Step UserSetTco::step(State&, Kernel& k) const {
  k.task().user_tco = tco;
  return finished(Errno::ok);
}

}  // namespace mtesim
