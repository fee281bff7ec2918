#include "model/mm/address_space.h"

#include "model/base/check.h"

namespace mtesim {

const Vma* AddressSpace::find(std::uint64_t address) const {
  const auto found = vmas_.find(address);
  return found == vmas_.end() ? nullptr : &found->second;
}

void AddressSpace::map(std::uint64_t begin, std::uint64_t end, const Vma& vma) {
  MTESIM_CHECK(begin < end && begin >= kBaseAddress);
  vmas_.set({Vmas::interval_type(begin, end), vma});
  vma_print_ = vmas_print();
}

void AddressSpace::unmap(std::uint64_t begin, std::uint64_t end) {
  vmas_.erase(Vmas::interval_type(begin, end));
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
