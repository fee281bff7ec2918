#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "sim/check/branching.h"
#include "sim/check/interned.h"

namespace mtesim {

/// States by number. The parts of a state (an address space, a file, a task, …) are kept once each, however many states
/// they are a part of; a state is then a few numbers, and a part that equals its start costs nothing.
/// Exact:    parts are compared in full, so equal numbers mean equal states, and the converse.
/// Threads:  any may ask and add at a time.
class StateTable {
 public:
  [[nodiscard]] std::uint32_t number(CheckState state);
  [[nodiscard]] CheckState operator[](std::uint32_t number) const;
  /// What it takes, about: of a part that owns memory, what changing it in one place copies.
  [[nodiscard]] std::uint64_t bytes() const;

 private:
  using Pair = std::pair<std::uint32_t, std::uint32_t>;

  // The numbers of the parts, halved again and again: states that differ in one part share the pairs of the others.
  std::uint32_t fold(const std::uint32_t* parts, std::size_t count);
  void unfold(std::uint32_t number, std::uint32_t* parts, std::size_t count) const;
  std::uint32_t pair(std::uint32_t first, std::uint32_t second);

  Interned<CheckState> rest_;  // without its parts, but with room for them
  Interned<Cow<AddressSpace>> spaces_;
  Interned<Cow<MemoryObject>> objects_;
  Interned<Cow<Pipe>> pipes_;
  Interned<Cow<Socket>> sockets_;
  Interned<TaskState> tasks_;
  Interned<Pair> pairs_;
};

}  // namespace mtesim
