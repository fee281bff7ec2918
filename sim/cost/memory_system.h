#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "model/arch/access.h"
#include "sim/cost/cache.h"
#include "sim/cost/cpu.h"

namespace mtesim {

/// Why cycles go by.
enum class Cause : std::uint8_t {
  probe,   ///< accesses of fault-in functions: issue, and waiting for lines
  copy,    ///< accesses of everything else, on both sides of a copy
  walks,   ///< misses of the TLBs, and page tables walked by software
  tags,    ///< stores that wait for their tag, tags that come later than their line
  faults,  ///< exceptions, fixups, page faults
  locks,
  system_calls,
  disk,
};
constexpr std::size_t kCauses = 8;
[[nodiscard]] constexpr std::string_view cause_name(Cause cause) {
  constexpr std::array<std::string_view, kCauses> kNames{"probe",  "copy",  "walks",        "tags",
                                                         "faults", "locks", "system calls", "disk"};
  return kNames[static_cast<std::size_t>(cause)];
}

/// Cycles by cause, in parts of a cycle, so that sums do not depend on the order.
class Cycles {
 public:
  static constexpr std::uint64_t kPerCycle = 1000;

  void add(Cause cause, std::uint64_t parts) { parts_[static_cast<std::size_t>(cause)] += parts; }
  [[nodiscard]] std::uint64_t parts(Cause cause) const { return parts_[static_cast<std::size_t>(cause)]; }
  [[nodiscard]] std::uint64_t parts() const {
    std::uint64_t sum = 0;
    for (const std::uint64_t part : parts_) sum += part;
    return sum;
  }
  [[nodiscard]] std::uint64_t of(Cause cause) const { return (parts(cause) + kPerCycle / 2) / kPerCycle; }
  [[nodiscard]] std::uint64_t total() const { return (parts() + kPerCycle / 2) / kPerCycle; }
  Cycles& operator+=(const Cycles& other) {
    for (std::size_t i = 0; i < kCauses; ++i) parts_[i] += other.parts_[i];
    return *this;
  }
  Cycles& operator-=(const Cycles& other) {
    for (std::size_t i = 0; i < kCauses; ++i) parts_[i] -= other.parts_[i];
    return *this;
  }
  bool operator==(const Cycles&) const = default;

 private:
  std::array<std::uint64_t, kCauses> parts_{};
};

/// What a level of the caches saw. A lookup is one access to one line: an access that straddles two lines makes two.
struct LevelCounts {
  std::array<std::uint64_t, 2> lookups{};  ///< by AccessKind; a store that misses asks the next level for its line, too
  std::array<std::uint64_t, 2> missed{};
  std::uint64_t written_back{};  ///< dirty lines that left it
  [[nodiscard]] std::uint64_t misses() const { return missed[0] + missed[1]; }
  [[nodiscard]] std::uint64_t hits() const { return lookups[0] + lookups[1] - misses(); }
  bool operator==(const LevelCounts&) const = default;
};

struct MemoryCounts {
  std::array<LevelCounts, 3> levels;  ///< L1D, L2, L3; of a CPU without L3 the last stays 0
  std::uint64_t l1_tlb_misses{};
  std::uint64_t l2_tlb_misses{};  ///< walks
  std::uint64_t lines_in{};       ///< from memory
  std::uint64_t lines_out{};      ///< to memory
  std::uint64_t lines_dirtied{};  ///< in L1D; one that was written back can be dirtied again
  std::uint64_t tag_lookups{};    ///< by lines from memory whose tags were wanted
  std::uint64_t tag_misses{};     ///< of the tag cache
  std::uint64_t tag_bytes{};      ///< tags that were moved
  MemoryCounts& operator+=(const MemoryCounts& other);
  MemoryCounts& operator-=(const MemoryCounts& other);
  bool operator==(const MemoryCounts&) const = default;
};

/// How the tags of what is accessed are checked.
enum class TagUse : std::uint8_t {
  none,   ///< they are not: memory without tags, or a path that checks none
  async,  ///< whoever accesses does not wait
  sync,   ///< a store waits for its tag
};

/// TLBs, caches, tag cache and memory behind one core, and what accesses cost in them.
/// Shape:   addresses 0 … 128 GiB; lines of 64 bytes, pages of 4 KiB.
/// Order:   the accesses', one after another; what overlaps is put as a divisor (docs/cost.md).
class MemorySystem {
 public:
  static constexpr std::uint64_t kMostAddress = (std::uint64_t{1} << 37) - kLineBytes - 1;
  static constexpr std::uint32_t kLinesPerPage = 64;
  static constexpr std::uint32_t kNoLine = ~std::uint32_t{1};

  /// `cpu`: nothing is wrong with it.
  explicit MemorySystem(const Cpu& cpu);

