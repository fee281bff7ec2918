#include "model/mm/address_space.h"

#include "model/base/check.h"

namespace mtesim {

void AddressSpace::map(std::uint64_t begin, std::uint64_t end, const Vma& vma) {
  MTESIM_CHECK(begin < end && begin >= kBaseAddress);
  vmas_.set({Vmas::interval_type(begin, end), vma});
  vmas_changed();
}

void AddressSpace::unmap(std::uint64_t begin, std::uint64_t end) {
  vmas_.erase(Vmas::interval_type(begin, end));
  vmas_changed();
}

void AddressSpace::vmas_changed() {
  mappings_.clear();
  for (const auto& [range, vma] : vmas_) mappings_.push_back({range.lower(), range.upper(), vma});
  vma_print_ = vmas_print();
}

Fingerprint AddressSpace::vmas_print() const {
  Fingerprint print;
  for (const auto& [range, vma] : vmas_) {
    print += slot_print(range.lower(), print_of(range.upper(), vma.fingerprint().bits));
  }
  return print;
}

}  // namespace mtesim
