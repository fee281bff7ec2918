#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "fs_models/file_system.h"
#include "model/kernel/iov_iter.h"

namespace mtesim {

/// The items of a btrfs tree that a search finds, leaf by leaf: the size of each item's data.
struct SearchTree {
  std::vector<std::vector<Bytes>> leaves;
  Bytes node_size{16384};
};

enum class CallKind : std::uint8_t {
  read,
  write,
  readv,
  writev,
  tree_search,
  tree_search_v2,
  fiemap,
  process_vm_readv,
  process_vm_writev,
  proc_mem_read,
  proc_mem_write,
  vmsplice,
  futex,
  getrandom,
  small,
  uffdio_copy,
  user_event_register,
};

enum class FutexOp : std::uint8_t { wait, wake, wake_op, cmp_requeue, cmp_requeue_pi, lock_pi, unlock_pi };

/// Thread ids begin here: what a futex word holds whose lock a task has.
constexpr std::uint32_t kFirstTid = 100;

struct SmallCallEntry;

/// A system call with its arguments resolved: what a loop is made from.
struct SystemCall {
  CallKind kind{};
  const FileSystem* fs{};
  std::uint32_t object{};    ///< memory object of a regular file, or index of a pipe
  UserSegments segments{};   ///< buffer(s); of an ioctl its argument
  Bytes position{};          ///< file offset
  Bytes buf_size{};          ///< tree_search_v2: args.buf_size
  std::uint64_t nr_items{};  ///< tree_search*: key.nr_items
  std::shared_ptr<const SearchTree> tree{};
  UserSegments remote{};  ///< process_vm_*: the other side; proc_mem_*: the file's position; futex: the second word;
                          ///< uffdio_copy: where the pages go; user_event_register: the word with the enable bit
  std::uint32_t remote_space{PageWalk::kOwnSpace};  ///< process_vm_*: whose memory `remote` is
  OpenFlags flags{};                                ///< of the file
  Bytes file_size{};                                ///< of a file whose text the kernel makes
  FutexOp futex_op{};
  bool futex_shared{};          ///< without FUTEX_PRIVATE_FLAG
  std::uint32_t futex_value{};  ///< what the word is compared with; wake_op: what is added
  const SmallCallEntry* small{};
  Bytes length{};                ///< small: of the text that the kernel has, or that lies in the buffer
  std::uint64_t extent_count{};  ///< fiemap: room for as many
  std::uint64_t file_extents{};  ///< and how many the file has
  std::vector<Bytes> names{};    ///< getdents64: how long each name is

  [[nodiscard]] bool is_read() const { return kind == CallKind::read || kind == CallKind::readv; }
  [[nodiscard]] bool is_write() const { return kind == CallKind::write || kind == CallKind::writev; }
};

/// The system call's name, and an ioctl's request behind it: "read", "ioctl BTRFS_IOC_TREE_SEARCH".
[[nodiscard]] std::string_view call_name(const SystemCall& call);

}  // namespace mtesim
