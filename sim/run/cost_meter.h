#pragma once

#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "sim/cost/memory_system.h"
#include "sim/run/observers.h"

namespace mtesim {

/// What a stretch of a run cost.
struct Cost {
  Cycles cycles;
  MemoryCounts memory;
  std::uint64_t bytes_copied{};  ///< by uaccess, on the user's side; probes do not count
  Cost& operator+=(const Cost& other);
  Cost& operator-=(const Cost& other);
  bool operator==(const Cost&) const = default;
};

/// The cost of a run: all of it, by system call, and by round.
struct CostReport {
  struct Call {
    TaskId task;
    std::uint32_t call{};
    std::uint64_t rounds{};
    Cost cost;
  };
  struct Round {
    TaskId task;
    std::uint32_t call{};
    Cost cost;
  };
  static constexpr std::size_t kMostRounds = 1000;

  Cost total;
  std::vector<Call> calls;    ///< in the order of their first rounds
  std::vector<Round> rounds;  ///< the first kMostRounds of them
};

/// Prices a run by the memory system of a CPU, beginning with cold caches. What the user's program itself accesses
/// warms them and is not paid for. One core runs all tasks.
/// Assumes: lines are known by the user's address or, on the kernel's side, by the page of the file: two mappings of
///          one page are not seen to be one.
class CostMeter final : public Observer {
 public:
  /// `spaces`: address space of each task; nothing is wrong with `cpu`.
  CostMeter(const Cpu& cpu, std::vector<std::uint32_t> spaces);

  void observe(const Event& event) override;
  /// Up to here, the round that is under way included.
  [[nodiscard]] CostReport report() const;
  [[nodiscard]] std::uint64_t cycles() const { return memory_.cycles().total(); }

 private:
  /// A kernel function that was entered and not left.
  struct Frame {
    Cause cause{Cause::copy};
    bool has_kernel_side{};  ///< it copies: its accesses to user memory go with others to the kernel's own
  };
  struct Region {
    std::uint64_t key{};
    std::uint64_t base{};
  };

  void accessed(const Accessed& e);
  void round_begins(const RoundBegins& e);
  void end_round(CostReport& report) const;
  [[nodiscard]] Cost so_far() const;
  /// The memory system's address of what `space` has at `address`.
  std::uint64_t flat(std::uint64_t space, std::uint64_t address);

  Cpu cpu_;
  MemorySystem memory_;
  std::vector<std::uint32_t> spaces_;
  std::vector<Region> regions_;
  std::vector<Frame> frames_{1};
  std::uint64_t kernel_space_{};    ///< where the kernel's side of a copy is
  std::uint64_t kernel_address_{};  ///< and how far it is
  std::uint64_t bytes_copied_{};

  CostReport report_;
  CostReport::Round round_;  ///< under way
  Cost before_round_;
  bool in_round_{};
};

}  // namespace mtesim
