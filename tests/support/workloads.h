// Small systems for the engines: loops written in a test, and machines with real loops drawn from a string of numbers.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <ostream>
#include <random>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "model/mm/mmap.h"
#include "sim/check/check.h"
#include "sim/run/run.h"
#include "tests/support/calls.h"

namespace mtesim::test {

/// A loop whose trip is written in the test.
struct ToyLoop {
  static constexpr std::string_view kName = "toy";
  struct State {
    std::uint64_t at{};
    std::uint64_t done{};
  };
  std::function<Step(State&, Kernel&)> trip;

  [[nodiscard]] State begin() const { return {}; }
  [[nodiscard]] Step step(State& s, Kernel& k) const { return trip(s, k); }
  [[nodiscard]] Bytes progress(const State& s) const { return Bytes{s.done}; }
};
using ToyState = ToyLoop::State;
using Trip = std::function<Step(ToyState&, Kernel&)>;

/// Tasks in one address space without mappings, each with one toy call.
[[nodiscard]] inline Workload toy_workload(const std::vector<Trip>& trips) {
  Workload workload;
  workload.revision = *find_revision("7.3");
  workload.start.spaces.emplace_back(AddressSpace{});
  for (const Trip& trip : trips) {
    workload.start.tasks.push_back(Task{});
    workload.calls.push_back({CopyLoop(ToyLoop{trip})});
  }
  return workload;
}

/// Numbers below a bound, one after another; behind the last one they are all 0, which always means the plainest.
class Genes {
 public:
  explicit Genes(std::vector<std::uint8_t> genes) : genes_(std::move(genes)) {}
  std::uint64_t below(std::uint64_t bound) { return next_ < genes_.size() ? genes_[next_++] % bound : (++next_, 0); }
  template <class T>
  const T& of(const std::vector<T>& values) {
    return values[below(values.size())];
  }

 private:
  std::vector<std::uint8_t> genes_;
  std::size_t next_{};
};

struct SmallSystem {
  Workload workload;
  std::vector<Action> actions;
  std::string told;  ///< what was drawn, in words

  /// How much there is to branch over, roughly: what a search that leaves nothing out costs is exponential in it.
  [[nodiscard]] std::uint64_t weight() const {
    std::uint64_t weight = workload.revision.mops ? 1 : 0;  // byte by byte
    weight += workload.calls.size() - 1 + workload.calls.front().size() - 1;
    for (const Action& action : actions) {
      const bool once = action.kind == ActionKind::signal || action.kind == ActionKind::sigkill;
      weight += once ? 1 : action.budget == Action::kUnbounded ? 3 : action.budget;
    }
    return weight;
  }
};

/// Whether to leave out what the reduced search is known to miss.
enum class Gaps : std::uint8_t { avoided, drawn_too };

/// One process, two pages, a buffer of at most some hundred bytes in them, one call or two, and an environment.
class SmallSystems {
 public:
  SmallSystems(std::vector<std::uint8_t> genes, Gaps gaps) : genes_(std::move(genes)), gaps_(gaps) {}

  SmallSystem draw() {
    draw_kernel();
    draw_memory();
    system_.workload.calls.resize(1);
    draw_call(0);
    if (genes_.below(4) == 3) draw_call(0);
    if (genes_.below(8) == 7) draw_second_task();
    const std::uint64_t actions = genes_.of<std::uint64_t>({1, 0, 1, 1, 2, 2, 3});
    for (std::uint64_t i = 0; i < actions; ++i) draw_action();
    std::uint16_t tags = 0;
    for (const Tag tag : pointer_tags_) tags = static_cast<std::uint16_t>(tags | 1U << tag.bits);
    system_.workload.pointer_tags = tags;
    system_.told = told_.str();
    return std::move(system_);
  }

 private:
  static constexpr std::uint64_t kBase = AddressSpace::kBaseAddress;
  static constexpr std::uint64_t kPage = 4096;
  static constexpr std::uint8_t kTag = 5;
  Machine& machine() { return system_.workload.start; }

  void set(std::string_view knob, std::string_view word) {
    find_knob(knob)->set(system_.workload.revision, word);
    told_ << ' ' << knob << '=' << word;
  }

