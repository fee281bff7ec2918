#pragma once

#include "fs_models/copy_loop.h"
#include "fs_models/system_call.h"

namespace mtesim {

/// process_vm_readv() and process_vm_writev(): the remote side's pages by GUP and through the kernel's own mapping, so
/// that its tags are not looked at; the local side by copy_page_to_iter() or copy_page_from_iter().
///
/// Rounds:    one remote segment each, of at most 1024 pages.
/// Progress:  no retry: a short copy, or a page that cannot be had, ends it; what was copied counts.
/// Locks:     mmap lock of the remote process while its pages are pinned.
/// Source:    [linux-process-vm].
struct ProcessVmRw {
  static constexpr std::string_view kName = "process_vm_rw";
  static constexpr std::uint64_t kMostPages = 1024;  ///< PVM_MAX_KMALLOC_PAGES of pointers

  struct State {
    IovPosition local;
    IovPosition remote;
    Bytes copied{};
  };

  UserSegments local;
  UserSegments remote;
  bool writes{};                 ///< to the remote side
  std::uint32_t remote_space{};  ///< PageWalk::kOwnSpace: the caller's own

  explicit ProcessVmRw(const SystemCall& call)
      : local(call.segments),
        remote(call.remote),
        writes(call.kind == CallKind::process_vm_writev),
        remote_space(call.remote_space) {}
  [[nodiscard]] State begin() const { return {iov_begin(local), iov_begin(remote), {}}; }
  [[nodiscard]] Step step(State& s, Kernel& k) const;
  [[nodiscard]] Bytes progress(const State& s) const { return s.copied; }
};

/// mem_rw(): read(2) and write(2) of /proc/PID/mem, through a page of the kernel: one side by copy_to_user() or
/// copy_from_user(), the other, whose address is the file's position, by GUP with FOLL_FORCE.
///
/// Rounds:    4096 bytes each.
/// Progress:  no retry: a short copy makes the call EFAULT, whatever was done before.
/// Source:    [linux-proc-base].
struct ProcMemRw {
  static constexpr std::string_view kName = "mem_rw";

  struct State {
    Bytes copied{};
  };

  UserPtr buffer;
  Bytes size;
  UserPtr position;  ///< an address of the process
  bool writes{};

  explicit ProcMemRw(const SystemCall& call)
      : buffer(call.segments.front().base),
        size(call.segments.front().length),
        position(call.remote.front().base),
        writes(call.kind == CallKind::proc_mem_write) {}
  [[nodiscard]] State begin() const { return {}; }
  [[nodiscard]] Step step(State& s, Kernel& k) const;
  [[nodiscard]] Bytes progress(const State& s) const { return s.copied; }
};

/// vmsplice() of user pages into a pipe: GUP only, no access by the user's pointer.
///
/// Rounds:    one call of iov_iter_get_pages() each, of at most 16 pages.
/// Progress:  no retry: what cannot be had, or does not fit into the pipe, ends it.
/// Locks:     pipe mutex.
/// Source:    [linux-splice].
struct Vmsplice {
  static constexpr std::string_view kName = "vmsplice_to_pipe";
  static constexpr std::uint64_t kBatch = 16;

  struct State {
    IovPosition iter;
    Bytes spliced{};
    std::uint64_t locked{};
  };

  UserSegments segments;
  std::uint32_t pipe{};

  explicit Vmsplice(const SystemCall& call) : segments(call.segments), pipe(call.object) {}
  [[nodiscard]] State begin() const { return {iov_begin(segments), {}, 0}; }
  [[nodiscard]] Step step(State& s, Kernel& k) const;
  [[nodiscard]] Bytes progress(const State& s) const { return s.spliced; }
};

}  // namespace mtesim
