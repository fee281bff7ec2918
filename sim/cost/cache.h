#pragma once

#include <bit>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <vector>

namespace mtesim {

constexpr std::uint32_t kLineBytes = 64;

/// A set-associative cache of numbered blocks (lines, or pages if it is a TLB) with true LRU replacement.
/// Shape:   blocks 0 … 2^31 - 2; block b belongs to set b mod sets. Sets are a power of two, ways at most 16.
/// Memory:  five bytes a block it can hold and eight a set, none of them touched before they are used.
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
  Found use(std::uint32_t block, bool dirties) {
    return words_ == 1 ? use_in<1>(block, dirties) : use_in<2>(block, dirties);
  }
  /// Marks a block dirty that is there; it does not count as used. False: it is not there.
  bool write_back(std::uint32_t block);
  [[nodiscard]] bool exists() const { return slots_ != nullptr; }

 private:
  static constexpr std::uint32_t kWord = 8;  // slots whose signatures make one word
  static constexpr std::uint64_t kInOrder = 0xfedcba9876543210;
  static constexpr std::uint64_t kEachByte = 0x0101010101010101;

  /// What a slot has of a block that is clean; 0: it is empty.
  static std::uint32_t key_of(std::uint32_t block) { return (block + 1) << 1; }
  [[nodiscard]] std::uint64_t signature_of(std::uint32_t block) const { return block >> set_bits_ & 0xff; }

  /// The slot of `key` in a set of kWords words; kNone if none has it. One byte of each block's number tells nearly all
  /// blocks apart, so that eight slots are looked at together.
  template <std::uint32_t kWords>
  std::uint32_t find(std::uint32_t set, std::uint32_t key, std::uint64_t signature) const {
    const std::uint32_t* const slots = slots_.get() + std::size_t{set} * kWords * kWord;
    for (std::uint32_t word = 0; word < kWords; ++word) {
      const std::uint64_t unlike = signatures_[std::size_t{set} * kWords + word] ^ kEachByte * signature;
      std::uint64_t alike = (unlike - kEachByte) & ~unlike & kEachByte << 7;  // and maybe some that are not
      for (; alike != 0; alike &= alike - 1) {
        const std::uint32_t slot = word * kWord + static_cast<std::uint32_t>(std::countr_zero(alike)) / 8;
        if ((slots[slot] ^ key) <= 1) return slot;
      }
    }
    return kNone;
  }

  template <std::uint32_t kWords>
  Found use_in(std::uint32_t block, bool dirties) {
    constexpr std::uint64_t kEachNibble = 0x1111111111111111;
    const std::uint32_t set = block & mask_;
    std::uint32_t* const slots = slots_.get() + std::size_t{set} * kWords * kWord;
    const std::uint64_t order = orders_[set] ^ kInOrder;
    const std::uint32_t key = key_of(block);
    const std::uint64_t signature = signature_of(block);
    std::uint32_t slot = find<kWords>(set, key, signature);
    Found found{slot != kNone, false, kNone};
    std::uint32_t place = ways_ - 1;  // in the order
    if (found.hit) {
      const std::uint64_t unlike = order ^ kEachNibble * slot;
      place = static_cast<std::uint32_t>(std::countr_zero((unlike - kEachNibble) & ~unlike & kEachNibble << 3)) / 4;
    } else {
      slot = static_cast<std::uint32_t>(order >> place * 4) & 0xf;
      if ((slots[slot] & 1) != 0) found.dirty_out = (slots[slot] >> 1) - 1;
      slots[slot] = key;
      std::uint64_t& word = signatures_[std::size_t{set} * kWords + slot / kWord];
      const std::uint32_t shift = slot % kWord * 8;
      word = (word & ~(std::uint64_t{0xff} << shift)) | signature << shift;
    }
    if (dirties && (slots[slot] & 1) == 0) {
      found.made_dirty = true;
      slots[slot] |= 1;
    }
    const std::uint64_t stay = ~std::uint64_t{0} << place * 4 << 4;  // those used less recently
    orders_[set] = ((order & stay) | ((order << 4 | slot) & ~stay)) ^ kInOrder;
    return found;
  }

  struct Free {
    void operator()(void* memory) const { std::free(memory); }
  };
  std::uint32_t ways_{};
  std::uint32_t words_{};
  std::uint32_t mask_{};
  std::uint32_t set_bits_{};
  std::unique_ptr<std::uint32_t[], Free> slots_;       // key, and 1 if dirty; by set, eight for each word
  std::unique_ptr<std::uint64_t[], Free> signatures_;  // a byte a slot
  std::unique_ptr<std::uint64_t[], Free> orders_;      // four bits a slot, the one used last lowest; xor kInOrder
};

/// The same for one set with more ways, and clean blocks.
class FullyAssociative {
 public:
  FullyAssociative() = default;
  explicit FullyAssociative(std::uint32_t entries);

  /// Uses a block, and brings it in if it is not there. Returns: whether it was.
  bool use(std::uint32_t block);

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

/// A TLB: fully associative where it has more ways than a Cache can have.
class Tlb {
 public:
  Tlb(std::uint32_t entries, std::uint32_t ways)
      : full_(ways > Cache::kMostWays ? FullyAssociative(entries) : FullyAssociative()),
        sets_(ways > Cache::kMostWays ? Cache() : Cache(entries, ways)) {}

  /// Uses a page's translation, and brings it in if it is not there. Returns: whether it was.
  bool use(std::uint32_t page) { return sets_.exists() ? sets_.use(page, false).hit : full_.use(page); }

 private:
  FullyAssociative full_;
  Cache sets_;
};

}  // namespace mtesim
