#include "model/arch/page_tags.h"

#include <array>
#include <bit>

#include "model/base/check.h"

namespace mtesim {

namespace {

constexpr std::uint64_t kEveryNibble = 0x1111111111111111ull;

Fingerprint granule_print(std::size_t granule, Tag tag) {
  return tag == Tag{} ? Fingerprint{} : slot_print(granule, tag.bits);
}

Fingerprint uniform_print(Tag tag, std::size_t granules) {
  Fingerprint print;
  for (std::size_t g = 0; g < granules; ++g) print += granule_print(g, tag);
  return print;
}

}  // namespace

void PageTags::set(std::size_t granule, Tag tag, std::size_t granules_in_page) {
  MTESIM_CHECK(granule < granules_in_page && tag.bits < kTagValues);
  const Tag old = at(granule);
  if (old == tag) return;
  if (packed_.empty()) packed_.assign((granules_in_page + kPerWord - 1) / kPerWord, kEveryNibble * uniform_.bits);
  const std::size_t shift = granule % kPerWord * 4;
  std::uint64_t& word = packed_[granule / kPerWord];
  word = (word & ~(std::uint64_t{0xf} << shift)) | (std::uint64_t{tag.bits} << shift);
  print_ -= granule_print(granule, old);
  print_ += granule_print(granule, tag);
}

void PageTags::set_all(Tag tag, std::size_t granules_in_page) {
  MTESIM_CHECK(tag.bits < kTagValues);
  if (packed_.empty() && uniform_ == tag) return;
  uniform_ = tag;
  packed_.clear();
  // A machine is built from many pages that are tagged alike: the sum over a 4 KiB page is kept.
  constexpr std::size_t kUsual = 256;
  static const auto kUsualPrints = [] {
    std::array<Fingerprint, kTagValues> prints;
    for (std::uint8_t t = 0; t < kTagValues; ++t) prints[t] = uniform_print(Tag{t}, kUsual);
    return prints;
  }();
  print_ = granules_in_page == kUsual ? kUsualPrints[tag.bits] : uniform_print(tag, granules_in_page);
}

std::size_t PageTags::first_unlike_packed(Tag tag, std::size_t begin, std::size_t end) const {
  const std::uint64_t wanted = kEveryNibble * tag.bits;
  std::size_t g = begin;
  while (g < end) {
    const std::size_t in_word = g % kPerWord;
    const std::uint64_t unlike = (packed_[g / kPerWord] ^ wanted) >> (in_word * 4);
    if (unlike != 0) {
      const std::size_t found = g + static_cast<std::size_t>(std::countr_zero(unlike)) / 4;
      return found < end ? found : end;
    }
    g += kPerWord - in_word;
  }
  return end;
}

bool PageTags::only(std::uint16_t set) const {
  const auto has = [set](std::uint64_t tag) { return (set >> tag & 1U) != 0; };
  if (packed_.empty()) return has(uniform_.bits);
  std::uint64_t known = ~packed_.front();  // neighbours are mostly alike
  for (const std::uint64_t word : packed_) {
    if (word == known) continue;
    for (std::uint64_t rest = word, i = 0; i < kPerWord; ++i, rest >>= 4) {
      if (!has(rest & 0xf)) return false;
    }
    known = word;
  }
  return true;
}

Fingerprint PageTags::recomputed_fingerprint(std::size_t granules_in_page) const {
  Fingerprint print;
  for (std::size_t g = 0; g < granules_in_page; ++g) print += granule_print(g, at(g));
  return print;
}

bool operator==(const PageTags& a, const PageTags& b) {
  if (a.print_ != b.print_) return false;
  if (a.packed_.empty() && b.packed_.empty()) return a.uniform_ == b.uniform_;
  if (!a.packed_.empty() && !b.packed_.empty()) return a.packed_ == b.packed_;
  const PageTags& packed = a.packed_.empty() ? b : a;
  const Tag uniform = a.packed_.empty() ? a.uniform_ : b.uniform_;
  for (const std::uint64_t word : packed.packed_) {
    if (word != kEveryNibble * uniform.bits) return false;
  }
  return true;
}

}  // namespace mtesim
