#pragma once

#include <cstdint>

#include "model/arch/page_tags.h"
#include "model/base/cow.h"
#include "model/mm/contents.h"

namespace mtesim {

/// One page of memory: its bytes, its tags and its flags. Large folios are runs of these.
struct Folio {
  Contents contents;
  PageTags tags;
  bool allocated{};   ///< the page exists, in memory or in swap
  bool mte_tagged{};  ///< PG_mte_tagged: its tags were set up and travel with copies and to swap
  bool in_cache{};    ///< it is in the page cache of its file
  bool uptodate{};
  bool dirty{};
  bool stored{};         ///< of a file: the disk has these contents, and not those of the start any more
  bool in_swap{};        ///< of tmpfs: in the cache, but by way of swap; anonymous pages have it in their entry
  std::uint32_t maps{};  ///< page table entries that name it

  [[nodiscard]] Fingerprint fingerprint() const {
    return slot_print(1, contents.fingerprint()) + slot_print(2, tags.fingerprint()) + flags_print();
  }
  bool operator==(const Folio&) const = default;

 private:
  [[nodiscard]] Fingerprint flags_print() const {
    const bool flags[] = {allocated, mte_tagged, in_cache, uptodate, dirty, stored, in_swap};
    std::uint64_t packed = maps;
    for (const bool flag : flags) packed = packed << 1 | (flag ? 1 : 0);
    return print_of(packed);
  }
};

/// Folio behind a Cow, as page tables and caches hold thousands of them, with its tag beside it where it has but one:
/// every checked access looks there, and a pointer less to follow is felt.
class FolioSlot {
 public:
  [[nodiscard]] const Folio& folio() const { return *folio_; }
  [[nodiscard]] bool tags_all_are(Tag tag) const { return one_tag_ == tag.bits; }

  template <class Change>
  void edit(Change&& change) {
    Folio& folio = folio_.write();
    change(folio);
    const auto one_tag = folio.tags.one_tag();
    one_tag_ = one_tag ? one_tag->bits : kSeveral;
    static const Folio kNone{};
    if (folio == kNone) *this = {};
  }

  [[nodiscard]] Fingerprint fingerprint() const { return folio_->fingerprint(); }
  bool operator==(const FolioSlot& other) const { return folio_ == other.folio_; }

 private:
  static constexpr std::uint8_t kSeveral = kTagValues;
  Cow<Folio> folio_;
  std::uint8_t one_tag_{};
};

/// Which page: page `index` of memory object `object`. A name, not an address: a page that is evicted and brought
/// back is the same page, and so the same state.
struct FolioRef {
  std::uint32_t object{};
  std::uint32_t index{};
  bool operator==(const FolioRef&) const = default;
};

}  // namespace mtesim
