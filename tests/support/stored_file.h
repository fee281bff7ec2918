// A file with a disk under it.
#pragma once

#include "model/mm/fault.h"
#include "tests/support/calls.h"

namespace mtesim::test {

/// As add_file(), and the disk has data for all of it.
inline std::uint32_t add_stored_file(Machine& machine, std::string_view fs, Bytes size, bool cached = true) {
  const std::uint32_t object = add_file(machine, fs, size, cached);
  machine.objects[object].write().blocks = BlockKind::data;
  machine.objects[object].write().laid_out = size;
  return object;
}

/// What the disk has of a file now, were the page cache lost.
[[nodiscard]] inline Provenance on_disk_now(const Machine& machine, std::uint32_t object, std::uint64_t from,
                                            std::uint64_t length) {
  Provenance bytes;
  while (length > 0) {
    const Bytes in_page = Bytes{from} % machine.page_size;
    const Bytes part = min(machine.page_size - in_page, Bytes{length});
    const FolioRef ref{object, static_cast<std::uint32_t>(Bytes{from} / machine.page_size)};
    const auto begin = static_cast<std::uint32_t>(in_page.n);
    bytes.append(contents_on_disk(machine, ref).read(begin, static_cast<std::uint32_t>(begin + part.n)));
    from += part.n;
    length -= part.n;
  }
  return bytes;
}

}  // namespace mtesim::test
