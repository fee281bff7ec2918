#include "fs_models/fiemap.h"

#include <algorithm>

#include "model/kernel/fault_in.h"
#include "model/kernel/uaccess.h"

namespace mtesim {

namespace {

KernelBytes made_by_kernel(Bytes position, Bytes size) {
  return {Provenance(Origin{kKernelSource, position.n}, size), 0};
}

}  // namespace

Step Fiemap::step(State& s, Kernel& k) const {
  if (s.started == 0) {
    Provenance header;
    if (copy_from_user(k, header, argument, kHeader).n > 0) return finished(Errno::efault);
    s.started = 1;
  }
  s.mapped = 0;
  if (!gfs2 || !k.revision.gfs2_retries) return finish(s, k, fill(s, k));

  const LockId inode{LockKind::inode, object, 0};
  const LockId glock{LockKind::glock, object, 0};
  if (!lock(k, inode, LockMode::shared)) return Blocked{inode};
  if (!lock(k, glock, LockMode::shared)) {
    unlock(k, inode);
    return Blocked{glock};
  }
  Errno error = Errno::ok;
  {
    const PagefaultDisabled disabled(k);
    error = fill(s, k);
  }
  unlock(k, glock);
  unlock(k, inode);
  const UserPtr array = argument + kHeader;
  if (error == Errno::efault && fault_in(k, k.revision.gfs2_read_probe, array, kExtent * room).n == 0) {
    s.mapped = 0;
    return Advanced{};
  }
  return finish(s, k, error);
}

/// fiemap_fill_next_extent(), for each.
Errno Fiemap::fill(State& s, Kernel& k) const {
  const auto fill_next_extent = [&] {
    const Bytes at = kHeader + kExtent * s.mapped;
    Traced traced(k, "fiemap_fill_next_extent", argument + at, kExtent);
    const Bytes missing = copy_to_user(k, argument + at, made_by_kernel(at, kExtent));
    return traced.returns(missing.n > 0 ? Errno::efault : Errno::ok);
  };
  for (const std::uint64_t all = std::min(room, extents); s.mapped < all; ++s.mapped) {
    if (fill_next_extent() == Errno::ok) continue;
    return iomap && k.revision.iomap_fiemap_tries_twice ? fill_next_extent() : Errno::efault;
  }
  return Errno::ok;
}

/// The header goes back whatever came of it, with the number of extents.
Finished Fiemap::finish(const State& s, Kernel& k, Errno error) const {
  constexpr Bytes kMapped{20};  // fm_mapped_extents
  Provenance header(Origin{kKernelSource, 0}, kMapped);
  header.append(known_word(static_cast<std::uint32_t>(s.mapped)));
  header.append(Origin{kKernelSource, (kMapped + Bytes{4}).n}, (kHeader - kMapped).n - 4);
  if (copy_to_user(k, argument, {header, 0}).n > 0) error = Errno::efault;
  return finished(error);
}

}  // namespace mtesim
