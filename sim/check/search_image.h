#pragma once

#include <cstdint>
#include <stdexcept>
#include <vector>

#include "sim/check/workload_system.h"
#include "sim/explore/search.h"

namespace mtesim {

/// How far a search has come, as plain numbers: what is drawn of its graph, and where it goes on. The states are not in
/// it. Each is made again by one step from the state that it was first reached from, and held against its print.
/// Value: copied, compared, written to a file.
struct SearchImage {
  struct Transition {
    std::uint32_t from{};
    std::uint32_t to{};
    std::uint32_t note{};  ///< index in `notes`
    std::uint32_t actions{};
    std::uint8_t task{};
    bool operator==(const Transition&) const = default;
  };
  std::vector<StepNote> notes;
  std::vector<Transition> transitions;  ///< in the order of the search
  std::vector<std::uint64_t> prints;    ///< of the states, by number
  std::vector<UserRange> accessed;
  std::uint64_t levels{};
  std::uint64_t next{};   ///< the state to expand
  std::uint64_t taken{};  ///< how many of its transitions are there already
  std::uint64_t end{};    ///< of the level that is being expanded
  bool operator==(const SearchImage&) const = default;
};

using ExploredWorkload = explore::Explored<WorkloadSystem>;

[[nodiscard]] SearchImage image_of(const WorkloadSystem& system, const ExploredWorkload& found);

/// The image is not one of this workload under these options, or was damaged.
class WrongImage : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// The search that the image is of, ready to go on. Time: one step a state. Errors: WrongImage.
[[nodiscard]] ExploredWorkload search_of(const SearchImage& image, const WorkloadSystem& system);

}  // namespace mtesim
