#pragma once

#include "fs_models/file_system.h"
#include "model/kernel/iov_iter.h"

namespace mtesim {

/// What current->nr_dirtied_pause lets a task that has dirtied nothing dirty before it must look at the balance, in
/// pages.
constexpr std::uint64_t kMayDirtyPages = 32;

/// A write to a page of the page cache, between write_begin() and write_end(). The folio's lock is the caller's.
struct PageWrite {
  FolioRef folio;
  Bytes offset;  ///< in the page
  Bytes bytes;
  WriteContract contract{};
};

/// copy_page_to_iter() of bytes of a cached page, and copy_page_from_iter_atomic() of what is to become bytes of one.
/// Where user memory maps the very page, the copy sees what it has itself stored: its loads run 64 bytes ahead of its
/// stores, so that a part moved forward by 80 bytes or more repeats itself. (Between, and at the last 64 bytes of a
/// copy by less, it is taken for one that loads everything first.)
[[nodiscard]] Bytes copy_from_page(Kernel& k, IovIter& iter, FolioRef page, Bytes offset, Bytes size);
[[nodiscard]] Bytes copy_into_page(Kernel& k, Provenance& copied, IovIter& iter, FolioRef page, Bytes offset,
                                   Bytes size);

/// Finds or makes the folio, and fills what the write leaves of a page that is not up to date: from the disk where the
/// file has data there, with zeroes where it has none. A page that is overwritten whole is not read.
/// Source: [linux-buffer], [linux-iomap], [linux-libfs].
void write_begin(Kernel& k, const PageWrite& write);

/// Takes what was copied, or drops it where a short copy would leave part of a block without its data.
/// Returns: how much of it counts.
[[nodiscard]] Bytes write_end(Kernel& k, const PageWrite& write, const Provenance& copied);

/// Finds or makes a page of the cache; one that is not up to date is read if `read` says so. What a page that is not up
/// to date holds is the disk's still: nobody sees it.
void grab_page(Kernel& k, FolioRef page, bool read);

/// Bytes that a write keeps: the page is up to date and dirty.
void keep_in_page(Machine& machine, FolioRef page, Bytes offset, const Provenance& bytes);

/// The file reaches to `end` at least.
void extend_file(Machine& machine, std::uint32_t object, Bytes end);

/// Dirty pages of [begin, end) reach the disk; the pages stay, and whoever maps them may not write them any more
/// without asking: page_mkclean().
void write_back(Machine& machine, std::uint32_t object, Bytes begin, Bytes end);

/// invalidate_inode_pages2_range(): the pages leave the cache, and whoever maps them loses them.
void invalidate_pages(Machine& machine, std::uint32_t object, Bytes begin, Bytes end);

/// Behind a direct write: what of it went through the page cache, [begin, end), is written out, and leaves the cache.
void write_out_and_drop(Machine& machine, std::uint32_t object, Bytes begin, Bytes end);

}  // namespace mtesim
