#include "fs_models/catalogue.h"

#include <array>

#include "fs_models/btrfs_direct_io.h"
#include "fs_models/btrfs_search_ioctl.h"
#include "fs_models/dev_zero.h"
#include "fs_models/fiemap.h"
#include "fs_models/filemap_read.h"
#include "fs_models/fuse_write.h"
#include "fs_models/futex.h"
#include "fs_models/generic_perform_write.h"
#include "fs_models/gfs2_file.h"
#include "fs_models/iomap_dio.h"
#include "fs_models/iomap_write.h"
#include "fs_models/kcore.h"
#include "fs_models/legacy_dio.h"
#include "fs_models/netfs_write.h"
#include "fs_models/ntfs_compress_write.h"
#include "fs_models/pipe.h"
#include "fs_models/process_vm.h"
#include "fs_models/pseudo_files.h"
#include "fs_models/random.h"
#include "fs_models/small_calls.h"
#include "fs_models/unix_socket.h"
#include "fs_models/user_events.h"
#include "fs_models/userfaultfd_copy.h"
#include "fs_models/vfs.h"

namespace mtesim {

namespace {

template <class L>
CopyLoop make(const SystemCall& call) {
  if (call.is_read() || call.is_write()) return CopyLoop(AfterAccessOk<L>(call));
  return CopyLoop(L(call));
}

bool searches_btrfs(const SystemCall& c) {
  return (c.kind == CallKind::tree_search || c.kind == CallKind::tree_search_v2) && c.fs->name == "btrfs";
}
/// O_DIRECT that is not done as if it had not been asked for.
bool is_direct(const SystemCall& c) { return c.flags.direct && c.fs->pages == ObjectKind::file; }
bool reads_page_cache(const SystemCall& c) {
  return c.is_read() && c.fs->kind == FileKind::regular && !is_direct(c) && c.fs->name != "gfs2";
}
bool writes_page_cache(const SystemCall& c) {
  return c.is_write() && !is_direct(c) && !c.flags.compressed &&
         (c.fs->contract == WriteContract::block || c.fs->contract == WriteContract::simple);
}
bool is_on(const SystemCall& c, std::string_view fs) { return c.fs != nullptr && c.fs->name == fs; }
bool writes_btrfs(const SystemCall& c) { return c.is_write() && is_on(c, "btrfs") && !is_direct(c); }
bool reads_btrfs_directly(const SystemCall& c) { return c.is_read() && is_on(c, "btrfs") && is_direct(c); }
bool writes_btrfs_directly(const SystemCall& c) { return c.is_write() && is_on(c, "btrfs") && is_direct(c); }
bool reads_gfs2(const SystemCall& c) { return c.is_read() && is_on(c, "gfs2") && !is_direct(c); }
bool reads_gfs2_directly(const SystemCall& c) { return c.is_read() && is_on(c, "gfs2") && is_direct(c); }
bool writes_gfs2(const SystemCall& c) { return c.is_write() && is_on(c, "gfs2"); }
bool maps_extents(const SystemCall& c) { return c.kind == CallKind::fiemap && c.fs->kind == FileKind::regular; }
bool writes_through_iomap(const SystemCall& c) { return c.is_write() && !is_direct(c) && c.fs->name == "xfs"; }
bool is_direct_iomap(const SystemCall& c) {
  return (c.is_read() || c.is_write()) && is_direct(c) && (c.fs->name == "ext4" || c.fs->name == "xfs");
}
template <FileKind... kKinds>
bool reads(const SystemCall& c) {
  return c.is_read() && ((c.fs->kind == kKinds) || ...);
}
template <FileKind... kKinds>
bool writes(const SystemCall& c) {
  return c.is_write() && ((c.fs->kind == kKinds) || ...);
}
template <CallKind... kKinds>
bool is_call(const SystemCall& c) {
  return ((c.kind == kKinds) || ...);
}
bool gets_random_bytes(const SystemCall& c) { return c.kind == CallKind::getrandom || reads<FileKind::dev_urandom>(c); }
bool uses_datagram(const SystemCall& c) {
  return (c.is_read() || c.is_write()) && c.fs->kind == FileKind::unix_datagram;
}
bool writes_compressed(const SystemCall& c) { return c.is_write() && !is_direct(c) && c.flags.compressed; }
/// Of a file system that is known by its name.
bool writes_buffered(const SystemCall& c, std::string_view fs) {
  return c.is_write() && !is_direct(c) && c.fs->name == fs;
}
bool is_direct_on(const SystemCall& c, std::string_view fs) {
  return (c.is_read() || c.is_write()) && is_direct(c) && c.fs->name == fs;
}
bool uses_eventfd(const SystemCall& c) { return (c.is_read() || c.is_write()) && c.fs->kind == FileKind::eventfd; }

constexpr auto kLoops = std::to_array<LoopEntry>({
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
    {IomapBufferedWrite::kName, "buffered write of xfs: as generic_perform_write, extent by extent",
     "as generic_perform_write; the probe always first", writes_through_iomap, make<IomapBufferedWrite>},
    {IomapDirectIo::kName, "O_DIRECT of ext4 and xfs: GUP and the disk; holes are read by clearing the buffer",
     "5.10 stops a read at the file's end; from 6.1 zeroes what lies behind", is_direct_iomap, make<IomapDirectIo>},
    {BtrfsBufferedWrite::kName, "buffered write of btrfs: pages prepared together, short copies into fresh ones undone",
     "to 6.12 many pages a round, read by force after a round that copied nothing; 7.3 a folio a round, never by force",
     writes_btrfs, make<BtrfsBufferedWrite>},
    {BtrfsDirectRead::kName, "O_DIRECT read of btrfs; what is not aligned to blocks, and the rest, by filemap_read",
     "to 5.15 page faults under the extent lock; from 5.16 tries without page faults, and fault-ins between them",
     reads_btrfs_directly, make<BtrfsDirectRead>},
    {BtrfsDirectWrite::kName, "O_DIRECT write of btrfs; what cannot be done directly by btrfs_buffered_write",
     "as the read; from 6.12 checksummed files by btrfs_buffered_write, in 7.3 out of bounce pages",
     writes_btrfs_directly, make<BtrfsDirectWrite>},
    {Gfs2BufferedRead::kName,
     "buffered read of gfs2: filemap_read under the glock, page faults disabled, and fault-ins",
     "5.10 once with page faults enabled; from 5.16 tries, with fault_in_safe_writeable between them", reads_gfs2,
     make<Gfs2BufferedRead>},
    {Gfs2DirectRead::kName, "O_DIRECT read of gfs2: iomap_dio_rw under the glock, and fault-ins",
     "as the buffered read", reads_gfs2_directly, make<Gfs2DirectRead>},
    {Gfs2Write::kName, "write of gfs2, buffered through iomap under the glock, or direct as far as that goes",
     "5.10 takes page faults under the glock; from 5.16 tries, with fault-ins between them", writes_gfs2,
     make<Gfs2Write>},
    {Fiemap::kName, "FIEMAP ioctl: an extent after the other; gfs2 under its glock, from the start after a fault-in",
     "gfs2 from 5.16 on retries; 5.10 and other file systems try once", maps_extents, make<Fiemap>},
    {PipeRead::kName, "read from a pipe; a buffer that is not copied whole does not count", "as filemap_read",
     reads<FileKind::pipe>, make<PipeRead>},
    {PipeWrite::kName, "write to a pipe; a page that is not copied whole does not count", "as filemap_read",
     writes<FileKind::pipe>, make<PipeWrite>},
    {ReadZero::kName, "read from /dev/zero and /dev/full by clear_user()", "to 5.15 a fault reports nothing cleared",
     reads<FileKind::dev_zero, FileKind::dev_full>, make<ReadZero>},
    {WriteNull::kName, "write to /dev/zero and /dev/null; looks at nothing", "all alike",
     writes<FileKind::dev_zero, FileKind::dev_null>, make<WriteNull>},
    {NoTransfer::kName, "read of /dev/null, write of /dev/full: neither looks at the buffer", "all alike",
     [](const SystemCall& c) { return reads<FileKind::dev_null>(c) || writes<FileKind::dev_full>(c); },
     make<NoTransfer>},
    {GetRandomBytesUser::kName, "getrandom and /dev/urandom, a block of 64 bytes at a time", "all alike",
     gets_random_bytes, make<GetRandomBytesUser>},
    {UnixStreamSend::kName, "send to a stream socket; a buffer that is not copied whole is not sent", "as filemap_read",
     writes<FileKind::unix_stream>, make<UnixStreamSend>},
    {UnixStreamRead::kName, "read from a stream socket; a buffer that is not copied whole stays", "all alike",
     reads<FileKind::unix_stream>, make<UnixStreamRead>},
    {UnixDatagram::kName, "a datagram: all or EFAULT", "as the stream", uses_datagram, make<UnixDatagram>},
    {EventfdTransfer::kName, "eight bytes of an eventfd: all or EFAULT", "all alike", uses_eventfd,
     make<EventfdTransfer>},
    {SeqRead::kName, "read of a text of /proc or /sys: one copy", "all alike",
     reads<FileKind::seq_file, FileKind::proc_comm>, make<SeqRead>},
    {CommWrite::kName, "write of /proc/PID/comm: one copy", "all alike", writes<FileKind::proc_comm>, make<CommWrite>},
    {PagemapRead::kName, "read of /proc/PID/pagemap", "all alike", reads<FileKind::pagemap>, make<PagemapRead>},
    {ProcessVmRw::kName, "process_vm_readv and _writev: remote side by GUP, local side by iterator", "as filemap_read",
     is_call<CallKind::process_vm_readv, CallKind::process_vm_writev>, make<ProcessVmRw>},
    {ProcMemRw::kName, "/proc/PID/mem: one side by GUP, the other by uaccess, through a page",
     "6.1 does not untag the position", is_call<CallKind::proc_mem_read, CallKind::proc_mem_write>, make<ProcMemRw>},
    {Vmsplice::kName, "user pages into a pipe, by GUP only", "all alike", is_call<CallKind::vmsplice>, make<Vmsplice>},
    {FusePerformWrite::kName, "buffered write of fuse: what a page got goes to the server, short or not",
     "to 6.12 probes before each copy; 7.3 after a copy that moved nothing",
     [](const SystemCall& c) { return writes_buffered(c, "fuse"); }, make<FusePerformWrite>},
    {NetfsPerformWrite::kName, "buffered write of 9p, afs, ceph and smb: reads what it overwrites after a short copy",
     "from 6.12 on; 7.3 copies until nothing moves", [](const SystemCall& c) { return writes_buffered(c, "9p"); },
     make<NetfsPerformWrite>},
    {NtfsCompressWrite::kName, "write to a compressed file of ntfs3: a frame of 64 KiB is filled and written",
     "from 5.15 on; all alike but for the probe", writes_compressed, make<NtfsCompressWrite>},
    {LegacyDirectIo::kName, "O_DIRECT of vfat through fs/direct-io.c: GUP; holes zeroed by the kernel's mapping",
     "all alike", [](const SystemCall& c) { return is_direct_on(c, "vfat"); }, make<LegacyDirectIo>},
    {F2fsDirectIo::kName, "O_DIRECT of f2fs", "to 5.16 as vfat; from 5.17 as ext4 and xfs",
     [](const SystemCall& c) { return is_direct_on(c, "f2fs"); }, make<F2fsDirectIo>},
    {ReadKcore::kName, "read of a vmalloc area through /proc/kcore", "to 6.1 by way of a page; from 6.12 nofault",
     reads<FileKind::kcore>, make<ReadKcore>},
    {UserfaultfdCopy::kName, "ioctl(UFFDIO_COPY): a page with page faults disabled, and once more with them enabled",
     "all alike", is_call<CallKind::uffdio_copy>, make<UserfaultfdCopy>},
    {UserEventsWrite::kName, "write of a user event: probe all, copy all with page faults disabled", "from 6.12 on",
     writes<FileKind::user_events>, make<UserEventsWrite>},
    {UserEventRegister::kName, "ioctl(DIAG_IOCSREG): look for a page, fault it in, give up after ten times",
     "from 6.12 on", is_call<CallKind::user_event_register>, make<UserEventRegister>},
    {Futex::kName, "futex: look with page faults disabled, fault in without looking, again", "all alike",
     is_call<CallKind::futex>, make<Futex>},
    {SmallCall::kName, "a system call without a loop: `mtesim list calls`", "all alike", is_call<CallKind::small>,
     make<SmallCall>},
});

}  // namespace

std::string_view call_name(const SystemCall& call) {
  switch (call.kind) {
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
    case CallKind::fiemap:
      return "ioctl FS_IOC_FIEMAP";
    case CallKind::process_vm_readv:
      return "process_vm_readv";
    case CallKind::process_vm_writev:
      return "process_vm_writev";
    case CallKind::proc_mem_read:
      return "read of /proc/self/mem";
    case CallKind::proc_mem_write:
      return "write of /proc/self/mem";
    case CallKind::vmsplice:
      return "vmsplice";
    case CallKind::futex:
      return futex_call_name(call.futex_op);
    case CallKind::getrandom:
      return "getrandom";
    case CallKind::small:
      return call.small->name;
    case CallKind::uffdio_copy:
      return "ioctl UFFDIO_COPY";
    case CallKind::user_event_register:
      return "ioctl DIAG_IOCSREG";
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
