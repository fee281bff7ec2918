#include "model/kernel/uaccess.h"

#include <algorithm>
#include <bit>

#include "model/kernel/touch.h"

namespace mtesim {

namespace {

constexpr std::uint64_t kPair = 16;   // two 8-byte accesses, counted as one move
constexpr std::uint64_t kBlock = 64;  // four pairs

Touched store_run(Kernel& k, UserPtr at, std::uint32_t width, std::uint64_t count, const Provenance& bytes) {
  return touch(k, {at, width, width, count, AccessKind::store}, &bytes, nullptr);
}

Touched load_run(Kernel& k, UserPtr at, std::uint32_t width, std::uint64_t count, Provenance& into) {
  return touch(k, {at, width, width, count, AccessKind::load}, nullptr, &into);
}

/// The cursor of a copy: how much has been counted, and whether an access has faulted.
struct Progress {
  std::uint64_t counted{};
  std::uint32_t failed_width{};  ///< width of the access that faulted; 0: none
  [[nodiscard]] bool faulted() const { return failed_width != 0; }
};

/// One move of 1, 2, 4 or 8 bytes towards user space.
void store_piece(Kernel& k, Progress& p, UserPtr to, std::uint32_t width, const Provenance& bytes) {
  if (store_run(k, to + Bytes{p.counted}, width, 1, bytes.slice(p.counted, width)).faulted) {
    p.failed_width = width;
  } else {
    p.counted += width;
  }
}

void load_piece(Kernel& k, Progress& p, UserPtr from, std::uint32_t width, Provenance& to) {
  if (load_run(k, from + Bytes{p.counted}, width, 1, to).faulted) {
    p.failed_width = width;
  } else {
    p.counted += width;
  }
}

/// The head and tail moves of the copy template: for each size in `sizes`, one move if `n` has that bit.
template <class Move>
void move_by_bits(std::uint64_t n, std::initializer_list<std::uint32_t> sizes, const Progress& p, Move&& move) {
  for (const std::uint32_t size : sizes) {
    if (!p.faulted() && (n & size) != 0) move(size);
  }
}

/// Whole pairs from user space, in the template's order: in blocks, loads run ahead of stores, so that a fault leaves
/// bytes uncounted that had been loaded. `counted` grows by what the stores had reached.
void load_pairs(Kernel& k, Progress& p, UserPtr from, std::uint64_t bytes, Provenance& to) {
  const std::uint64_t blocks = bytes / kBlock;
  Provenance loaded;
  const Touched touched = load_run(k, from + Bytes{p.counted}, 8, bytes / 8, loaded);
  std::uint64_t stored = bytes;
  if (touched.faulted) {
    const std::uint64_t reached = touched.done * 8 / kPair * kPair;  // start of the pair whose load failed
    const std::uint64_t in_blocks = blocks * kBlock;
    if (reached >= in_blocks) {
      stored = reached;  // the pairs behind the blocks: each stored before the next is loaded
    } else if (blocks == 1) {
      constexpr std::uint64_t kStoredBefore[] = {0, 16, 16, 48};  // L0 S0 L1 L2 S1 S2 L3 S3
      stored = kStoredBefore[reached / kPair];
    } else if (reached < kBlock) {
      stored = 0;  // the first block is loaded whole before anything is stored
    } else {
      stored =
          reached - kBlock + kPair;  // pair i of a later block is loaded right after pair i of the one before is stored
    }
    p.failed_width = 8;
  }
  to.append(loaded.slice(0, stored));
  p.counted += stored;
}

/// What a MOPS copy or set reports when `passed` of `size` bytes could be moved: whole steps, or everything. How much
/// a step moves is up to the CPU. Source: [linux-uaccess-mops].
std::uint64_t mops_count(const Revision& revision, std::uint64_t passed, std::uint64_t size) {
  return passed == size ? size : passed / revision.mops_chunk.n * revision.mops_chunk.n;
}

}  // namespace

bool access_ok(Kernel& k, UserPtr at, Bytes size) {
  if (!k.task().tagged_addr_abi && at.top_byte() != 0) return false;
  return at.address() <= kUserEnd && size.n <= kUserEnd - at.address();
}

Bytes copy_to_user(Kernel& k, UserPtr to, const KernelBytes& from) {
  Traced traced(k, "copy_to_user", to, from.size());
  const std::uint64_t size = from.size().n;
  if (!access_ok(k, to, from.size())) return traced.returns(from.size());
  Progress p;
  if (k.revision.mops) {
    p.counted = mops_count(k.revision, store_run(k, to, 1, size, from.bytes).done, size);
    if (p.counted < size) p.failed_width = 8;
  } else {
    const auto store = [&](std::uint32_t width) { store_piece(k, p, to, width, from.bytes); };
    if (size >= kPair) {
      const std::uint64_t head = (kPair - from.alignment % kPair) % kPair;
      move_by_bits(head, {1, 2, 4, 8}, p, store);
      if (!p.faulted()) {
        const std::uint64_t pairs = (size - p.counted) / kPair * kPair;
        const Touched touched = store_run(k, to + Bytes{p.counted}, 8, pairs / 8, from.bytes.slice(p.counted, pairs));
        p.counted += touched.done * 8 / kPair * kPair;  // the pointer moves after both halves
        if (touched.faulted) p.failed_width = 8;
      }
    }
    if (!p.faulted()) move_by_bits((size - p.counted) % kPair, {8, 4, 2, 1}, p, store);
  }
  if (p.faulted() && p.counted == 0 && p.failed_width != 1 && k.revision.copy_retries_one_byte) {
    p.counted = store_run(k, to, 1, 1, from.bytes.slice(0, 1)).done;
  }
  return traced.returns(Bytes{size - p.counted});
}

Bytes copy_from_user(Kernel& k, Provenance& to, UserPtr from, Bytes size) {
  Traced traced(k, "copy_from_user", from, size);
  if (!access_ok(k, from, size)) return traced.returns(size);
  Progress p;
  if (k.revision.mops) {
    Provenance loaded;
    p.counted = mops_count(k.revision, load_run(k, from, 1, size.n, loaded).done, size.n);
    if (p.counted < size.n) p.failed_width = 8;
    to.append(loaded.slice(0, p.counted));
  } else {
    const auto load = [&](std::uint32_t width) { load_piece(k, p, from, width, to); };
    if (size.n >= kPair) {
      const std::uint64_t head = (kPair - from.address() % kPair) % kPair;
      move_by_bits(head, {1, 2, 4, 8}, p, load);
      if (!p.faulted()) load_pairs(k, p, from, (size.n - p.counted) / kPair * kPair, to);
    }
    if (!p.faulted()) move_by_bits((size.n - p.counted) % kPair, {8, 4, 2, 1}, p, load);
  }
  if (p.faulted() && p.counted == 0 && p.failed_width != 1 && k.revision.copy_retries_one_byte) {
    p.counted = load_run(k, from, 1, 1, to).done;
  }
  return traced.returns(size - Bytes{p.counted});
}

Bytes clear_user(Kernel& k, UserPtr to, Bytes size) {
  Traced traced(k, "clear_user", to, size);
  const std::uint64_t n = size.n;
  if (!access_ok(k, to, size)) return traced.returns(size);
  const auto zero = [&](std::uint64_t at, std::uint32_t width, std::uint64_t count) {
    return store_run(k, to + Bytes{at}, width, count, Provenance(Origin{}, Bytes{width * count}));
  };
  if (k.revision.mops) {
    return traced.returns(Bytes{n - mops_count(k.revision, zero(0, 1, n).done, n)});
  }
  if (k.revision.clear_user_count == ClearUserCount::all_or_nothing) {
    std::uint64_t at = n / 8 * 8;
    bool faulted = zero(0, 8, n / 8).faulted;
    for (const std::uint32_t width : {4u, 2u, 1u}) {
      if (faulted || (n & width) == 0) continue;
      faulted = zero(at, width, 1).faulted;
      at += width;
    }
    return traced.returns(faulted ? size : Bytes{0});
  }
  // 5.16: 8-byte stores while more than 8 bytes remain, then one that ends at the end and may overlap the one before.
  // A fault reports what lies behind the stores that were counted, so a multiple of 8 is cleared.
  if (n >= 8) {
    const std::uint64_t counted = std::max<std::uint64_t>((n - 1) / 8, 1);
    const Touched touched = zero(0, 8, counted);
    if (touched.faulted) return traced.returns(Bytes{n - touched.done * 8});
    return traced.returns(Bytes{zero(n - 8, 8, 1).faulted ? n - counted * 8 : 0});
  }
  if (n >= 4) {
    if (zero(0, 4, 1).faulted) return traced.returns(size);
    return traced.returns(Bytes{zero(n - 4, 4, 1).faulted ? n - 4 : 0});
  }
  std::uint64_t at = 0;
  for (const std::uint32_t width : {2u, 1u}) {
    if ((n & width) == 0) continue;
    if (zero(at, width, 1).faulted) break;
    at += width;
  }
  return traced.returns(Bytes{n - at});
}

Errno get_user(Kernel& k, Provenance& value, UserPtr from, Bytes size) {
  MTESIM_CHECK(size.n <= 8 && std::has_single_bit(size.n));
  if (!access_ok(k, from, size)) return Errno::efault;
  return load_run(k, from, static_cast<std::uint32_t>(size.n), 1, value).faulted ? Errno::efault : Errno::ok;
}

Errno put_user(Kernel& k, UserPtr to, const Provenance& value) {
  MTESIM_CHECK(value.size().n <= 8 && std::has_single_bit(value.size().n));
  if (!access_ok(k, to, value.size())) return Errno::efault;
  return store_run(k, to, static_cast<std::uint32_t>(value.size().n), 1, value).faulted ? Errno::efault : Errno::ok;
}

Errno copy_to_user_nofault(Kernel& k, UserPtr to, const KernelBytes& from) {
  Traced traced(k, "copy_to_user_nofault", to, from.size());
  const PagefaultDisabled disabled(k);
  return traced.returns(copy_to_user(k, to, from) == Bytes{0} ? Errno::ok : Errno::efault);
}

Errno copy_from_user_nofault(Kernel& k, Provenance& to, UserPtr from, Bytes size) {
  Traced traced(k, "copy_from_user_nofault", from, size);
  const PagefaultDisabled disabled(k);
  return traced.returns(copy_from_user(k, to, from, size) == Bytes{0} ? Errno::ok : Errno::efault);
}

StringCopied strncpy_from_user(Kernel& k, UserPtr from, Bytes length, Bytes max) {
  Traced traced(k, "strncpy_from_user", from, max);
  if (!access_ok(k, from, Bytes{1})) return {traced.returns(Errno::efault), {}};
  const std::uint64_t wanted = std::min(length.n + 1, max.n);  // with the NUL
  std::uint64_t at = 0;
  Provenance text;
  bool by_word = true;  // from any address (arm64 has efficient unaligned access), until a word faults
  while (at < wanted) {
    const std::uint32_t width = by_word && max.n - at >= 8 ? 8 : 1;
    if (load_run(k, from + Bytes{at}, width, 1, text).faulted) {
      if (width == 1) return {traced.returns(Errno::efault), {}};
      by_word = false;
      continue;
    }
    at += width;
  }
  return {Errno::ok, traced.returns(Bytes{std::min(length.n, max.n)})};
}

}  // namespace mtesim
