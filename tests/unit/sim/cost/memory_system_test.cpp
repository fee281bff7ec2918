#include "sim/cost/memory_system.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdint>
#include <random>
#include <vector>

namespace mtesim {
namespace {

constexpr std::uint64_t kPage = 4096;

const Cpu& cpu_named(const char* name) {
  const NamedCpu* cpu = find_cpu(name);
  REQUIRE(cpu != nullptr);
  return cpu->cpu;
}

/// So small that a few pages of accesses evict something at every level.
Cpu small_cpu() {
  Cpu cpu = cpu_named("neoverse-v2");
  cpu.l1_tlb_entries = 4;
  cpu.l1_tlb_ways = 2;
  cpu.l2_tlb_entries = 20;
  cpu.l2_tlb_ways = 20;
  cpu.l1d_bytes = 2 << 10;
  cpu.l1d_ways = 2;
  cpu.l2_bytes = 8 << 10;
  cpu.l2_ways = 4;
  cpu.l3_bytes = 48 << 10;
  cpu.l3_ways = 12;
  cpu.tag_cache_bytes = 1 << 10;
  cpu.tag_cache_ways = 4;
  REQUIRE(what_is_wrong(cpu).empty());
  return cpu;
}

struct Run {
  std::uint64_t first;
  std::uint32_t width;
  std::uint32_t stride;
  std::uint64_t count;
  AccessKind kind;
  TagUse tags;
};

/// One access after another, those that straddle as one access to each line: what run() is to be equal to. The cycles
/// of issue and checks are those of the access, not of the lines.
void one_by_one(MemorySystem& system, const Run& run) {
  for (std::uint64_t i = 0; i < run.count; ++i) {
    const std::uint64_t address = run.first + i * run.stride;
    system.access(address, run.kind, run.tags, Cause::copy);
    const std::uint64_t last = address + run.width - 1;
    if (last / kLineBytes == address / kLineBytes) continue;
    const Cycles before = system.cycles();
    system.access(address, run.kind, run.tags, Cause::copy);  // costs what an access that finds its line costs
    Cycles without = system.cycles();
    Cycles more = without;
    more -= before;
    MemoryCounts counts = system.counts();
    --counts.levels[0].lookups[run.kind == AccessKind::store ? 1 : 0];
    without = before;
    without -= more;
    system.set_counts(counts, without);
    system.access(last, run.kind, run.tags, Cause::copy);
  }
}

void check_run(MemorySystem& whole, MemorySystem& parts, const Run& run) {
  CAPTURE(run.first, run.width, run.stride, run.count, static_cast<int>(run.kind), static_cast<int>(run.tags));
  whole.run(run.first, run.width, run.stride, run.count, run.kind, run.tags, Cause::copy);
  one_by_one(parts, run);
  REQUIRE(whole.counts() == parts.counts());
  REQUIRE(whole.cycles() == parts.cycles());
}

TEST_CASE("a run counts and costs what its accesses do one by one", "[unit][cost]") {
  MemorySystem whole(small_cpu());
  MemorySystem parts(small_cpu());
  std::mt19937 random(6);
  const auto one_of = [&](std::uint32_t n) { return static_cast<std::uint32_t>(random() % n); };
  for (int i = 0; i < 3000; ++i) {
    const std::uint32_t width = std::vector<std::uint32_t>{1, 2, 4, 8, 16, 32, 64}[one_of(7)];
    const std::uint32_t stride =
        std::vector<std::uint32_t>{width, width, width, 1, 8, 16, 24, 64, 100, 4096, 5000}[one_of(11)];
    check_run(whole, parts,
              {one_of(64 * kPage), width, stride, 1 + one_of(200),
               one_of(2) == 0 ? AccessKind::load : AccessKind::store, static_cast<TagUse>(one_of(3))});
  }
  const MemoryCounts& counts = whole.counts();
  for (const LevelCounts& level : counts.levels) {
    CHECK(level.hits() > 0);
    CHECK(level.misses() > 0);
    CHECK(level.written_back > 0);
  }
  CHECK(counts.l1_tlb_misses > counts.l2_tlb_misses);
  CHECK(counts.lines_out > 0);
  CHECK(counts.tag_misses > 0);
}

TEST_CASE("a run of nothing costs nothing; one of stride 0 stays where it is", "[unit][cost]") {
  MemorySystem system(small_cpu());
  system.run(100, 8, 8, 0, AccessKind::load, TagUse::sync, Cause::copy);
  CHECK(system.counts() == MemoryCounts{});
  CHECK(system.cycles() == Cycles{});
  system.run(100, 8, 0, 5, AccessKind::load, TagUse::none, Cause::copy);
  CHECK(system.counts().levels[0].lookups[0] == 5);
  CHECK(system.counts().levels[0].misses() == 1);
}

/// The first level and the TLB as the textbook has them: what was used last stands last.
struct Recency {
  std::size_t sets;
  std::size_t ways;
  std::vector<std::vector<std::uint64_t>> used{sets};
  bool use(std::uint64_t block) {
    std::vector<std::uint64_t>& set = used[block % sets];
    const auto at = std::find(set.begin(), set.end(), block);
    const bool hit = at != set.end();
    if (hit) set.erase(at);
    if (!hit && set.size() == ways) set.erase(set.begin());
    set.push_back(block);
    return hit;
  }
};

TEST_CASE("going to and fro between lines and pages leaves both in the order of their use", "[unit][cost]") {
  const std::uint32_t ways = GENERATE(1u, 2u, 4u);
  CAPTURE(ways);
  Cpu cpu = small_cpu();
  cpu.l1d_ways = ways;
  MemorySystem system(cpu);
  Recency lines{cpu.l1d_bytes / kLineBytes / ways, ways};
  Recency pages{2, 2};
  std::uint64_t missed_lines = 0;
  std::uint64_t missed_pages = 0;
  std::mt19937 random(1);
  std::vector<std::uint64_t> near{0, kPage, 2 * kPage};
  for (int i = 0; i < 100000; ++i) {
    const auto draw = static_cast<std::uint32_t>(random());
    std::uint64_t& address = near[draw % 2 == 0 ? 0 : draw / 2 % 3];
    if (draw / 64 % 8 == 0) address = draw / 512 % (16 * kPage);
    system.access(address, draw % 5 == 0 ? AccessKind::store : AccessKind::load, TagUse::none, Cause::copy);
    missed_lines += lines.use(address / kLineBytes) ? 0 : 1;
    missed_pages += pages.use(address / kPage) ? 0 : 1;
    REQUIRE(system.counts().levels[0].misses() == missed_lines);
    REQUIRE(system.counts().l1_tlb_misses == missed_pages);
  }
  CHECK(system.counts().levels[0].hits() > 0);
}

TEST_CASE("a load that depends on another takes what its level takes", "[unit][cost]") {
  const NamedCpu& named = cpus()[GENERATE(range(std::size_t{0}, cpus().size()))];
  CAPTURE(named.name);
  const Cpu& cpu = named.cpu;
  MemorySystem system(cpu);
  const std::uint32_t last = cpu.dram_cycles;
  CHECK(system.dependent_load(0) == last + cpu.l2_tlb_cycles + cpu.walk_cycles);
  CHECK(system.dependent_load(8) == cpu.l1d_cycles);
  CHECK(system.dependent_load(64) == last);  // the page is known
  const auto second_lap = [&](std::uint64_t bytes) {
    std::uint32_t cycles = 0;
    for (int lap = 0; lap < 2; ++lap) {
      for (std::uint64_t at = 0; at < bytes; at += kLineBytes) cycles = system.dependent_load(at);
    }
    return cycles;
  };
  CHECK(second_lap(cpu.l1d_bytes / 2) == cpu.l1d_cycles);
  CHECK(second_lap(cpu.l2_bytes / 2) == cpu.l2_cycles);
  if (cpu.l3_bytes != 0) CHECK(second_lap(cpu.l2_bytes * 2) == cpu.l3_cycles);
}

std::uint64_t cycles_of(const Cpu& cpu, const Run& run) {
  MemorySystem system(cpu);
  system.run(run.first, run.width, run.stride, run.count, run.kind, run.tags, Cause::copy);
  return system.cycles().total();
}

TEST_CASE("synchronous checks of stores cost more than asynchronous ones, and those more than none", "[unit][cost]") {
  const Cpu& cpu = cpus()[GENERATE(range(std::size_t{0}, cpus().size()))].cpu;
  const std::uint64_t size = GENERATE(std::uint64_t{16} << 10, std::uint64_t{1} << 20, std::uint64_t{64} << 20);
  const auto fill = [&](TagUse tags) { return cycles_of(cpu, {0, 8, 8, size / 8, AccessKind::store, tags}); };
  CHECK(fill(TagUse::sync) > fill(TagUse::async));
  CHECK(fill(TagUse::async) > fill(TagUse::none));
}

TEST_CASE("lines that come in order cost less than the same lines at random", "[unit][cost]") {
  const Cpu& cpu = cpus()[GENERATE(range(std::size_t{0}, cpus().size()))].cpu;
  std::vector<std::uint64_t> lines(1 << 16);
  for (std::size_t i = 0; i < lines.size(); ++i) lines[i] = i * kLineBytes;
  const auto cycles = [&] {
    MemorySystem system(cpu);
    for (const std::uint64_t line : lines) system.access(line, AccessKind::load, TagUse::none, Cause::copy);
    CHECK(system.counts().lines_in == lines.size());
    return system.cycles().total();
  };
  const std::uint64_t in_order = cycles();
  std::shuffle(lines.begin(), lines.end(), std::mt19937(3));
  CHECK(in_order < cycles());
}

TEST_CASE("the tags of a long tagged stream are a thirty-second of its bytes", "[unit][cost]") {
  Cpu cpu = cpu_named("neoverse-v2");
  cpu.tag_cache_bytes = GENERATE(0u, 1u << 17);
  MemorySystem system(cpu);
  constexpr std::uint64_t kSize = 64 << 20;
  system.run(0, 8, 8, kSize / 8, AccessKind::load, TagUse::sync, Cause::copy);
  CHECK(system.counts().lines_in == kSize / kLineBytes);
  CHECK(system.counts().tag_bytes == kSize / 32);
}

TEST_CASE("without a second TLB each miss of the first is a walk", "[unit][cost]") {
  Cpu cpu = small_cpu();
  cpu.l2_tlb_entries = 0;
  REQUIRE(what_is_wrong(cpu).empty());
  MemorySystem system(cpu);
  for (int lap = 0; lap < 2; ++lap) system.run(0, 8, 8, 8 * kPage / 8, AccessKind::load, TagUse::none, Cause::copy);
  CHECK(system.counts().l1_tlb_misses == 16);
  CHECK(system.counts().l2_tlb_misses == 16);
}

TEST_CASE("a checked store that misses waits by the overlap of its mode, the check itself aside", "[unit][cost]") {
  Cpu cpu = find_cpu("neoverse-v2")->cpu;
  cpu.sync_check_permille = cpu.async_check_permille = 0;
  cpu.tag_cache_bytes = 0;
  const auto price = [](const Cpu& of, TagUse tags) {
    MemorySystem memory(of);
    for (std::uint64_t line = 0; line < 1000; ++line) {
      memory.access(line * 64 * 67, AccessKind::store, tags, Cause::copy);
    }
    return memory.cycles().total();
  };
  cpu.store_overlap = cpu.sync_store_overlap = 4;
  CHECK(price(cpu, TagUse::sync) == price(cpu, TagUse::async));
  cpu.sync_store_overlap = 1;
  CHECK(price(cpu, TagUse::sync) > price(cpu, TagUse::async) + 1000u * cpu.dram_cycles / 2);
}

}  // namespace
}  // namespace mtesim
