// read(2), write(2) and FIEMAP of a file with a disk, on a bench; and mappings of that file.
#pragma once

#include "model/kernel/page_fault.h"
#include "tests/support/stored_file.h"

namespace mtesim::test {

/// A file of `size` bytes, all of which its disk has, and whose page faults lock what its file system locks.
inline std::uint32_t add_disk_file(Bench& bench, std::string_view fs, std::uint64_t size, bool cached = false,
                                   BlockKind blocks = BlockKind::data) {
  const std::uint32_t file = add_stored_file(bench.machine(), fs, Bytes{size}, cached);
  bench.machine().objects[file].write().blocks = blocks;
  bench.machine().objects[file].write().fault_locking = find_file_system(fs)->fault_locking;
  return file;
}

/// A call on a file: where in the file, and how it was opened.
struct FileCall {
  CallKind kind{};
  std::string_view fs;
  std::uint32_t file{};
  std::uint64_t position{};
  OpenFlags flags{};
};

[[nodiscard]] inline CopyLoop file_loop(const FileCall& c, UserPtr buffer, std::uint64_t length) {
  SystemCall call = transfer(c.kind, c.fs, c.file, {{buffer, Bytes{length}}}, c.position);
  call.flags = c.flags;
  return loop_of(call);
}

/// Carries it out with `length` bytes from `offset` of the bench's buffer. Locks are given back if it ends.
inline Outcome call_file(Bench& bench, const FileCall& c, std::uint64_t offset, std::uint64_t length) {
  const Outcome outcome = carry_out(file_loop(c, bench.user(offset), length), bench.kernel());
  if (!outcome.blocked && !outcome.livelock) CHECK(bench.machine().locks.held().empty());
  return outcome;
}

/// Maps `pages` pages of a file, shared, from its page `first` on, behind the bench's buffer; none is there yet.
/// Returns: a pointer to the mapping's begin.
inline UserPtr map_file(Bench& bench, std::uint32_t file, std::uint64_t pages, std::uint32_t first = 0) {
  const std::uint64_t begin = bench.machine().page_address(Bench::kFirstPage + 64);
  const std::uint64_t end = begin + pages * bench.machine().page_size.n;
  MTESIM_CHECK(map_memory(bench.machine(), 0, {begin, end, {true, true, false}, true, file, first}) == Errno::ok);
  return UserPtr(begin);
}

}  // namespace mtesim::test
