#pragma once

#include "sim/property/property.h"

namespace mtesim {

/// What a call was to move, from where to where, as far as its arguments and the machine at its begin say.
struct Flow {
  enum class To : std::uint8_t { nowhere, memory, file, queue };
  To to{To::nowhere};
  UserSegments into;          ///< memory: the places, in order
  UserSegments answers;       ///< user memory beside them that the call may write: an ioctl's argument
  Provenance source;          ///< a byte for each place, kNothing behind its end
  std::uint64_t available{};  ///< how many bytes the source has
  std::uint64_t count{};
  bool exact{true};  ///< source and destination have nothing in common, so that each byte can be told
  bool reads_queue{};
};

[[nodiscard]] Flow flow_of(const Return& what, const CallBegin& begin);

}  // namespace mtesim
