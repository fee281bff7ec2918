// A search by several threads, and one that was cut and goes on: both give what a plain search gives.
#include <atomic>
#include <catch2/catch.hpp>
#include <cstdint>
#include <random>
#include <stdexcept>
#include <utility>
#include <vector>

#include "sim/explore/crew.h"
#include "sim/explore/search.h"
#include "tests/support/copyloop_system.h"
#include "tests/unit/sim/explore/table_system.h"

namespace mtesim::explore {
namespace {

using test::CopyLoop;

/// A table whose states are so slow to expand that few of them are worth sharing out.
struct SlowTable : TableSystem {
  unsigned rounds = 0;  // some ns each
  template <class Sink>
  void successors(State s, Sink&& sink) const {
    volatile std::uint64_t work = s;
    for (unsigned i = 0; i < rounds; ++i) work = work * 6364136223846793005u + 1;
    TableSystem::successors(s, sink);
  }
  [[nodiscard]] std::size_t bytes() const { return 1000; }
};

SlowTable random_table(std::mt19937& random, std::uint32_t states, std::uint32_t most_out, unsigned rounds) {
  SlowTable system;
  system.rounds = rounds;
  system.next.resize(states);
  for (auto& next : system.next) {
    next.resize(random() % (most_out + 1));
    for (auto& to : next) to = static_cast<std::uint32_t>(random() % states);
  }
  system.next[0].resize(most_out, states - 1);
  system.start = {0, states / 2};
  system.collide = random() % 8 == 0;
  return system;
}

template <class System, Keep keep>
void require_same(const Explored<System, keep>& a, const Explored<System, keep>& b) {
  REQUIRE(a.cut == b.cut);
  REQUIRE(a.tally == b.tally);
  REQUIRE(a.graph == b.graph);
  if constexpr (keep == Keep::graph) {
    for (const NodeId n : a.graph.nodes()) REQUIRE(a.states[n] == b.states[n]);
  }
}

Limits with_threads(unsigned threads, std::uint64_t most = Limits{}.max_states) {
  return {.max_states = most, .threads = threads};
}

TEST_CASE("any number of threads draws the same graph of the copy loop", "[unit][explore]") {
  CopyLoop loop;
  loop.subpage = GENERATE(false, true);
  loop.heal = GENERATE(false, true);
  loop.retag = 3;
  const auto one = explore(loop);
  for (const unsigned threads : {2u, 3u}) require_same(explore(loop, with_threads(threads)), one);
  const auto states = explore<Keep::states>(loop);
  CHECK(states.tally.states == one.tally.states);
  CHECK(states.tally.edges == one.tally.edges);
  for (const unsigned threads : {2u, 3u}) require_same(explore<Keep::states>(loop, with_threads(threads)), states);
}

TEST_CASE("any number of threads draws the same graph of random systems, cut or not", "[unit][explore]") {
  std::mt19937 random(6);
  for (std::uint32_t round = 0; round < 60; ++round) {
    const SlowTable system = random_table(random, 2 + 5 * round, 1 + round % 7, 10'000);
    const std::uint64_t most = round % 2 == 0 ? Limits{}.max_states : 1 + random() % (2 + 5 * round);
    const auto one = explore(system, with_threads(1, most));
    const auto states = explore<Keep::states>(system, with_threads(1, most));
    REQUIRE(states.tally.edges == one.tally.edges);
    for (const unsigned threads : {2u, 3u}) {
      require_same(explore(system, with_threads(threads, most)), one);
      require_same(explore<Keep::states>(system, with_threads(threads, most)), states);
    }
  }
}

TEST_CASE("a search cut at any state goes on as if it had not been", "[unit][explore]") {
  std::mt19937 random(7);
  const SlowTable system = random_table(random, 120, 4, 0);
  const auto whole = explore(system);
  const auto states = explore<Keep::states>(system);
  for (std::uint64_t most = 0; most <= whole.tally.states; ++most) {
    auto cut = explore(system, with_threads(1, most));
    REQUIRE(cut.tally.states == most);
    require_same(go_on(system, std::move(cut)), whole);
    require_same(go_on(system, explore<Keep::states>(system, with_threads(1, most))), states);
  }
}

TEST_CASE("a search may be cut often, and go on with other threads", "[unit][explore]") {
  std::mt19937 random(8);
  for (int round = 0; round < 20; ++round) {
    const SlowTable system = random_table(random, 400, 5, 5'000);
    const auto whole = explore(system);
    std::uint64_t most = 0;
    auto part = explore(system, with_threads(1, most));
    while (!part.complete()) {
      most += random() % 60;
      part = go_on(system, std::move(part), with_threads(1 + static_cast<unsigned>(random() % 3), most));
    }
    require_same(part, whole);
  }
}

TEST_CASE("a search cut by bytes, by time or by an interrupt goes on as if it had not been", "[unit][explore]") {
  CopyLoop loop;
  loop.retag = 3;
  const auto whole = explore(loop);
  const unsigned threads = GENERATE(1u, 2u);
  auto cut = explore(loop, {.max_bytes = whole.tally.bytes / 2, .threads = threads});
  CHECK(cut.cut == Cut::bytes);
  CHECK(cut.tally.states > 1);
  cut = go_on(loop, std::move(cut), {.deadline = std::chrono::steady_clock::now(), .threads = threads});
  CHECK(cut.cut == Cut::deadline);
  std::atomic<bool> stop{false};
  const std::uint64_t enough = cut.tally.states + 1'000;
  const Progress progress{.report = [&](const Tally& tally) { stop = tally.states >= enough; }, .every = 500};
  cut = go_on(loop, std::move(cut), {.interrupt = &stop, .threads = threads}, &progress);
  CHECK(cut.cut == Cut::interrupt);
  CHECK_FALSE(cut.graph.complete());
  require_same(go_on(loop, std::move(cut), with_threads(threads)), whole);
}

TEST_CASE("a state with very many transitions is taken up in parts", "[unit][explore]") {
  constexpr TableSystem::State kMany = 300'000;
  SlowTable star;
  star.next.resize(kMany + 1);
  for (TableSystem::State hub = 0; hub < 4; ++hub) {
    for (TableSystem::State to = 0; to < kMany; to += hub + 1) star.next[hub].push_back(kMany - to);
    star.start.push_back(hub);
  }
  star.next[5] = {0, 5};
  const auto one = explore(star);
  CHECK(one.tally.states == kMany + 1);
  CHECK(one.tally.edges == kMany + kMany / 2 + kMany / 3 + kMany / 4 + 2);
  require_same(explore(star, with_threads(2)), one);
  require_same(go_on(star, explore(star, with_threads(2, kMany - 1'000))), one);
}

TEST_CASE("every state's info is asked for once, with any number of threads", "[unit][explore]") {
  struct Asked : SlowTable {
    mutable std::atomic<int> infos{0};
    explicit Asked(SlowTable table) : SlowTable(std::move(table)) {}
    [[nodiscard]] NodeInfo info(State s) const {
      ++infos;
      return SlowTable::info(s);
    }
  };
  std::mt19937 random(9);
  const SlowTable table = random_table(random, 300, 4, 10'000);
  for (const unsigned threads : {1u, 2u, 3u}) {
    const Asked system(table);
    const std::uint64_t states = explore(system, with_threads(threads)).tally.states;
    CHECK(states == static_cast<std::uint64_t>(system.infos));
  }
}

TEST_CASE("progress is reported in time too", "[unit][explore]") {
  CopyLoop loop;
  std::uint64_t reports = 0;
  Progress progress{.report = [&](const Tally&) { ++reports; }, .interval = std::chrono::hours{1}};
  (void)explore(loop, with_threads(2), &progress);
  CHECK(reports == 0);
  progress.interval = std::chrono::nanoseconds{1};
  (void)explore(loop, with_threads(2), &progress);
  CHECK(reports > 1);
}

TEST_CASE("a crew carries out each piece once, and tells what one threw", "[unit][explore]") {
  Crew crew(3);
  CHECK(crew.size() == 3);
  for (std::uint32_t count = 0; count < 200; ++count) {
    std::vector<std::atomic<int>> done(count);
    crew.share(count, [&](std::uint32_t i) { ++done[i]; });
    for (const auto& times : done) REQUIRE(times == 1);
  }
  const auto throwing = [](std::uint32_t i) {
    if (i == 7) throw std::runtime_error("seven");
  };
  CHECK_THROWS_WITH(crew.share(100, throwing), "seven");
  std::atomic<int> after{0};
  crew.share(5, [&](std::uint32_t) { ++after; });
  CHECK(after == 5);
}

}  // namespace
}  // namespace mtesim::explore
