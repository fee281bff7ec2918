#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

namespace mtesim::explore {

/// A number whose upper bits are well mixed, whatever the fingerprint: it may be the state itself.
[[nodiscard]] inline std::uint64_t mixed(std::uint64_t print) {
  print *= 0x9e3779b97f4a7c15u;
  return (print ^ (print >> 32)) * 0xd6e8feb86659fd93u;
}

/// An open-addressing hash table of small slots, of which Slot{} is an empty one.
/// Shape:   64 segments, chosen by the top bits of the hash. A segment grows by a quarter when it is four fifths full,
/// and
///          each starts at another size, so that they do so one by one: the load is two thirds on the whole, at any
///          time, and the old and the new of one segment alone are there at once.
/// Threads: those that work on different groups of segments do not meet.
/// Errors:  none: equal hashes of unequal slots only cost time.
template <class Slot>
class Table {
 public:
  static constexpr unsigned kGroups = 16;
  [[nodiscard]] static unsigned group(std::uint64_t hash) { return static_cast<unsigned>(hash >> 60); }

  Table() {
    for (std::uint32_t i = 0; i < kSegments; ++i) segments_.push_back(Segment(32 + i % 8));
  }
  /// Where the search for `hash` begins, to be fetched ahead: the half of a cache line here and the one after it. (A
  /// function that did so itself, g++ would take for one without effect.)
  [[nodiscard]] const char* home(std::uint64_t hash) const {
    const Segment& segment = segments_[hash >> 58];
    return reinterpret_cast<const char*>(&segment.slots[segment.home(hash)]);
  }
  /// The first slot on the way of `hash` that is empty or that `same` takes for its own.
  template <class Same>
  [[nodiscard]] Slot& seek(std::uint64_t hash, const Same& same) {
    Segment& segment = segments_[hash >> 58];
    Slot* slot = &segment.slots[segment.home(hash)];
    while (!same(*slot) && !(*slot == Slot{})) {
      if (++slot == segment.end) slot = segment.slots.get();
    }
    return *slot;
  }
  /// The empty slot that was sought with `hash` has been filled. `hash_of` gives the hash of any full slot.
  template <class HashOf>
  void filled(std::uint64_t hash, const HashOf& hash_of) {
    Segment& segment = segments_[hash >> 58];
    if (++segment.full > segment.most) grow(segment, hash_of);
  }
  /// What is allocated.
  [[nodiscard]] std::size_t bytes() const {
    std::size_t slots = 0;
    for (const Segment& segment : segments_) slots += segment.capacity;
    return slots * sizeof(Slot) + segments_.size() * sizeof(Segment);
  }

 private:
  static constexpr std::uint32_t kSegments = 64;
  static constexpr std::uint32_t kSmall = 8192;  // then twice the size costs nothing yet
  struct Segment {
    std::unique_ptr<Slot[]> slots;
    Slot* end;
    std::uint32_t capacity;
    std::uint32_t full = 0;
    std::uint32_t most;  // that may be full
    explicit Segment(std::uint32_t size)
        : slots(new Slot[size]()), end(&slots[0] + size), capacity(size), most(size - size / 4) {}
    /// In the order of the hashes, so that growing walks both old and new from front to back.
    [[nodiscard]] std::uint32_t home(std::uint64_t hash) const {
      return static_cast<std::uint32_t>((hash << 6 >> 32) * capacity >> 32);
    }
  };
  template <class HashOf>
  [[gnu::noinline]] static void grow(Segment& segment, const HashOf& hash_of) {
    Segment larger(segment.capacity < kSmall ? 2 * segment.capacity : segment.capacity + segment.capacity / 4);
    for (std::uint32_t i = 0; i < segment.capacity; ++i) {
      const Slot& slot = segment.slots[i];
      if (slot == Slot{}) continue;
      std::uint32_t at = larger.home(hash_of(slot));
      while (!(larger.slots[at] == Slot{})) {
        if (++at == larger.capacity) at = 0;
      }
      larger.slots[at] = slot;
    }
    larger.full = segment.full;
    segment = std::move(larger);
  }

  std::vector<Segment> segments_;
};

}  // namespace mtesim::explore
