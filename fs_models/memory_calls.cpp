#include "fs_models/memory_calls.h"

#include <optional>

#include "model/kernel/gup.h"
#include "model/kernel/page_fault.h"
#include "model/kernel/uaccess.h"

namespace mtesim {

namespace {

/// Where mmap() puts what it may put anywhere: behind all places that scenarios name.
constexpr std::uint64_t kElsewhere = AddressSpace::kBaseAddress + (std::uint64_t{8} << 30);

struct Range {
  std::uint64_t begin{};
  std::uint64_t end{};
};

/// [at, at + length) without the tag, in whole pages; nullopt if it does not begin with one.
std::optional<Range> page_range(const Machine& machine, UserPtr at, Bytes length) {
  if (!is_aligned(at.address(), machine.page_size)) return std::nullopt;
  return Range{at.address(), at.address() + round_up(length.n, machine.page_size)};
}

bool is_free(const AddressSpace& space, std::uint64_t begin, std::uint64_t end) {
  bool free = true;
  space.for_each_vma([&](std::uint64_t lower, std::uint64_t upper, const Vma&) {
    if (lower < end && begin < upper) free = false;
  });
  return free;
}

std::uint64_t unmapped_area(const AddressSpace& space, std::uint64_t size) {
  std::uint64_t at = kElsewhere;
  space.for_each_vma([&](std::uint64_t lower, std::uint64_t upper, const Vma&) {
    if (lower < at + size && at < upper) at = upper;
  });
  return at;
}

LockId own_mmap_lock(const Kernel& k) { return mmap_lock_of(k.task().space); }

/// The mmap lock, exclusive, and the locks of the mappings in a range.
class WritesMappings {
 public:
  WritesMappings(Kernel& k, std::uint64_t begin, std::uint64_t end)
      : mmap_lock_(k, own_mmap_lock(k), LockMode::exclusive) {
    if (!k.revision.page_fault_vma_lock || begin < AddressSpace::kBaseAddress || begin >= end) return;
    const auto first = static_cast<std::uint32_t>(k.machine.page_index(begin));
    const auto behind = static_cast<std::uint32_t>(k.machine.page_index(end - 1)) + 1;
    vma_locks_.emplace(k, LockId{LockKind::vma, k.task().space, first, behind - first}, LockMode::exclusive);
  }

