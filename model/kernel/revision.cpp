#include "model/kernel/revision.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "model/base/check.h"

namespace mtesim {

namespace {

template <class T>
struct Word {
  T value;
  std::string_view word;
};

constexpr std::array<Word<ProbeKind>, 8> kProbes{{
    {ProbeKind::none, "none"},
    {ProbeKind::fault_in_pages_readable, "fault_in_pages_readable"},
    {ProbeKind::fault_in_pages_writeable, "fault_in_pages_writeable"},
    {ProbeKind::fault_in_readable, "fault_in_readable"},
    {ProbeKind::fault_in_writeable, "fault_in_writeable"},
    {ProbeKind::fault_in_safe_writeable, "fault_in_safe_writeable"},
    {ProbeKind::fault_in_subpage_writeable, "fault_in_subpage_writeable"},
    {ProbeKind::probe_granule_store, "probe_granule_store"},
}};
constexpr std::array<Word<SafeWriteable>, 3> kSafeWriteable{{
    {SafeWriteable::gup, "gup"},
    {SafeWriteable::fixup_swapped, "fixup_swapped"},
    {SafeWriteable::fixup, "fixup"},
}};
constexpr std::array<Word<ClearUserCount>, 2> kClearUserCount{{
    {ClearUserCount::all_or_nothing, "all_or_nothing"},
    {ClearUserCount::to_fault, "to_fault"},
}};
constexpr std::array<Word<TcoOnEntry>, 2> kTcoOnEntry{{
    {TcoOnEntry::always_cleared, "always_cleared"},
    {TcoOnEntry::cleared_for_sync_or_asymm, "cleared_for_sync_or_asymm"},
}};
constexpr std::array<Word<ProbeFailure>, 2> kProbeFailure{{
    {ProbeFailure::any_shortfall, "any_shortfall"},
    {ProbeFailure::nothing, "nothing"},
}};
constexpr std::array<Word<IterCopy>, 2> kIterCopy{{
    {IterCopy::one_attempt, "one_attempt"},
    {IterCopy::until_zero, "until_zero"},
}};
constexpr std::array<Word<WriteOrder>, 2> kWriteOrder{{
    {WriteOrder::probe_first, "probe_first"},
    {WriteOrder::copy_first, "copy_first"},
}};
constexpr std::array<Word<ChecksummedWrite>, 3> kChecksummedWrite{{
    {ChecksummedWrite::direct, "direct"},
    {ChecksummedWrite::buffered, "buffered"},
    {ChecksummedWrite::bounce, "bounce"},
}};
constexpr std::array<Word<KcoreCopy>, 2> kKcoreCopy{{
    {KcoreCopy::bounce, "bounce"},
    {KcoreCopy::nofault, "nofault"},
}};
constexpr std::array<Word<DirectIoForm>, 2> kDirectIoForm{{
    {DirectIoForm::legacy, "legacy"},
    {DirectIoForm::iomap, "iomap"},
}};
constexpr std::array<Word<bool>, 2> kOnOff{{{true, "on"}, {false, "off"}}};

template <class Words, class T>
std::string word_of(const Words& words, const T& value) {
  for (const auto& row : words) {
    if (row.value == value) return std::string(row.word);
  }
  MTESIM_CHECK(!"a value without a word");
  return {};
}

template <class Words>
auto value_of(const Words& words, std::string_view word) {
  for (const auto& row : words) {
    if (row.word == word) return row.value;
  }
  MTESIM_CHECK(!"a word that was not checked");
  return words.front().value;
}

template <class Words>
std::vector<std::string> all_words(const Words& words) {
  std::vector<std::string> all;
  for (const auto& row : words) all.emplace_back(row.word);
  return all;
}

std::uint64_t number(std::string_view word) {
  std::uint64_t n = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), n);
  MTESIM_CHECK(error == std::errc{} && end == word.data() + word.size());
  return n;
}

