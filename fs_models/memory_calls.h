#pragma once

#include <cstdint>

#include "fs_models/one_trip.h"
#include "model/mm/mmap.h"

namespace mtesim {

// System calls on a process's own memory. All but mmap() and brk() take a tagged pointer whether or not the
// tagged-address ABI is on: they strip the tag before they look. Source: [linux-mte-doc].

/// mmap() of something known, at a known place.
/// Returns: 0; 1 if it went elsewhere than the hint said; or the error. A place with a tag is no address that mmap()
///          knows: as a hint it is passed over, with MAP_FIXED it is ENOMEM.
struct Mmap : OneTrip {
  static constexpr std::string_view kName = "mmap";

  MapRequest request;
  Tag hint_tag;
  bool fixed{true};  ///< MAP_FIXED

  [[nodiscard]] Step step(State&, Kernel& k) const;
};

struct Munmap : OneTrip {
  static constexpr std::string_view kName = "munmap";

  UserPtr at;
  Bytes length;

  [[nodiscard]] Step step(State&, Kernel& k) const;
};

struct Mprotect : OneTrip {
  static constexpr std::string_view kName = "mprotect";

  UserPtr at;
  Bytes length;
  Prot prot;

  [[nodiscard]] Step step(State&, Kernel& k) const;
};

enum class Advice : std::uint8_t { dontneed, free, remove, cold, pageout };

struct Madvise : OneTrip {
  static constexpr std::string_view kName = "madvise";

  UserPtr at;
  Bytes length;
  Advice advice{};

  [[nodiscard]] Step step(State&, Kernel& k) const;
};

/// mremap() to the same place and size, or with MREMAP_MAYMOVE | MREMAP_FIXED to another.
/// Returns: 0, or the error.
struct Mremap : OneTrip {
  static constexpr std::string_view kName = "mremap";

  UserPtr at;
  Bytes old_size;
  std::uint64_t to{};  ///< 0: it stays where it is
  Bytes new_size;

  [[nodiscard]] Step step(State&, Kernel& k) const;
};

/// mlock(): every page is faulted in, for writing where that is allowed.
struct Mlock : OneTrip {
  static constexpr std::string_view kName = "mlock";

  UserPtr at;
  Bytes length;

  [[nodiscard]] Step step(State&, Kernel& k) const;
};

/// mincore(): a byte a page, 1 if it is in memory.
struct Mincore : OneTrip {
  static constexpr std::string_view kName = "mincore";

  UserPtr at;
  Bytes length;
  UserPtr vec;

  [[nodiscard]] Step step(State&, Kernel& k) const;
};

/// brk(): the break goes up by `grow`; what is behind it is memory that nobody here names. brk() strips no tag, so that
/// a pointer with one is out of its range, and nothing changes.
/// Returns: by how much the break moved.
struct Brk : OneTrip {
  static constexpr std::string_view kName = "brk";

  Bytes grow;
  Tag tag;

  [[nodiscard]] Step step(State&, Kernel& k) const;
};

/// ftruncate() of a file on tmpfs.
struct Ftruncate : OneTrip {
  static constexpr std::string_view kName = "ftruncate";

  std::uint32_t object{};
  Bytes size;

  [[nodiscard]] Step step(State&, Kernel& k) const;
};

}  // namespace mtesim