  void draw_kernel() {
    const auto all = revisions();
    const Revision& revision = all[all.size() - 1 - genes_.below(all.size())];
    system_.workload.revision = revision;
    told_ << revision.name;
    for (const std::string_view knob : {"btrfs_search_ioctl.probe", "generic_perform_write.probe"}) {
      const std::vector<std::string>& words = find_knob(knob)->allowed;
      const std::uint64_t which = genes_.below(2 * words.size());
      if (which >= words.size()) set(knob, words[which - words.size()]);
    }
    const std::uint64_t min_size = genes_.below(4);
    if (min_size > 1) set("btrfs_search_ioctl.min_size", min_size == 2 ? "16" : "40");
    if (genes_.below(6) == 5) set("uaccess.mops", "on");
    if (genes_.below(6) == 5) set("uaccess.one_byte_retry", "off");
    if (genes_.below(8) == 7) set("generic_perform_write.shrinks", "off");
    if (genes_.below(8) == 7) set("generic_perform_write.order", "probe_first");
    Task task;
    task.tcf = genes_.of<TcfMode>({TcfMode::sync, TcfMode::sync, TcfMode::sync, TcfMode::asymm, TcfMode::async});
    task.tagged_addr_abi = true;
    task.tcf_sync_asked = task.tcf_async_asked = genes_.below(3) == 2;
    task.store_only = genes_.below(6) == 5;
    told_ << "; tcf " << static_cast<int>(task.tcf) << (task.store_only ? " store-only" : "");
    machine().tasks.push_back(task);
  }

  void draw_memory() {
    Machine& m = machine();
    m.spaces.emplace_back(AddressSpace{});
    kind_ = genes_.of<std::string>({"private", "private", "private", "shared", "tmpfs", "private file"});
    const Bytes size{2 * kPage};
    m.objects.emplace_back(MemoryObject{kind_ == "tmpfs"          ? ObjectKind::shmem
                                        : kind_ == "private file" ? ObjectKind::file
                                                                  : ObjectKind::anonymous,
                                        size, BlockKind::data, size});
    const bool tagged = kind_ != "private file";
    const MapRequest request{kBase, kBase + size.n, {true, true, tagged}, kind_ == "shared" || kind_ == "tmpfs", 1, 0};
    MTESIM_CHECK(map_memory(m, 0, request) == Errno::ok);
    offset_ = genes_.of<std::uint64_t>({0, kPage - 32, kPage - 48, kPage - 8, kPage - 128, kPage - 112, 5, kPage - 99});
    for (std::uint64_t page = 0; page < 2; ++page) {
      MTESIM_CHECK(!failed(handle_mm_fault(m, 0, kBase + page * kPage, AccessKind::store)));
      edit(page, [&](Folio& folio) { folio.tags.set_all(Tag{kTag}, m.granules_per_page()); });
    }
    told_ << "; " << kind_ << ", buffer at " << offset_ << ", bad granules";
    for (std::uint64_t i = 0; i < 3; ++i) {
      const std::uint64_t which = genes_.below(32);
      if (which < 16) continue;
      const std::uint64_t granule = offset_ / 16 + which - 16;
      edit(granule / 256, [&](Folio& folio) {
        folio.tags.set(granule % 256, Tag{static_cast<std::uint8_t>(i % 2 == 0 ? kTag ^ 8 : 2)}, m.granules_per_page());
      });
      told_ << ' ' << granule;
    }
    told_ << ", pages";
    for (std::uint64_t page = 0; page < 2; ++page) draw_state(page);
  }
  template <class Change>
  void edit(std::uint64_t page, Change&& change) {
    machine().edit_folio(machine().spaces[0]->pte(page).folio, change);
  }

  void draw_state(std::uint64_t page) {
    Machine& m = machine();
    const std::uint64_t begin = kBase + page * kPage;
    switch (genes_.below(9)) {
      case 4:
        told_ << " none";
        return dontneed(m, 0, begin, begin + kPage);
      case 5:
        told_ << " loaded";
        dontneed(m, 0, begin, begin + kPage);
        static_cast<void>(handle_mm_fault(m, 0, begin, AccessKind::load));
        return;
      case 6:
        told_ << " away";
        static_cast<void>(evict(m, 0, page));
        return;
      case 7:
        told_ << " cow";
        if (m.spaces.size() == 1) fork_space(m, 0);
        return;
      case 8:
        told_ << " read-only";
        static_cast<void>(protect_memory(m, 0, begin, begin + kPage, {true, false, true}));
        return;
      default:
        told_ << " present";
        return;
    }
  }