/// The revisions that have records are those that were run: 5.10.223, 6.1.176, 6.12.95, 7.3.4. The others are as
/// read in source. [R]: docs/sources.md.
std::vector<Revision> make_revisions() {
  std::vector<Revision> rows;
  const auto row = [&](const char* name, auto&& change) {
    Revision next = rows.empty() ? Revision{} : rows.back();
    next.name = name;
    change(next);
    rows.push_back(std::move(next));
  };
  row("5.10", [](Revision& r) {
    r.copy_retries_one_byte = true;  // [linux-one-byte], back-ported to 5.10 stable
    r.clear_user_count = ClearUserCount::all_or_nothing;
    r.tco_on_entry = TcoOnEntry::always_cleared;
    r.safe_writeable = SafeWriteable::gup;  // not in this kernel; what a change to it would have got
    r.copy_page_iter = IterCopy::one_attempt;
    r.copy_page_from_iter_atomic = IterCopy::one_attempt;
    r.proc_mem_untags = true;
    r.dio_read_stops_at_eof = true;
    r.read_at_eof_caches_page = true;
    r.btrfs_search_ioctl_probe = {ProbeKind::fault_in_pages_writeable, {}};  // [linux-a48b73eca4ce]
    r.generic_perform_write_probe = {ProbeKind::fault_in_pages_readable, {}};
    r.iomap_write_probe = {ProbeKind::fault_in_pages_readable, {}};
    r.iomap_zeroing_extends = r.btrfs_nocow_inline = true;
    r.btrfs_dio_read_by_sector = r.btrfs_partial_dio_is_lost = true;
    r.btrfs_write_probe = {ProbeKind::fault_in_pages_readable, {}};
    r.btrfs_direct_read_probe = {ProbeKind::fault_in_safe_writeable, {}};  // used from 5.16 on
    r.gfs2_read_probe = {ProbeKind::fault_in_safe_writeable, {}};          // used from 5.16 on
    r.gfs2_write_probe = {ProbeKind::fault_in_pages_readable, {}};         // used from 5.16 on
    r.generic_perform_write_failure = ProbeFailure::any_shortfall;
    r.generic_perform_write_order = WriteOrder::probe_first;
    r.generic_perform_write_shrinks = false;
    r.fuse_fill_write_pages_probe = {ProbeKind::fault_in_pages_readable, {}};
    r.fuse_fill_write_pages_order = WriteOrder::probe_first;
    r.fuse_fill_write_pages_failure = ProbeFailure::any_shortfall;
    r.netfs_perform_write_probe = {ProbeKind::fault_in_pages_readable, {}};  // not in this kernel
    r.ntfs_compress_write_probe = {ProbeKind::fault_in_pages_readable, {}};  // the loop is there from 5.15 on
    r.user_events_write_probe = {ProbeKind::fault_in_pages_readable, {}};    // not in this kernel
    r.read_kcore_copy = KcoreCopy::bounce;
    r.read_kcore_probe = {ProbeKind::fault_in_safe_writeable, {}};  // not asked for where pages are bounced
    r.f2fs_direct_io = DirectIoForm::legacy;
  });
  row("5.13", [](Revision& r) { r.copy_retries_one_byte = false; });  // the mainline release, without the back-port
  row("5.14", [](Revision& r) {
    r.copy_retries_one_byte = true;  // [linux-one-byte]
    r.copy_page_iter = IterCopy::until_zero;
    r.generic_perform_write_shrinks = true;  // [linux-bc1bb416bbb9]
  });
  row("5.15", [](Revision& r) { r.tcf_is_a_set = true; });  // [linux-mte-doc], with mte_tcf_preferred
  row("5.16", [](Revision& r) {
    r.clear_user_count = ClearUserCount::to_fault;
    r.btrfs_search_ioctl_probe = {ProbeKind::fault_in_writeable, {}};  // [linux-c03098d4b9ad]
    r.generic_perform_write_probe = {ProbeKind::fault_in_readable, {}};
    r.iomap_write_probe = {ProbeKind::fault_in_readable, {}};
    r.btrfs_write_probe = {ProbeKind::fault_in_readable, {}};
    r.gfs2_write_probe = {ProbeKind::fault_in_readable, {}};
    r.dio_nofault = r.gfs2_retries = true;  // [linux-c03098d4b9ad]
    r.btrfs_dio_read_by_sector = false;     // between 5.10 and 6.1
    r.gfs2_window_is_one_page = true;       // a shadowed variable
    r.fuse_fill_write_pages_probe = {ProbeKind::fault_in_readable, {}};
    r.netfs_perform_write_probe = {ProbeKind::fault_in_readable, {}};
    r.ntfs_compress_write_probe = {ProbeKind::fault_in_readable, {}};
    r.user_events_write_probe = {ProbeKind::fault_in_readable, {}};
  });
  row("5.17", [](Revision& r) {
    r.safe_writeable = SafeWriteable::fixup_swapped;
    r.f2fs_direct_io = DirectIoForm::iomap;  // [linux-f2fs-dio]
  });
  row("5.19", [](Revision& r) {
    r.tco_on_entry = TcoOnEntry::cleared_for_sync_or_asymm;                    // between 5.17 and 6.1
    r.has_asymm = true;                                                        // between 5.17 and 6.1
    r.btrfs_search_ioctl_probe = {ProbeKind::fault_in_subpage_writeable, {}};  // [linux-18788e34642e]
    r.generic_perform_write_failure = ProbeFailure::nothing;                   // between 5.17 and 6.1
  });
  row("6.1", [](Revision& r) {
    r.safe_writeable = SafeWriteable::fixup;  // right in stable 6.1
    r.dio_read_stops_at_eof = false;          // between 5.10 and 6.1
    r.read_at_eof_caches_page = false;        // between 5.10 and 6.1
    r.proc_mem_untags = false;                // stable 6.1 looks the mapping up by the address as it came: [records]
    r.gfs2_window_is_one_page = false;        // between 5.17 and 6.1
    r.iomap_fiemap_tries_twice = true;        // between 5.10 and 6.1: [records]
    r.hugetlb_refuses_mte = true;             // seen on 6.1.176 and not on 5.10.223; where between is open
  });
  row("6.12", [](Revision& r) {
    r.swap_in_writable = true;     // [linux-swap-in], since 6.11, from memory
    r.page_fault_vma_lock = true;  // [linux-mmap-lock], since 6.4, of file pages since 6.7; from memory
    r.proc_mem_untags = true;
    r.tmpfs_direct = true;
    r.iomap_large_folios = true;
    r.iomap_zeroing_extends = false;                         // between 6.1 and 6.12
    r.btrfs_partial_dio_is_lost = false;                     // between 6.1 and 6.12
    r.btrfs_nocow_inline = false;                            // between 6.1 and 6.12: [records]
    r.dio_zeroing_hides_fault = true;                        // between 6.1 and 6.12
    r.btrfs_checksummed_write = ChecksummedWrite::buffered;  // back-ported to stable 6.12
    r.tmpfs_large_folios = true;                             // between 6.1 and 6.12
    r.read_kcore_copy = KcoreCopy::nofault;                  // between 6.1 and 6.12
  });
  row("7.3", [](Revision& r) {
    r.has_store_only = true;
    r.hugetlb_refuses_mte = false;  // [linux-mte-doc]: huge pages may be tagged
    r.copy_page_from_iter_atomic = IterCopy::until_zero;
    r.generic_perform_write_order = WriteOrder::copy_first;
    r.btrfs_write_by_folio = true;       // between 6.12 and 7.3
    r.iomap_fiemap_tries_twice = false;  // between 6.12 and 7.3: [records]
    r.btrfs_large_folios = true;         // between 6.18 and 7.3: [records]
    r.btrfs_checksummed_write = ChecksummedWrite::bounce;
    r.fuse_fill_write_pages_order = WriteOrder::copy_first;  // between 6.12 and 7.3
  });
  return rows;
}

