#pragma once

#include <span>
#include <string_view>

#include "model/base/bytes.h"
#include "model/kernel/revision.h"
#include "model/mm/memory_object.h"

namespace mtesim {

/// How write_begin() prepares a page of the page cache, and what write_end() does with a short copy.
enum class WriteContract : std::uint8_t {
  none,    ///< not written by a loop that is modelled
  block,   ///< block_write_end(): into a page that is not up to date a short copy counts as nothing
  simple,  ///< simple_write_end(), shmem_write_end(): kept; the rest of a fresh page is zeroed
  iomap,   ///< iomap_write_end(): as block, but a page of a new block is up to date as soon as its rest is zeroed
};

/// open(2) flags, and a flag of the inode, that change which loop a call runs into.
struct OpenFlags {
  bool direct{};      ///< O_DIRECT
  bool sync{};        ///< O_SYNC
  bool nocow{};       ///< btrfs: FS_NOCOW_FL
  bool compressed{};  ///< ntfs3: the file's data is compressed
  bool operator==(const OpenFlags&) const = default;
};

enum class FileKind : std::uint8_t {
  regular,
  pipe,
  dev_zero,
  dev_null,
  dev_full,
  dev_urandom,
  unix_stream,
  unix_datagram,
  eventfd,
  seq_file,     ///< prints its text through seq_read_iter(): most of /proc and /sys
  proc_comm,    ///< /proc/PID/comm
  pagemap,      ///< /proc/PID/pagemap
  kcore,        ///< the vmalloc area as /proc/kcore shows it
  user_events,  ///< user_events_data of the tracing file system
};

/// What a scenario's `fs` names: a file system, or a file that is none.
struct FileSystem {
  std::string_view name;
  std::string_view about;
  FileKind kind{};
  ObjectKind pages{};        ///< regular files: what their page cache is
  WriteContract contract{};  ///< of its buffered write(2)
  FaultLocking fault_locking{};
  Bytes inline_limit{};        ///< a file up to this size has its data within its metadata; 0: none has
  bool preallocates_zeroes{};  ///< fallocate() writes zeroes to the blocks, which are data then
  std::string_view since{};    ///< the first revision that has its loops; empty: all have
};

[[nodiscard]] std::span<const FileSystem> file_systems();
[[nodiscard]] const FileSystem* find_file_system(std::string_view name);
/// The kernel has this file system, in the shape that is modelled.
[[nodiscard]] bool has_file_system(const FileSystem& fs, const Revision& revision);
/// open(2) takes O_DIRECT there.
[[nodiscard]] bool opens_direct(const FileSystem& fs, const Revision& revision);

}  // namespace mtesim
