#pragma once

#include <boost/icl/interval_map.hpp>
#include <cstdint>
#include <optional>
#include <vector>

#include "model/arch/tag.h"
#include "model/arch/tag_check_mode.h"
#include "model/base/cow_array.h"
#include "model/mm/folio.h"

namespace mtesim {

/// mmap's and mprotect's prot argument.
struct Prot {
  bool read{};
  bool write{};
  bool mte{};  ///< PROT_MTE
  bool operator==(const Prot&) const = default;
};

/// One mapping: what backs an address range, and what may be done there.
/// `page_delta` names the object's page by counting: page index of the address + page_delta (mod 2^32).
struct Vma {
  Prot prot;
  bool shared{};
  std::uint32_t object{};
  std::uint32_t page_delta{};
  [[nodiscard]] Fingerprint fingerprint() const {
    return print_of(prot.read, prot.write, prot.mte, shared, object, page_delta);
  }
  bool operator==(const Vma&) const = default;
};

enum class PteState : std::uint8_t {
  none,     ///< nothing there yet, or dropped again
  zero,     ///< the shared zero page
  present,  ///< a page in memory
  swapped,  ///< a page in swap, its tags with it
};

/// One page table entry.
struct Pte {
  FolioRef folio{};  ///< of present and swapped
  PteState state{PteState::none};
  bool writable{};  ///< a store needs no fault; false on a present page of a writable private mapping means
                    ///< copy-on-write
  bool old{};       ///< the next access needs a fault, which has nothing to bring: the young bit is kept by software
                    ///< and clear, or the page is sampled for NUMA balancing
  /// An access finds a page here.
  [[nodiscard]] bool usable() const { return (state == PteState::present || state == PteState::zero) && !old; }
  /// What the access needs of the mapping and the entry. PROT_NONE: arm64 has no write-only pages.
  [[nodiscard]] bool permits(AccessKind kind, const Prot& prot) const {
    return prot.read && (kind == AccessKind::load || (prot.write && writable));
  }
  [[nodiscard]] Fingerprint fingerprint() const { return print_of(folio.object, folio.index, state, writable, old); }
  bool operator==(const Pte&) const = default;
};

/// A process's address space: mappings and page table.
/// Shape:   mappings by address (untagged, page aligned); entries by page index, counted from kBaseAddress.
/// Value:   copy it, compare it.
class AddressSpace {
 public:
  struct Mapping {
    std::uint64_t begin{};
    std::uint64_t end{};
    Vma vma;
  };
  /// nullptr: nothing is mapped there. Mappings are few, and looked at in order.
  [[nodiscard]] const Mapping* mapping_at(std::uint64_t address) const {
    for (const Mapping& mapping : mappings_) {
      if (address < mapping.end) return address >= mapping.begin ? &mapping : nullptr;
    }
    return nullptr;
  }
  [[nodiscard]] const Vma* find(std::uint64_t address) const {
    const Mapping* mapping = mapping_at(address);
    return mapping == nullptr ? nullptr : &mapping->vma;
  }
  /// Replaces whatever was mapped in [begin, end); entries are left to the caller.
  void map(std::uint64_t begin, std::uint64_t end, const Vma& vma);
  void unmap(std::uint64_t begin, std::uint64_t end);

  [[nodiscard]] const Pte& pte(std::uint64_t page_index) const { return ptes_.at(page_index); }
  void set_pte(std::uint64_t page_index, const Pte& pte) {
    ptes_.edit(page_index, [&](Pte& held) { held = pte; });
  }

  [[nodiscard]] Fingerprint fingerprint() const {
    return slot_print(1, vma_print_) + slot_print(2, ptes_.fingerprint());
  }
  [[nodiscard]] Fingerprint recomputed_fingerprint() const {
    return slot_print(1, vmas_print()) + slot_print(2, ptes_.recomputed_fingerprint());
  }
  friend bool operator==(const AddressSpace& a, const AddressSpace& b) {
    return a.vma_print_ == b.vma_print_ && a.ptes_ == b.ptes_ && a.vmas_ == b.vmas_;
  }

  /// Visits every mapping in address order: f(begin, end, vma).
  template <class F>
  void for_each_vma(F&& f) const {
    for (const Mapping& mapping : mappings_) f(mapping.begin, mapping.end, mapping.vma);
  }
  /// Where mappings begin.
  static constexpr std::uint64_t kBaseAddress = std::uint64_t{1} << 37;  // 0x2000000000

 private:
  using Vmas = boost::icl::interval_map<std::uint64_t, Vma, boost::icl::partial_enricher, std::less,
                                        boost::icl::inplace_identity, boost::icl::inter_section,
                                        boost::icl::right_open_interval<std::uint64_t>>;
  [[nodiscard]] Fingerprint vmas_print() const;
  void vmas_changed();

  Vmas vmas_;
  std::vector<Mapping> mappings_;  // vmas_ again, in one piece of memory: every access looks there
  Fingerprint vma_print_{};
  CowArray<Pte, 64> ptes_;
};

}  // namespace mtesim
