#pragma once

#include <cstdint>
#include <vector>

#include "fs_models/one_trip.h"
#include "model/kernel/prctl.h"

namespace mtesim {

// System calls about the process itself.

/// getppid(): nothing but the way into the kernel and back. Returns: 1.
struct Getppid : OneTrip {
  static constexpr std::string_view kName = "getppid";
  [[nodiscard]] Step step(State&, Kernel&) const { return finished(Bytes{1}); }
};

/// prctl(PR_SET_TAGGED_ADDR_CTRL).
struct SetTaggedAddrCtrl : OneTrip {
  static constexpr std::string_view kName = "set_tagged_addr_ctrl";
  PrctlArguments arguments{};
  [[nodiscard]] Step step(State&, Kernel& k) const;
};

/// prctl(PR_GET_TAGGED_ADDR_CTRL). Returns: the value, or the error.
struct GetTaggedAddrCtrl : OneTrip {
  static constexpr std::string_view kName = "get_tagged_addr_ctrl";
  PrctlArguments arguments{};
  [[nodiscard]] Step step(State&, Kernel& k) const;
};

/// fork(). Returns: the child's number. The parent waits while the child's calls are made.
struct Fork : OneTrip {
  static constexpr std::string_view kName = "fork";
  [[nodiscard]] Step step(State&, Kernel& k) const;
};

/// execve() of a program that does nothing with its memory.
struct Execve : OneTrip {
  static constexpr std::string_view kName = "execve";
  [[nodiscard]] Step step(State&, Kernel& k) const;
};

/// ptrace(PTRACE_PEEKMTETAGS) of the child, which is stopped.
/// Returns: how many tags came, a byte each in `into`; EIO if there is none to be had, EFAULT if none could be stored.
struct PeekTags : OneTrip {
  static constexpr std::string_view kName = "ptrace_peekmtetags";
  UserPtr at;  ///< in the child
  std::uint64_t count{};
  UserPtr into;
  [[nodiscard]] Step step(State&, Kernel& k) const;
};

/// ptrace(PTRACE_POKEMTETAGS) of the child. Returns: how many tags were stored; EIO if none.
struct PokeTags : OneTrip {
  static constexpr std::string_view kName = "ptrace_pokemtetags";
  UserPtr at;  ///< in the child
  std::vector<std::uint8_t> values;
  [[nodiscard]] Step step(State&, Kernel& k) const;
};

}  // namespace mtesim
