#include "sim/property/views.h"

#include "model/mm/fault.h"

namespace mtesim {

namespace {

bool is_named(const Pte& pte) { return pte.state == PteState::present || pte.state == PteState::swapped; }

FolioRef own_page(const Machine& machine, const Vma& vma, std::uint64_t page) {
  return {vma.object, static_cast<std::uint32_t>(machine.page_index(page) + vma.page_delta)};
}

/// A page of a file or of shared memory: from the cache if that can be used, else from the disk.
Contents page_of(const Machine& machine, FolioRef ref) {
  const Folio& folio = machine.folio(ref);
  const bool on_disk = machine.objects[ref.object]->kind == ObjectKind::file;
  if (folio.in_cache && (folio.uptodate || !on_disk)) return folio.contents;
  return contents_on_disk(machine, ref);
}

Contents user_page(const Machine& machine, std::uint32_t space, std::uint64_t page, const Vma& vma) {
  const Pte& pte = machine.spaces[space]->pte(machine.page_index(page));
  if (is_named(pte)) return machine.folio(pte.folio).contents;
  if (pte.state == PteState::zero) return {};
  const ObjectKind kind = machine.objects[vma.object]->kind;
  const bool outlives = vma.shared || kind == ObjectKind::file || kind == ObjectKind::shmem;
  return outlives ? page_of(machine, own_page(machine, vma, page)) : Contents();
}

/// f(address of the page, offset in it, bytes) for each page of [begin, begin + length).
template <class F>
void for_each_part(Bytes page_size, std::uint64_t begin, std::uint64_t length, F&& f) {
  while (length > 0) {
    const std::uint64_t offset = begin % page_size.n;
    const std::uint64_t n = std::min(page_size.n - offset, length);
    f(begin - offset, static_cast<std::uint32_t>(offset), static_cast<std::uint32_t>(n));
    begin += n;
    length -= n;
  }
}

}  // namespace

Provenance user_bytes(const Machine& machine, std::uint32_t space, const UserSegments& segments,
                      const std::vector<std::uint64_t>& dropped) {
  Provenance bytes;
  for (const UserSegment& segment : segments) {
    const std::uint64_t begin = segment.base.address();
    for_each_part(machine.page_size, begin, segment.length.n,
                  [&](std::uint64_t page, std::uint32_t offset, std::uint32_t n) {
                    const bool exists = page >= AddressSpace::kBaseAddress && space < machine.spaces.size();
                    const Vma* vma = exists ? machine.spaces[space]->find(page) : nullptr;
                    if (vma == nullptr || was_dropped(dropped, page)) {
                      bytes.append(Origin{kNobody, 0}, n);
                    } else {
                      bytes.append(user_page(machine, space, page, *vma).read(offset, offset + n));
                    }
                  });
  }
  return bytes;
}

Provenance file_bytes(const Machine& machine, std::uint32_t object, std::uint64_t begin, std::uint64_t length) {
  Provenance bytes;
  for_each_part(machine.page_size, begin, length, [&](std::uint64_t page, std::uint32_t offset, std::uint32_t n) {
    const FolioRef ref{object, static_cast<std::uint32_t>(page / machine.page_size.n)};
    bytes.append(page_of(machine, ref).read(offset, offset + n));
  });
  return bytes;
}

Provenance queued(const Machine& machine, const SystemCall& call) {
  Provenance bytes;
  const bool socket =
      call.fs != nullptr && (call.fs->kind == FileKind::unix_stream || call.fs->kind == FileKind::unix_datagram);
  if (socket) {
    for (const Socket::Skb& skb : machine.sockets[call.object]->queue) {
      bytes.append(skb.bytes.slice(skb.consumed.n, (skb.bytes.size() - skb.consumed).n));
    }
  } else {
    for (const Pipe::Buffer& buffer : machine.pipes[call.object]->buffers) bytes.append(buffer.bytes);
  }
  return bytes;
}

PageTags page_tags(const Machine& machine, std::uint32_t space, std::uint64_t page) {
  const Vma* vma = machine.spaces[space]->find(page);
  const Pte& pte = machine.spaces[space]->pte(machine.page_index(page));
  if (is_named(pte)) return machine.folio(pte.folio).tags;
  if (vma == nullptr || !vma->shared || pte.state == PteState::zero) return {};
  return machine.folio(own_page(machine, *vma, page)).tags;
}

bool is_tagged(const Machine& machine, std::uint32_t space, std::uint64_t page) {
  const Vma* vma = machine.spaces[space]->find(page);
  return vma != nullptr && vma->prot.mte;
}

std::uint64_t address_in(const UserSegments& segments, std::uint64_t at) {
  std::uint64_t end = 0;
  for (const UserSegment& segment : segments) {
    if (at < segment.length.n) return segment.base.address() + at;
    at -= segment.length.n;
    end = segment.base.address() + segment.length.n;
  }
  return end;
}

void leave_out(std::vector<std::pair<std::uint64_t, std::uint64_t>>& intervals, const UserSegment& segment) {
  const std::uint64_t begin = segment.base.address();
  const std::uint64_t end = begin + segment.length.n;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> left;
  for (const auto& [from, to] : intervals) {
    const std::uint64_t first_end = std::clamp(begin, from, to);
    const std::uint64_t second_begin = std::clamp(end, first_end, to);
    if (from < first_end) left.emplace_back(from, first_end);
    if (second_begin < to) left.emplace_back(second_begin, to);
  }
  intervals = std::move(left);
}

bool overlap(const UserSegments& a, const UserSegments& b) {
  for (const UserSegment& one : a) {
    for (const UserSegment& other : b) {
      const std::uint64_t begin = std::max(one.base.address(), other.base.address());
      if (begin < std::min(one.base.address() + one.length.n, other.base.address() + other.length.n)) return true;
    }
  }
  return false;
}

bool overlap_each_other(const UserSegments& segments) {
  for (std::size_t i = 1; i < segments.size(); ++i) {
    if (overlap({segments[i]}, UserSegments(segments.begin(), segments.begin() + static_cast<std::ptrdiff_t>(i)))) {
      return true;
    }
  }
  return false;
}

bool maps_file(const Machine& machine, std::uint32_t space, const UserSegments& segments, std::uint32_t object,
               std::uint64_t begin, std::uint64_t length) {
  bool found = false;
  for (const UserSegment& segment : segments) {
    for_each_page(machine, segment, [&](std::uint64_t page) {
      const Vma* vma = page < AddressSpace::kBaseAddress ? nullptr : machine.spaces[space]->find(page);
      if (vma == nullptr || vma->object != object) return;
      const std::uint64_t in_file = own_page(machine, *vma, page).index * machine.page_size.n;
      found |= in_file < begin + length && begin < in_file + machine.page_size.n;
    });
  }
  return found;
}

}  // namespace mtesim
