#pragma once

#include <span>
#include <string_view>

#include "model/base/bytes.h"
#include "model/mm/memory_object.h"

namespace mtesim {

/// What write_end() does with a short copy.
enum class WriteContract : std::uint8_t {
  none,    ///< not written through the generic loop
  block,   ///< block_write_end(): into a page that is not up to date a short copy counts as nothing
  simple,  ///< simple_write_end(), shmem_write_end(): kept; the rest of a fresh page is zeroed
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
  seq_file,   ///< prints its text through seq_read_iter(): most of /proc and /sys
  proc_comm,  ///< /proc/PID/comm
  pagemap,    ///< /proc/PID/pagemap
};

/// What a scenario's `fs` names: a file system, or a file that is none.
struct FileSystem {
  std::string_view name;
  std::string_view about;
  FileKind kind{};
  ObjectKind pages{};        ///< regular files: what their page cache is
  WriteContract contract{};  ///< of its buffered write(2)
};

[[nodiscard]] std::span<const FileSystem> file_systems();
[[nodiscard]] const FileSystem* find_file_system(std::string_view name);

}  // namespace mtesim
