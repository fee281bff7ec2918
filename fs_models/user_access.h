#pragma once

#include <cstdint>

#include "fs_models/one_trip.h"

namespace mtesim {

// What a program does itself, between system calls: loop types that run in user mode. An access that faults ends in a
// signal; one whose mismatch is only recorded goes through, and the signal comes when the kernel is entered next.

/// A program's guard around an access: sigsetjmp(…, 1) first, whose rt_sigprocmask() enters the kernel. A mismatch that
/// an earlier access left in TFSRE0 is noticed there; the handler jumps back, and the access is not made.
struct Guard {
  bool sigsetjmp{};
  /// Returns: true if a signal came in between. It is left pending.
  [[nodiscard]] bool interrupted(Kernel& k) const;
};

/// A load or a store of `size` bytes, one byte an access, with the tag checks of user space.
/// Returns: bytes; or the signal.
struct UserLoadStore : OneTrip {
  static constexpr std::string_view kName = "user_access";
  static constexpr bool kInUserMode = true;

  UserPtr at;
  Bytes size{1};
  AccessKind kind{};
  std::uint8_t value{};  ///< of each byte stored
  Guard guard;

  [[nodiscard]] Step step(State&, Kernel& k) const;
};

/// STG on a run of granules: tags `tag`, `tag` + `tag_step`, … (mod 16).
/// Returns: granules, whether or not the memory keeps tags; or the signal.
struct UserStoreTags : OneTrip {
  static constexpr std::string_view kName = "stg";
  static constexpr bool kInUserMode = true;

  UserPtr at;
  std::uint64_t granules{1};
  Tag tag;
  unsigned tag_step{};
  Guard guard;

  [[nodiscard]] Step step(State&, Kernel& k) const;
};

/// LDG. Returns: the tag; or the signal.
struct UserLoadTag : OneTrip {
  static constexpr std::string_view kName = "ldg";
  static constexpr bool kInUserMode = true;

  UserPtr at;
  Guard guard;

  [[nodiscard]] Step step(State&, Kernel& k) const;
};

/// IRG, `count` times. Returns: the set of tags that came, a bit each.
struct UserRandomTags {
  static constexpr std::string_view kName = "irg";
  static constexpr bool kInUserMode = true;

  struct State {
    std::uint64_t made{};
    std::uint64_t seen{};
  };

  std::uint64_t count{1};

  [[nodiscard]] State begin() const { return {}; }
  [[nodiscard]] Step step(State& s, Kernel& k) const;
  [[nodiscard]] Bytes progress(const State& s) const { return {s.made}; }
};

/// MSR TCO. Returns: 0.
struct UserSetTco : OneTrip {
  static constexpr std::string_view kName = "msr_tco";
  static constexpr bool kInUserMode = true;

  bool tco{};

  [[nodiscard]] Step step(State&, Kernel& k) const;
};

}  // namespace mtesim
