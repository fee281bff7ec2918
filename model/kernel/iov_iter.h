#pragma once

#include <cstdint>
#include <vector>

#include "model/kernel/gup.h"
#include "model/kernel/uaccess.h"

namespace mtesim {

/// One entry of an iovec.
struct UserSegment {
  UserPtr base;
  Bytes length;
  bool operator==(const UserSegment&) const = default;
};
using UserSegments = std::vector<UserSegment>;

/// Where an iterator stands; a loop carries it round in its State.
struct IovPosition {
  std::uint64_t segment{};
  Bytes skip{};   ///< in that segment
  Bytes count{};  ///< bytes left
  bool operator==(const IovPosition&) const = default;
};

[[nodiscard]] IovPosition iov_begin(const UserSegments& segments);

/// What lies from the position on: the user memory that an iterator which never moves back can still come to.
[[nodiscard]] UserSegments rest_of(const UserSegments& segments, const IovPosition& at);

/// struct iov_iter over user memory: the segments of the call, and a position that moves.
struct IovIter {
  const UserSegments& segments;
  IovPosition& at;
  bool nofault{};  ///< iter.nofault: page extraction takes only what is mapped; copies are not affected

  [[nodiscard]] Bytes count() const { return at.count; }
  /// Bytes left in the current segment.
  [[nodiscard]] Bytes single_seg_count() const;
  [[nodiscard]] UserPtr pointer() const;
  void advance(Bytes n);
  void revert(Bytes n);
};

/// copy_to_iter(), copy_from_iter(), iov_iter_zero(): segment by segment, a short copy ends it.
/// Returns: bytes copied; the iterator has moved by as many.
/// Source:  [linux-iov-iter]
[[nodiscard]] Bytes copy_to_iter(Kernel& k, IovIter& iter, const KernelBytes& from);
[[nodiscard]] Bytes copy_from_iter(Kernel& k, Provenance& to, IovIter& iter, Bytes size);
[[nodiscard]] Bytes iov_iter_zero(Kernel& k, IovIter& iter, Bytes size);

/// copy_page_to_iter(), copy_page_from_iter(): bytes of one page, or of a compound page from its begin, page faults
/// enabled; page by page, and again until nothing moves, where the revision does so.
[[nodiscard]] Bytes copy_page_to_iter(Kernel& k, IovIter& iter, const KernelBytes& from);
[[nodiscard]] Bytes copy_page_from_iter(Kernel& k, Provenance& to, IovIter& iter, Bytes size);

/// copy_page_from_iter_atomic() and its relatives: page faults disabled, the iterator moved by what was copied.
/// 5.10 leaves the iterator to the caller, which advances it by what write_end() kept: revert to the same effect.
[[nodiscard]] Bytes copy_page_from_iter_atomic(Kernel& k, Provenance& to, IovIter& iter, Bytes size);

/// copy_page_to_iter_nofault(): each piece of a page and a segment is all or nothing.
[[nodiscard]] Bytes copy_page_to_iter_nofault(Kernel& k, IovIter& iter, const KernelBytes& from);

/// fault_in_iov_iter_readable() and _writeable() with the probe that the revision uses, segment by segment, ending at
/// the first shortfall. What exceeds the iterator counts as not faulted in.
/// Returns: bytes NOT faulted in.
[[nodiscard]] Bytes fault_in_iov_iter(Kernel& k, const IovIter& iter, Bytes size, const Probe& probe);

/// iov_iter_get_pages2(): pages of the first segment only; nofault adds FOLL_NOFAULT. The iterator moves by `bytes`.
struct IterPages {
  GotPages got;
  Bytes bytes{};
};
[[nodiscard]] IterPages iov_iter_get_pages(Kernel& k, IovIter& iter, Bytes size, AccessKind kind);

}  // namespace mtesim
