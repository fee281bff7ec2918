#include "sim/cost/memory_system.h"

#include <algorithm>
#include <utility>

namespace mtesim {

namespace {

constexpr std::uint32_t kLinesPerTagLine = 32;  // two tags of 4 bits a byte, a granule of 16 bytes each
constexpr std::uint64_t kTagBytesPerLine = kLineBytes / kLinesPerTagLine;

Cache cache_of(std::uint32_t bytes, std::uint32_t ways) {
  return bytes == 0 ? Cache() : Cache(bytes / kLineBytes, ways);
}

template <class Combine>
void combine(MemoryCounts& a, const MemoryCounts& b, Combine&& with) {
  for (std::size_t i = 0; i < a.levels.size(); ++i) {
    for (std::size_t kind = 0; kind < 2; ++kind) {
      with(a.levels[i].lookups[kind], b.levels[i].lookups[kind]);
      with(a.levels[i].missed[kind], b.levels[i].missed[kind]);
    }
    with(a.levels[i].written_back, b.levels[i].written_back);
  }
  for (const auto field : {&MemoryCounts::l1_tlb_misses, &MemoryCounts::l2_tlb_misses, &MemoryCounts::lines_in,
                           &MemoryCounts::lines_out, &MemoryCounts::lines_dirtied, &MemoryCounts::tag_lookups,
                           &MemoryCounts::tag_misses, &MemoryCounts::tag_bytes}) {
    with(a.*field, b.*field);
  }
}

}  // namespace

MemoryCounts& MemoryCounts::operator+=(const MemoryCounts& other) {
  combine(*this, other, [](std::uint64_t& a, std::uint64_t b) { a += b; });
  return *this;
}

MemoryCounts& MemoryCounts::operator-=(const MemoryCounts& other) {
  combine(*this, other, [](std::uint64_t& a, std::uint64_t b) { a -= b; });
  return *this;
}

MemorySystem::MemorySystem(const Cpu& cpu)
    : cpu_(cpu),
      l1_tlb_(cpu.l1_tlb_entries, cpu.l1_tlb_ways),
      l2_tlb_(cpu.l2_tlb_entries, cpu.l2_tlb_ways),
      caches_{cache_of(cpu.l1d_bytes, cpu.l1d_ways), cache_of(cpu.l2_bytes, cpu.l2_ways),
              cache_of(cpu.l3_bytes, cpu.l3_ways)},
      levels_(cpu.l3_bytes == 0 ? 2 : 3),
      tag_cache_(cache_of(cpu.tag_cache_bytes, cpu.tag_cache_ways)) {
  constexpr std::uint64_t kParts = Cycles::kPerCycle;
  costs_.issue = {kParts / std::min(cpu.load_pipes, cpu.issue_width),
                  kParts / std::min(cpu.store_pipes, cpu.issue_width)};
  costs_.check = {0, cpu.async_check_permille, cpu.sync_check_permille};
  costs_.line = {0, cpu.l2_line_cycles * kParts, cpu.l3_line_cycles * kParts, cpu.dram_line_cycles * kParts};
  const std::uint64_t beside = std::max(cpu.stream_overlap, cpu.store_overlap);
  const auto waits = [&](std::uint64_t cycles) {
    const std::uint64_t parts = cycles * kParts;
    return Waits{parts / cpu.load_overlap, parts / cpu.stream_overlap, parts / cpu.store_overlap, parts / beside,
                 parts / cpu.sync_store_overlap};
  };
  const std::array<std::uint32_t, 4> latency{cpu.l1d_cycles, cpu.l2_cycles, cpu.l3_cycles, cpu.dram_cycles};
  for (std::size_t level = 1; level < latency.size(); ++level) {
    costs_.wait[level] = waits(latency[level] - std::min(latency[level], cpu.l1d_cycles));
    for (std::uint64_t& wait : costs_.wait[level]) wait = std::max(wait, costs_.line[level]);
  }
  costs_.late_tags = waits(cpu.tag_miss_cycles);
  costs_.l2_tlb = waits(cpu.l2_tlb_cycles);
  costs_.walk = waits(cpu.l2_tlb_cycles + cpu.walk_cycles);
}

[[gnu::always_inline]] inline void MemorySystem::translate(std::uint32_t page, AccessKind kind, TagUse tags) {
  const std::uint32_t before = pages_[1];
  pages_[1] = pages_[0];
  pages_[0] = page;
  if (page == before) return;
  if (pages_[1] != page_asked_) l1_tlb_.use(pages_[1]);  // as lines in look_deeper()
  page_asked_ = page;
  if (l1_tlb_.use(page)) return;
  ++counts_.l1_tlb_misses;
  const bool found = l2_tlb_.use(page);
  if (!found) ++counts_.l2_tlb_misses;
  cycles_.add(Cause::walks, (found ? costs_.l2_tlb : costs_.walk)[waiting(kind, tags, false)]);
}

[[gnu::always_inline]] inline bool MemorySystem::goes_on_a_stream(std::uint32_t line) {
  const bool goes_on = streams_[(line - 1) / kLinesPerPage % streams_.size()] == line + 1;  // never of line 0
  streams_[line / kLinesPerPage % streams_.size()] = line + 2;
  return goes_on;
}

[[gnu::always_inline]] inline void MemorySystem::write_back(std::uint32_t line, std::size_t level, Cause cause) {
  ++counts_.levels[level].written_back;
  for (std::size_t next = level + 1; next < levels_; ++next) {
    cycles_.add(cause, costs_.line[next]);
    if (caches_[next].write_back(line)) return;
  }
  cycles_.add(cause, costs_.line[3]);
  ++counts_.lines_out;
}

[[gnu::always_inline]] inline MemorySystem::Level MemorySystem::fetch(std::uint32_t line, AccessKind kind,
                                                                      Cause cause) {
  const std::size_t of_kind = kind == AccessKind::store ? 1 : 0;
  for (std::size_t level = 1; level < levels_; ++level) {
    ++counts_.levels[level].lookups[of_kind];
    const Cache::Found found = caches_[level].use(line, false);
    if (found.hit) return static_cast<Level>(level);
    ++counts_.levels[level].missed[of_kind];
    if (found.dirty_out != Cache::kNone) write_back(found.dirty_out, level, cause);
  }
  ++counts_.lines_in;
  return Level::memory;
}

[[gnu::always_inline]] inline bool MemorySystem::fetch_tags(std::uint32_t line) {
  ++counts_.tag_lookups;
  if (!tag_cache_.exists()) {
    counts_.tag_bytes += kTagBytesPerLine;
    return true;
  }
  if (tag_cache_.use(line / kLinesPerTagLine, false).hit) return true;
  ++counts_.tag_misses;
  counts_.tag_bytes += kLineBytes;
  return false;
}

[[gnu::always_inline]] inline void MemorySystem::miss(std::uint32_t line, AccessKind kind, TagUse tags, Cause cause) {
  const bool streams = goes_on_a_stream(line);
  const auto level = static_cast<std::size_t>(fetch(line, kind, cause));
  const std::uint64_t wait = costs_.wait[level][waiting(kind, TagUse::none, streams)];
  cycles_.add(cause, wait);
  if (tags == TagUse::none) return;

  // The rest is what tags add.
  const bool late = level == static_cast<std::size_t>(Level::memory) && !fetch_tags(line);
  const std::size_t who = waiting(kind, tags, streams);
  std::uint64_t more = std::max(costs_.wait[level][who], wait) - wait;
  if (late) more += costs_.line[3] + (tags == TagUse::sync ? costs_.late_tags[who] : 0);
  cycles_.add(Cause::tags, more);
}

void MemorySystem::look_deeper(std::uint32_t line, AccessKind kind, TagUse tags, Cause cause) {
  const bool store = kind == AccessKind::store;
  const std::uint32_t latest = lines_[latest_] >> 1;
  if (latest != line_asked_) caches_[0].use(latest, false);  // it has come to be that since the cache was asked
  const std::uint32_t page = line / kLinesPerPage;
  if (pages_[0] != latest / kLinesPerPage) std::swap(pages_[0], pages_[1]);
  if (page != pages_[0]) translate(page, kind, tags);

  line_asked_ = line;
  const Cache::Found found = caches_[0].use(line, store);
  counts_.lines_dirtied += found.made_dirty ? 1 : 0;
  if (latest != line) latest_ ^= 1;
  lines_[latest_] = line << 1 | (store ? 1 : 0);
  if (found.hit) return;
  ++counts_.levels[0].missed[store ? 1 : 0];
  if (cpu_.l1d_ways == 1) lines_[latest_ ^ 1] = kNoLine;  // it may be the one that had to go
  if (found.dirty_out != Cache::kNone) write_back(found.dirty_out, 0, cause);
  miss(line, kind, tags, cause);
}

void MemorySystem::run(std::uint64_t first, std::uint32_t width, std::uint32_t stride, std::uint64_t count,
                       AccessKind kind, TagUse tags, Cause cause) {
  if (count == 0) return;
  const std::size_t of_kind = kind == AccessKind::store ? 1 : 0;
  issue(count, kind, tags, cause);

  const std::uint64_t end = first + (count - 1) * stride + width;
  std::uint64_t next = 0;  // the first access that ends in the line or behind it
  for (std::uint64_t address = first; address < end;) {
    const std::uint64_t line_end = (address / kLineBytes + 1) * kLineBytes;
    look(static_cast<std::uint32_t>(address / kLineBytes), kind, tags, cause);
    // The others that touch this line find it: nothing comes between.
    const std::uint64_t begins_behind = stride == 0 ? count : std::min(count, (line_end - first + stride - 1) / stride);
    counts_.levels[0].lookups[of_kind] += begins_behind - next - 1;
    if (first + width > line_end) {
      next = 0;
    } else {
      next = stride == 0 ? count : std::min(count, (line_end - first - width) / stride + 1);
    }
    address = next < begins_behind ? line_end : first + next * stride;
    if (next == count) break;
  }
}

std::uint32_t MemorySystem::dependent_load(std::uint64_t address) {
  const auto line = static_cast<std::uint32_t>(address / kLineBytes);
  const MemoryCounts before = counts_;
  const Cycles paid = cycles_;
  look(line, AccessKind::load, TagUse::none, Cause::copy);
  cycles_ = paid;
  std::uint32_t cycles = cpu_.l1d_cycles;
  const auto missed = [&](std::size_t level) { return counts_.levels[level].misses() > before.levels[level].misses(); };
  if (missed(0)) cycles = cpu_.l2_cycles;
  if (missed(1)) cycles = levels_ == 3 ? cpu_.l3_cycles : cpu_.dram_cycles;
  if (missed(2)) cycles = cpu_.dram_cycles;
  if (counts_.l1_tlb_misses > before.l1_tlb_misses) cycles += cpu_.l2_tlb_cycles;
  if (counts_.l2_tlb_misses > before.l2_tlb_misses) cycles += cpu_.walk_cycles;
  add(Cause::copy, cycles);
  return cycles;
}

}  // namespace mtesim
