#include "fs_models/btrfs_search_ioctl.h"

#include "model/kernel/fault_in.h"
#include "model/kernel/uaccess.h"

namespace mtesim {

namespace {

/// `position`: in the whole answer, key and results.
KernelBytes made_by_kernel(Bytes position, Bytes size, std::uint64_t address) {
  return {Provenance(Origin{kKernelSource, position.n}, size), static_cast<std::uint32_t>(address % 16)};
}

/// copy_to_user_nofault(), or before 5.9 copy_to_user().
Errno copy_under_tree_lock(Kernel& k, UserPtr to, const KernelBytes& from) {
  if (!k.revision.search_pagefaults_under_lock) return copy_to_user_nofault(k, to, from);
  return copy_to_user(k, to, from).n > 0 ? Errno::efault : Errno::ok;
}

/// read_extent_buffer_to_user_nofault(): item data out of the leaf's pages, a page at a time.
Errno read_extent_buffer_to_user_nofault(Kernel& k, UserPtr to, Bytes position, Bytes in_leaf, Bytes size) {
  Traced traced(k, "read_extent_buffer_to_user_nofault", to, size);
  Bytes done;
  while (done < size) {
    const Bytes offset = (in_leaf + done) % k.machine.page_size;
    const Bytes piece = min(size - done, k.machine.page_size - offset);
    const KernelBytes from = made_by_kernel(position + done, piece, offset.n);
    if (copy_under_tree_lock(k, to + done, from) != Errno::ok) return traced.returns(Errno::efault);
    done += piece;
  }
  return Errno::ok;
}

}  // namespace

BtrfsSearchIoctl::BtrfsSearchIoctl(const SystemCall& call)
    : argument(call.segments.front().base),
      v2(call.kind == CallKind::tree_search_v2),
      buf_size(v2 ? min(call.buf_size, kMostV2) : kArgsV1 - kKey),
      nr_items(call.nr_items),
      tree(call.tree),
      object(call.object) {}

Step BtrfsSearchIoctl::step(State& s, Kernel& k) const {
  if (s.started == 0) {
    Provenance args;  // what precedes the results
    if (copy_from_user(k, args, argument, header()).n > 0) return finished(Errno::efault);
    s.started = 1;
    if (v2 && buf_size < kItemHeader) return finished(Errno::eoverflow);
  }
  const UserPtr results = argument + header();
  if (fault_in(k, k.revision.btrfs_search_ioctl_probe, results + s.sk_offset, buf_size - s.sk_offset).n > 0) {
    return finish(s, k, Errno::efault);
  }
  if (s.leaf == tree->leaves.size()) return finish(s, k, Errno::ok);  // btrfs_search_forward() finds no more

  const LockId leaf_lock{LockKind::btrfs_tree, object, 0};
  if (!lock(k, leaf_lock, LockMode::shared)) return Blocked{leaf_lock};
  const Leaf outcome = copy_to_sk(s, k);
  unlock(k, leaf_lock);
  k.emit(Delivered{s.sk_offset});
  switch (outcome) {
    case Leaf::again:
      if (k.revision.search_pagefaults_under_lock) return finish(s, k, Errno::efault);
      return Advanced{};
    case Leaf::next:
      return Advanced{};
    case Leaf::full:
      return finish(s, k, Errno::ok);
    case Leaf::overflow:
      return finish(s, k, Errno::eoverflow);
  }
  return Advanced{};
}

BtrfsSearchIoctl::Leaf BtrfsSearchIoctl::copy_to_sk(State& s, Kernel& k) const {
  Traced traced(k, "copy_to_sk", argument + header() + s.sk_offset, buf_size - s.sk_offset);
  const std::vector<Bytes>& items = tree->leaves[s.leaf];
  // Item data fills a leaf from its end downwards.
  Bytes data_begin = tree->node_size;
  for (std::uint64_t i = 0; i < s.item; ++i) data_begin -= items[i];
  for (; s.item < items.size(); ++s.item) {
    Bytes length = items[s.item];
    data_begin -= length;
    bool overflow = false;
    if (kItemHeader + length > buf_size) {
      if (s.num_found > 0) return Leaf::full;
      length = Bytes{0};  // an empty item says how much room is wanted
      overflow = true;
    }
    if (kItemHeader + length + s.sk_offset > buf_size) return Leaf::full;
    const UserPtr to = argument + header() + s.sk_offset;
    const Bytes position = header() + s.sk_offset;
    if (copy_under_tree_lock(k, to, made_by_kernel(position, kItemHeader, 0)) != Errno::ok) return Leaf::again;
    if (length.n > 0 && read_extent_buffer_to_user_nofault(k, to + kItemHeader, position + kItemHeader, data_begin,
                                                           length) != Errno::ok) {
      return Leaf::again;  // sk_offset stands at the header still
    }
    s.sk_offset += kItemHeader + length;
    ++s.num_found;
    if (overflow) return Leaf::overflow;
    if (s.num_found >= nr_items) {
      ++s.item;
      return Leaf::full;
    }
  }
  s.leaf += 1;
  s.item = 0;
  return Leaf::next;
}

/// The part of the ioctl behind search_ioctl(): v1 hides EOVERFLOW behind the empty item, v2 says how much room is
/// wanted; the key goes back with the number of items.
Finished BtrfsSearchIoctl::finish(const State& s, Kernel& k, Errno status) const {
  if (!v2 && status == Errno::eoverflow) status = Errno::ok;
  if (status == Errno::ok) {
    Provenance key(Origin{kKernelSource, 0}, kNrItems);
    key.append(known_word(static_cast<std::uint32_t>(s.num_found)));
    key.append(Origin{kKernelSource, (kNrItems + Bytes{4}).n}, (kKey - kNrItems).n - 4);
    if (copy_to_user(k, argument, {key, 0}).n > 0) status = Errno::efault;
  }
  if (v2 && status == Errno::eoverflow) {
    const Bytes wanted = kItemHeader + tree->leaves[s.leaf][s.item];
    Provenance room = known_word(static_cast<std::uint32_t>(wanted.n));
    room.append(known_word(0));
    if (copy_to_user(k, argument + kKey, {room, kKey.n % 16}).n > 0) status = Errno::efault;
  }
  return finished(status);
}

}  // namespace mtesim
