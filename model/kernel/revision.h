#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/base/bytes.h"

namespace mtesim {

/// How a loop faults user memory in before it copies.
/// Every probe answers like copy_*_user: the number of bytes NOT faulted in, 0 being complete success.
enum class ProbeKind : std::uint8_t {
  none,                        ///< trust the copy
  fault_in_pages_readable,     ///< up to 5.15: a load at first + k pages, and at the last byte; all or nothing
  fault_in_pages_writeable,    ///< up to 5.15: the same with a stored zero
  fault_in_readable,           ///< 5.16: a load at the first byte and at each later page's first
  fault_in_writeable,          ///< 5.16: the same with a stored zero
  fault_in_safe_writeable,     ///< 5.16: software walk of the page tables; touches no user memory
  fault_in_subpage_writeable,  ///< 5.19: fault_in_writeable, then a load in every granule
  probe_granule_store,         ///< a what-if: fault_in_writeable, then a store that changes nothing in every granule
};

struct Probe {
  ProbeKind kind{ProbeKind::none};
  /// How many bytes from the start a granule probe looks at granule by granule; the rest is left to the page probe.
  /// 0: all of them.
  Bytes min_size{};
  bool operator==(const Probe&) const = default;
};

/// What fault_in_safe_writeable() is made of.
enum class SafeWriteable : std::uint8_t {
  gup,            ///< 5.16: get_user_pages over each VMA; a first page that fails in an unaligned range reports success
  fixup_swapped,  ///< 5.17: fixup_user_fault a page; a failure behind the first page reports success
  fixup,          ///< 2025: the same, operands the right way round
};

/// clear_user()'s count after a fault.
enum class ClearUserCount : std::uint8_t {
  all_or_nothing,  ///< up to 5.15: the whole size, whatever was cleared
  to_fault,        ///< 5.16: what lies behind the failing store
};

/// When the kernel clears PSTATE.TCO on entry, and so lets uaccess be checked in ASYNC mode.
enum class TcoOnEntry : std::uint8_t {
  always_cleared,             ///< up to 5.17
  cleared_for_sync_or_asymm,  ///< since between 5.17 and 6.1
};

/// How a caller of fault_in_iov_iter_*() reads a shortfall.
enum class ProbeFailure : std::uint8_t {
  any_shortfall,  ///< one byte missing is EFAULT
  nothing,        ///< only if nothing was faulted in
};

/// copy_to_iter's and copy_from_iter's appetite.
enum class IterCopy : std::uint8_t {
  one_attempt,  ///< one copy a page piece; a short one ends it
  until_zero,   ///< the copy is called again until it moves nothing
};

enum class WriteOrder : std::uint8_t {
  probe_first,  ///< generic_perform_write up to 6.12
  copy_first,   ///< 7.3: the probe comes after a copy that moved nothing
};

/// How btrfs writes with O_DIRECT to a file whose data is checksummed.
enum class ChecksummedWrite : std::uint8_t {
  direct,    ///< as to any other
  buffered,  ///< 6.12: through the page cache, as user space could change the data under way
  bounce,    ///< 7.3: directly, but out of a copy
};

/// How a read of /proc/kcore hands out memory of the kernel's vmalloc area.
enum class KcoreCopy : std::uint8_t {
  bounce,   ///< up to 6.1: into a page of its own first, and from there to the user, page faults enabled
  nofault,  ///< 6.12: straight to the user, as a spinlock is held, with page faults disabled
};

/// What a file system's O_DIRECT is made of.
enum class DirectIoForm : std::uint8_t {
  legacy,  ///< fs/direct-io.c
  iomap,   ///< fs/iomap/direct-io.c
};

/// What differs between kernels, as values that a path asks for. A revision is the one before it plus what changed.
/// Sources: each row of revision.cpp names the change.
struct Revision {
  std::string name;
  // uaccess
  bool copy_retries_one_byte{};  ///< the fixup of 2021
  ClearUserCount clear_user_count{};
  bool mops{};          ///< copies and clears use the MOPS instructions
  Bytes mops_chunk{1};  ///< how much one MOPS step moves before it may fault
  TcoOnEntry tco_on_entry{};
  bool tcf_is_a_set{};    ///< PR_SET_TAGGED_ADDR_CTRL takes SYNC and ASYNC together, and the CPU's preference decides
  bool has_asymm{};       ///< PR_MTE_TCF can mean ASYMM
  bool has_store_only{};  ///< PR_MTE_STORE_ONLY
  // fault-in
  SafeWriteable safe_writeable{};
  // memory management
  bool hugetlb_refuses_mte{};  ///< PROT_MTE with MAP_HUGETLB is EINVAL before anybody looks for huge pages
  bool swap_in_writable{};     ///< a page brought back from swap by a load is writable at once, if nobody shares it
  bool page_fault_vma_lock{};  ///< a page fault takes the lock of its mapping, and the mmap lock only if somebody
                               ///< changes the mapping
  // iterators
  IterCopy copy_page_iter{};              ///< copy_page_to_iter and copy_page_from_iter, page faults enabled
  IterCopy copy_page_from_iter_atomic{};  ///< and its relatives of other revisions
  // processes
  bool proc_mem_untags{};  ///< /proc/PID/mem takes a position with a tag
  bool futex_lsui{};       ///< FEAT_LSUI: the exclusive accesses of futexes are unprivileged, and so tag checked
  // loops
  Probe btrfs_search_ioctl_probe;
  bool search_pagefaults_under_lock{};  ///< the search ioctl copies with page faults, the tree lock held; before 5.9
  bool mfill_pagefaults_under_lock{};   ///< UFFDIO_COPY copies with page faults, the mmap lock held; never so
  Probe generic_perform_write_probe;
  ProbeFailure generic_perform_write_failure{};
  WriteOrder generic_perform_write_order{};
  bool generic_perform_write_shrinks{};  ///< after a dropped short copy, ask for just what was copied
  bool tmpfs_large_folios{};             ///< generic_perform_write() probes as much of tmpfs as its largest folio holds
  bool tmpfs_direct{};                   ///< tmpfs opens files with O_DIRECT, and does as without it
  bool read_at_eof_caches_page{};  ///< filemap_read() at the file's end leaves a page of zeroes there in the cache
  Probe iomap_write_probe;
  bool iomap_large_folios{};        ///< iomap_write_iter() probes as much as the largest folio of xfs holds
  bool iomap_zeroing_extends{};     ///< iomap_zero_range() behind the file's end makes it longer
  bool iomap_fiemap_tries_twice{};  ///< iomap_fiemap() tries the extent that could not be copied once more
  bool dio_read_stops_at_eof{};     ///< iomap_dio_rw(): a read does not zero the buffer behind the file's end, and
                                    ///< takes a hole or inline data that could not be copied for the end
  bool dio_zeroing_hides_fault{};   ///< iomap_dio_bio_iter(): where a new block's tail is zeroed, a fault is no error
  Probe btrfs_write_probe;          ///< of the buffered write, and between tries of a direct one
  bool btrfs_write_by_folio{};      ///< btrfs_buffered_write(): a folio a round, and no forced reading
  bool btrfs_large_folios{};        ///< and folios, and probes, of many pages
  Probe btrfs_direct_read_probe;
  bool dio_nofault{};                ///< btrfs: direct I/O takes only what is mapped, and faults in between tries
  bool btrfs_dio_read_by_sector{};   ///< btrfs: a direct read maps, and locks, a block at a time
  bool btrfs_partial_dio_is_lost{};  ///< btrfs: of an extent that is not written to its end directly, nothing is kept
  bool btrfs_nocow_inline{};         ///< btrfs: small files without checksums have their data inline, too
  ChecksummedWrite btrfs_checksummed_write{};
  Probe gfs2_read_probe;
  Probe gfs2_write_probe;
  bool gfs2_retries{};             ///< gfs2 does I/O with page faults disabled, and faults in without the glock
  bool gfs2_window_is_one_page{};  ///< should_fault_in_pages() never asks for more
  Probe fuse_fill_write_pages_probe;
  WriteOrder fuse_fill_write_pages_order{};
  ProbeFailure fuse_fill_write_pages_failure{};
  Probe netfs_perform_write_probe;
  Probe ntfs_compress_write_probe;
  Probe read_kcore_probe;
  KcoreCopy read_kcore_copy{};
  Probe user_events_write_probe;
  std::uint64_t user_event_attempts{10};  ///< to set a user event's enable bit, before it is given up
  DirectIoForm f2fs_direct_io{};

  bool operator==(const Revision&) const = default;
};

/// Oldest first.
[[nodiscard]] std::span<const Revision> revisions();
/// nullptr: no such revision.
[[nodiscard]] const Revision* find_revision(std::string_view name);

/// One thing about a kernel that a scenario may change, by name.
struct Knob {
  std::string name;  ///< "btrfs_search_ioctl.probe"
  std::string about;
  std::vector<std::string> allowed;  ///< the words it takes; empty: a number from `least` to `most`
  std::uint64_t least{};
  std::uint64_t most{};
  std::string (*get)(const Revision&){};
  /// `word` has been checked against `allowed` and the range.
  void (*set)(Revision&, std::string_view word){};
};

[[nodiscard]] std::span<const Knob> knobs();
[[nodiscard]] const Knob* find_knob(std::string_view name);

[[nodiscard]] std::string_view probe_name(ProbeKind kind);

}  // namespace mtesim
