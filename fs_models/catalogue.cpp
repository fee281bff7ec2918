#include "fs_models/catalogue.h"

#include <array>

#include "fs_models/btrfs_search_ioctl.h"
#include "fs_models/dev_zero.h"
#include "fs_models/filemap_read.h"
#include "fs_models/generic_perform_write.h"
#include "fs_models/pipe.h"

namespace mtesim {

namespace {

template <class L>
CopyLoop make(const SystemCall& call) {
  return CopyLoop(L(call));
}

bool searches_btrfs(const SystemCall& c) {
  return (c.kind == CallKind::tree_search || c.kind == CallKind::tree_search_v2) && c.fs->name == "btrfs";
}
bool reads_page_cache(const SystemCall& c) {
  return c.is_read() && c.fs->kind == FileKind::regular && c.fs->name != "gfs2";
}
bool writes_page_cache(const SystemCall& c) { return c.is_write() && c.fs->contract != WriteContract::none; }
bool reads_pipe(const SystemCall& c) { return c.is_read() && c.fs->kind == FileKind::pipe; }
bool writes_pipe(const SystemCall& c) { return c.is_write() && c.fs->kind == FileKind::pipe; }
bool reads_zero(const SystemCall& c) { return c.is_read() && c.fs->kind == FileKind::dev_zero; }
bool writes_zero(const SystemCall& c) { return c.is_write() && c.fs->kind == FileKind::dev_zero; }

constexpr std::array<LoopEntry, 7> kLoops{{
    {BtrfsSearchIoctl::kName, "btrfs tree search: probe the rest of the buffer, copy a leaf's items, rewind on a fault",
     "to 5.15 fault_in_pages_writeable; 5.16 fault_in_writeable; from 5.19 fault_in_subpage_writeable", searches_btrfs,
     make<BtrfsSearchIoctl>},
    {FilemapRead::kName, "buffered read out of the page cache, tmpfs included; no retry",
     "to 5.13 one copy a page; from 5.14 until nothing moves", reads_page_cache, make<FilemapRead>},
    {GenericPerformWrite::kName,
     "buffered write: probe, lock the folio, copy with faults disabled, write_end() decides",
     "to 5.13 retries the same length; from 5.14 shrinks to what was copied; from 5.19 a partial probe suffices; 7.3 "
     "probes after a copy that moved nothing",
     writes_page_cache, make<GenericPerformWrite>},
    {PipeRead::kName, "read from a pipe; a buffer that is not copied whole does not count", "as filemap_read",
     reads_pipe, make<PipeRead>},
    {PipeWrite::kName, "write to a pipe; a page that is not copied whole does not count", "as filemap_read",
     writes_pipe, make<PipeWrite>},
    {ReadZero::kName, "read from /dev/zero by clear_user()", "to 5.15 a fault reports nothing cleared", reads_zero,
     make<ReadZero>},
    {WriteNull::kName, "write to /dev/zero; looks at nothing", "all alike", writes_zero, make<WriteNull>},
}};

}  // namespace

std::string_view call_name(CallKind kind) {
  switch (kind) {
    case CallKind::read:
      return "read";
    case CallKind::write:
      return "write";
    case CallKind::readv:
      return "readv";
    case CallKind::writev:
      return "writev";
    case CallKind::tree_search:
      return "ioctl BTRFS_IOC_TREE_SEARCH";
    case CallKind::tree_search_v2:
      return "ioctl BTRFS_IOC_TREE_SEARCH_V2";
  }
  return "?";
}

std::span<const LoopEntry> catalogue() { return kLoops; }

const LoopEntry* find_loop(const SystemCall& call) {
  for (const LoopEntry& entry : kLoops) {
    if (entry.serves(call)) return &entry;
  }
  return nullptr;
}

const LoopEntry* find_loop(std::string_view name) {
  for (const LoopEntry& entry : kLoops) {
    if (entry.name == name) return &entry;
  }
  return nullptr;
}

}  // namespace mtesim
