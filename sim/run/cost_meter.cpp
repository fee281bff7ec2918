#include "sim/run/cost_meter.h"

#include <algorithm>

#include "model/base/overloaded.h"

namespace mtesim {

namespace {

// What flat() tells apart beside the users' address spaces, which are numbered from 0.
constexpr std::uint64_t kKernelMemory = std::uint64_t{1} << 32;  // a buffer of its own, used again and again
constexpr std::uint64_t kPageCache = std::uint64_t{2} << 32;     // + object
constexpr std::uint64_t kRegionBits = 30;
constexpr std::uint64_t kRegions = (MemorySystem::kMostAddress >> kRegionBits);

/// What MOPS instructions and memset loops move at a time; the model counts their bytes one by one.
constexpr std::uint32_t kWide = 16;

bool is_probe(std::string_view function) {
  return function.starts_with("fault_in") || function.starts_with("probe_") || function.starts_with("fixup_user_fault");
}

bool has_kernel_side(std::string_view function) { return function == "copy_to_user" || function == "copy_from_user"; }

TagUse use_of(OnMismatch checked) {
  switch (checked) {
    case OnMismatch::ignored:
      return TagUse::none;
    case OnMismatch::recorded:
      return TagUse::async;
    case OnMismatch::fault:
      return TagUse::sync;
  }
  return TagUse::none;
}

}  // namespace

Cost& Cost::operator+=(const Cost& other) {
  cycles += other.cycles;
  memory += other.memory;
  bytes_copied += other.bytes_copied;
  return *this;
}

Cost& Cost::operator-=(const Cost& other) {
  cycles -= other.cycles;
  memory -= other.memory;
  bytes_copied -= other.bytes_copied;
  return *this;
}

CostMeter::CostMeter(const Cpu& cpu, std::vector<std::uint32_t> spaces)
    : cpu_(cpu), memory_(cpu), spaces_(std::move(spaces)), kernel_space_(kKernelMemory) {}

std::uint64_t CostMeter::flat(std::uint64_t space, std::uint64_t address) {
  const std::uint64_t key = space << (64 - kRegionBits) ^ address >> kRegionBits;
  const std::uint64_t offset = address & ((std::uint64_t{1} << kRegionBits) - 1);
  const auto found = std::find_if(regions_.begin(), regions_.end(), [&](const Region& r) { return r.key == key; });
  if (found != regions_.end()) return found->base + offset;
  regions_.push_back({key, regions_.size() % kRegions << kRegionBits});  // past the last, places are shared
  return regions_.back().base + offset;
}

void CostMeter::accessed(const Accessed& e) {
  if (e.run.count == 0) return;
  AccessRun run = e.run;
  if (run.width == 1 && run.stride == 1 && run.count > kWide) {
    const std::uint64_t tail = run.count % kWide;
    if (tail != 0) accessed({run.from(run.count - tail), nullptr, e.from_user_mode, e.checked});
    run.width = run.stride = kWide;
    run.count /= kWide;
  }
  const std::uint64_t space = round_.task.n < spaces_.size() ? spaces_[round_.task.n] : 0;
  const TagUse tags = use_of(e.checked);
  const Frame frame = frames_.back();
  const Cost before = e.from_user_mode ? so_far() : Cost{};

  // A copy goes to and fro, a line's worth at a time.
  const bool both_sides = frame.has_kernel_side && !e.from_user_mode;
  const std::uint64_t at_a_time = both_sides ? std::max<std::uint64_t>(1, kLineBytes / run.stride) : run.count;
  for (std::uint64_t done = 0; done < run.count;) {
    const std::uint64_t count = std::min(at_a_time, run.count - done);
    memory_.run(flat(space, run.at(done).address()), run.width, run.stride, count, run.kind, tags, frame.cause);
    if (both_sides) {
      const AccessKind kind = run.kind == AccessKind::load ? AccessKind::store : AccessKind::load;
      memory_.run(flat(kernel_space_, kernel_address_), run.width, run.stride, count, kind, TagUse::none, frame.cause);
      kernel_address_ += count * run.stride;
    }
    done += count;
  }
  if (e.from_user_mode) {
    memory_.set_counts(before.memory, before.cycles);
  } else if (frame.cause == Cause::copy) {
    bytes_copied_ += run.count * run.width;
  }
}

void CostMeter::observe(const Event& event) {
  std::visit(Overloaded{
                 [&](const Accessed& e) { accessed(e); },
                 [&](const Entered& e) {
                   const Frame around = frames_.back();
                   frames_.push_back({is_probe(e.name) ? Cause::probe : around.cause, has_kernel_side(e.name)});
                   if (has_kernel_side(e.name) && kernel_space_ == kKernelMemory) kernel_address_ = 0;
                 },
                 [&](const Left&) { frames_.pop_back(); },
                 [&](const PageMapped& e) {
                   kernel_space_ = kPageCache + e.object;
                   kernel_address_ = e.position.n;
                 },
                 [&](const PageUnmapped&) {
                   kernel_space_ = kKernelMemory;
                   kernel_address_ = 0;
                 },
                 [&](const PageFaultTaken& e) {
                   if (e.by_software) {
                     memory_.add(Cause::walks, cpu_.software_walk_cycles);
                     if (e.result == PageFaultResult::major) memory_.add(Cause::faults, cpu_.page_fault_major_cycles);
                     return;
                   }
                   memory_.add(Cause::faults, cpu_.exception_cycles);
                   switch (e.result) {
                     case PageFaultResult::minor:
                       return memory_.add(Cause::faults, cpu_.page_fault_minor_cycles);
                     case PageFaultResult::major:
                       return memory_.add(Cause::faults, cpu_.page_fault_major_cycles);
                     case PageFaultResult::failed:
                     case PageFaultResult::disabled:
                       return memory_.add(Cause::faults, cpu_.fixup_cycles);
                   }
                 },
                 [&](const TagFaultTaken& e) {
                   if (!e.from_user_mode) memory_.add(Cause::faults, cpu_.exception_cycles + cpu_.fixup_cycles);
                 },
                 [&](const LockTaken& e) {
                   if (!e.in_passing) memory_.add(Cause::locks, cpu_.lock_cycles);
                 },
                 [&](const CacheRead& e) {
                   if (e.from_disk) memory_.add(Cause::disk, cpu_.disk_read_cycles);
                 },
                 [&](const RoundBegins& e) { round_begins(e); },
                 [&](const FellAsleep&) {
                   // The round is made again: what it did counts for nothing, but caches stay as they are.
                   memory_.set_counts(before_round_.memory, before_round_.cycles);
                   bytes_copied_ = before_round_.bytes_copied;
                   in_round_ = false;
                 },
                 [](const auto&) {},
             },
             event);
}

Cost CostMeter::so_far() const { return {memory_.cycles(), memory_.counts(), bytes_copied_}; }

void CostMeter::end_round(CostReport& report) const {
  if (!in_round_) return;
  CostReport::Round round = round_;
  round.cost = so_far();
  round.cost -= before_round_;
  const auto same_call = [&](const CostReport::Call& call) {
    return call.task == round.task && call.call == round.call;
  };
  auto call = std::find_if(report.calls.rbegin(), report.calls.rend(), same_call);
  if (call == report.calls.rend()) {
    report.calls.push_back({round.task, round.call, 0, {}});
    call = report.calls.rbegin();
  }
  ++call->rounds;
  call->cost += round.cost;
  report.total += round.cost;
  if (report.rounds.size() < CostReport::kMostRounds) report.rounds.push_back(round);
}

void CostMeter::round_begins(const RoundBegins& e) {
  end_round(report_);
  in_round_ = true;
  before_round_ = so_far();
  round_ = {e.task, e.call, {}};
  if (e.enters_kernel) memory_.add(Cause::system_calls, cpu_.system_call_cycles);
}

CostReport CostMeter::report() const {
  CostReport report = report_;
  end_round(report);
  return report;
}

}  // namespace mtesim
