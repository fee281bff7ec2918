#pragma once

#include <compare>
#include <cstdint>

#include "model/base/bytes.h"

namespace mtesim {

/// A 4-bit tag: an allocation tag of memory, or the logical tag of a pointer. Tag 0 is an ordinary tag.
struct Tag {
  std::uint8_t bits{};
  constexpr auto operator<=>(const Tag&) const = default;
};

constexpr std::uint8_t kTagValues = 16;

/// What one allocation tag covers.
constexpr Bytes kGranule{16};

/// A user pointer as a program passes it: an address with the logical tag in bits 59:56 (TBI0 ignores the top byte).
/// Source: [arm-mte].
class UserPtr {
 public:
  constexpr UserPtr() = default;
  constexpr explicit UserPtr(std::uint64_t bits) : bits_(bits) {}
  constexpr UserPtr(std::uint64_t address, Tag tag) : bits_((address & kAddress) | (std::uint64_t{tag.bits} << 56)) {}

  [[nodiscard]] constexpr std::uint64_t bits() const { return bits_; }
  [[nodiscard]] constexpr std::uint64_t address() const { return bits_ & kAddress; }
  [[nodiscard]] constexpr Tag tag() const { return {static_cast<std::uint8_t>((bits_ >> 56) & 0xf)}; }
  [[nodiscard]] constexpr std::uint8_t top_byte() const { return static_cast<std::uint8_t>(bits_ >> 56); }

  constexpr auto operator<=>(const UserPtr&) const = default;
  constexpr UserPtr& operator+=(Bytes o) {
    bits_ += o.n;
    return *this;
  }
  friend constexpr UserPtr operator+(UserPtr p, Bytes o) { return p += o; }
  friend constexpr Bytes operator-(UserPtr a, UserPtr b) { return {a.bits_ - b.bits_}; }

 private:
  static constexpr std::uint64_t kAddress = (std::uint64_t{1} << 56) - 1;
  std::uint64_t bits_{};
};

/// The first address behind user space (48 bits of virtual address).
constexpr std::uint64_t kUserEnd = std::uint64_t{1} << 48;

}  // namespace mtesim
