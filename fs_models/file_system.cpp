#include "fs_models/file_system.h"

#include <array>

#include "model/base/check.h"

namespace mtesim {

namespace {

constexpr auto kFileSystems = std::to_array<FileSystem>({
    {"tmpfs", "memory file system; its files may be mapped with PROT_MTE", FileKind::regular, ObjectKind::shmem,
     WriteContract::simple},
    {"ramfs", "page cache without a disk", FileKind::regular, ObjectKind::file, WriteContract::simple},
    {"ext4", "buffered through generic_perform_write", FileKind::regular, ObjectKind::file, WriteContract::block},
    {"f2fs", "buffered through generic_perform_write", FileKind::regular, ObjectKind::file, WriteContract::block},
    {"btrfs", "loops of its own; small files inline", FileKind::regular, ObjectKind::file, WriteContract::none,
     FaultLocking::extent_range, Bytes{2048}},
    {"xfs", "buffered and direct through iomap", FileKind::regular, ObjectKind::file, WriteContract::iomap},
    {"gfs2", "through iomap under a cluster lock, the glock; small files stuffed", FileKind::regular, ObjectKind::file,
     WriteContract::iomap, FaultLocking::glock, Bytes{4096 - 232}, true},
    {"pipe", "a pipe", FileKind::pipe, ObjectKind::file, WriteContract::none},
    {"zero", "/dev/zero", FileKind::dev_zero, ObjectKind::file, WriteContract::none},
    {"null", "/dev/null", FileKind::dev_null, ObjectKind::file, WriteContract::none},
    {"full", "/dev/full", FileKind::dev_full, ObjectKind::file, WriteContract::none},
    {"urandom", "/dev/urandom", FileKind::dev_urandom, ObjectKind::file, WriteContract::none},
    {"unix", "a connected AF_UNIX stream socket", FileKind::unix_stream, ObjectKind::file, WriteContract::none},
    {"unix_dgram", "a connected AF_UNIX datagram socket", FileKind::unix_datagram, ObjectKind::file,
     WriteContract::none},
    {"eventfd", "an eventfd; its size is the counter", FileKind::eventfd, ObjectKind::file, WriteContract::none},
    {"seq_file", "a text file of /proc or /sys", FileKind::seq_file, ObjectKind::file, WriteContract::none},
    {"proc_comm", "/proc/PID/comm", FileKind::proc_comm, ObjectKind::file, WriteContract::none},
    {"pagemap", "/proc/PID/pagemap", FileKind::pagemap, ObjectKind::file, WriteContract::none},
    {"fuse", "a file system in user space, written through the page cache to its server", FileKind::regular,
     ObjectKind::file, WriteContract::none},
    {.name = "9p",
     .about = "a network file system on netfs; afs, ceph and smb write alike",
     .kind = FileKind::regular,
     .pages = ObjectKind::file,
     .contract = WriteContract::none,
     .since = "6.12"},
    {.name = "ntfs3",
     .about = "buffered through generic_perform_write; compressed files a frame at a time",
     .kind = FileKind::regular,
     .pages = ObjectKind::file,
     .contract = WriteContract::block,
     .since = "5.15"},
    {"vfat", "buffered through generic_perform_write, direct through fs/direct-io.c", FileKind::regular,
     ObjectKind::file, WriteContract::block},
    {"kcore", "/proc/kcore; its bytes are those of a vmalloc area", FileKind::kcore, ObjectKind::file,
     WriteContract::none},
    {.name = "user_events",
     .about = "user_events_data of the tracing file system, one enabled event",
     .kind = FileKind::user_events,
     .pages = ObjectKind::file,
     .contract = WriteContract::none,
     .since = "6.12"},
});

}  // namespace

std::span<const FileSystem> file_systems() { return kFileSystems; }

bool has_file_system(const FileSystem& fs, const Revision& revision) {
  if (fs.since.empty()) return true;
  const Revision* first = find_revision(fs.since);
  const Revision* own = find_revision(revision.name);
  MTESIM_CHECK(first != nullptr && own != nullptr);
  return own >= first;  // rows of one table, oldest first
}

bool opens_direct(const FileSystem& fs, const Revision& revision) {
  if (fs.name == "tmpfs") return revision.tmpfs_direct;
  return fs.kind != FileKind::regular || fs.name != "ramfs";
}

const FileSystem* find_file_system(std::string_view name) {
  for (const FileSystem& fs : kFileSystems) {
    if (fs.name == name) return &fs;
  }
  return nullptr;
}

}  // namespace mtesim