 private:
  InPassing mmap_lock_;
  std::optional<InPassing> vma_locks_;
};

}  // namespace

Step Mmap::step(State&, Kernel& k) const {
  Traced traced(k, "mmap", UserPtr(request.begin, hint_tag), Bytes{request.end - request.begin});
  const bool huge = k.machine.objects[request.object]->kind == ObjectKind::hugetlb;
  if (fixed && hint_tag != Tag{}) return finished(traced.returns(Errno::enomem));
  if (huge && request.prot.mte && k.revision.hugetlb_refuses_mte) return finished(traced.returns(Errno::einval));
  const InPassing mmap_lock(k, own_mmap_lock(k), LockMode::exclusive);
  const MemoryObject& object = *k.machine.objects[request.object];
  if (object.fault_locking ==
      FaultLocking::extent_range) {  // file_accessed(): the new access time is put into its tree
    pass_lock(k, {LockKind::btrfs_tree, request.object}, LockMode::exclusive);
  }
  MapRequest at = request;
  const AddressSpace& space = k.machine.space_of(k.current);
  const bool elsewhere = !fixed && (hint_tag != Tag{} || !is_free(space, request.begin, request.end));
  if (elsewhere) {
    at.begin = unmapped_area(space, request.end - request.begin);
    at.end = at.begin + (request.end - request.begin);
  }
  const Errno done = map_memory(k.machine, k.task().space, at);
  if (done != Errno::ok) return finished(traced.returns(done));
  return finished(traced.returns(Bytes{elsewhere ? std::uint64_t{1} : 0}));
}

Step Munmap::step(State&, Kernel& k) const {
  Traced traced(k, "munmap", at, length);
  const auto range = page_range(k.machine, at, length);
  if (!range || range->begin == range->end) return finished(traced.returns(Errno::einval));
  const WritesMappings locks(k, range->begin, range->end);
  unmap_memory(k.machine, k.task().space, range->begin, range->end);
  return finished(traced.returns(Errno::ok));
}

Step Mprotect::step(State&, Kernel& k) const {
  Traced traced(k, "mprotect", at, length);
  const auto range = page_range(k.machine, at, length);
  if (!range) return finished(traced.returns(Errno::einval));
  const WritesMappings locks(k, range->begin, range->end);
  return finished(traced.returns(protect_memory(k.machine, k.task().space, range->begin, range->end, prot)));
}

Step Madvise::step(State&, Kernel& k) const {
  Traced traced(k, "madvise", at, length);
  const auto range = page_range(k.machine, at, length);
  if (!range) return finished(traced.returns(Errno::einval));
  const InPassing mmap_lock(k, own_mmap_lock(k), LockMode::shared);
  const std::uint32_t space = k.task().space;
  const auto do_it = [&] {
    switch (advice) {
      case Advice::dontneed:
        dontneed(k.machine, space, range->begin, range->end);
        break;
      case Advice::free:
        return free_lazily(k.machine, space, range->begin, range->end);
      case Advice::remove:
        return remove_pages(k.machine, space, range->begin, range->end);
      case Advice::cold:
        break;  // the pages will be reclaimed earlier than others
      case Advice::pageout:
        return page_out(k.machine, space, range->begin, range->end);
    }
    return fully_mapped(*k.machine.spaces[space], range->begin, range->end) ? Errno::ok : Errno::enomem;
  };
  return finished(traced.returns(do_it()));
}

Step Mremap::step(State&, Kernel& k) const {
  Traced traced(k, "mremap", at, old_size);
  const auto range = page_range(k.machine, at, old_size);
  if (!range) return finished(traced.returns(Errno::einval));
  const WritesMappings locks(k, range->begin, range->end);
  if (to == 0) {
    const bool mapped = fully_mapped(k.machine.space_of(k.current), range->begin, range->end);
    return finished(traced.returns(mapped ? Errno::ok : Errno::efault));
  }
  const Bytes whole_old{range->end - range->begin};
  const Bytes whole_new{round_up(new_size.n, k.machine.page_size)};
  const bool overlaps = to < range->end && range->begin < to + whole_new.n;
  if (overlaps || whole_new.n == 0) return finished(traced.returns(Errno::einval));
  return finished(traced.returns(move_mapping(k.machine, k.task().space, range->begin, whole_old, to, whole_new)));
}

Step Mlock::step(State&, Kernel& k) const {
  Traced traced(k, "mlock", at, length);
  const std::uint64_t begin = round_down(at.address(), k.machine.page_size);
  const std::uint64_t end = round_up(at.address() + length.n, k.machine.page_size);
  { const WritesMappings locks(k, begin, end); }  // VM_LOCKED is set; the pages come after that
  for (std::uint64_t page = begin; page < end; page += k.machine.page_size.n) {
    const Vma* vma = k.machine.space_of(k.current).find(page);
    if (vma == nullptr) return finished(traced.returns(Errno::enomem));
    const bool write = vma->prot.write && !vma->shared;
    if (get_user_page(k, UserPtr(page), {.write = write}).error != Errno::ok) {
      return finished(traced.returns(Errno::enomem));
    }
  }
  return finished(traced.returns(Errno::ok));
}

Step Mincore::step(State&, Kernel& k) const {
  Traced traced(k, "mincore", at, length);
  const auto range = page_range(k.machine, at, length);
  if (!range) return finished(traced.returns(Errno::einval));
  pass_lock(k, own_mmap_lock(k), LockMode::shared);
  if (!fully_mapped(k.machine.space_of(k.current), range->begin, range->end)) {
    return finished(traced.returns(Errno::enomem));
  }
  Provenance answer;
  for (std::uint64_t page = range->begin; page < range->end; page += k.machine.page_size.n) {
    k.environment.before(PageWalk{page, AccessKind::load}, k.machine);
    const bool there = resident(k.machine, k.task().space, k.machine.page_index(page));
    k.emit(Found{there ? std::uint64_t{1} : 0});
    answer.append({source_of_value(there ? 1 : 0), 0}, 1);
  }
  const bool copied = copy_to_user(k, vec, {answer, 0}) == Bytes{0};
  return finished(traced.returns(copied ? Errno::ok : Errno::efault));
}

Step Brk::step(State&, Kernel& k) const {
  Traced traced(k, "brk");
  pass_lock(k, own_mmap_lock(k), LockMode::exclusive);
  return finished(traced.returns(tag == Tag{} ? grow : Bytes{0}));
}

Step Ftruncate::step(State&, Kernel& k) const {
  Traced traced(k, "ftruncate");
  truncate_object(k.machine, object, size);
  return finished(traced.returns(Errno::ok));
}

}  // namespace mtesim
