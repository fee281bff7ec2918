#include "model/kernel/iov_iter.h"

#include <algorithm>

#include "model/kernel/fault_in.h"

namespace mtesim {

namespace {

/// Calls step(pointer, offset from the start, length) for the segments of the next `size` bytes; a step that does less
/// than its length ends it. The iterator moves by what was done.
template <class Step>
Bytes iterate(IovIter& iter, Bytes size, Step&& step) {
  Bytes done;
  size = min(size, iter.count());
  while (done < size) {
    const Bytes length = min(iter.single_seg_count(), size - done);
    const Bytes moved = length.n == 0 ? Bytes{0} : step(iter.pointer(), done, length);
    done += moved;
    iter.advance(moved);
    if (moved < length) break;
  }
  return done;
}

/// Copies once; or page by page of a compound page, and again and again until a copy moves nothing.
template <class Copy>
Bytes attempt(Kernel& k, IterCopy appetite, Bytes size, Copy&& copy) {
  if (appetite == IterCopy::one_attempt) return copy(Bytes{0}, size);
  Bytes done;
  while (done < size) {
    const Bytes in_page = k.machine.page_size - done % k.machine.page_size;
    const Bytes moved = copy(done, min(in_page, size - done));
    done += moved;
    if (moved.n == 0) break;
  }
  return done;
}

}  // namespace

IovPosition iov_begin(const UserSegments& segments) {
  IovPosition at;
  for (const UserSegment& segment : segments) at.count += segment.length;
  while (at.segment < segments.size() && segments[at.segment].length.n == 0) ++at.segment;
  return at;
}

UserSegments rest_of(const UserSegments& segments, const IovPosition& at) {
  UserSegments rest;
  Bytes skip = at.skip;
  Bytes left = at.count;
  for (std::size_t i = at.segment; i < segments.size() && left.n > 0; ++i) {
    const Bytes length = min(segments[i].length - skip, left);
    if (length.n > 0) rest.push_back({segments[i].base + skip, length});
    left -= length;
    skip = Bytes{0};
  }
  return rest;
}

Bytes IovIter::single_seg_count() const {
  return at.count.n == 0 ? Bytes{0} : min(segments[at.segment].length - at.skip, at.count);
}

UserPtr IovIter::pointer() const { return segments[at.segment].base + at.skip; }

void IovIter::advance(Bytes n) {
  MTESIM_CHECK(n <= at.count);
  at.count -= n;
  at.skip += n;
  while (at.segment < segments.size() && at.skip >= segments[at.segment].length) {
    at.skip -= segments[at.segment].length;
    ++at.segment;
  }
}

void IovIter::revert(Bytes n) {
  at.count += n;
  while (n > at.skip) {
    MTESIM_CHECK(at.segment > 0);
    n -= at.skip;
    --at.segment;
    at.skip = segments[at.segment].length;
  }
  at.skip -= n;
}

Bytes copy_to_iter(Kernel& k, IovIter& iter, const KernelBytes& from) {
  return iterate(iter, from.size(), [&](UserPtr to, Bytes done, Bytes length) {
    const KernelBytes rest = from.from(done);
    return length - copy_to_user(k, to, {rest.bytes.slice(0, length.n), rest.alignment});
  });
}

Bytes copy_from_iter(Kernel& k, Provenance& to, IovIter& iter, Bytes size) {
  return iterate(iter, size,
                 [&](UserPtr from, Bytes, Bytes length) { return length - copy_from_user(k, to, from, length); });
}

Bytes iov_iter_zero(Kernel& k, IovIter& iter, Bytes size) {
  return iterate(iter, size, [&](UserPtr to, Bytes, Bytes length) { return length - clear_user(k, to, length); });
}

Bytes copy_page_to_iter(Kernel& k, IovIter& iter, const KernelBytes& from) {
  return attempt(k, k.revision.copy_page_iter, from.size(), [&](Bytes done, Bytes size) {
    const KernelBytes rest = from.from(done);
    return copy_to_iter(k, iter, {rest.bytes.slice(0, size.n), rest.alignment});
  });
}

Bytes copy_page_from_iter(Kernel& k, Provenance& to, IovIter& iter, Bytes size) {
  return attempt(k, k.revision.copy_page_iter, size,
                 [&](Bytes, Bytes part) { return copy_from_iter(k, to, iter, part); });
}

Bytes copy_page_from_iter_atomic(Kernel& k, Provenance& to, IovIter& iter, Bytes size) {
  return attempt(k, k.revision.copy_page_from_iter_atomic, size, [&](Bytes, Bytes part) {
    const PagefaultDisabled disabled(k);
    return copy_from_iter(k, to, iter, part);
  });
}

Bytes copy_page_to_iter_nofault(Kernel& k, IovIter& iter, const KernelBytes& from) {
  return iterate(iter, from.size(), [&](UserPtr to, Bytes done, Bytes length) {
    const KernelBytes rest = from.from(done);
    const Errno copied = copy_to_user_nofault(k, to, {rest.bytes.slice(0, length.n), rest.alignment});
    return copied == Errno::ok ? length : Bytes{0};
  });
}

Bytes fault_in_iov_iter(Kernel& k, const IovIter& iter, Bytes size, const Probe& probe) {
  IovPosition at = iter.at;
  IovIter cursor{iter.segments, at, iter.nofault};
  return size -
         iterate(cursor, size, [&](UserPtr p, Bytes, Bytes length) { return length - fault_in(k, probe, p, length); });
}

IterPages iov_iter_get_pages(Kernel& k, IovIter& iter, Bytes size, AccessKind kind) {
  IterPages result;
  const Bytes wanted = min(size, iter.single_seg_count());
  if (wanted.n == 0) return result;
  const UserPtr from = iter.pointer();
  result.got = get_user_pages(k, from, wanted, {kind == AccessKind::store, iter.nofault});
  const Bytes in_first_page = Bytes{from.address()} % k.machine.page_size;
  const Bytes reached = k.machine.page_size * result.got.pages.size();
  result.bytes = reached.n == 0 ? Bytes{0} : min(wanted, reached - in_first_page);
  iter.advance(result.bytes);
  return result;
}

}  // namespace mtesim
