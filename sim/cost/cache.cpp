#include "sim/cost/cache.h"

#include <bit>
#include <new>

#include "model/base/check.h"

namespace mtesim {

Cache::Cache(std::uint32_t blocks, std::uint32_t ways)
    : mask_(blocks / ways - 1), first_((ways > kNarrow ? kMostWays : kNarrow) - ways), narrow_(ways <= kNarrow) {
  const std::size_t sets = blocks / ways;
  MTESIM_CHECK(ways > 0 && ways <= kMostWays && blocks % ways == 0 && std::has_single_bit(sets));
  constexpr std::size_t kAligned = 64;
  const std::size_t bytes = sets * (first_ + ways) * sizeof(std::uint32_t);
  std::size_t space = bytes + kAligned;
  memory_.reset(std::calloc(space, 1));
  if (memory_ == nullptr) throw std::bad_alloc();
  void* begin = memory_.get();
  sets_ = static_cast<std::uint32_t*>(std::align(kAligned, bytes, begin, space));
}

FullyAssociative::FullyAssociative(std::uint32_t entries)
    : nodes_(entries), buckets_(std::bit_ceil(entries * 4), kEnd), last_(static_cast<std::uint16_t>(entries - 1)) {
  MTESIM_CHECK(entries > 0 && entries < kEnd);
  for (std::uint32_t i = 0; i < entries; ++i) {
    nodes_[i].before = static_cast<std::uint16_t>(i - 1);  // of the first one nobody asks
    nodes_[i].behind = static_cast<std::uint16_t>(i + 1);
  }
}

void FullyAssociative::to_front(std::uint16_t node) {
  if (node == first_) return;
  Node& n = nodes_[node];
  nodes_[n.before].behind = n.behind;
  if (node == last_) {
    last_ = n.before;
  } else {
    nodes_[n.behind].before = n.before;
  }
  n.behind = first_;
  nodes_[first_].before = node;
  first_ = node;
}

bool FullyAssociative::use(std::uint32_t block) {
  if (nodes_[first_].block == block) return true;
  for (std::uint16_t node = bucket(block); node != kEnd; node = nodes_[node].in_bucket) {
    if (nodes_[node].block != block) continue;
    to_front(node);
    return true;
  }
  const std::uint16_t node = last_;
  Node& n = nodes_[node];
  if (n.block != Cache::kNone) {
    std::uint16_t* link = &bucket(n.block);
    while (*link != node) link = &nodes_[*link].in_bucket;
    *link = n.in_bucket;
  }
  n.block = block;
  n.in_bucket = bucket(block);
  bucket(block) = node;
  to_front(node);
  return false;
}

}  // namespace mtesim
