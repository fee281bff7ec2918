#include "sim/run/cost_meter.h"

#include <catch2/catch.hpp>

#include "sim/run/run.h"
#include "tests/support/workloads.h"

namespace mtesim::test {
namespace {

constexpr std::uint64_t kBase = AddressSpace::kBaseAddress;

const Cpu& server() { return find_cpu("neoverse-v2")->cpu; }

Accessed loads(std::uint64_t at, std::uint64_t count, OnMismatch checked = OnMismatch::ignored) {
  return {{UserPtr(kBase + at), 8, 8, count, AccessKind::load}, nullptr, false, checked};
}

Accessed stores(std::uint64_t at, std::uint64_t count, OnMismatch checked = OnMismatch::ignored) {
  return {{UserPtr(kBase + at), 8, 8, count, AccessKind::store}, nullptr, false, checked};
}

void within(CostMeter& meter, const char* function, const std::vector<Event>& events) {
  meter.observe(Entered{function, {}, {}});
  for (const Event& event : events) meter.observe(event);
  meter.observe(Left{function, std::nullopt});
}

TEST_CASE("the parts of a cost are its whole", "[unit][cost]") {
  CostMeter meter(server(), {});
  meter.observe(RoundBegins{{}, false, 0, true});
  within(meter, "fault_in_readable", {loads(0, 1)});
  within(meter, "copy_from_user", {loads(0, 512, OnMismatch::fault)});
  meter.observe(RoundBegins{{}, false, 0, false});
  meter.observe(TagFaultTaken{UserPtr(kBase), AccessKind::load, false, {}});
  meter.observe(RoundBegins{{}, false, 1, true});
  within(meter, "clear_user", {stores(8192, 8)});
  const CostReport report = meter.report();
  REQUIRE(report.rounds.size() == 3);
  REQUIRE(report.calls.size() == 2);
  CHECK(report.calls[0].rounds == 2);
  CHECK(report.calls[1].rounds == 1);
  Cost rounds;
  for (const CostReport::Round& round : report.rounds) rounds += round.cost;
  Cost calls;
  for (const CostReport::Call& call : report.calls) calls += call.cost;
  CHECK(rounds == report.total);
  CHECK(calls == report.total);
  CHECK(report.total.cycles.total() == meter.cycles());
  CHECK(report.total.bytes_copied == 4096 + 64);  // a probe copies nothing
  CHECK(report.rounds[1].cost.cycles.of(Cause::faults) == server().exception_cycles + server().fixup_cycles);
  CHECK(report.total.cycles.of(Cause::system_calls) == 2u * server().system_call_cycles);
  CHECK(report.total.cycles.of(Cause::probe) > 0);
}

TEST_CASE("a copy goes through the caches on both sides", "[unit][cost]") {
  CostMeter meter(server(), {});
  const bool page_cache = GENERATE(true, false);
  if (page_cache) meter.observe(PageMapped{3, Bytes{8192}});
  within(meter, "copy_to_user", {stores(0, 512)});
  const MemoryCounts counts = meter.report().total.memory;
  CHECK(counts.lines_in == 0);  // of no round
  meter.observe(RoundBegins{});
  within(meter, "copy_to_user", {stores(65536, 512)});
  const MemoryCounts second = meter.report().total.memory;
  CHECK(second.levels[0].lookups[1] == 512);
  CHECK(second.levels[0].lookups[0] == 512);
  CHECK(second.lines_in == (page_cache ? 128u : 64u));  // the kernel's own buffer is used again
  CHECK(second.lines_dirtied == 64);
}

TEST_CASE("what the program itself does warms the caches and costs nothing", "[unit][cost]") {
  CostMeter cold(server(), {});
  CostMeter warm(server(), {});
  Accessed own = loads(0, 512);
  own.from_user_mode = true;
  warm.observe(RoundBegins{});
  warm.observe(own);
  CHECK(warm.report().total == Cost{});
  for (CostMeter* meter : {&cold, &warm}) {
    meter->observe(RoundBegins{});
    within(*meter, "fault_in_readable", {loads(0, 512)});
  }
  CHECK(warm.report().total.memory.levels[0].misses() == 0);
  CHECK(cold.report().total.memory.levels[0].misses() == 64);
  CHECK(warm.cycles() < cold.cycles());
}

TEST_CASE("a round that is made again is paid for once", "[unit][cost]") {
  CostMeter meter(server(), {});
  meter.observe(RoundBegins{{}, false, 0, true});
  within(meter, "copy_from_user", {loads(0, 8)});
  meter.observe(FellAsleep{});
  CHECK(meter.report().total == Cost{});
  meter.observe(RoundBegins{{}, true, 0, true});
  const CostReport report = meter.report();
  CHECK(report.total.cycles.total() == server().system_call_cycles);
  CHECK(report.rounds.size() == 1);
}

TEST_CASE("stores to many lines: synchronous checks cost more than asynchronous ones, and those more than none",
          "[unit][cost]") {
  for (const NamedCpu& cpu : cpus()) {
    CAPTURE(cpu.name);
    const auto price = [&](OnMismatch checked) {
      CostMeter meter(cpu.cpu, {});
      within(meter, "clear_user", {stores(0, 1 << 17, checked)});
      return meter.cycles();
    };
    CHECK(price(OnMismatch::fault) > price(OnMismatch::recorded));
    CHECK(price(OnMismatch::recorded) >= price(OnMismatch::ignored));
  }
}

TEST_CASE("a read probe of a large range costs less than a write probe, which dirties its lines", "[unit][cost]") {
  for (const NamedCpu& cpu : cpus()) {
    CAPTURE(cpu.name);
    const auto probe = [&](AccessKind kind) {
      CostMeter meter(cpu.cpu, {});
      meter.observe(RoundBegins{});
      within(meter, "fault_in_subpage_writeable",
             {Accessed{{UserPtr(kBase), 1, 16, 1 << 20, kind}, nullptr, false, OnMismatch::fault}});
      return meter.report().total;
    };
    const Cost read = probe(AccessKind::load);
    const Cost write = probe(AccessKind::store);
    CHECK(read.cycles.total() < write.cycles.total());
    CHECK(read.memory.lines_in == write.memory.lines_in);
    CHECK(read.memory.lines_dirtied == 0);
    CHECK(write.memory.lines_dirtied == write.memory.lines_in);
  }
}

TEST_CASE("address spaces and files do not share lines", "[unit][cost]") {
  CostMeter meter(server(), {0, 1});
  for (const std::uint32_t task : {0u, 1u}) {
    meter.observe(RoundBegins{TaskId{task}, false, 0, false});
    within(meter, "fault_in_readable", {loads(0, 8)});
  }
  CHECK(meter.report().total.memory.lines_in == 2);
}

TEST_CASE("the cost of a copy grows with its bytes", "[unit][cost]") {
  const auto price = [&](std::uint64_t words) {
    CostMeter meter(server(), {});
    meter.observe(PageMapped{3, Bytes{0}});
    within(meter, "copy_to_user", {stores(0, words)});
    return meter.cycles();
  };
  const std::uint64_t once = price(1 << 20);
  CHECK(price(1 << 21) > once * 19 / 10);
  CHECK(price(1 << 21) < once * 22 / 10);
}

}  // namespace
}  // namespace mtesim::test
