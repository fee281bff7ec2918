#pragma once

#include <cstdint>
#include <type_traits>

namespace mtesim {

/// 64 bits that equal values share. It picks the bucket; `==` decides.
/// Prints form a group under +, so that a part can be taken out of a whole and put back changed: whole - old + new.
struct Fingerprint {
  std::uint64_t bits{};
  bool operator==(const Fingerprint&) const = default;
  Fingerprint& operator+=(Fingerprint other) {
    bits += other.bits;
    return *this;
  }
  Fingerprint& operator-=(Fingerprint other) {
    bits -= other.bits;
    return *this;
  }
  friend Fingerprint operator+(Fingerprint a, Fingerprint b) { return a += b; }
  friend Fingerprint operator-(Fingerprint a, Fingerprint b) { return a -= b; }
};

/// splitmix64's finaliser: every input bit reaches every output bit.
constexpr std::uint64_t mix(std::uint64_t x) {
  x += 0x9e3779b97f4a7c15ull;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
  return x ^ (x >> 31);
}

/// The print of `print` in the place `part`; without the place, two equal parts that swap would look alike.
constexpr Fingerprint slot_print(std::uint64_t part, std::uint64_t print) { return {mix(mix(part) ^ print)}; }
constexpr Fingerprint slot_print(std::uint64_t part, Fingerprint print) { return slot_print(part, print.bits); }

/// The print of a list of integral or enum values, in this order.
template <class... T>
constexpr Fingerprint print_of(const T&... values) {
  std::uint64_t h = sizeof...(values);
  ((h = mix(h ^ static_cast<std::uint64_t>(values))), ...);
  return {h};
}

}  // namespace mtesim