  /// One access that does not straddle two lines. Its own cycles go to `cause`.
  void access(std::uint64_t address, AccessKind kind, TagUse tags, Cause cause);
  /// The same as access() for each of a run, those that straddle touching both lines.
  void run(std::uint64_t first, std::uint32_t width, std::uint32_t stride, std::uint64_t count, AccessKind kind,
           TagUse tags, Cause cause);
  /// A load whose address comes from the one before: nothing overlaps. Returns its cycles.
  std::uint32_t dependent_load(std::uint64_t address);

  [[nodiscard]] const MemoryCounts& counts() const { return counts_; }
  [[nodiscard]] const Cycles& cycles() const { return cycles_; }
  void add(Cause cause, std::uint64_t cycles) { cycles_.add(cause, cycles * Cycles::kPerCycle); }
  /// What was counted and paid is replaced; what is in the caches stays.
  void set_counts(const MemoryCounts& counts, const Cycles& cycles) {
    counts_ = counts;
    cycles_ = cycles;
  }

 private:
  /// Where a line was found, and that of a page.
  enum class Level : std::uint8_t { l1, l2, l3, memory };
  /// How many misses wait at a time depends on who waits.
  enum class Waiting : std::uint8_t { load, load_in_stream, store, store_in_stream, sync_store };
  using Waits = std::array<std::uint64_t, 5>;
  static std::size_t waiting(AccessKind kind, TagUse tags, bool in_stream) {
    if (kind == AccessKind::store && tags == TagUse::sync) return static_cast<std::size_t>(Waiting::sync_store);
    return (kind == AccessKind::store ? 2 : 0) + (in_stream ? 1 : 0);
  }
  struct Costs {                           // in parts of a cycle
    std::array<std::uint64_t, 2> issue{};  // by kind
    std::array<std::uint64_t, 3> check{};  // of a store, by use of tags
    std::array<std::uint64_t, 4> line{};   // between two lines at the most, by level
    std::array<Waits, 4> wait{};           // for a line, by level
    Waits late_tags{};                     // beyond that, when the tag cache misses
    Waits l2_tlb{};
    Waits walk{};
  };

  void issue(std::uint64_t accesses, AccessKind kind, TagUse tags, Cause cause) {
    cycles_.add(cause, costs_.issue[kind == AccessKind::store ? 1 : 0] * accesses);
    if (kind == AccessKind::store && tags != TagUse::none)
      cycles_.add(Cause::tags, costs_.check[static_cast<std::size_t>(tags)] * accesses);
  }
  /// Whether the line is one of the two used last, and dirty if it is to be.
  bool is_at_hand(std::uint32_t line, bool store) {
    const std::uint32_t wanted = line << 1 | 1;
    const std::uint32_t any = store ? 0 : 1;
    for (std::uint32_t i = 0; i < 2; ++i) {
      if ((lines_[i] | any) != wanted) continue;
      latest_ = i;
      return true;
    }
    return false;
  }
  void look(std::uint32_t line, AccessKind kind, TagUse tags, Cause cause) {
    const bool store = kind == AccessKind::store;
    ++counts_.levels[0].lookups[store ? 1 : 0];
    if (!is_at_hand(line, store)) look_deeper(line, kind, tags, cause);
  }
  void look_deeper(std::uint32_t line, AccessKind kind, TagUse tags, Cause cause);
  void translate(std::uint32_t page, AccessKind kind, TagUse tags);
  void miss(std::uint32_t line, AccessKind kind, TagUse tags, Cause cause);
  Level fetch(std::uint32_t line, AccessKind kind, Cause cause);
  void write_back(std::uint32_t line, std::size_t level, Cause cause);
  bool fetch_tags(std::uint32_t line);
  bool goes_on_a_stream(std::uint32_t line);

  Cpu cpu_;
  Costs costs_;
  Tlb l1_tlb_;
  Tlb l2_tlb_;
  std::array<Cache, 3> caches_;
  std::size_t levels_{};
  Cache tag_cache_;
  std::array<std::uint32_t, 64> streams_{};  // by page: the line behind the last one that was missed there, and 1
  // What was used last and before that: the first level has it, in whatever order. So a copy that goes to and fro
  // between two lines need not ask.
  std::array<std::uint32_t, 2> lines_{kNoLine, kNoLine};  // number << 1 | dirty
  std::uint32_t latest_{};                                // of lines_; the later of pages_ is the first
  std::array<std::uint32_t, 2> pages_{Cache::kNone, Cache::kNone};
  std::uint32_t line_asked_{kNoLine >> 1};  // what the first level was asked for last
  std::uint32_t page_asked_{Cache::kNone};  // and the first TLB
  MemoryCounts counts_;
  Cycles cycles_;
};

inline void MemorySystem::access(std::uint64_t address, AccessKind kind, TagUse tags, Cause cause) {
  issue(1, kind, tags, cause);
  look(static_cast<std::uint32_t>(address / kLineBytes), kind, tags, cause);
}

}  // namespace mtesim
