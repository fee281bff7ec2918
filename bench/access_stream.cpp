// Replays a stream of 8-byte accesses through the memory system: TLBs, tags, caches with write-back, cycles.
//   sequential   loads from one buffer of 64 MiB, each stored to another, in order
//   random       loads at offsets of 64 MiB, drawn by xorshift
// Prints one JSON line. The caches are those that docs/performance.md compares with, unless --cpu names a CPU.
//   access_stream --pattern random --accesses 67108864

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <ctime>
#include <string>
#include <vector>

#include "model/arch/page_tags.h"
#include "sim/cost/memory_system.h"

namespace mtesim {

namespace {

constexpr std::uint64_t kWords = 8u << 20;  // of 8 bytes, in a buffer
constexpr std::uint64_t kBuffer = kWords * 8;
constexpr std::uint64_t kPage = 4096;
constexpr Tag kTag{7};

double cpu_seconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

/// The tags of two buffers. A page whose tags are alike is known by one byte.
class TaggedMemory {
 public:
  TaggedMemory() : pages_(2 * kBuffer / kPage), alike_(pages_.size()) {
    for (std::size_t i = 0; i < pages_.size(); ++i) {
      pages_[i].set_all(kTag, kPage / kGranule.n);
      alike_[i] = kTag.bits;
    }
  }
  [[nodiscard]] bool matches(std::uint64_t address, Tag pointer) const {
    const std::uint8_t tag = alike_[address / kPage];
    if (tag != kMixed) return tag == pointer.bits;
    return pages_[address / kPage].at(address % kPage / kGranule.n) == pointer;
  }

 private:
  static constexpr std::uint8_t kMixed = 0xff;
  std::vector<PageTags> pages_;
  std::vector<std::uint8_t> alike_;
};

class Replay {
 public:
  Replay(const Cpu& cpu, TagUse tags, Tag pointer) : system_(cpu), tags_(tags), pointer_(pointer) {}

  void sequential(std::uint64_t accesses) {
    for (std::uint64_t i = 0; i < accesses / 2; ++i) {
      const std::uint64_t offset = i % kWords * 8;
      access(offset, AccessKind::load);
      access(kBuffer + offset, AccessKind::store);
    }
  }
  void random(std::uint64_t accesses) {
    std::uint64_t x = 88172645463325252u;
    for (std::uint64_t i = 0; i < accesses; ++i) {
      x ^= x << 13;
      x ^= x >> 7;
      x ^= x << 17;
      access(x % kWords * 8, AccessKind::load);
    }
  }
  [[nodiscard]] const MemorySystem& system() const { return system_; }
  [[nodiscard]] std::uint64_t tag_faults() const { return tag_faults_; }

 private:
  [[gnu::always_inline]] void access(std::uint64_t address, AccessKind kind) {
    if (!memory_.matches(address, pointer_)) {
      ++tag_faults_;
      return;
    }
    system_.access(address, kind, tags_, Cause::copy);
  }

  TaggedMemory memory_;
  MemorySystem system_;
  TagUse tags_;
  Tag pointer_;
  std::uint64_t tag_faults_{};
};

/// Caches of 32 KiB and 1 MiB, as in other programs that were given these streams, one TLB, and tags that come with
/// their line: those programs have no more than that. All else as of `cpu`.
Cpu with_small_caches(Cpu cpu) {
  cpu.l1d_bytes = 32 << 10;
  cpu.l1d_ways = 8;
  cpu.l2_bytes = 1 << 20;
  cpu.l2_ways = 16;
  cpu.l3_bytes = 0;
  cpu.l1_tlb_entries = 64;
  cpu.l1_tlb_ways = 4;
  cpu.l2_tlb_entries = 0;
  cpu.tag_cache_bytes = 0;
  return cpu;
}

int bench(const std::string& pattern, std::uint64_t accesses, const std::string& cpu_name, const std::string& tags) {
  const NamedCpu* cpu = find_cpu(cpu_name.empty() ? "neoverse-v2" : cpu_name);
  if (cpu == nullptr) {
    std::vector<std::string_view> names;
    for (const NamedCpu& known : cpus()) names.push_back(known.name);
    fmt::print(stderr, "access_stream: found CPU \"{}\"; allowed: {}\n", cpu_name, fmt::join(names, ", "));
    return 2;
  }
  const TagUse use = tags == "none" ? TagUse::none : tags == "async" ? TagUse::async : TagUse::sync;
  Replay replay(cpu_name.empty() ? with_small_caches(cpu->cpu) : cpu->cpu, use, kTag);
  const double begin = cpu_seconds();
  if (pattern == "sequential") {
    replay.sequential(accesses);
  } else {
    replay.random(accesses);
  }
  const double seconds = cpu_seconds() - begin;
  const MemoryCounts& c = replay.system().counts();
  fmt::print(
      R"({{"pattern": "{}", "accesses": {}, "cpu_seconds": {:.4f}, "l1d_misses": {}, "l2_misses": {}, "l3_misses": {}, )"
      R"("l1d_written_back": {}, "lines_in": {}, "lines_out": {}, "l1_tlb_misses": {}, "l2_tlb_misses": {}, )"
      R"("tag_bytes": {}, "tag_faults": {}, "cycles": {}}})"
      "\n",
      pattern, accesses, seconds, c.levels[0].misses(), c.levels[1].misses(), c.levels[2].misses(),
      c.levels[0].written_back, c.lines_in, c.lines_out, c.l1_tlb_misses, c.l2_tlb_misses, c.tag_bytes,
      replay.tag_faults(), replay.system().cycles().total());
  return replay.tag_faults() == 0 ? 0 : 1;
}

}  // namespace

}  // namespace mtesim

int main(int argc, char** argv) {
  CLI::App app{"Replays a stream of 8-byte accesses through the memory system."};
  std::string pattern = "sequential";
  std::uint64_t accesses = std::uint64_t{1} << 26;
  std::string cpu;
  std::string tags = "sync";
  app.add_option("--pattern", pattern, "sequential or random")->check(CLI::IsMember({"sequential", "random"}));
  app.add_option("--accesses", accesses, "how many")->check(CLI::Range(std::uint64_t{1}, std::uint64_t{1} << 40));
  app.add_option("--cpu", cpu, "with the caches of this CPU: mtesim list cpus");
  app.add_option("--tags", tags, "how tags are checked")->check(CLI::IsMember({"none", "async", "sync"}));
  CLI11_PARSE(app, argc, argv);
  return mtesim::bench(pattern, accesses, cpu, tags);
}
