#pragma once

#include "fs_models/copy_loop.h"
#include "fs_models/system_call.h"

namespace mtesim {

/// search_ioctl(), BTRFS_IOC_TREE_SEARCH and _V2: fault in the rest of the buffer, then copy a leaf's items with page
/// faults disabled, since the tree's locks are held.
///
/// Rounds:    a round is one probe and at most one leaf. A copy that faults rewinds to its item's header and ends the
///            round; nobody counts rounds and nobody looks for signals.
/// Progress:  A1 irrelevant, as partial counts are thrown away; A3 and A4 fail within an item, so everything hangs on
///            A2: the probe must answer for every byte that the copy will store. fault_in_writeable answers for one
///            granule a page (livelock); fault_in_subpage_writeable loads from every granule (ends, unless only stores
///            are checked).
/// Locks:     tree locks during the copies, none between rounds.
/// Source:    [linux-a48b73eca4ce] nofault copies, [linux-18788e34642e] sub-page probe.
struct BtrfsSearchIoctl {
  static constexpr std::string_view kName = "btrfs_search_ioctl";
  static constexpr Bytes kItemHeader{32};  ///< struct btrfs_ioctl_search_header
  static constexpr Bytes kKey{104};        ///< struct btrfs_ioctl_search_key, in front of both forms of argument
  static constexpr Bytes kNrItems{64};     ///< where in the key the number of items stands
  static constexpr Bytes kArgsV1{4096};    ///< struct btrfs_ioctl_search_args: key and 3992 bytes of results
  static constexpr Bytes kHeaderV2{112};   ///< key and buf_size of struct btrfs_ioctl_search_args_v2
  static constexpr Bytes kMostV2{16 * 1024 * 1024};

  struct State {
    std::uint64_t started{};  ///< the argument has been read
    std::uint64_t leaf{};     ///< of the next item
    std::uint64_t item{};     ///< in that leaf
    Bytes sk_offset{};        ///< results so far
    std::uint64_t num_found{};
  };

  UserPtr argument;
  bool v2{};
  Bytes buf_size;  ///< for results
  std::uint64_t nr_items{};
  std::shared_ptr<const SearchTree> tree;
  std::uint32_t object{};

  explicit BtrfsSearchIoctl(const SystemCall& call);
  [[nodiscard]] State begin() const { return {}; }
  [[nodiscard]] Step step(State& s, Kernel& k) const;
  [[nodiscard]] Bytes progress(const State& s) const { return s.sk_offset; }
  /// The key goes back in the end; of the results, those to come.
  [[nodiscard]] UserSegments remaining(const State& s) const {
    return {{argument, header()}, {argument + header() + s.sk_offset, buf_size - min(buf_size, s.sk_offset)}};
  }

 private:
  /// What copy_to_sk() came back with.
  enum class Leaf : std::uint8_t { next, again, full, overflow };
  [[nodiscard]] Bytes header() const { return v2 ? kHeaderV2 : kKey; }
  [[nodiscard]] Leaf copy_to_sk(State& s, Kernel& k) const;
  [[nodiscard]] Finished finish(const State& s, Kernel& k, Errno status) const;
};

}  // namespace mtesim
