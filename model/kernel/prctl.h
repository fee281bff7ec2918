#pragma once

#include <array>
#include <cstdint>

#include "model/kernel/kernel.h"

namespace mtesim {

/// Arguments 2 to 5 of prctl(2).
using PrctlArguments = std::array<std::uint64_t, 4>;

// Bits of argument 2 of PR_SET_TAGGED_ADDR_CTRL.
constexpr std::uint64_t kPrTaggedAddrEnable = 1;
constexpr std::uint64_t kPrMteTcfSync = 2;
constexpr std::uint64_t kPrMteTcfAsync = 4;
constexpr unsigned kPrMteTagShift = 3;  ///< 16 bits: which tags IRG may give
constexpr std::uint64_t kPrMteTagMask = std::uint64_t{0xffff} << kPrMteTagShift;
constexpr std::uint64_t kPrMteStoreOnly = std::uint64_t{1} << 19;

/// prctl(PR_SET_TAGGED_ADDR_CTRL): the tagged-address ABI, the TCF modes asked for, the tags for IRG, store-only.
/// Returns: EINVAL for a bit that the revision does not know, for both modes at once before tcf_is_a_set, and for
///          anything in arguments 3 to 5; nothing has changed then.
/// Source:  [linux-mte-doc].
Errno set_tagged_addr_ctrl(Kernel& k, const PrctlArguments& arguments);

/// prctl(PR_GET_TAGGED_ADDR_CTRL): what was asked for, as it was set. -EINVAL for any argument that is not 0.
/// Source:  [linux-mte-doc].
[[nodiscard]] std::int64_t get_tagged_addr_ctrl(const Kernel& k, const PrctlArguments& arguments);

}  // namespace mtesim
