#pragma once

#include <cstdint>

#include "model/arch/tag.h"

namespace mtesim {

/// RGSR_EL1: where IRG's next tag comes from.
struct RandomTagRegister {
  std::uint16_t seed{1};
  Tag tag{};
  bool operator==(const RandomTagRegister&) const = default;
};

/// The tag that is `steps` included ones behind `start`, going round; with no steps, `start` itself or the first
/// included one behind it. `include` has a bit for each tag; 0 gives tag 0.
/// Source: [arm-mte].
[[nodiscard]] Tag choose_tag(Tag start, unsigned steps, std::uint16_t include);

/// IRG with GCR_EL1.RRND = 0: the next tag of the register's sequence. A CPU with RRND = 1 may draw otherwise, but from
/// the same tags.
/// Source: [arm-mte].
[[nodiscard]] Tag insert_random_tag(RandomTagRegister& rgsr, std::uint16_t include);

}  // namespace mtesim