template <auto Field, const auto& Words>
Knob word_knob(std::string name, std::string about) {
  return {std::move(name),
          std::move(about),
          all_words(Words),
          0,
          0,
          [](const Revision& r) { return word_of(Words, r.*Field); },
          [](Revision& r, std::string_view word) { r.*Field = value_of(Words, word); }};
}

template <auto ProbeField>
void add_probe_knobs(std::vector<Knob>& all, const std::string& loop) {
  all.push_back({loop + ".probe", "how " + loop + " faults user memory in", all_words(kProbes), 0, 0,
                 [](const Revision& r) { return word_of(kProbes, (r.*ProbeField).kind); },
                 [](Revision& r, std::string_view word) { (r.*ProbeField).kind = value_of(kProbes, word); }});
  all.push_back({loop + ".min_size",
                 "bytes from the start that a granule probe looks at granule by granule; 0: all",
                 {},
                 0,
                 std::uint64_t{1} << 30,
                 [](const Revision& r) { return std::to_string((r.*ProbeField).min_size.n); },
                 [](Revision& r, std::string_view word) { (r.*ProbeField).min_size = Bytes{number(word)}; }});
}

std::vector<Knob> make_knobs() {
  std::vector<Knob> all;
  add_probe_knobs<&Revision::btrfs_search_ioctl_probe>(all, "btrfs_search_ioctl");
  add_probe_knobs<&Revision::generic_perform_write_probe>(all, "generic_perform_write");
  add_probe_knobs<&Revision::iomap_write_probe>(all, "iomap_file_buffered_write");
  add_probe_knobs<&Revision::btrfs_write_probe>(all, "btrfs_buffered_write");
  add_probe_knobs<&Revision::btrfs_direct_read_probe>(all, "btrfs_direct_read");
  add_probe_knobs<&Revision::gfs2_read_probe>(all, "gfs2_file_read_iter");
  add_probe_knobs<&Revision::gfs2_write_probe>(all, "gfs2_file_write_iter");
  all.push_back(word_knob<&Revision::btrfs_write_by_folio, kOnOff>(
      "btrfs_buffered_write.by_folio", "a folio a round, never read by force after a round that copied nothing"));
  all.push_back(word_knob<&Revision::btrfs_large_folios, kOnOff>(
      "btrfs_buffered_write.large_folios",
      "folios of up to 256 KiB: a write is probed, and copied, that much at a time"));
  all.push_back(word_knob<&Revision::iomap_fiemap_tries_twice, kOnOff>(
      "iomap_fiemap.tries_twice", "the extent that could not be copied is tried once more"));
  all.push_back(word_knob<&Revision::btrfs_checksummed_write, kChecksummedWrite>(
      "btrfs_direct_write.checksummed", "how O_DIRECT writes to a file whose data is checksummed"));
  all.push_back(word_knob<&Revision::btrfs_dio_read_by_sector, kOnOff>(
      "btrfs_direct_read.by_sector", "a direct read maps and locks a block at a time, and not a whole extent"));
  all.push_back(word_knob<&Revision::btrfs_partial_dio_is_lost, kOnOff>(
      "btrfs_direct_write.partial_is_lost", "of an extent that is not written to its end directly, nothing is kept"));
  all.push_back(word_knob<&Revision::btrfs_nocow_inline, kOnOff>(
      "btrfs.nocow_inline", "small files whose data is not checksummed have it inline, like others"));
  all.push_back(word_knob<&Revision::dio_nofault, kOnOff>(
      "btrfs_direct_io.nofault", "tries that take only what is mapped, with fault-ins between them"));
  all.push_back(word_knob<&Revision::gfs2_retries, kOnOff>(
      "gfs2.retries", "tries with page faults disabled, with fault-ins without the glock between them"));
  all.push_back(word_knob<&Revision::gfs2_window_is_one_page, kOnOff>("gfs2.window_is_one_page",
                                                                      "no more than a page is faulted in at a time"));
  all.push_back(word_knob<&Revision::iomap_zeroing_extends, kOnOff>(
      "iomap_zero_range.extends", "zeroing behind the file's end, ahead of a write further on, makes it longer"));
  all.push_back(word_knob<&Revision::dio_zeroing_hides_fault, kOnOff>(
      "iomap_dio_rw.zeroing_hides_fault",
      "a fault behind which a new block's tail is zeroed ends a write without error"));
  add_probe_knobs<&Revision::fuse_fill_write_pages_probe>(all, "fuse_fill_write_pages");
  add_probe_knobs<&Revision::netfs_perform_write_probe>(all, "netfs_perform_write");
  add_probe_knobs<&Revision::ntfs_compress_write_probe>(all, "ntfs_compress_write");
  add_probe_knobs<&Revision::read_kcore_probe>(all, "read_kcore");
  add_probe_knobs<&Revision::user_events_write_probe>(all, "user_events_write");
  all.push_back(word_knob<&Revision::fuse_fill_write_pages_order, kWriteOrder>(
      "fuse_fill_write_pages.order", "probe before the copy, or after a copy that moved nothing"));
  all.push_back(word_knob<&Revision::fuse_fill_write_pages_failure, kProbeFailure>(
      "fuse_fill_write_pages.probe_failure", "which shortfall of the probe is EFAULT"));
  all.push_back(word_knob<&Revision::read_kcore_copy, kKcoreCopy>(
      "read_kcore.copy", "memory of the vmalloc area goes through a page, or straight to the user without faults"));
  all.push_back(
      word_knob<&Revision::f2fs_direct_io, kDirectIoForm>("f2fs.direct_io", "what O_DIRECT of f2fs is made of"));
  all.push_back({"user_event_enabler_write.attempts",
                 "how often a user event's enable bit is tried to be set",
                 {},
                 1,
                 1000,
                 [](const Revision& r) { return std::to_string(r.user_event_attempts); },
                 [](Revision& r, std::string_view word) { r.user_event_attempts = number(word); }});
  all.push_back(word_knob<&Revision::generic_perform_write_failure, kProbeFailure>(
      "generic_perform_write.probe_failure", "which shortfall of the probe is EFAULT"));
  all.push_back(word_knob<&Revision::generic_perform_write_order, kWriteOrder>(
      "generic_perform_write.order", "probe before the copy, or after a copy that moved nothing"));
  all.push_back(word_knob<&Revision::iomap_large_folios, kOnOff>(
      "iomap_file_buffered_write.large_folios",
      "a write to a file system with large folios is probed as far as the largest reaches"));
  all.push_back(word_knob<&Revision::read_at_eof_caches_page, kOnOff>(
      "filemap_read.caches_page_at_eof", "a read at the file's end leaves a page of zeroes there in the page cache"));
  all.push_back(word_knob<&Revision::dio_read_stops_at_eof, kOnOff>(
      "iomap_dio_rw.read_stops_at_eof",
      "a direct read does not zero the buffer behind the file's end, and takes a hole or inline data it could not copy "
      "for the end"));
  all.push_back(word_knob<&Revision::tmpfs_direct, kOnOff>("tmpfs.direct", "tmpfs opens files with O_DIRECT"));
  all.push_back(word_knob<&Revision::tmpfs_large_folios, kOnOff>(
      "generic_perform_write.tmpfs_large_folios",
      "a write to tmpfs is probed as far as the largest folio reaches, and not a page at a time"));
  all.push_back(word_knob<&Revision::generic_perform_write_shrinks, kOnOff>(
      "generic_perform_write.shrinks", "after a short copy that was dropped, ask for just what had been copied"));
  all.push_back(word_knob<&Revision::copy_retries_one_byte, kOnOff>(
      "uaccess.one_byte_retry", "a copy that moved nothing tries its first byte alone"));
  all.push_back(word_knob<&Revision::clear_user_count, kClearUserCount>("clear_user.count",
                                                                        "what clear_user() reports after a fault"));
  all.push_back(word_knob<&Revision::mops, kOnOff>("uaccess.mops", "copy and clear with the FEAT_MOPS instructions"));
  all.push_back({"uaccess.mops_chunk",
                 "bytes that one MOPS step moves, all or nothing",
                 {},
                 1,
                 4096,
                 [](const Revision& r) { return std::to_string(r.mops_chunk.n); },
                 [](Revision& r, std::string_view word) { r.mops_chunk = Bytes{number(word)}; }});
  all.push_back(
      word_knob<&Revision::tco_on_entry, kTcoOnEntry>("entry.tco", "when PSTATE.TCO is cleared on kernel entry"));
  all.push_back(word_knob<&Revision::safe_writeable, kSafeWriteable>(
      "fault_in_safe_writeable.form", "what it is made of, with the return value it had"));
  all.push_back(word_knob<&Revision::copy_page_iter, kIterCopy>(
      "copy_page_iter.attempts", "one copy a page piece, or again until it moves nothing"));
  all.push_back(word_knob<&Revision::copy_page_from_iter_atomic, kIterCopy>(
      "copy_page_from_iter_atomic.attempts", "one copy a page piece, or again until it moves nothing"));
  all.push_back(word_knob<&Revision::swap_in_writable, kOnOff>(
      "do_swap_page.writable", "a page that a load brings back from swap is writable at once, if nobody shares it"));
  all.push_back(word_knob<&Revision::page_fault_vma_lock, kOnOff>(
      "page_fault.vma_lock", "a page fault takes the lock of its mapping, and the mmap lock only if that changes"));
  all.push_back(word_knob<&Revision::search_pagefaults_under_lock, kOnOff>(
      "btrfs_search_ioctl.pagefaults_under_tree_lock",
      "the copy takes page faults while the tree lock is held, as before 5.9; one that comes short is EFAULT"));
  all.push_back(word_knob<&Revision::mfill_pagefaults_under_lock, kOnOff>(
      "mfill_atomic_copy.pagefaults_under_mmap_lock",
      "UFFDIO_COPY takes page faults while it holds the mmap lock, as no kernel does"));
  all.push_back(word_knob<&Revision::hugetlb_refuses_mte, kOnOff>(
      "mmap.hugetlb_refuses_mte", "PROT_MTE with MAP_HUGETLB is EINVAL, before anybody looks for huge pages"));
  all.push_back(word_knob<&Revision::tcf_is_a_set, kOnOff>(
      "mte.tcf_is_a_set", "user space may ask for SYNC and ASYNC together, and the CPU prefers one"));
  all.push_back(
      word_knob<&Revision::proc_mem_untags, kOnOff>("mem_rw.untags", "/proc/PID/mem takes a position with a tag"));
  all.push_back(word_knob<&Revision::futex_lsui, kOnOff>(
      "futex.lsui", "FEAT_LSUI: a futex's exclusive accesses are unprivileged, and so tag checked"));
  all.push_back(word_knob<&Revision::has_asymm, kOnOff>("mte.asymm", "user space may ask for ASYMM"));
  all.push_back(
      word_knob<&Revision::has_store_only, kOnOff>("mte.store_only", "user space may ask for store-only checks"));
  std::sort(all.begin(), all.end(), [](const Knob& a, const Knob& b) { return a.name < b.name; });
  return all;
}

}  // namespace

std::span<const Revision> revisions() {
  static const std::vector<Revision> kRows = make_revisions();
  return kRows;
}

const Revision* find_revision(std::string_view name) {
  for (const Revision& revision : revisions()) {
    if (revision.name == name) return &revision;
  }
  return nullptr;
}

std::span<const Knob> knobs() {
  static const std::vector<Knob> kKnobs = make_knobs();
  return kKnobs;
}

const Knob* find_knob(std::string_view name) {
  for (const Knob& knob : knobs()) {
    if (knob.name == name) return &knob;
  }
  return nullptr;
}

std::string_view probe_name(ProbeKind kind) {
  for (const auto& row : kProbes) {
    if (row.value == kind) return row.word;
  }
  return "?";
}

}  // namespace mtesim
