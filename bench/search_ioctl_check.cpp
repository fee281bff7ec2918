// The question of the copy-loop transition system (bench/copyloop_check), asked of the kernel path: the btrfs search
// ioctl copies items into a few small pages, while pages are evicted and granules retagged. One line of JSON.
//   build/release/bench/search_ioctl_check --pages 3 --granules 4 --item 2 --evict 3 --retag 4 --probe granule

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <ctime>
#include <fstream>
#include <string>

#include "fs_models/btrfs_search_ioctl.h"
#include "fs_models/catalogue.h"
#include "model/mm/mmap.h"
#include "sim/check/check.h"

namespace {

using namespace mtesim;

struct Sizes {
  std::uint32_t pages{3};
  std::uint32_t granules{4};  // a page
  std::uint32_t item{2};      // granules an item
  std::uint8_t evict{3};
  std::uint8_t retag{4};
  bool by_granule{};
};

constexpr std::uint64_t kBase = AddressSpace::kBaseAddress;
constexpr Tag kTag{5};

/// Results begin with a page; what precedes them in the argument lies in pages of its own.
std::uint64_t argument_pages(const Sizes& sizes) {
  const std::uint64_t page = sizes.granules * kGranule.n;
  return (BtrfsSearchIoctl::kHeaderV2.n + page - 1) / page;
}

/// Every page is in swap at first, with tags that match the pointer's.
Machine machine_of(const Sizes& sizes) {
  Machine machine;
  machine.page_size = kGranule * sizes.granules;
  machine.track_contents = false;
  machine.spaces.emplace_back(AddressSpace{});
  Task task;
  task.tcf = TcfMode::sync;
  task.tagged_addr_abi = true;
  machine.tasks.push_back(task);
  machine.objects.emplace_back(MemoryObject{ObjectKind::anonymous});
  const std::uint64_t pages = argument_pages(sizes) + sizes.pages;
  MapRequest request{kBase, kBase + pages * machine.page_size.n, {true, true, true}, false, 1, 0};
  MTESIM_CHECK(map_memory(machine, 0, request) == Errno::ok);
  for (std::uint64_t page = 0; page < pages; ++page) {
    const std::uint64_t begin = machine.page_address(page);
    MTESIM_CHECK(!failed(handle_mm_fault(machine, 0, begin, AccessKind::store)));
    for (std::uint64_t g = 0; g < sizes.granules; ++g) {
      MTESIM_CHECK(store_tag(machine, 0, begin + g * kGranule.n, kTag));
    }
    MTESIM_CHECK(evict(machine, 0, page));
  }
  machine.objects.emplace_back(MemoryObject{ObjectKind::file});
  return machine;
}

Workload workload_of(const Sizes& sizes) {
  Workload workload;
  workload.revision = *find_revision("7.3");
  const Knob* probe = find_knob("btrfs_search_ioctl.probe");
  probe->set(workload.revision, sizes.by_granule ? "fault_in_subpage_writeable" : "fault_in_writeable");
  workload.start = machine_of(sizes);

  SystemCall call;
  call.kind = CallKind::tree_search_v2;
  call.fs = find_file_system("btrfs");
  call.object = 2;
  call.buf_size = kGranule * sizes.granules * sizes.pages;
  call.nr_items = std::uint64_t{sizes.pages} * sizes.granules / sizes.item;
  SearchTree tree;
  tree.leaves.emplace_back(call.nr_items, kGranule * sizes.item - BtrfsSearchIoctl::kItemHeader);
  call.tree = std::make_shared<const SearchTree>(tree);
  const std::uint64_t results = kBase + argument_pages(sizes) * workload.start.page_size.n;
  const UserPtr argument(results - BtrfsSearchIoctl::kHeaderV2.n, kTag);
  call.segments = {{argument, BtrfsSearchIoctl::kHeaderV2 + call.buf_size}};
  workload.calls.push_back({find_loop(call)->make(call)});
  return workload;
}

std::vector<Action> actions_of(const Sizes& sizes, const Workload& workload) {
  const std::uint64_t begin = kBase + argument_pages(sizes) * workload.start.page_size.n;
  const std::uint64_t end = begin + sizes.pages * workload.start.page_size.n;
  std::vector<Action> actions;
  if (sizes.retag > 0) {
    actions.push_back({.kind = ActionKind::retag, .begin = begin, .end = end, .budget = sizes.retag});
  }
  if (sizes.evict > 0) {
    actions.push_back({.kind = ActionKind::evict, .begin = begin, .end = end, .budget = sizes.evict});
  }
  return actions;
}

/// Of this process since its exec(); what getrusage() tells includes whoever started it.
double peak_kib() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmHWM:")) return std::stod(line.substr(6));
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  Sizes sizes;
  std::string probe = "page";
  CheckOptions options;
  bool everywhere = false;
  bool apart = false;
  double seconds = 0;
  options.stop_at_livelock = false;
  options.judge_properties = false;
  CLI::App app{"checks the btrfs search ioctl on pages of a few granules"};
  app.add_option("--pages", sizes.pages, "pages of results")->check(CLI::Range(1, 64));
  app.add_option("--granules", sizes.granules, "granules a page: a power of two")->check(CLI::Range(2, 256));
  app.add_option("--item", sizes.item, "granules an item, its header of two included")->check(CLI::Range(2, 256));
  app.add_option("--evict", sizes.evict, "evictions")->check(CLI::Range(0, 100));
  app.add_option("--retag", sizes.retag, "tag flips")->check(CLI::Range(0, 100));
  app.add_option("--probe", probe, "granule|page")->check(CLI::IsMember({"granule", "page"}));
  app.add_flag("--everywhere", everywhere, "act before every access on every target, not only where it is looked at");
  app.add_flag("--apart", apart, "follow histories to their end that have joined");
  app.add_option("--max-states", options.max_states, "give up behind this many");
  app.add_option("--threads", options.threads, "threads that search")->check(CLI::Range(1, 64));
  app.add_option("--max-seconds", seconds, "give up after this time");
  app.footer("Example: search_ioctl_check --pages 3 --granules 4 --item 2 --evict 3 --retag 4 --probe granule");
  CLI11_PARSE(app, argc, argv);
  if ((sizes.granules & (sizes.granules - 1)) != 0 || sizes.pages * sizes.granules % sizes.item != 0) {
    fmt::print(stderr, "--granules: found {}; allowed: a power of two, and items that fill the pages\n",
               sizes.granules);
    return 2;
  }
  sizes.by_granule = probe == "granule";
  options.rules = {everywhere ? SiteRule::everywhere : SiteRule::lazy, !apart};
  if (seconds > 0) {
    options.deadline =
        std::chrono::steady_clock::now() + std::chrono::milliseconds(static_cast<std::int64_t>(seconds * 1000));
  }
  const Workload workload = workload_of(sizes);
  options.actions = actions_of(sizes, workload);
  const CheckResult result = check(workload, options);
  fmt::print(R"({{"states": {}, "transitions": {}, "verdict": "{}", "most_rounds": {}, "cpu_seconds": {:.4f}, )",
             result.states, result.transitions, verdict_name(result.verdict), result.most_rounds.value_or(0),
             static_cast<double>(std::clock()) / CLOCKS_PER_SEC);
  fmt::print("\"peak_mib\": {:.1f}}}\n", peak_kib() / 1024);
  return 0;
}