  void draw_call(std::uint32_t task) {
    SystemCall call;
    const std::uint64_t which = genes_.below(9);
    const Tag tag{genes_.below(8) == 7 ? std::uint8_t{kTag ^ 8} : kTag};
    std::uint64_t size = 1 + genes_.below(100);
    const UserPtr at(kBase + offset_ + (genes_.below(6) == 5 ? 16 : 0), tag);
    if (which <= 2) {
      SearchTree tree;
      const std::uint64_t items = 1 + genes_.below(3);
      tree.leaves.emplace_back(items, Bytes{genes_.of<std::uint64_t>({8, 0, 16, 40})});
      if (genes_.below(3) == 2) tree.leaves.emplace_back(1, Bytes{4});
      const std::uint64_t buf_size = genes_.of<std::uint64_t>({64, 100, 128, 256, 40});
      call.kind = CallKind::tree_search_v2;
      call.fs = find_file_system("btrfs");
      call.object = file("btrfs", true);
      call.buf_size = Bytes{buf_size};
      call.nr_items = ~std::uint64_t{0};
      call.tree = std::make_shared<const SearchTree>(std::move(tree));
      call.segments = {{at, Bytes{112 + buf_size}}};
      size = buf_size;
    } else {
      static const char* const kFs[] = {"ext4", "ext4", "tmpfs", "pipe", "pipe", "zero"};
      const bool write = which == 4 || which == 5 || which == 7;
      const char* fs = kFs[which - 3];
      const bool vector = genes_.below(4) == 3;
      const bool warm = genes_.below(2) == 0;
      call.kind = vector ? (write ? CallKind::writev : CallKind::readv) : (write ? CallKind::write : CallKind::read);
      call.fs = find_file_system(fs);
      call.position = Bytes{genes_.of<std::uint64_t>({0, 4096 - 20, 7})};
      call.object = which >= 6 ? pipe() : file(fs, warm);
      call.segments = {{at, Bytes{size}}};
      if (vector) {
        const UserPtr other =
            UserPtr(at.address() + genes_.of<std::uint64_t>({size, 0, 8}), genes_.below(6) == 5 ? Tag{2} : tag);
        call.segments.push_back({other, Bytes{1 + genes_.below(40)}});
      }
      if (which == 6 || which == 7) told_ << "; pipe";
    }
    const LoopEntry* loop = find_loop(call);
    MTESIM_CHECK(loop != nullptr);
    for (const UserSegment& segment : call.segments) pointer_tags_.insert(segment.base.tag());
    told_ << "; task " << task << ' ' << loop->name << ' ' << size << " B at +" << (at.address() - kBase) << " tag "
          << int{tag.bits} << " segments " << call.segments.size() << " position " << call.position.n;
    system_.workload.calls[task].push_back(loop->make(call));
  }

  std::uint32_t file(const char* fs, bool warm) {
    if (std::string_view(fs) == "zero") return add_file(machine(), fs, Bytes{0});
    told_ << (warm ? "; warm " : "; cold ") << fs;
    return file_ = add_file(machine(), fs, Bytes{4096 + 50}, warm);
  }
  std::uint32_t pipe() {
    Pipe pipe;
    const std::uint64_t buffers = 1 + genes_.below(3);
    for (std::uint64_t b = 0; b < buffers; ++b) {
      pipe.buffers.push_back({Provenance(Origin{kKernelSource, 100 * b}, Bytes{20 + 10 * b}), 0});
    }
    machine().pipes.emplace_back(std::move(pipe));
    return static_cast<std::uint32_t>(machine().pipes.size() - 1);
  }

  void draw_second_task() {
    machine().tasks.push_back(machine().tasks.front());
    system_.workload.calls.resize(2);
    if (genes_.below(2) == 0) {  // the same call: it wants the same locks
      system_.workload.calls[1] = {system_.workload.calls[0].front()};
      told_ << "; task 1 the same";
    } else {
      draw_call(1);
    }
  }

