#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "model/arch/tag.h"
#include "model/base/fingerprint.h"

namespace mtesim {

/// The allocation tags of one page.
/// Shape:   one 4-bit Tag per 16-byte granule of the page; a page whose granules are all alike holds one Tag only.
/// Value:   copy it, compare it, keep it in a set: equality and print go by the tags, not by how they are held.
/// Source:  [arm-mte].
class PageTags {
 public:
  [[nodiscard]] Tag at(std::size_t granule) const {
    if (packed_.empty()) return uniform_;
    return {static_cast<std::uint8_t>((packed_[granule / kPerWord] >> (granule % kPerWord * 4)) & 0xf)};
  }
  void set(std::size_t granule, Tag tag, std::size_t granules_in_page);
  void set_all(Tag tag, std::size_t granules_in_page);

  /// The tag of every granule, if the page is held as one Tag.
  [[nodiscard]] std::optional<Tag> one_tag() const { return packed_.empty() ? std::optional(uniform_) : std::nullopt; }

  /// The first granule of [begin, end) whose tag is not `tag`; `end` if there is none.
  [[nodiscard]] std::size_t first_unlike(Tag tag, std::size_t begin, std::size_t end) const {
    if (packed_.empty()) return tag == uniform_ ? end : begin;
    return first_unlike_packed(tag, begin, end);
  }

  /// Whether every granule's tag is in `set`, a bit a tag.
  [[nodiscard]] bool only(std::uint16_t set) const;

  [[nodiscard]] Fingerprint fingerprint() const { return print_; }                       // O(1)
  [[nodiscard]] Fingerprint recomputed_fingerprint(std::size_t granules_in_page) const;  // O(granules)
  friend bool operator==(const PageTags& a, const PageTags& b);

 private:
  static constexpr std::size_t kPerWord = 16;

  [[nodiscard]] std::size_t first_unlike_packed(Tag tag, std::size_t begin, std::size_t end) const;

  Tag uniform_{};                      // the tag of every granule while packed_ is empty
  std::vector<std::uint64_t> packed_;  // otherwise the tags, bits 3:0 of word 0 being granule 0
  Fingerprint print_{};                // sum over the granules whose tag is not 0
};

}  // namespace mtesim
