#pragma once

#include <compare>
#include <cstdint>

namespace mtesim {

/// A number of bytes, or an offset in bytes.
struct Bytes {
  std::uint64_t n{};

  constexpr auto operator<=>(const Bytes&) const = default;
  constexpr Bytes& operator+=(Bytes o) {
    n += o.n;
    return *this;
  }
  constexpr Bytes& operator-=(Bytes o) {
    n -= o.n;
    return *this;
  }
  friend constexpr Bytes operator+(Bytes a, Bytes b) { return {a.n + b.n}; }
  friend constexpr Bytes operator-(Bytes a, Bytes b) { return {a.n - b.n}; }
  friend constexpr Bytes operator*(Bytes a, std::uint64_t k) { return {a.n * k}; }
  friend constexpr std::uint64_t operator/(Bytes a, Bytes b) { return a.n / b.n; }
  friend constexpr Bytes operator%(Bytes a, Bytes b) { return {a.n % b.n}; }
};

constexpr Bytes min(Bytes a, Bytes b) { return a < b ? a : b; }
constexpr Bytes max(Bytes a, Bytes b) { return a < b ? b : a; }

/// `unit` is a power of two.
constexpr std::uint64_t round_down(std::uint64_t x, Bytes unit) { return x & ~(unit.n - 1); }
constexpr std::uint64_t round_up(std::uint64_t x, Bytes unit) { return round_down(x + unit.n - 1, unit); }
constexpr bool is_aligned(std::uint64_t x, Bytes unit) { return (x & (unit.n - 1)) == 0; }

}  // namespace mtesim
