#include "fs_models/page_cache.h"

#include "model/mm/fault.h"

namespace mtesim {

namespace {

bool overwrites_whole(const Kernel& k, const PageWrite& write) {
  return write.offset.n == 0 && write.bytes == k.machine.page_size;
}

bool has_data(const Kernel& k, const PageWrite& write) {
  return write.contract != WriteContract::simple && has_bytes(block_of(k.machine, write.folio));
}

template <class F>
void for_each_cached_page(Machine& machine, std::uint32_t object, Bytes begin, Bytes end, F&& f) {
  for (Bytes at{round_down(begin.n, machine.page_size)}; at < end; at += machine.page_size) {
    const FolioRef ref{object, static_cast<std::uint32_t>(at / machine.page_size)};
    if (machine.folio(ref).in_cache) f(ref);
  }
}

/// f(space, page index) for each entry that names the page of a file. The entries may change under way.
template <class F>
void for_each_mapping(Machine& machine, FolioRef ref, F&& f) {
  for (std::uint32_t s = 0; s < machine.spaces.size() && machine.folio(ref).maps > 0; ++s) {
    std::vector<std::uint64_t> named;
    machine.spaces[s]->for_each_vma([&](std::uint64_t lower, std::uint64_t upper, const Vma& vma) {
      if (vma.object != ref.object) return;
      const auto page = static_cast<std::uint32_t>(ref.index - vma.page_delta);  // by counting, mod 2^32
      const Pte& pte = machine.spaces[s]->pte(page);
      const std::uint64_t address = machine.page_address(page);
      if (address >= lower && address < upper && pte.state == PteState::present && pte.folio == ref) {
        named.push_back(page);
      }
    });
    for (const std::uint64_t page : named) f(s, page);
  }
}

/// The entry at `address` names, or will when it is faulted in, this page of a file: as the source of a copy, or as
/// what it stores to. A store to a private mapping gets a copy of its own.
bool maps_page(const Kernel& k, std::uint64_t address, FolioRef page, AccessKind kind) {
  const AddressSpace& space = k.machine.space_of(k.current);
  const Vma* vma = space.find(address);
  if (vma == nullptr || vma->object != page.object || (kind == AccessKind::store && !vma->shared)) return false;
  const std::uint64_t index = k.machine.page_index(address);
  const Pte& pte = space.pte(index);
  if (pte.state == PteState::present) return pte.folio == page;
  return static_cast<std::uint32_t>(index + vma->page_delta) == page.index;
}

/// What a copy of `bytes` between a page, from `offset` on, and the iterator's user memory moves in the end, should
/// parts of that memory be the page itself. `kind`: of the accesses to user memory.
Provenance as_copied(const Kernel& k, const IovIter& iter, const Provenance& bytes, FolioRef page, Bytes offset,
                     AccessKind kind) {
  constexpr Bytes kAhead{80};
  if (k.machine.objects[page.object]->kind == ObjectKind::copies) return bytes;
  Provenance result = bytes;
  IovPosition at = iter.at;
  IovIter rest{iter.segments, at};
  for (Bytes done; done < bytes.size() && rest.count().n > 0;) {
    const std::uint64_t address = rest.pointer().address();
    const Bytes in_page = Bytes{address} % k.machine.page_size;
    const Bytes part = min(min(k.machine.page_size - in_page, rest.single_seg_count()), bytes.size() - done);
    if (address >= AddressSpace::kBaseAddress && address < kUserEnd && maps_page(k, address, page, kind)) {
      // Byte i was loaded from where byte i - distance is stored.
      const bool loads = kind == AccessKind::load;
      const Bytes ahead = loads ? offset + done : in_page;
      const Bytes behind = loads ? in_page : offset + done;
      const Bytes distance = ahead - min(ahead, behind);
      const Bytes first = loads ? Bytes{0} : done;
      // What this part has stored is loaded again where the page's own bytes come to it.
      const Bytes end = loads ? done + part : min(bytes.size(), done + part + distance);
      for (Bytes i = max(done, first + distance); distance >= kAhead && i < end; i += distance) {
        const Bytes length = min(distance, end - i);
        Provenance next = result.slice(0, i.n);
        next.append(result.slice((i - distance).n, length.n));
        next.append(result.slice((i + length).n, (result.size() - i - length).n));
        result = next;
      }
    }
    done += part;
    rest.advance(part);
  }
  return result;
}

}  // namespace

Bytes copy_from_page(Kernel& k, IovIter& iter, FolioRef page, Bytes offset, Bytes size) {
  const MappedPage mapped(k, page, offset);
  const auto begin = static_cast<std::uint32_t>(offset.n);
  const Provenance bytes = k.machine.folio(page).contents.read(begin, static_cast<std::uint32_t>((offset + size).n));
  return copy_page_to_iter(k, iter, {as_copied(k, iter, bytes, page, offset, AccessKind::store), begin % 16});
}

Bytes copy_into_page(Kernel& k, Provenance& copied, IovIter& iter, FolioRef page, Bytes offset, Bytes size) {
  const MappedPage mapped(k, page, offset);
  IovPosition before = iter.at;
  const IovIter begin{iter.segments, before};
  const Bytes moved = copy_page_from_iter_atomic(k, copied, iter, size);
  copied = as_copied(k, begin, copied, page, offset, AccessKind::load);
  return moved;
}

void write_begin(Kernel& k, const PageWrite& write) {
  Traced traced(k, "write_begin", {}, write.bytes);
  k.environment.before(CacheLookup{write.folio}, k.machine);
  const Folio& found = k.machine.folio(write.folio);
  const bool uptodate = found.in_cache && found.uptodate;
  k.emit(Found{uptodate});
  if (uptodate) return;
  // Inline data is brought into the page whatever of it is written.
  const bool whole = overwrites_whole(k, write) && block_of(k.machine, write.folio) != BlockKind::inline_data;
  const bool read = has_data(k, write) && !whole;
  const Contents contents = read ? contents_on_disk(k.machine, write.folio) : Contents();
  k.machine.edit_folio(write.folio, [&](Folio& page) {
    page.allocated = page.in_cache = true;
    page.uptodate = write.contract == WriteContract::iomap && !whole;
    if (!whole) page.contents = contents;
  });
  k.emit(CacheRead{write.folio, read});
}

Bytes write_end(Kernel& k, const PageWrite& write, const Provenance& copied) {
  Traced traced(k, "write_end", {}, write.bytes);
  const bool uptodate = k.machine.folio(write.folio).uptodate;
  const bool keep = copied.size() == write.bytes || uptodate || write.contract == WriteContract::simple;
  const bool new_block = !has_data(k, write);
  const bool whole = overwrites_whole(k, write);
  const auto from = static_cast<std::uint32_t>(write.offset.n);
  // A page that was neither read nor written whole is not up to date still; whoever reads it reads it from the disk.
  if (!keep && (write.contract == WriteContract::iomap || (whole && !new_block))) return traced.returns(Bytes{0});
  k.machine.edit_folio(write.folio, [&](Folio& page) {
    page.contents.write(from, copied);
    if (!keep) {
      // page_zero_new_buffers() fills a new block; one that was read in is complete. Either way all buffers are up to
      // date now, so the page is, and a short copy is kept the next time.
      if (new_block) page.contents.write(from, Provenance(Origin{}, write.bytes));
      page.uptodate = true;
      page.dirty = new_block;
      return;
    }
    if (!uptodate && copied.size() < write.bytes) {  // simple_write_end(): the rest of a fresh page is zeroed
      const Bytes rest = write.bytes - copied.size();
      page.contents.write(static_cast<std::uint32_t>((write.offset + copied.size()).n), Provenance(Origin{}, rest));
    }
    page.uptodate = page.dirty = true;
  });
  if (!keep) return traced.returns(Bytes{0});
  extend_file(k.machine, write.folio.object, k.machine.page_size * write.folio.index + write.offset + copied.size());
  return traced.returns(copied.size());
}

void grab_page(Kernel& k, FolioRef page, bool read) {
  k.environment.before(CacheLookup{page}, k.machine);
  const bool uptodate = k.machine.folio(page).in_cache && k.machine.folio(page).uptodate;
  k.emit(Found{uptodate});
  if (uptodate) return;
  if (read) {
    k.emit(CacheRead{page, read_into_cache(k.machine, page)});
    return;
  }
  k.machine.edit_folio(page, [](Folio& folio) { folio.allocated = folio.in_cache = true; });
  k.emit(CacheRead{page, false});
}

void keep_in_page(Machine& machine, FolioRef page, Bytes offset, const Provenance& bytes) {
  machine.edit_folio(page, [&](Folio& folio) {
    folio.contents.write(static_cast<std::uint32_t>(offset.n), bytes);
    folio.uptodate = folio.dirty = true;
  });
}

void extend_file(Machine& machine, std::uint32_t object, Bytes end) {
  if (end > machine.objects[object]->size) machine.objects[object].write().size = end;
}

void write_back(Machine& machine, std::uint32_t object, Bytes begin, Bytes end) {
  for_each_cached_page(machine, object, begin, end, [&](FolioRef ref) {
    if (!machine.folio(ref).dirty) return;
    for_each_mapping(machine, ref, [&](std::uint32_t space, std::uint64_t page) {
      Pte pte = machine.spaces[space]->pte(page);
      pte.writable = false;
      machine.spaces[space].write().set_pte(page, pte);
    });
    machine.edit_folio(ref, [](Folio& page) {
      page.dirty = false;
      page.stored = true;
    });
  });
}

void invalidate_pages(Machine& machine, std::uint32_t object, Bytes begin, Bytes end) {
  for_each_cached_page(machine, object, begin, end, [&](FolioRef ref) {
    for_each_mapping(machine, ref, [&](std::uint32_t space, std::uint64_t page) { zap_pte(machine, space, page); });
    machine.edit_folio(ref, [](Folio& page) {
      page.in_cache = page.uptodate = page.allocated = page.dirty = false;
      if (!page.stored) page.contents = Contents();
    });
  });
}

void write_out_and_drop(Machine& machine, std::uint32_t object, Bytes begin, Bytes end) {
  write_back(machine, object, begin, end);
  invalidate_pages(machine, object, begin, end);
}

}  // namespace mtesim
