#pragma once

#include <cstdint>

#include "model/base/errno.h"
#include "model/mm/machine.h"

namespace mtesim {

/// A mapping as mmap(2) is asked for it: [begin, end) untagged and page aligned, backed by pages
/// [first_page, …) of `object`.
struct MapRequest {
  std::uint64_t begin{};
  std::uint64_t end{};
  Prot prot;
  bool shared{};
  std::uint32_t object{};
  std::uint32_t first_page{};
};

/// mmap(): EINVAL for PROT_MTE on what cannot hold tags: allowed on anonymous memory and on tmpfs and memfd files.
/// Source: [linux-mte-doc].
Errno map_memory(Machine& machine, std::uint32_t space, const MapRequest& request);

/// munmap(): pages that nothing else names are freed.
void unmap_memory(Machine& machine, std::uint32_t space, std::uint64_t begin, std::uint64_t end);

/// mprotect(): ENOMEM over a hole, EINVAL as map_memory. PROT_MTE once set stays, asked for or not; what it newly
/// covers has tags 0.
Errno protect_memory(Machine& machine, std::uint32_t space, std::uint64_t begin, std::uint64_t end, Prot prot);

/// madvise(MADV_DONTNEED): private anonymous pages are dropped with their tags and read as zero, tag 0; pages of files
/// and of shared memory only lose their entry.
void dontneed(Machine& machine, std::uint32_t space, std::uint64_t begin, std::uint64_t end);

/// fork()'s copy of the address space: private pages are shared copy-on-write, tags and all.
/// Returns: the index of the new space.
std::uint32_t fork_space(Machine& machine, std::uint32_t parent);

/// An anonymous page's entry remembers it in swap; the page of a file or of tmpfs is remembered by its cache.
[[nodiscard]] bool goes_to_swap(const Machine& machine, FolioRef page);

/// Reclaim takes the page, its tags with it: an anonymous one goes to swap, of a file or tmpfs the entry is dropped,
/// and so is the zero page's. Every space that maps the page loses it. False if there was nothing to take.
bool evict(Machine& machine, std::uint32_t space, std::uint64_t page_index);

/// STG: sets the allocation tag of the granule at `address` through a mapping with PROT_MTE that is present and
/// writable. False if there is none there: the page is then as it was.
bool store_tag(Machine& machine, std::uint32_t space, std::uint64_t address, Tag tag);

/// LDG: the granule's allocation tag; 0 where there is no PROT_MTE or no page.
Tag load_tag(const Machine& machine, std::uint32_t space, std::uint64_t address);

}  // namespace mtesim
