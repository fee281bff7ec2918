#pragma once

#include "fs_models/copy_loop.h"

namespace mtesim {

/// What a call is that makes one trip and carries nothing round: the base of small loop types.
struct OneTrip {
  struct State {
    std::uint64_t nothing{};
  };
  [[nodiscard]] State begin() const { return {}; }
  [[nodiscard]] Bytes progress(const State&) const { return {}; }
};

}  // namespace mtesim
