#pragma once

#include "fs_models/copy_loop.h"
#include "fs_models/system_call.h"

namespace mtesim {

/// seq_read_iter(): a text of /proc or /sys, by one copy out of the seq_file's buffer. The bytes that were copied
/// count. Source: [linux-seq-file].
struct SeqRead {
  static constexpr std::string_view kName = "seq_read_iter";

  struct State {
    IovPosition iter;
    Bytes copied{};
  };

  UserSegments segments;
  Bytes position;
  Bytes size;

  explicit SeqRead(const SystemCall& call);
  [[nodiscard]] State begin() const { return {iov_begin(segments), {}}; }
  [[nodiscard]] Step step(State& s, Kernel& k) const;
  [[nodiscard]] Bytes progress(const State& s) const { return s.copied; }
};

/// pagemap_read(): eight bytes for each page of the address space, 512 pages at a time; a piece that is not copied
/// whole makes the call EFAULT. Source: [linux-task-mmu].
struct PagemapRead {
  static constexpr std::string_view kName = "pagemap_read";

  struct State {
    Bytes copied{};
  };

  UserSegments segments;
  Bytes position;

  explicit PagemapRead(const SystemCall& call) : segments(call.segments), position(call.position) {}
  [[nodiscard]] State begin() const { return {}; }
  [[nodiscard]] Step step(State& s, Kernel& k) const;
  [[nodiscard]] Bytes progress(const State& s) const { return s.copied; }
};

/// comm_write(): the first 15 bytes of what is written, all or EFAULT. Source: [linux-proc-base].
struct CommWrite {
  static constexpr std::string_view kName = "comm_write";

  struct State {
    Bytes copied{};
  };

  UserSegments segments;

  explicit CommWrite(const SystemCall& call) : segments(call.segments) {}
  [[nodiscard]] State begin() const { return {}; }
  [[nodiscard]] Step step(State& s, Kernel& k) const;
  [[nodiscard]] Bytes progress(const State& s) const { return s.copied; }
};

/// eventfd_read() and eventfd_write(): eight bytes, all or EFAULT. A read whose copy fails has taken the counter.
/// Source: [linux-eventfd].
struct EventfdTransfer {
  static constexpr std::string_view kName = "eventfd_read";

  struct State {
    IovPosition iter;
  };

  UserSegments segments;
  std::uint32_t eventfd{};
  bool writes{};

  explicit EventfdTransfer(const SystemCall& call)
      : segments(call.segments), eventfd(call.object), writes(call.is_write()) {}
  [[nodiscard]] State begin() const { return {iov_begin(segments)}; }
  [[nodiscard]] Step step(State& s, Kernel& k) const;
  [[nodiscard]] Bytes progress(const State&) const { return {}; }
};

}  // namespace mtesim
