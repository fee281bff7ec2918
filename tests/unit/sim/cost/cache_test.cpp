#include "sim/cost/cache.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdint>
#include <random>
#include <vector>

namespace mtesim {
namespace {

/// A cache as the textbook has it: per set a list, the block used last in front.
class Reference {
 public:
  Reference(std::uint32_t blocks, std::uint32_t ways) : ways_(ways), sets_(blocks / ways) {}

  Cache::Found use(std::uint32_t block, bool dirties) {
    std::vector<Entry>& set = sets_[block % sets_.size()];
    const auto at = find(set, block);
    Cache::Found found{at != set.end(), dirties, Cache::kNone};
    Entry entry{block, dirties};
    if (found.hit) {
      found.made_dirty = dirties && !at->dirty;
      entry.dirty = dirties || at->dirty;
      set.erase(at);
    } else if (set.size() == ways_) {
      if (set.back().dirty) found.dirty_out = set.back().block;
      set.pop_back();
    }
    set.insert(set.begin(), entry);
    return found;
  }
  bool write_back(std::uint32_t block) {
    std::vector<Entry>& set = sets_[block % sets_.size()];
    const auto at = find(set, block);
    if (at == set.end()) return false;
    at->dirty = true;
    return true;
  }

 private:
  struct Entry {
    std::uint32_t block;
    bool dirty;
  };
  static std::vector<Entry>::iterator find(std::vector<Entry>& set, std::uint32_t block) {
    return std::find_if(set.begin(), set.end(), [&](const Entry& entry) { return entry.block == block; });
  }
  std::uint32_t ways_;
  std::vector<std::vector<Entry>> sets_;
};

/// Block numbers that repeat: most of them near each other, some far away, and the ends of what a cache can hold.
class Blocks {
 public:
  Blocks(std::uint32_t seed, std::uint32_t capacity) : random_(seed), near_(capacity + capacity / 2 + 1) {}
  std::uint32_t next() {
    const auto draw = static_cast<std::uint32_t>(random_());
    switch (draw % 16) {
      case 0:
        return 0x7ffffffeu - draw / 16 % near_;
      case 1:
        return draw / 16 % near_ * 4096;
      default:
        return draw / 16 % near_;
    }
  }
  bool one_in(std::uint32_t n) { return random_() % n == 0; }

 private:
  std::mt19937 random_;
  std::uint32_t near_;
};

TEST_CASE("a cache replaces the block used least recently of its set, and says what must be written back",
          "[unit][cost]") {
  const std::uint32_t ways = GENERATE(1u, 2u, 3u, 4u, 7u, 8u, 9u, 12u, 16u);
  const std::uint32_t sets = GENERATE(1u, 2u, 16u, 64u);
  CAPTURE(ways, sets);
  Cache cache(ways * sets, ways);
  Reference reference(ways * sets, ways);
  Blocks blocks(ways * 100 + sets, ways * sets);
  std::uint32_t hits = 0;
  std::uint32_t dirty_out = 0;
  for (std::uint32_t i = 0; i < 20 * ways * sets + 1000; ++i) {
    const std::uint32_t block = blocks.next();
    if (blocks.one_in(8)) {
      REQUIRE(cache.write_back(block) == reference.write_back(block));
      continue;
    }
    const bool dirties = blocks.one_in(3);
    const Cache::Found found = cache.use(block, dirties);
    const Cache::Found wanted = reference.use(block, dirties);
    REQUIRE(found.hit == wanted.hit);
    REQUIRE(found.made_dirty == wanted.made_dirty);
    REQUIRE(found.dirty_out == wanted.dirty_out);
    hits += found.hit ? 1 : 0;
    dirty_out += found.dirty_out != Cache::kNone ? 1 : 0;
  }
  CHECK(hits > 0);
  CHECK(dirty_out > 0);
}

TEST_CASE("a TLB replaces the page used least recently, of a set or of all", "[unit][cost]") {
  struct Shape {
    std::uint32_t entries;
    std::uint32_t ways;
  };
  const Shape shape = GENERATE(Shape{2, 2}, Shape{16, 16}, Shape{17, 17}, Shape{48, 48}, Shape{64, 4}, Shape{1024, 8},
                               Shape{1536, 12}, Shape{512, 512});
  CAPTURE(shape.entries, shape.ways);
  Tlb tlb(shape.entries, shape.ways);
  Reference reference(shape.entries, shape.ways);
  Blocks pages(shape.entries, shape.entries);
  std::uint32_t hits = 0;
  for (std::uint32_t i = 0; i < 20 * shape.entries + 1000; ++i) {
    const std::uint32_t page = pages.next();
    const bool hit = tlb.use(page);
    REQUIRE(hit == reference.use(page, false).hit);
    hits += hit ? 1 : 0;
  }
  CHECK(hits > 0);
}

TEST_CASE("a TLB without entries finds nothing", "[unit][cost]") {
  Tlb none(0, 4);
  CHECK_FALSE(none.use(7));
  CHECK_FALSE(none.use(7));
}

TEST_CASE("a cache that was not given a size does not exist", "[unit][cost]") {
  CHECK_FALSE(Cache().exists());
  CHECK(Cache(1, 1).exists());
}

}  // namespace
}  // namespace mtesim
