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
/// ENOMEM for huge pages, of which there are none.
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

/// madvise(MADV_FREE): EINVAL but on private anonymous memory, ENOMEM over a hole. The pages may be dropped when memory
/// is short, which it is not: bytes and tags stay.
Errno free_lazily(const Machine& machine, std::uint32_t space, std::uint64_t begin, std::uint64_t end);

/// madvise(MADV_REMOVE): punches a hole into tmpfs files and shared memory, whoever maps them: bytes and tags are 0
/// then. EINVAL on private anonymous memory, EACCES on a private mapping of a file or one that may not be written,
/// ENOMEM over a hole.
/// Assumes: no file on a disk: how file systems punch holes is not modelled.
Errno remove_pages(Machine& machine, std::uint32_t space, std::uint64_t begin, std::uint64_t end);

/// Takes pages [first, end) of an object away, from its cache and from everybody who maps them: what truncation and
/// hole punching do. A private copy stays, unless truncation takes it as well.
enum class PrivateCopies : std::uint8_t { kept, dropped };
void drop_object_pages(Machine& machine, std::uint32_t object, std::uint64_t first, std::uint64_t end,
                       PrivateCopies copies = PrivateCopies::kept);

/// ftruncate(): pages behind the new end are dropped, private copies of them too; the rest of the last one is zeroed,
/// and what the disk had behind the end is gone.
void truncate_object(Machine& machine, std::uint32_t object, Bytes size);

/// madvise(MADV_PAGEOUT): pages that one entry names go to swap, with their tags; those of files lose their entry.
/// ENOMEM over a hole.
Errno page_out(Machine& machine, std::uint32_t space, std::uint64_t begin, std::uint64_t end);

/// mremap(MREMAP_MAYMOVE | MREMAP_FIXED): [begin, begin + old_size) moves to `to`, tags and all, and has `new_size`
/// there: what it gains is untouched. EFAULT if it is not one mapping.
Errno move_mapping(Machine& machine, std::uint32_t space, std::uint64_t begin, Bytes old_size, std::uint64_t to,
                   Bytes new_size);

/// Whether the page is in memory, as mincore(2) has it: mapped, or in the page cache of its file.
[[nodiscard]] bool resident(const Machine& machine, std::uint32_t space, std::uint64_t page_index);

/// Unmaps everything: what exec() does to the memory before it.
void unmap_all(Machine& machine, std::uint32_t space);

/// Nothing is unmapped within [begin, end).
[[nodiscard]] bool fully_mapped(const AddressSpace& space, std::uint64_t begin, std::uint64_t end);

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