  /// known_gap_* in tests/property/reduction_check_test.cpp are about these.
  void avoid_gaps(Action& action) const {
    if (action.kind == ActionKind::retag && pointer_tags_.size() > 1) action.kind = ActionKind::evict;
  }

  void draw_action() {
    static const std::vector<ActionKind> kKinds = {
        ActionKind::retag,   ActionKind::evict,    ActionKind::retag,       ActionKind::evict,
        ActionKind::protect, ActionKind::unmap,    ActionKind::dontneed,    ActionKind::sigkill,
        ActionKind::signal,  ActionKind::truncate, ActionKind::migrate_cpu, ActionKind::short_copy};
    Action action;
    action.kind = genes_.of(kKinds);
    if (gaps_ == Gaps::avoided) avoid_gaps(action);
    if (action.kind == ActionKind::truncate) {
      action.object = kind_ == "tmpfs" || kind_ == "private file" ? 1 : file_;
      if (action.object == 0) action.kind = ActionKind::evict;
    }
    if (action.kind == ActionKind::migrate_cpu) {
      action.allow(TcfMode::sync);
      action.allow(genes_.below(2) == 0 ? TcfMode::async : TcfMode::asymm);
    }
    const bool unbounded_too = action.kind == ActionKind::evict || action.kind == ActionKind::retag ||
                               action.kind == ActionKind::migrate_cpu || action.kind == ActionKind::short_copy;
    action.budget = genes_.of<std::uint8_t>({1, 1, 2, unbounded_too ? Action::kUnbounded : std::uint8_t{1}});
    if (action.kind == ActionKind::signal || action.kind == ActionKind::sigkill) {
      action.budget = Action::kUnbounded;
    } else if (action.kind == ActionKind::retag) {
      const std::uint64_t granule = offset_ / 16 + genes_.below(16);
      action.begin = kBase + granule * 16;
      action.end = action.begin + 16 * (1 + genes_.below(2));
    } else {  // whole pages: the first, the second, or both
      const std::uint64_t pages = genes_.below(3);
      action.begin = kBase + (pages == 1 ? kPage : 0);
      action.end = kBase + (pages == 0 ? kPage : 2 * kPage);
    }
    told_ << "; " << info_of(action.kind).name << " x" << int{action.budget} << " granule "
          << (action.begin == 0 ? 0 : (action.begin - kBase) / 16) << " of " << (action.end - action.begin) / 16;
    system_.actions.push_back(action);
  }

  Genes genes_;
  Gaps gaps_;
  SmallSystem system_;
  std::ostringstream told_;
  std::string kind_;
  std::uint64_t offset_{};
  std::uint32_t file_{};  // the last one made, 0: none
  std::set<Tag> pointer_tags_;
};

[[nodiscard]] inline SmallSystem small_system(std::vector<std::uint8_t> genes, Gaps gaps = Gaps::avoided) {
  return SmallSystems(std::move(genes), gaps).draw();
}

[[nodiscard]] inline std::vector<std::uint8_t> random_genes(std::mt19937_64& random, std::size_t length = 60) {
  std::vector<std::uint8_t> genes(length);
  for (std::uint8_t& gene : genes) gene = static_cast<std::uint8_t>(random() >> 20);
  return genes;
}

/// Makes genes that `fails` plainer, gene by gene, as long as it still fails.
template <class Fails>
[[nodiscard]] std::vector<std::uint8_t> plainest(std::vector<std::uint8_t> genes, Fails&& fails) {
  for (bool again = true; again;) {
    again = false;
    for (std::size_t i = 0; i < genes.size(); ++i) {
      for (const std::uint8_t value : {std::uint8_t{0}, static_cast<std::uint8_t>(genes[i] / 2)}) {
        if (value >= genes[i]) continue;
        std::vector<std::uint8_t> plainer = genes;
        plainer[i] = value;
        if (!fails(plainer)) continue;
        genes = std::move(plainer);
        again = true;
      }
    }
  }
  return genes;
}

}  // namespace mtesim::test
