#pragma once

#include <cstdint>
#include <vector>

#include "model/mm/provenance.h"

namespace mtesim {

/// A pipe's ring of buffers, oldest first; each holds at most a page.
struct Pipe {
  struct Buffer {
    Provenance bytes;
    std::uint32_t offset{};  ///< in its page: where `bytes` begins
    bool operator==(const Buffer&) const = default;
  };
  std::vector<Buffer> buffers;
  std::uint32_t ring_size{16};
  std::uint32_t readers{1};
  std::uint32_t writers{1};

  [[nodiscard]] Fingerprint fingerprint() const {
    Fingerprint print = print_of(ring_size, readers, writers);
    for (std::size_t i = 0; i < buffers.size(); ++i) {
      const Fingerprint bytes = slot_print(buffers[i].offset, buffers[i].bytes.fingerprint());
      print += slot_print(i, bytes);
    }
    return print;
  }
  bool operator==(const Pipe&) const = default;
};

}  // namespace mtesim
