// The search of sim/explore over the copy-loop transition system, as one process: to be timed against other checkers,
// which are given the same system in their own languages (bench/copyloop.pml, bench/peers.py).

#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdint>
#include <fstream>
#include <iostream>
#include <string>

#include "sim/explore/cycles.h"
#include "sim/explore/search.h"
#include "tests/support/copyloop_system.h"

namespace mtesim {
namespace {

using test::CopyLoop;

struct Answer {
  explore::Tally tally;
  std::string verdict;
};

Answer count_states(const CopyLoop& system, const explore::Limits& limits) {
  return {explore::explore<explore::Keep::states>(system, limits).tally, "safe"};
}

Answer check_progress(const CopyLoop& system, const explore::Limits& limits, explore::TaskSet tasks) {
  const auto seen = explore::explore(system, limits);
  const auto idle = [](const explore::Edge& edge) { return !edge.progress; };
  const auto lasso = explore::find_fair_lasso(seen.graph, idle, tasks);
  return {seen.tally, lasso ? "livelock" : "no livelock"};
}

/// The largest resident size of this program. What getrusage() says may be that of the process before its exec().
double peak_bytes(const rusage& used) {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;) {
    double kib = 0;
    if (word == "VmHWM:" && status >> kib) return 1024 * kib;
  }
  return 1024.0 * static_cast<double>(used.ru_maxrss);
}

void print(const Answer& answer, unsigned threads, double wall_seconds) {
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec);
  };
  std::cout << "{\"states\": " << answer.tally.states << ", \"transitions\": " << answer.tally.edges
            << ", \"levels\": " << answer.tally.levels << ", \"verdict\": \"" << answer.verdict
            << "\", \"threads\": " << threads
            << ", \"cpu_seconds\": " << seconds(used.ru_utime) + seconds(used.ru_stime)
            << ", \"wall_seconds\": " << wall_seconds
            << ", \"peak_bytes_per_state\": " << peak_bytes(used) / static_cast<double>(answer.tally.states) << "}\n";
}

int run(int argc, char** argv) {
  CLI::App app(
      "Searches the copy-loop transition system and prints one line of JSON: counts, verdict, time and memory.\n"
      "Without --progress or --fair, every state is visited and counted, and that is all.");
  app.footer(
      "Example: the system that other checkers know as 1,042,310 states and 6,422,686 transitions:\n"
      "  copyloop_check --pages 3 --granules 4 --item 2 --evict 3 --retag 4 --probe granule");
  CopyLoop system;
  std::string probe = "granule";
  explore::Limits limits;
  bool progress = false;
  bool fair = false;
  app.add_option("--pages", system.pages, "pages of the buffer")->check(CLI::Range(1, 4))->capture_default_str();
  app.add_option("--granules", system.granules, "granules a page; at most 24 in all")
      ->check(CLI::Range(1, 24))
      ->capture_default_str();
  app.add_option("--item", system.item, "granules an item; divides the buffer")
      ->check(CLI::Range(1, 24))
      ->capture_default_str();
  app.add_option("--evict", system.evict, "evictions")->check(CLI::Range(0, 31))->capture_default_str();
  app.add_option("--retag", system.retag, "tag flips")->check(CLI::Range(0, 31))->capture_default_str();
  app.add_option("--probe", probe, "what the probe looks at: each granule, or one of each page")
      ->check(CLI::IsMember({"granule", "page"}))
      ->capture_default_str();
  app.add_flag("--healer", system.heal, "a fourth process mends tags once the flips are spent");
  CLI::Option* any = app.add_flag("--progress", progress, "look for a cycle without progress, under any schedule");
  app.add_flag("--fair", fair, "look for a cycle without progress under a weakly fair schedule")->excludes(any);
  app.add_option("--threads", limits.threads, "how many search")->check(CLI::Range(1, 256))->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  system.subpage = probe == "granule";
  if (system.total() > 24 || system.total() % system.item != 0) {
    std::cerr << "copyloop_check: --pages times --granules must be at most 24 and a multiple of --item\n";
    return 2;
  }
  const auto begin = std::chrono::steady_clock::now();
  const explore::TaskSet tasks = fair ? CopyLoop::kAllTasks : explore::TaskSet{0};
  const Answer answer = fair || progress ? check_progress(system, limits, tasks) : count_states(system, limits);
  print(answer, limits.threads, std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
  return 0;
}

}  // namespace
}  // namespace mtesim

int main(int argc, char** argv) { return mtesim::run(argc, argv); }
