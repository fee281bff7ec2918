#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <type_traits>
#include <utility>

#include "sim/explore/chunked.h"
#include "sim/explore/graph.h"
#include "sim/explore/table.h"

namespace mtesim::explore {

/// How a state that came along was taken up.
enum class Insert : std::uint8_t { known, fresh, full };
struct Place {
  NodeId node{};  // if the store is numbered
  Insert how = Insert::known;
};

/// States so small and plain that a hash table may consist of them.
template <class State>
concept SmallState = std::is_trivially_copyable_v<State> && std::default_initializable<State> && sizeof(State) <= 16;

/// The set of states met so far; each has the number of its node, by order of arrival. A reference to a state stays
/// good.
template <class State, bool numbered>
class StateStore;

/// Shape:   the states in order, and beside them a table of 8-byte slots: a number and 32 bits of the hash. Those bits
///          choose the place and tell nearly all strangers apart, and the table grows without a look at any state; `==`
///          decides.
template <class State>
class StateStore<State, true> {
 public:
  [[nodiscard]] std::size_t size() const { return states_.size(); }
  [[nodiscard]] const State& operator[](NodeId n) const { return states_[n.index]; }
  [[nodiscard]] const State& at(std::size_t n) const { return states_[n]; }
  [[nodiscard]] std::size_t bytes() const { return states_.bytes() + table_.bytes(); }
  [[nodiscard]] const char* home(std::uint64_t hash) const { return table_.home(hash); }
  void let_go_before(std::size_t) {}  // each may be asked for

  /// The number of `state`, which is kept if it is new and there are fewer than `room` so far.
  template <class HashOf>
  Place insert(State&& state, std::uint64_t hash, std::uint64_t room, const HashOf&) {
    Slot& slot = seek(hash, state, [this](std::uint32_t n) -> const State& { return states_[n]; });
    if (slot.next != 0) return {NodeId{slot.next - 1}, Insert::known};
    if (size() >= room || size() >= kMost) return {NodeId{}, Insert::full};
    fill(slot, hash, static_cast<std::uint32_t>(size()));
    return {push(std::move(state)), Insert::fresh};
  }

  // In two steps, of which the first may be taken by several threads at a time, each in its own group of the table:
  // who comes first claims its place under a number that is not used otherwise; later it gets its number in the order.

  /// Returns: the number that `state` is known by; `claim` if it is new. `claimed` gives a state by its claim, and a
  ///          claim is at least `first`.
  template <class Claimed>
  std::uint32_t claim(const State& state, std::uint64_t hash, std::uint32_t claim, std::uint32_t first,
                      const Claimed& claimed) {
    Slot& slot =
        seek(hash, state, [&](std::uint32_t n) -> const State& { return n < first ? states_[n] : claimed(n); });
    if (slot.next != 0) return slot.next - 1;
    fill(slot, hash, claim);
    return claim;
  }
  NodeId settle(State&& state, std::uint64_t hash, std::uint32_t claim) {
    table_.seek(hash, [&](const Slot& slot) { return slot.next == claim + 1; }).next =
        static_cast<std::uint32_t>(size() + 1);
    return push(std::move(state));
  }
  static constexpr std::uint32_t kMost = 3u << 30;  // leaves numbers for claims

 private:
  struct Slot {
    std::uint32_t tag = 0;
    std::uint32_t next = 0;  // one past the number
    bool operator==(const Slot&) const = default;
  };
  // A tag is the hash but for its ends: those bits that choose the place within a segment.
  [[nodiscard]] static std::uint32_t tag_of(std::uint64_t hash) { return static_cast<std::uint32_t>(hash << 6 >> 32); }

  template <class StateOf>
  Slot& seek(std::uint64_t hash, const State& state, const StateOf& state_of) {
    const std::uint32_t tag = tag_of(hash);
    return table_.seek(
        hash, [&](const Slot& slot) { return slot.tag == tag && slot.next != 0 && state_of(slot.next - 1) == state; });
  }
  void fill(Slot& slot, std::uint64_t hash, std::uint32_t n) {
    slot = Slot{tag_of(hash), n + 1};
    table_.filled(hash, [](const Slot& full) { return std::uint64_t{full.tag} << 26; });
  }
  NodeId push(State&& state) {
    states_.push_back(std::move(state));
    return NodeId{static_cast<std::uint32_t>(size() - 1)};
  }

  Chunked<State> states_;
  Table<Slot> table_;
};

/// Shape:   a table of the states themselves, which keeps no numbers, and a queue of those that are not expanded yet.
template <class State>
class StateStore<State, false> {
 public:
  [[nodiscard]] std::size_t size() const { return queue_.size(); }
  [[nodiscard]] const State& at(std::size_t n) const { return queue_[n]; }
  [[nodiscard]] std::size_t bytes() const { return queue_.bytes() + table_.bytes(); }
  [[nodiscard]] const char* home(std::uint64_t hash) const { return table_.home(hash); }
  void let_go_before(std::size_t n) { queue_.let_go_before(n); }

  template <class HashOf>
  Place insert(State&& state, std::uint64_t hash, std::uint64_t room, const HashOf& hash_of) {
    bool* const apart = state == State{} ? &met_empty_ : nullptr;
    State* const slot = apart ? nullptr : &seek(hash, state);
    if (apart ? *apart : !(*slot == State{})) return {NodeId{}, Insert::known};
    if (size() >= room) return {NodeId{}, Insert::full};
    fill(slot, state, hash, hash_of);
    queue_.push_back(state);
    return {NodeId{}, Insert::fresh};
  }

  /// As above; whether it is new.
  template <class HashOf>
  bool claim(const State& state, std::uint64_t hash, const HashOf& hash_of) {
    if (state == State{}) return !std::exchange(met_empty_, true);
    State& slot = seek(hash, state);
    if (!(slot == State{})) return false;
    fill(&slot, state, hash, hash_of);
    return true;
  }
  void settle(const State& state) { queue_.push_back(state); }

 private:
  State& seek(std::uint64_t hash, const State& state) {
    return table_.seek(hash, [&](const State& slot) { return slot == state; });
  }
  template <class HashOf>
  void fill(State* slot, const State& state, std::uint64_t hash, const HashOf& hash_of) {
    if (slot == nullptr) {
      met_empty_ = true;
      return;
    }
    *slot = state;
    table_.filled(hash, hash_of);
  }

  Chunked<State> queue_;
  Table<State> table_;
  bool met_empty_ = false;  // State{}, which in the table means that there is none
};

}  // namespace mtesim::explore
