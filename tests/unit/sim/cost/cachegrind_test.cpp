// The caches against an independent simulator: valgrind's cachegrind. scripts/cachegrind_agreement.py made data/, and
// tells how the trace is written.

#include <algorithm>
#include <array>
#include <catch2/catch.hpp>
#include <charconv>
#include <cstdint>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sim/cost/cache.h"
#include "sim/cost/memory_system.h"

namespace mtesim::test {
namespace {

constexpr std::string_view kData = "tests/unit/sim/cost/data/";
constexpr std::uint64_t kWordBytes = 8;

struct TraceAccess {
  char letter{};  // L load, S store, M both by one instruction, I fetch, J the second line of a fetch
  std::uint64_t address{};
};

std::vector<TraceAccess> read_trace() {
  std::ifstream in(std::string(kData) + "cachegrind.trace");
  REQUIRE(in.good());
  std::array<std::int64_t, 128> word{};  // by letter: of the latest
  std::vector<TraceAccess> trace;
  std::string line;
  while (std::getline(in, line)) {
    std::uint64_t times = 1;
    std::vector<std::pair<char, std::int64_t>> run;
    for (std::size_t at = 0; at < line.size();) {
      const std::size_t end = std::min(line.find(' ', at), line.size());
      const char letter = line[at];
      const auto number = [&](auto& value, int base) {
        return std::from_chars(line.data() + at + 1, line.data() + end, value, base).ptr == line.data() + end;
      };
      std::int64_t further = 0;
      REQUIRE((letter == '*' ? number(times, 10) : number(further, 36)));
      if (letter != '*') run.emplace_back(letter, further);
      at = end + 1;
    }
    for (; times > 0; --times) {
      for (const auto& [letter, further] : run) {
        std::int64_t& latest = word.at(static_cast<std::size_t>(letter));
        latest += further;
        trace.push_back({letter, static_cast<std::uint64_t>(latest) * kWordBytes});
      }
    }
  }
  return trace;
}

nlohmann::json read_counts() {
  std::ifstream in(std::string(kData) + "cachegrind.json");
  REQUIRE(in.good());
  return nlohmann::json::parse(in);
}

std::uint32_t line_of(const TraceAccess& access) { return static_cast<std::uint32_t>(access.address / kLineBytes); }

struct Misses {
  std::uint64_t fetch{};
  std::uint64_t read{};
  std::uint64_t write{};
  bool operator==(const Misses&) const = default;
};

Cache cache(const nlohmann::json& geometry, const std::string& name) {
  const std::uint32_t bytes = geometry.at(name + "_bytes");
  const std::uint32_t ways = geometry.at(name + "_ways");
  return {bytes / kLineBytes, ways};
}

TEST_CASE("the trace is the program's: so many loads and stores as cachegrind saw", "[unit][cost]") {
  const nlohmann::json counts = read_counts();
  std::array<std::uint64_t, 128> of_letter{};
  for (const TraceAccess& access : read_trace()) ++of_letter.at(static_cast<std::size_t>(access.letter));
  CHECK(of_letter['L'] == counts.at("loads"));
  CHECK(of_letter['S'] == counts.at("stores"));
  CHECK(of_letter['M'] == counts.at("loads_and_stores"));
  CHECK(of_letter['L'] > 100'000);
}

TEST_CASE("misses of two levels are cachegrind's, with write-backs that it has not", "[unit][cost]") {
  const std::vector<TraceAccess> trace = read_trace();
  const nlohmann::json counts = read_counts();
  for (const nlohmann::json& geometry : counts.at("geometries")) {
    INFO(geometry.dump());
    Cache d1 = cache(geometry, "d1");
    Cache ll = cache(geometry, "ll");
    Misses in_d1;
    Misses in_ll;
    std::uint64_t written_back = 0;
    for (std::size_t i = 0; i < trace.size(); ++i) {
      const TraceAccess& access = trace[i];
      if (access.letter == 'I') {  // the first of its line, or lines: it misses in I1
        ++in_d1.fetch;
        bool missed = !ll.use(line_of(access), false).hit;
        if (i + 1 < trace.size() && trace[i + 1].letter == 'J') {
          ++i;
          if (!ll.use(line_of(trace[i]), false).hit) missed = true;
        }
        in_ll.fetch += missed ? 1 : 0;
        continue;
      }
      const bool stores = access.letter == 'S';
      const Cache::Found found = d1.use(line_of(access), access.letter != 'L');
      if (found.hit) continue;
      ++(stores ? in_d1.write : in_d1.read);
      if (found.dirty_out != Cache::kNone) {
        ++written_back;
        ll.write_back(found.dirty_out);
      }
      if (!ll.use(line_of(access), false).hit) ++(stores ? in_ll.write : in_ll.read);
    }
    CHECK(in_d1 == Misses{geometry.at("i1_misses"), geometry.at("d1_read_misses"), geometry.at("d1_write_misses")});
    CHECK(in_ll ==
          Misses{geometry.at("ll_fetch_misses"), geometry.at("ll_read_misses"), geometry.at("ll_write_misses")});
    CHECK(written_back > 0);
  }
}

TEST_CASE("the whole memory system misses in L1D as cachegrind does in D1", "[unit][cost]") {
  const std::vector<TraceAccess> trace = read_trace();
  const nlohmann::json counts = read_counts();
  for (const nlohmann::json& geometry : counts.at("geometries")) {
    INFO(geometry.dump());
    REQUIRE(find_cpu("neoverse-v2") != nullptr);
    Cpu cpu = find_cpu("neoverse-v2")->cpu;
    cpu.l1d_bytes = geometry.at("d1_bytes");
    cpu.l1d_ways = geometry.at("d1_ways");
    cpu.l2_bytes = geometry.at("ll_bytes");
    cpu.l2_ways = geometry.at("ll_ways");
    MemorySystem system(cpu);
    for (const TraceAccess& access : trace) {
      if (access.letter == 'L' || access.letter == 'M')
        system.access(access.address, AccessKind::load, TagUse::sync, Cause::copy);
      if (access.letter == 'S' || access.letter == 'M')
        system.access(access.address, AccessKind::store, TagUse::sync, Cause::copy);
    }
    const LevelCounts& l1d = system.counts().levels[0];
    CHECK(l1d.missed[0] == geometry.at("d1_read_misses"));
    CHECK(l1d.missed[1] == geometry.at("d1_write_misses"));
    // The last level sees no fetches here; the program has 14 lines of code.
    const LevelCounts& l2 = system.counts().levels[1];
    CHECK(l2.lookups[0] == geometry.at("d1_read_misses"));
    CHECK(l2.lookups[1] == geometry.at("d1_write_misses"));
    CHECK(l2.missed[0] + 14 > geometry.at("ll_read_misses").get<std::uint64_t>());
    CHECK(l2.missed[0] <= geometry.at("ll_read_misses").get<std::uint64_t>());
    CHECK(l2.missed[1] + 14 > geometry.at("ll_write_misses").get<std::uint64_t>());
    CHECK(l2.missed[1] <= geometry.at("ll_write_misses").get<std::uint64_t>());
  }
}

}  // namespace
}  // namespace mtesim::test
