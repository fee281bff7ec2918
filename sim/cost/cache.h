#pragma once

#include <array>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <utility>
#include <vector>

namespace mtesim {

constexpr std::uint32_t kLineBytes = 64;

/// A set-associative cache of numbered blocks (lines, or pages if it is a TLB) with true LRU replacement.
/// Shape:   blocks 0 … 2^31 - 2; block b belongs to set b mod sets. Sets are a power of two, ways at most 16.
/// Memory:  32 bytes a set of up to eight ways, 64 of more; no set is touched before it is used.
class Cache {
 public:
  static constexpr std::uint32_t kNone = ~std::uint32_t{0};
  static constexpr std::uint32_t kMostWays = 16;

  Cache() = default;
  Cache(std::uint32_t blocks, std::uint32_t ways);

  struct Found {
    bool hit{};
    bool made_dirty{};               ///< by this use; it was not before
    std::uint32_t dirty_out{kNone};  ///< the block that had to go and must be written back
  };
  /// Uses a block, and brings it in if it is not there.
  [[gnu::always_inline]] Found use(std::uint32_t block, bool dirties) {
    return narrow_ ? use_in<kNarrow>(block, dirties) : use_in<kMostWays>(block, dirties);
  }
  /// Marks a block dirty that is there; it does not count as used. False: it is not there.
  bool write_back(std::uint32_t block) {
    return narrow_ ? write_back_in<kNarrow>(block) : write_back_in<kMostWays>(block);
  }
  [[nodiscard]] bool exists() const { return memory_ != nullptr; }

 private:
  // A set is an array of a fixed width, so that the compiler can compare and move several slots at once. The block used
  // last comes first; slots in front of it that no way needs stay empty.
  static constexpr std::uint32_t kNarrow = 8;

  /// What a slot has of a block that is dirty; one less: it is clean; 0: the slot is empty.
  static std::uint32_t dirty_key(std::uint32_t block) { return (block + 1) << 1 | 1; }
  template <std::uint32_t kWidth>
  [[nodiscard]] std::uint32_t* set_of(std::uint32_t block) const {
    return sets_ + std::size_t{block & mask_} * kWidth;
  }
  template <std::uint32_t kWidth>
  static bool has(const std::uint32_t* set, std::uint32_t key) {
    const auto same = [&](std::uint32_t i) { return (set[i] | 1) == key ? ~std::uint32_t{0} : 0; };
    std::uint32_t found = 0;
    for (std::uint32_t i = 0; i < kNarrow; ++i) {  // short enough for the compiler to unroll it
      found |= same(i);
      if constexpr (kWidth > kNarrow) found |= same(kNarrow + i);
    }
    return found != 0;
  }

  static void move_up(std::uint32_t* slots) {
    std::array<std::uint32_t, 4> four;
    std::memcpy(four.data(), slots, sizeof(four));
    std::memcpy(slots + 1, four.data(), sizeof(four));
  }

  template <std::uint32_t kWidth>
  [[gnu::always_inline]] Found use_in(std::uint32_t block, bool dirties) {
    std::uint32_t* const set = set_of<kWidth>(block);
    const std::uint32_t key = dirty_key(block);
    const std::uint32_t dirt = dirties ? 1 : 0;
    if (!has<kWidth>(set, key)) {
      const std::uint32_t out = set[kWidth - 1];
      move_up(set + kWidth - 5);  // four at a time, the last first; one of them twice
      for (std::uint32_t i = kWidth - 4; i > 0;) move_up(set + (i -= 4));
      set[first_] = (key - 1) | dirt;
      return {false, dirties, (out & 1) != 0 ? (out >> 1) - 1 : kNone};
    }
    std::uint32_t entry = set[first_];
    for (std::uint32_t i = first_; (entry | 1) != key;) std::swap(entry, set[++i]);
    set[first_] = entry | dirt;
    return {true, (dirt & ~entry) != 0, kNone};
  }
  template <std::uint32_t kWidth>
  bool write_back_in(std::uint32_t block) {
    std::uint32_t* const set = set_of<kWidth>(block);
    const std::uint32_t key = dirty_key(block);
    std::uint32_t found = 0;
    for (std::uint32_t i = 0; i < kWidth; ++i) {
      const std::uint32_t same = (set[i] | 1) == key ? 1 : 0;
      set[i] |= same;
      found |= same;
    }
    return found != 0;
  }

  struct Free {
    void operator()(void* memory) const { std::free(memory); }
  };
  std::uint32_t* sets_{};  // in memory_, at the beginning of a line
  std::uint32_t mask_{};
  std::uint32_t first_{};  // the slot of a set that is used
  bool narrow_{};
  std::unique_ptr<void, Free> memory_;
};

/// The same for one set with more ways, and clean blocks.
class FullyAssociative {
 public:
  FullyAssociative() = default;
  explicit FullyAssociative(std::uint32_t entries);

  /// Uses a block, and brings it in if it is not there. Returns: whether it was.
  bool use(std::uint32_t block);
  [[nodiscard]] bool exists() const { return !nodes_.empty(); }

 private:
  struct Node {
    std::uint32_t block{Cache::kNone};
    std::uint16_t before{};
    std::uint16_t behind{};
    std::uint16_t in_bucket{};  // the next one
  };
  static constexpr std::uint16_t kEnd = 0xffff;
  [[nodiscard]] std::uint16_t& bucket(std::uint32_t block) { return buckets_[block & (buckets_.size() - 1)]; }
  void to_front(std::uint16_t node);

  std::vector<Node> nodes_;
  std::vector<std::uint16_t> buckets_;
  std::uint16_t first_{};
  std::uint16_t last_{};
};

/// A TLB: fully associative where it has more ways than a Cache can have. Without entries it finds nothing.
class Tlb {
 public:
  Tlb(std::uint32_t entries, std::uint32_t ways) {
    if (entries == 0) return;
    if (ways > Cache::kMostWays) {
      full_ = FullyAssociative(entries);
    } else {
      sets_ = Cache(entries, ways);
    }
  }

  /// Uses a page's translation, and brings it in if it is not there. Returns: whether it was.
  [[gnu::always_inline]] bool use(std::uint32_t page) {
    return sets_.exists() ? sets_.use(page, false).hit : full_.exists() && full_.use(page);
  }

 private:
  FullyAssociative full_;
  Cache sets_;
};

}  // namespace mtesim
