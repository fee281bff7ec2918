// How fast the engines are: scenarios carried out, kernel paths checked, plain states explored.
//   ./dev bench, or build/release/bench/engines_bench --benchmark_min_time=2

#include <benchmark/benchmark.h>

#include <string>

#include "sim/explore/search.h"
#include "sim/scenario/result.h"
#include "tests/support/copyloop_system.h"

namespace mtesim {
namespace {

/// A btrfs search of 16 items into a 16 KiB buffer.
std::string search_scenario(const std::string& revision, const std::string& tags, const std::string& more) {
  const std::string leaf = R"({ "items": 4, "item_size_bytes": 968 })";
  return R"({ "name": "bench", "kernel": { "revision": ")" + revision + R"(" },
    "memory": [ { "name": "buf", "pages": 5, "prot": "rwt", "tag": 5, "tags": [)" +
         tags + R"(] } ],
    "files": [ { "name": "f", "fs": "btrfs", "tree": [)" +
         leaf + "," + leaf + "," + leaf + "," + leaf + R"(] } ],
    "calls": [ { "ioctl": "BTRFS_IOC_TREE_SEARCH_V2", "file": "f", "buffer": "buf+0", "buf_size_bytes": 16384,
                 "pointer_tag": 5 } ])" +
         more + "}";
}

PointReport carry_out_text(const std::string& text) {
  const JsonText json = parse_json_text(text, "bench");
  const Scenario scenario = parse_scenario(json);
  return carry_out(scenario, build(scenario, json), CarryOut{});
}

void parse_build_and_run(benchmark::State& state, const std::string& revision) {
  const std::string text = search_scenario(revision, R"({ "granules": "257", "tag": 6 })", "");
  for (auto _ : state) benchmark::DoNotOptimize(carry_out_text(text));
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK_CAPTURE(parse_build_and_run, livelock_5_17, std::string("5.17"));
BENCHMARK_CAPTURE(parse_build_and_run, returns_7_3, std::string("7.3"));

/// Every interleaving of two evictions and one retag, after any one more granule was bad from the start.
void check_search_ioctl(benchmark::State& state) {
  const std::string text = search_scenario("7.3", "", R"(, "environment": [
    { "action": "retag", "where": "buf", "budget": 1, "when": "before_call" },
    { "action": "evict", "where": "buf", "budget": 2 }, { "action": "retag", "where": "buf", "budget": 1 } ])");
  std::uint64_t states = 0;
  for (auto _ : state) states += carry_out_text(text).check->states;
  state.SetItemsProcessed(static_cast<std::int64_t>(states));
}
BENCHMARK(check_search_ioctl)->Unit(benchmark::kMillisecond);

/// The plain transition system that other checkers were given, too: S5 of its sizes, 121,923 states.
void explore_copy_loop(benchmark::State& state) {
  test::CopyLoop system;
  system.evict = 4;
  system.retag = 4;
  std::uint64_t states = 0;
  for (auto _ : state) states += explore::explore(system).tally.states;
  state.SetItemsProcessed(static_cast<std::int64_t>(states));
}
BENCHMARK(explore_copy_loop)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace mtesim

BENCHMARK_MAIN();
