#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

#include "sim/explore/chunked.h"
#include "sim/explore/graph.h"

namespace mtesim::explore {

/// The set of states met so far; each has the number of its node.
/// Shape:   the states in order of arrival, and beside them an open-addressing table of 8-byte slots: a node number and
///          32 mixed bits of the fingerprint. Those bits choose the place and tell nearly all strangers apart, and the
///          table doubles without a look at any state; `==` decides. A reference to a state stays good.
/// Errors:  none: equal fingerprints of unequal states only cost time.
template <class State>
class StateStore {
 public:
  enum class Insert : std::uint8_t { known, fresh, full };
  struct Place {
    NodeId node{};
    Insert how = Insert::known;
  };

  [[nodiscard]] std::size_t size() const { return states_.size(); }
  [[nodiscard]] const State& operator[](NodeId n) const { return states_[n.index]; }
  [[nodiscard]] std::size_t index_bytes() const { return slots_.size() * sizeof(Slot); }

  /// The number of `state`, which is kept if it is new and there are fewer than `room` so far.
  Place insert(State&& state, std::uint64_t print, std::uint64_t room) {
    const std::uint32_t tag = mixed(print);
    std::size_t at = tag >> shift_;
    for (; slots_[at].node != kEmpty; at = (at + 1) & mask_) {
      if (slots_[at].tag == tag && states_[slots_[at].node] == state) return {NodeId{slots_[at].node}, Insert::known};
    }
    const std::size_t count = states_.size();
    if (count >= room || count >= kMost) return {NodeId{}, Insert::full};
    slots_[at] = Slot{tag, static_cast<std::uint32_t>(count)};
    states_.push_back(std::move(state));
    if ((count + 1) * 4 > slots_.size() * 3) grow();
    return {NodeId{static_cast<std::uint32_t>(count)}, Insert::fresh};
  }

 private:
  static constexpr std::uint32_t kEmpty = std::numeric_limits<std::uint32_t>::max();
  static constexpr std::uint32_t kMost = 3u << 30;  // fill the largest table that 32 bits can address
  struct Slot {
    std::uint32_t tag = 0;
    std::uint32_t node = kEmpty;
  };

  [[nodiscard]] static std::uint32_t mixed(std::uint64_t print) {  // for a print that is no hash, say the state itself
    print = (print ^ (print >> 32)) * 0xd6e8feb86659fd93u;
    print = (print ^ (print >> 32)) * 0xd6e8feb86659fd93u;
    return static_cast<std::uint32_t>(print >> 32);
  }
  void grow() {
    const std::vector<Slot> old = std::exchange(slots_, std::vector<Slot>(slots_.size() * 2));
    mask_ = slots_.size() - 1;
    --shift_;
    for (const Slot& slot : old) {
      if (slot.node == kEmpty) continue;
      std::size_t at = slot.tag >> shift_;
      while (slots_[at].node != kEmpty) at = (at + 1) & mask_;
      slots_[at] = slot;
    }
  }

  Chunked<State> states_;
  std::vector<Slot> slots_ = std::vector<Slot>(64);
  std::size_t mask_ = 63;
  unsigned shift_ = 26;  // the top bits of a tag choose the place
};

}  // namespace mtesim::explore
