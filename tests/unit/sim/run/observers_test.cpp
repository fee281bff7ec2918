#include "sim/run/observers.h"

#include <catch2/catch.hpp>

#include "sim/run/run.h"
#include "tests/support/workloads.h"

namespace mtesim::test {
namespace {

constexpr std::uint64_t kBase = AddressSpace::kBaseAddress;

/// Two anonymous pages that have been written, all tags 5; page faults in what is not there.
Workload plain_workload(std::uint64_t pages = 2) {
  Workload workload;
  workload.revision = *find_revision("7.3");
  Machine& m = workload.start;
  m.spaces.emplace_back(AddressSpace{});
  m.tasks.push_back(Task{.tcf = TcfMode::sync, .tagged_addr_abi = true});
  m.objects.emplace_back(MemoryObject{ObjectKind::anonymous, Bytes{4096 * pages}});
  const Errno mapped = map_memory(m, 0, {kBase, kBase + 4096 * pages, {true, true, true}, false, 1, 0});
  REQUIRE(mapped == Errno::ok);
  for (std::uint64_t page = 0; page < pages; ++page) {
    REQUIRE_FALSE(failed(handle_mm_fault(m, 0, kBase + 4096 * page, AccessKind::store)));
    m.edit_folio({1, static_cast<std::uint32_t>(page)},
                 [&](Folio& folio) { folio.tags.set_all(Tag{5}, m.granules_per_page()); });
  }
  workload.calls.emplace_back();
  return workload;
}

void spoil(Workload& workload, std::uint64_t granule) {
  workload.start.edit_folio({1, static_cast<std::uint32_t>(granule / 256)},
                            [&](Folio& folio) { folio.tags.set(granule % 256, Tag{6}, 256); });
}

void add_read_of_zero(Workload& workload, std::uint64_t at, std::uint64_t size) {
  const std::uint32_t zero = add_file(workload.start, "zero", Bytes{0});
  workload.calls.front().push_back(
      loop_of(transfer(CallKind::read, "zero", zero, {{UserPtr(kBase + at, Tag{5}), Bytes{size}}})));
}

Counts counts_of(const Workload& workload) {
  Meter meter;
  Observer* const observers[] = {&meter};
  REQUIRE(run(workload, observers).end != RunEnd::cut);
  return meter.counts();
}

TEST_CASE("a clear of 16 bytes is two stores to one line", "[unit][run]") {
  Workload workload = plain_workload();
  add_read_of_zero(workload, 0, 16);
  Counts expected;
  expected.rounds = 1;
  expected.stores = 2;
  expected.lines_touched = expected.lines_dirtied = 1;
  CHECK(counts_of(workload) == expected);
}

TEST_CASE("lines are counted once, at both ends tight", "[unit][run]") {
  const auto [at, size, lines] = GENERATE(table<std::uint64_t, std::uint64_t, std::uint64_t>(
      {{0, 64, 1}, {0, 65, 2}, {63, 1, 1}, {63, 2, 2}, {0, 128, 2}, {4032, 64, 1}, {4032, 65, 2}, {4095, 2, 2}}));
  CAPTURE(at, size);
  Workload workload = plain_workload();
  add_read_of_zero(workload, at, size);
  CHECK(counts_of(workload).lines_touched == lines);
  CHECK(counts_of(workload).lines_dirtied == lines);
  add_read_of_zero(workload, at, size);  // the same lines again
  CHECK(counts_of(workload).lines_touched == lines);
}

TEST_CASE("a write loads and dirties nothing of the user's", "[unit][run]") {
  Workload workload = plain_workload();
  const std::uint32_t file = add_file(workload.start, "tmpfs", Bytes{4096});
  workload.calls.front().push_back(
      loop_of(transfer(CallKind::write, "tmpfs", file, {{UserPtr(kBase, Tag{5}), Bytes{64}}})));
  Counts expected;
  expected.rounds = 1;
  expected.loads = 8;
  expected.lines_touched = 1;
  expected.locks = 2;  // inode and folio
  CHECK(counts_of(workload) == expected);
}

TEST_CASE("a store to a bad granule is one tag check fault and no store", "[unit][run]") {
  Workload workload = plain_workload();
  spoil(workload, 0);
  add_read_of_zero(workload, 0, 16);
  Counts expected;
  expected.rounds = 1;
  expected.tag_faults = 1;
  CHECK(counts_of(workload) == expected);
}

TEST_CASE("page faults are told apart by what they cost", "[unit][run]") {
  Workload workload = plain_workload();
  SECTION("a page never touched is a minor fault") {
    dontneed(workload.start, 0, kBase, kBase + 4096);
    workload.start.spaces[0].write().map(kBase, kBase + 4096,
                                         {{true, true, false}, false, 1, 0});  // tag 0 is no matter
    add_read_of_zero(workload, 0, 8);
    CHECK(counts_of(workload).page_faults_minor == 1);
    CHECK(counts_of(workload).page_faults_major == 0);
  }
  SECTION("a page in swap is a major fault") {
    REQUIRE(evict(workload.start, 0, 0));
    add_read_of_zero(workload, 0, 8);
    CHECK(counts_of(workload).page_faults_minor == 0);
    CHECK(counts_of(workload).page_faults_major == 1);
  }
  SECTION("no page to be had is a refused fault") {
    unmap_memory(workload.start, 0, kBase, kBase + 4096);
    add_read_of_zero(workload, 0, 8);
    CHECK(counts_of(workload).page_faults_refused == 1);
    CHECK(counts_of(workload).stores == 0);
  }
}

TEST_CASE("a cold page is one disk read, a warm one none", "[unit][run]") {
  const auto warm = GENERATE(true, false);
  Workload workload = plain_workload();
  const std::uint32_t file = add_file(workload.start, "ext4", Bytes{4096}, warm);
  workload.calls.front().push_back(
      loop_of(transfer(CallKind::read, "ext4", file, {{UserPtr(kBase, Tag{5}), Bytes{8}}})));
  CHECK(counts_of(workload).disk_reads == (warm ? 0u : 1u));
}

TEST_CASE("a loop that leaves granules out touches only the lines of its accesses", "[unit][run]") {
  Meter meter;
  meter.observe(Accessed{{UserPtr(kBase), 1, 4096, 3, AccessKind::load}, nullptr, false});
  CHECK(meter.counts().loads == 3);
  CHECK(meter.counts().lines_touched == 3);
  CHECK(meter.counts().lines_dirtied == 0);
  meter.observe(Accessed{{UserPtr(kBase), 1, 16, 5, AccessKind::store}, nullptr, false});
  CHECK(meter.counts().lines_touched == 4);
  CHECK(meter.counts().lines_dirtied == 2);
  meter.observe(
      Accessed{{UserPtr(kBase), 8, 8, 4, AccessKind::load}, nullptr, true});  // the program's own: not counted
  CHECK(meter.counts().loads == 3);
}

TEST_CASE("cycles are the counts at the table's prices", "[unit][run]") {
  Workload workload = plain_workload();
  REQUIRE(evict(workload.start, 0, 0));
  add_read_of_zero(workload, 0, 16);
  Meter meter;
  Observer* const observers[] = {&meter};
  REQUIRE(run(workload, observers).end == RunEnd::returned);
  CostTable prices{};
  prices = {.access = 2,
            .new_line = 100,
            .dirtied_line = 500,
            .tag_fault = 7,
            .page_fault_minor = 11,
            .page_fault_major = 1000,
            .page_fault_refused = 13,
            .software_walk = 17,
            .lock = 19,
            .system_call = 10000,
            .disk_read = 23};
  CHECK(meter.cycles(prices, 1) == 2 * 2 + 100 + 500 + 1000 + 10000);
  CHECK(meter.cycles(prices, 2) == 2 * 2 + 100 + 500 + 1000 + 20000);
}

}  // namespace
}  // namespace mtesim::test
