#pragma once

#include <cstdint>
#include <vector>

#include "sim/conform/observe.h"
#include "sim/scenario/scenario.h"

namespace mtesim {

/// The btrfs subvolume in which the records' tree searches searched: a directory of 400 files, "file-0000" to
/// "file-0399", of which every fifth has 100 + its number bytes of inline data. Only how many items were found and
/// where the results ended was recorded; all of that follows from the directory. Source: [records], [btrfs-format].
[[nodiscard]] std::vector<LeafSpec> recorded_tree();

/// The results of a search for everything, byte by byte; kNoValue where a byte holds a time or the like.
[[nodiscard]] const ByteValues& recorded_results();

/// What a search into `cap` bytes of plain memory comes back with.
struct SearchExtent {
  std::int64_t items{};
  std::int64_t end{};  ///< of the results
  bool overflow{};     ///< EOVERFLOW: not even the first item fits
};
/// `most_items`: key.nr_items; 0: no limit.
[[nodiscard]] SearchExtent search_extent(std::int64_t cap, std::int64_t most_items);

}  // namespace mtesim
