// What the machine itself takes, and what pricing adds: a large range with one tag copied through user pointers, beside
// memcpy of as many real bytes a page at a time, and single checked accesses. CPU time, all in turn in every round; one
// line of JSON, figures are medians.
//   build/release/bench/bulk_copy --bytes 268435456 --rounds 11

#include <fmt/format.h>
#include <sys/mman.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstring>
#include <ctime>
#include <functional>
#include <vector>

#include "model/kernel/uaccess.h"
#include "model/mm/mmap.h"
#include "sim/run/cost_meter.h"

namespace {

using namespace mtesim;

constexpr Tag kTag{7};
constexpr std::uint64_t kPage = 4096;
constexpr std::uint64_t kSingleBytes = 1 << 20;  // what single accesses go over
constexpr std::uint32_t kWidth = 8;

/// Of real memory, in huge pages where there are any.
char* real_bytes(std::size_t n) {
  void* at = mmap(nullptr, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  MTESIM_CHECK(at != MAP_FAILED);
  madvise(at, n, MADV_HUGEPAGE);
  std::memset(at, 0x5a, n);
  return static_cast<char*>(at);
}

/// Three mappings with PROT_MTE, every page present and of one tag, and a file that has as many pages in its cache. The
/// two sources and the file differ in every byte, so that each copy changes what it writes over.
struct Simulated {
  Machine machine;
  std::uint64_t bytes{};
  UserPtr sources[2];
  UserPtr target;
  std::uint32_t file{};

  explicit Simulated(std::uint64_t size) : bytes(size) {
    machine.spaces.emplace_back(AddressSpace{});
    Task task;
    task.tcf = TcfMode::sync;
    task.tagged_addr_abi = true;
    machine.tasks.push_back(task);
    sources[0] = mapping(0);
    sources[1] = mapping(1);
    target = mapping(2);
    file = static_cast<std::uint32_t>(machine.objects.size());
    machine.objects.emplace_back(MemoryObject{ObjectKind::file, Bytes{size}});
    for (std::uint32_t page = 0; page < size / kPage; ++page) {
      machine.edit_folio({file, page}, [&](Folio& folio) {
        folio.contents = Contents(Origin{source_of_object(file), page * kPage});
        folio.allocated = folio.in_cache = folio.uptodate = true;
      });
    }
  }

  UserPtr mapping(std::uint32_t which) {
    const std::uint64_t begin = AddressSpace::kBaseAddress + which * 2 * std::max(bytes, kSingleBytes);
    const auto object = static_cast<std::uint32_t>(machine.objects.size());
    machine.objects.emplace_back(MemoryObject{ObjectKind::anonymous});
    MTESIM_CHECK(map_memory(machine, 0, {begin, begin + bytes, {true, true, true}, false, object, 0}) == Errno::ok);
    for (std::uint64_t at = begin; at < begin + bytes; at += kPage) {
      MTESIM_CHECK(!failed(handle_mm_fault(machine, 0, at, AccessKind::store)));
      const FolioRef page = machine.spaces[0]->pte(machine.page_index(at)).folio;
      machine.edit_folio(page, [&](Folio& folio) {
        folio.contents.write(0, Provenance(Origin{source_of_object(object), at - begin}, Bytes{kPage}));
        folio.tags.set_all(kTag, machine.granules_per_page());
      });
    }
    return {begin, kTag};
  }
};

/// The world holds still, and a meter prices what happens.
class Priced final : public Environment {
 public:
  explicit Priced(const Cpu& cpu) : meter_(cpu, {}) {}
  std::uint64_t before(const Look& next, Machine& machine) override { return still_.before(next, machine); }
  void observe(const Event& event) override { meter_.observe(event); }
  [[nodiscard]] std::uint64_t cycles() const { return meter_.cycles(); }

 private:
  StillEnvironment still_;
  CostMeter meter_;
};

double cpu_seconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

void copied(Bytes left) { MTESIM_CHECK(left == Bytes{0}); }

/// read() of a file in the page cache: its pages, unchecked, to user memory, checked; a page at a time.
void read_pages(Kernel& k, const Simulated& s) {
  for (std::uint64_t at = 0; at < s.bytes; at += kPage) {
    const FolioRef page{s.file, static_cast<std::uint32_t>(at / kPage)};
    copied(copy_to_user(k, s.target + Bytes{at}, {k.machine.folio(page).contents.read(0, kPage), 0}));
  }
}

/// In and out again, both sides checked: `step` bytes a call.
void copy(Kernel& k, const Simulated& s, UserPtr source, std::uint64_t step) {
  for (std::uint64_t at = 0; at < s.bytes; at += step) {
    KernelBytes between;
    copied(copy_from_user(k, between.bytes, source + Bytes{at}, Bytes{step}));
    copied(copy_to_user(k, s.target + Bytes{at}, between));
  }
}

/// The target holds the source's bytes; and one granule that does not match stops either side.
void verify(Kernel& k, const Simulated& s) {
  copy(k, s, s.sources[1], s.bytes);
  Provenance found;
  copied(copy_from_user(k, found, s.target, Bytes{s.bytes}));
  MTESIM_CHECK(found == Provenance(Origin{source_of_object(2), 0}, Bytes{s.bytes}));
  MTESIM_CHECK(k.machine.fingerprint() == k.machine.recomputed_fingerprint());
  const std::uint64_t bad = s.bytes - kGranule.n;
  for (const UserPtr side : {s.sources[0], s.target}) {
    MTESIM_CHECK(store_tag(k.machine, 0, side.address() + bad, Tag{1}));
    Provenance stopped;
    MTESIM_CHECK(copy_from_user(k, stopped, side, Bytes{s.bytes}) != Bytes{0});
    MTESIM_CHECK(copy_to_user(k, side, {found, 0}) != Bytes{0});
    MTESIM_CHECK(store_tag(k.machine, 0, side.address() + bad, kTag));
  }
}

void access_each(const Simulated& s, const std::vector<std::uint32_t>& offsets, AccessKind kind) {
  const AddressSpace& space = *s.machine.spaces[0];
  std::uint64_t faults = 0;
  for (const std::uint32_t offset : offsets) {
    const AccessRun one{s.target + Bytes{offset}, kWidth, kWidth, 1, kind};
    faults += check_access(s.machine, space, one, OnMismatch::fault).fault.has_value() ? 1 : 0;
  }
  MTESIM_CHECK(faults == 0);
}

std::vector<std::uint32_t> offsets_in_order() {
  std::vector<std::uint32_t> offsets;
  for (std::uint32_t at = 0; at < kSingleBytes; at += kWidth) offsets.push_back(at);
  return offsets;
}

std::vector<std::uint32_t> offsets_drawn() {
  std::vector<std::uint32_t> offsets = offsets_in_order();
  std::uint64_t state = 1;
  for (std::size_t i = offsets.size(); i > 1; --i) {
    state = mix(state);
    std::swap(offsets[i - 1], offsets[state % i]);
  }
  return offsets;
}

struct Row {
  const char* name;
  std::uint64_t units;  // pages, or accesses, of one pass
  std::function<void(std::size_t)> pass;
  std::vector<double> ns;  // a unit, by round
};

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

}  // namespace

int main(int argc, char** argv) {
  std::uint64_t bytes = 256 << 10;
  std::size_t rounds = 11;
  CLI::App app{"bulk copies of tagged memory beside memcpy by page, and single checked accesses"};
  app.add_option("--bytes", bytes, "bytes a side: whole pages of 4096")
      ->check(CLI::Range(kPage, std::uint64_t{1} << 32));
  app.add_option("--rounds", rounds, "rounds; one more before them does not count")->check(CLI::Range(1, 1000));
  app.footer("Example: bulk_copy --bytes 536870912 --rounds 5");
  CLI11_PARSE(app, argc, argv);
  if (bytes % kPage != 0) {
    fmt::print(stderr, "--bytes: found {}; allowed: whole pages of {}\n", bytes, kPage);
    return 2;
  }

  Simulated s(bytes);
  Simulated single(kSingleBytes);
  StillEnvironment still;
  Kernel k{s.machine, still, *find_revision("7.3"), TaskId{0}, nullptr};
  verify(k, s);
  Priced priced(find_cpu("neoverse-v2")->cpu);
  Kernel priced_k{s.machine, priced, *find_revision("7.3"), TaskId{0}, nullptr};
  char* const from = real_bytes(bytes);
  char* const to = real_bytes(bytes);
  const std::vector<std::uint32_t> in_order = offsets_in_order();
  const std::vector<std::uint32_t> drawn = offsets_drawn();

  const std::uint64_t pages = bytes / kPage;
  const auto memcpy_pages = [&](std::size_t) {
    for (std::uint64_t at = 0; at < bytes; at += kPage) std::memcpy(to + at, from + at, kPage);
    asm volatile("" ::: "memory");
  };
  std::vector<Row> rows{
      {"memcpy_by_page", pages, memcpy_pages, {}},
      {"read_by_page", pages, [&](std::size_t) { read_pages(k, s); }, {}},
      {"copy_by_page", pages, [&](std::size_t i) { copy(k, s, s.sources[i % 2], kPage); }, {}},
      {"copy_at_once", pages, [&](std::size_t i) { copy(k, s, s.sources[i % 2], bytes); }, {}},
      {"copy_at_once_priced", pages, [&](std::size_t i) { copy(priced_k, s, s.sources[i % 2], bytes); }, {}},
      {"load_in_order", in_order.size(), [&](std::size_t) { access_each(single, in_order, AccessKind::load); }, {}},
      {"load_drawn", drawn.size(), [&](std::size_t) { access_each(single, drawn, AccessKind::load); }, {}},
      {"store_drawn", drawn.size(), [&](std::size_t) { access_each(single, drawn, AccessKind::store); }, {}},
  };
  for (std::size_t round = 0; round <= rounds; ++round) {
    for (Row& row : rows) {
      const std::size_t passes = std::max<std::uint64_t>(1, (64 << 10) / row.units);
      const double begin = cpu_seconds();
      for (std::size_t i = 0; i < passes; ++i) row.pass(round + i);
      const double ns = (cpu_seconds() - begin) * 1e9 / static_cast<double>(passes * row.units);
      if (round > 0) row.ns.push_back(ns);
    }
  }

  MTESIM_CHECK(priced.cycles() > 0);
  fmt::print(R"({{"bytes": {}, "rounds": {})", bytes, rounds);
  for (const Row& row : rows) {
    if (row.units != pages || row.name[0] == 'l' || row.name[0] == 's') {
      fmt::print(R"(, "{}_ns": {:.2f})", row.name, median(row.ns));
      continue;
    }
    std::vector<double> ratios;
    for (std::size_t i = 0; i < rounds; ++i) ratios.push_back(rows[0].ns[i] / row.ns[i]);
    const double ns = median(row.ns);
    fmt::print(R"(, "{}": {{"ns_per_page": {:.1f}, "gb_per_second": {:.2f}, "of_memcpy": {:.3f}}})", row.name, ns,
               kPage / ns, median(ratios));
  }
  fmt::print("}}\n");
  return 0;
}
