// Microbenchmarks in the memory model beside published figures: a row "model | published | ratio" for each figure of
// docs/cost-published.json, as Markdown. Then, in cycles a line, what nobody published: work in 128 MiB that no cache
// holds.
//   memory_table docs/cost-published.json

#include <fmt/format.h>

#include <cstdio>
#include <exception>
#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <vector>

#include "sim/cost/memory_system.h"

namespace mtesim {

namespace {

constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;
constexpr std::uint64_t kPage = 4096;
constexpr std::uint32_t kWidth = 16;  // of a load or a store
constexpr std::uint64_t kFilled = 128 * kMiB;
constexpr std::uint64_t kLinesFilled = kFilled / kLineBytes;
constexpr std::uint64_t kBeyondCaches = 512 * kMiB;

/// What fits in a level, and not in the one before it.
std::uint64_t working_set(const Cpu& cpu, const std::string& level) {
  if (level == "l1") return cpu.l1d_bytes / 2;
  if (level == "l2") return cpu.l2_bytes / 2;
  if (level == "l3") return cpu.l3_bytes / 2;
  return kBeyondCaches;
}

/// In pages so large that no translation is missed, as those who publish latencies take.
Cpu without_tlb_misses(Cpu cpu) {
  cpu.l2_tlb_cycles = 0;
  cpu.walk_cycles = 0;
  return cpu;
}

/// Cycles from load to use, of a pointer chase that never goes on a stream.
double latency(const Cpu& cpu, const std::string& level) {
  MemorySystem system(without_tlb_misses(cpu));
  const std::uint64_t lines = working_set(cpu, level) / kLineBytes;  // a power of two
  const std::uint64_t step = lines * 5 / 8 + 1;                      // odd: it comes to all of them
  std::uint64_t cycles = 0;
  for (int round = 0; round < 2; ++round) {
    cycles = 0;
    for (std::uint64_t i = 0, line = 0; i < lines; ++i, line = (line + step) % lines)
      cycles += system.dependent_load(line * kLineBytes);
  }
  return static_cast<double>(cycles) / static_cast<double>(lines);
}

/// Bytes a cycle, of loads in order.
double read_rate(const Cpu& cpu, const std::string& level) {
  MemorySystem system(without_tlb_misses(cpu));
  const std::uint64_t bytes = working_set(cpu, level);
  const auto round = [&] {
    system.run(0, kWidth, kWidth, bytes / kWidth, AccessKind::load, TagUse::none, Cause::copy);
  };
  round();
  system.set_counts({}, {});
  round();
  return static_cast<double>(bytes) / static_cast<double>(system.cycles().total());
}

enum class Work { read, fill, copy_from_user, copy_to_user };

/// Cycles a line, in memory that no cache holds. Tags are checked where the user's memory is.
double beyond_caches(const Cpu& cpu, Work work, TagUse tags) {
  MemorySystem system(cpu);
  const auto page = [&](std::uint64_t first, AccessKind kind, TagUse use) {
    system.run(first, kWidth, kWidth, kPage / kWidth, kind, use, Cause::copy);
  };
  for (std::uint64_t at = 0; at < kFilled; at += kPage) {
    if (work != Work::fill) page(at, AccessKind::load, work == Work::copy_to_user ? TagUse::none : tags);
    if (work != Work::read)
      page(kBeyondCaches + at, AccessKind::store, work == Work::copy_from_user ? TagUse::none : tags);
  }
  return static_cast<double>(system.cycles().total()) / static_cast<double>(kLinesFilled);
}

/// Cycles a line that a program fills in memory that it has just got: every page is faulted in and cleared by the
/// kernel, whose stores are part of the fault's price.
double fresh_fill(const Cpu& cpu, TagUse tags) {
  MemorySystem system(cpu);
  for (std::uint64_t at = 0; at < kFilled; at += kPage) {
    const MemoryCounts counted = system.counts();
    const Cycles paid = system.cycles();
    system.run(at, kWidth, kWidth, kPage / kWidth, AccessKind::store, TagUse::none, Cause::faults);
    system.set_counts(counted, paid);
    system.add(Cause::faults, std::uint64_t{cpu.exception_cycles} + cpu.page_fault_minor_cycles);
    system.run(at, kWidth, kWidth, kPage / kWidth, AccessKind::store, tags, Cause::copy);
  }
  return static_cast<double>(system.cycles().total()) / static_cast<double>(kLinesFilled);
}

double tag_traffic(const Cpu& cpu) {
  MemorySystem system(cpu);
  system.run(0, kWidth, kWidth, kFilled / kWidth, AccessKind::load, TagUse::sync, Cause::copy);
  const MemoryCounts& counts = system.counts();
  return static_cast<double>(counts.tag_bytes) / static_cast<double>(counts.lines_in * kLineBytes);
}

/// A figure of the model, in the unit of the published one.
double modelled(const Cpu& cpu, double ghz, const std::string& what, const std::string& unit) {
  const std::string level = what.substr(0, what.find(' '));
  const auto in_unit = [&](double cycles) { return unit == "ns" ? cycles / ghz : cycles; };
  if (what.ends_with(" latency")) return in_unit(latency(cpu, level));
  if (what.ends_with(" read bandwidth")) return read_rate(cpu, level) * ghz;
  if (what == "tag bytes over data bytes") return tag_traffic(cpu);
  const double none = fresh_fill(cpu, TagUse::none);
  if (what == "fresh fill") return none / ghz * kLinesFilled / 1e6;
  const double checked = fresh_fill(cpu, what.starts_with("sync") ? TagUse::sync : TagUse::async);
  if (what.ends_with("fresh fill over none")) return checked / none;
  if (what.ends_with("fill, more than none, a line")) return in_unit(checked - none);
  throw std::runtime_error("nothing measures \"" + what + "\"");
}

void table(const nlohmann::json& published) {
  fmt::print("| CPU | what | model | published | ratio | source |\n| --- | --- | --- | --- | --- | --- |\n");
  std::string of;
  double ghz = 1;
  for (const nlohmann::json& figure : published) {
    const std::string name = figure.at("cpu");
    const std::string what = figure.at("what");
    const std::string unit = figure.at("unit");
    const double value = figure.at("value");
    if (what == "clock") {
      of = name;
      ghz = value;
      continue;
    }
    const NamedCpu* cpu = find_cpu(name);
    if (cpu == nullptr) throw std::runtime_error("found CPU \"" + name + "\"; it is not in sim/cost/cpus");
    if (unit == "ns" || unit == "GB/s" || unit == "ms") {
      if (of != name) throw std::runtime_error(name + ": its clock must come first");
    }
    const double model = modelled(cpu->cpu, ghz, what, unit);
    const std::string unit_after = unit == "ratio" ? "" : " " + unit;
    fmt::print("| `{}` | {} | {:.4g}{} | {:.4g}{} | {:.2f} | [{}] |\n", name, what, model, unit_after, value,
               unit_after, model / value, figure.at("source").get<std::string>());
  }
}

void unpublished() {
  fmt::print(
      "\n| CPU | read | read, sync | fill | fill, async | fill, sync | sync over none | copy | from user, sync | to "
      "user, "
      "sync |\n| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n");
  for (const NamedCpu& named : cpus()) {
    const auto of = [&](Work work, TagUse tags) { return beyond_caches(named.cpu, work, tags); };
    const double fill = of(Work::fill, TagUse::none);
    const double sync = of(Work::fill, TagUse::sync);
    fmt::print("| `{}` | {:.1f} | {:.1f} | {:.1f} | {:.1f} | {:.1f} | {:.2f} | {:.1f} | {:.1f} | {:.1f} |\n",
               named.name, of(Work::read, TagUse::none), of(Work::read, TagUse::sync), fill,
               of(Work::fill, TagUse::async), sync, sync / fill, of(Work::copy_to_user, TagUse::none),
               of(Work::copy_from_user, TagUse::sync), of(Work::copy_to_user, TagUse::sync));
  }
}

}  // namespace

}  // namespace mtesim

int main(int argc, char** argv) {
  try {
    std::ifstream in(argc == 2 ? argv[1] : "docs/cost-published.json");
    if (!in) throw std::runtime_error("usage: memory_table docs/cost-published.json");
    mtesim::table(nlohmann::json::parse(in));
    mtesim::unpublished();
  } catch (const std::exception& e) {
    fmt::print(stderr, "memory_table: {}\n", e.what());
    return 1;
  }
  return 0;
}
