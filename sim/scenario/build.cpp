#include "sim/scenario/build.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "fs_models/memory_calls.h"
#include "fs_models/process_calls.h"
#include "fs_models/small_calls.h"
#include "fs_models/unix_socket.h"
#include "fs_models/user_access.h"
#include "model/mm/mmap.h"
#include "sim/scenario/suggest.h"

namespace mtesim {

namespace {

struct OpenFile {
  const FileSystem* fs{};
  std::uint32_t object{};  ///< or the index of the pipe, socket or eventfd
  Bytes size{};
  OpenFlags flags;
  std::shared_ptr<const SearchTree> tree;
  std::uint64_t extents{};
};

/// The tags that a C library lets IRG give: all but 0.
constexpr std::uint16_t kUsualTagMask = 0xfffe;

class Builder {
 public:
  Builder(const Scenario& scenario, const JsonText& text) : scenario_(scenario), text_(text) {}

  Built build() {
    build_machine();
    build_kernel();
    for (std::size_t i = 0; i < scenario_.files.size(); ++i) build_file(i);
    for (std::size_t i = 0; i < scenario_.memory.size(); ++i) build_mapping(i);
    build_task(scenario_.calls, "");
    for (std::size_t t = 0; t < scenario_.tasks.size(); ++t)
      build_task(scenario_.tasks[t].calls, fmt::format("/tasks/{}", t));
    for (std::size_t i = 0; i < scenario_.environment.size(); ++i) build_action(i);
    complaints_.throw_if_any();
    if (!looks_at_tags_) built_.workload.pointer_tags = pointer_tags_;
    if (scenario_.check) {
      built_.check.max_states = scenario_.check->max_states;
      built_.check.stop_at_livelock = !scenario_.check->whole;
      if (scenario_.check->cycles) built_.check.pricing = Pricing::always;
      if (scenario_.check->contents) built_.check.track_contents = true;  // words may have asked for it already
    }
    return std::move(built_);
  }

 private:
  Machine& machine() { return built_.workload.start; }

  void complain(const std::string& pointer, std::string what) {
    complaints_.add(text_.place(pointer), std::move(what));
  }

  template <class Words>
  std::string unknown(std::string_view what, std::string_view word, const Words& known) {
    std::vector<std::string_view> all(known.begin(), known.end());
    std::string message =
        fmt::format("found the {} {}; allowed: {}", what, in_quotes(word),
                    all.empty() ? "none, as there are none" : fmt::format("{}", fmt::join(all, ", ")));
    if (const auto near = did_you_mean(word, all)) message += fmt::format("; did you mean \"{}\"?", *near);
    return message;
  }

  void build_machine() {
    const std::uint64_t page = scenario_.machine.page_size;
    if (page != 4096 && page != 16384 && page != 65536) {
      complain("/machine/page_size", fmt::format("found {}; allowed: 4096, 16384, 65536", page));
    } else {
      machine().page_size = Bytes{page};
    }
    machine().scheme = find_subpage_scheme(scenario_.machine.scheme);
    machine().preferred_tcf = scenario_.machine.preferred_tcf;
    build_cpu();
    built_.names.page_size = machine().page_size;
    built_.names.objects.emplace_back("");
  }

  void build_cpu() {
    built_.cpu = find_cpu(scenario_.machine.cpu)->cpu;
    for (const auto& [name, value] : scenario_.machine.cpu_change) {
      built_.cpu.*find_cpu_figure(name)->value = static_cast<std::uint32_t>(std::get<std::int64_t>(value));
    }
    if (const std::string wrong = what_is_wrong(built_.cpu); !wrong.empty()) complain("/machine/cpu_change", wrong);
    built_.check.costs = cost_table(built_.cpu);
  }

  void build_kernel() {
    Revision& revision = built_.workload.revision;
    revision = *find_revision(scenario_.kernel.revision);
    for (const auto& [name, value] : scenario_.kernel.change) find_knob(name)->set(revision, to_word(value));
    add_process(scenario_.process, "/process");
    for (std::size_t i = 0; i < scenario_.processes.size(); ++i) {
      add_process(scenario_.processes[i], fmt::format("/processes/{}", i));
    }
    add_task("main", 0, "");
    for (std::size_t t = 0; t < scenario_.tasks.size(); ++t) {
      const TaskSpec& task = scenario_.tasks[t];
      const std::string at = fmt::format("/tasks/{}", t);
      add_task(task.name, find_process(task.process, at + "/process"), at + "/name");
    }
  }

  void add_process(const ProcessSpec& process, const std::string& at) {
    const Revision& revision = built_.workload.revision;
    if (process.tcf == TcfMode::asymm && !revision.has_asymm) {
      complain(at + "/tcf", fmt::format("found \"asymm\", which user space of {} cannot ask for; the change "
                                        "\"mte.asymm\": \"on\" makes it a what-if",
                                        revision.name));
    }
    if (process.store_only && !revision.has_store_only) {
      complain(at + "/store_only", fmt::format("found true, which user space of {} cannot ask for; the change "
                                               "\"mte.store_only\": \"on\" makes it a what-if",
                                               revision.name));
    }
    std::vector<std::string>& known = built_.names.processes;
    if (std::find(known.begin(), known.end(), process.name) != known.end()) {
      complain(at + "/name", fmt::format("found the name {} a second time", in_quotes(process.name)));
    }
    known.push_back(process.name);
    machine().spaces.emplace_back(AddressSpace{});
    const bool both = process.several_modes || process.tcf == TcfMode::asymm;
    if (process.several_modes && (process.tcf == TcfMode::none || !revision.tcf_is_a_set)) {
      complain(at + "/several_modes",
               process.tcf == TcfMode::none
                   ? std::string("found true with tcf \"none\"; allowed: with what a CPU may prefer")
                   : fmt::format("found true; the prctl of {} takes one mode only", revision.name));
    }
    threads_.push_back(Task{.space = static_cast<std::uint32_t>(threads_.size()),
                            .tcf = process.tcf,
                            .store_only = process.store_only,
                            .tagged_addr_abi = process.tagged_addr_abi,
                            .user_tco = process.tco,
                            .handles_faults = process.fault_handler,
                            .tcf_sync_asked = both || process.tcf == TcfMode::sync,
                            .tcf_async_asked = both || process.tcf == TcfMode::async,
                            .tag_mask = kUsualTagMask});
  }

  void add_task(const std::string& name, std::uint32_t process, const std::string& at) {
    std::vector<std::string>& known = built_.names.tasks;
    if (std::find(known.begin(), known.end(), name) != known.end()) {
      complain(at, fmt::format("found the name {} a second time{}", in_quotes(name),
                               name == "main" ? ": it is that of the task that makes the scenario's calls" : ""));
    }
    known.push_back(name);
    machine().tasks.push_back(threads_[process]);
  }

  /// Empty: the first. So is one that is not known.
  std::uint32_t find_process(const std::string& name, const std::string& pointer) {
    const std::vector<std::string>& known = built_.names.processes;
    const auto found = std::find(known.begin(), known.end(), name);
    if (found != known.end()) return static_cast<std::uint32_t>(found - known.begin());
    if (!name.empty()) complain(pointer, unknown("process", name, known));
    return 0;
  }

  std::optional<TaskId> find_task(const std::string& name, const std::string& pointer) {
    const std::vector<std::string>& known = built_.names.tasks;
    const auto found = std::find(known.begin(), known.end(), name);
    if (found != known.end()) return TaskId{static_cast<std::uint32_t>(found - known.begin())};
    complain(pointer, unknown("task", name, known));
    return std::nullopt;
  }

  std::uint32_t add_object(ObjectKind kind, Bytes size, std::string name) {
    machine().objects.emplace_back(MemoryObject{kind, size, {}});
    built_.names.objects.push_back(std::move(name));
    return static_cast<std::uint32_t>(machine().objects.size() - 1);
  }

  void build_file(std::size_t i) {
    const FileSpec& spec = scenario_.files[i];
    const std::string at = fmt::format("/files/{}", i);
    if (std::any_of(files_.begin(), files_.end(), [&](const auto& f) { return f.first == spec.name; })) {
      complain(at + "/name", fmt::format("found the name {} a second time", in_quotes(spec.name)));
    }
    OpenFile file{.fs = find_file_system(spec.fs)};
    file.size = spec.size;
    if (!has_file_system(*file.fs, built_.workload.revision)) {
      complain(at + "/fs", fmt::format("found {}, which is modelled from {} on; this is {}", file.fs->name,
                                       file.fs->since, built_.workload.revision.name));
    }
    if (spec.compressed && file.fs->name != "ntfs3") {
      complain(at + "/compressed", fmt::format("found a compressed file on {}; allowed: on ntfs3", file.fs->name));
    }
    file.flags = {spec.direct, spec.sync, spec.nocow, spec.compressed};
    file.extents = spec.extents;
    switch (file.fs->kind) {
      case FileKind::pipe:
        file.object = add_pipe(spec, at);
        break;
      case FileKind::unix_stream:
      case FileKind::unix_datagram:
        file.object = add_socket(spec, file.fs->kind == FileKind::unix_datagram);
        break;
      case FileKind::eventfd:
        machine().eventfds.push_back(spec.size.n);
        file.object = static_cast<std::uint32_t>(machine().eventfds.size() - 1);
        break;
      default:
        file.object = add_object(file.fs->pages, spec.size, spec.name);
        lay_out(file, spec, at);
        if (file.fs->kind == FileKind::regular &&
            (spec.cache == CacheState::warm || file.fs->contract == WriteContract::simple)) {
          const std::uint64_t pages = round_up(spec.size.n, machine().page_size) / machine().page_size.n;
          for (std::uint32_t page = 0; page < pages; ++page) fill_cache({file.object, page});
          // It has been read to its end, and there as well.
          const bool aligned = is_aligned(spec.size.n, machine().page_size);
          if (aligned && file.fs->pages == ObjectKind::file && built_.workload.revision.read_at_eof_caches_page) {
            read_into_cache(machine(), {file.object, static_cast<std::uint32_t>(pages)});
          }
        }
    }
    if (!spec.tree.empty() || file.fs->name == "btrfs") file.tree = build_tree(spec, at);
    files_.emplace_back(spec.name, std::move(file));
  }

  void lay_out(const OpenFile& file, const FileSpec& spec, const std::string& at) {
    if (spec.direct && !opens_direct(*file.fs, built_.workload.revision)) {
      complain(at + "/direct", fmt::format("found O_DIRECT, with which {} of {} opens no file: EINVAL", file.fs->name,
                                           built_.workload.revision.name));
    }
    MemoryObject& object = machine().objects[file.object].write();
    object.blocks = spec.content;
    object.laid_out = spec.size;
    object.fault_locking = file.fs->fault_locking;
    const bool may_be_inline = !spec.nocow || built_.workload.revision.btrfs_nocow_inline;
    if (spec.content == BlockKind::data && spec.size <= file.fs->inline_limit && may_be_inline) {
      object.blocks = BlockKind::inline_data;
    }
    if (spec.content == BlockKind::unwritten && file.fs->preallocates_zeroes) {
      for (Bytes begin; begin < spec.size; begin += machine().page_size) {
        const auto page = static_cast<std::uint32_t>(begin / machine().page_size);
        machine().edit_folio({file.object, page}, [](Folio& folio) { folio.stored = true; });
      }
    }
  }

  std::uint32_t add_pipe(const FileSpec& spec, const std::string& at) {
    Pipe pipe;
    const Bytes page = machine().page_size;
    pipe.ring_size = static_cast<std::uint32_t>(std::max<std::uint64_t>(spec.pipe_size / page, 1));
    pipe.writers = spec.closed ? 0 : 1;
    pipe.readers = spec.closed ? 0 : 1;
    if (spec.size > page * pipe.ring_size) {
      complain(at + "/size_bytes",
               fmt::format("found {}; this pipe holds at most {} bytes", spec.size.n, (page * pipe.ring_size).n));
    } else {
      for (Bytes queued; queued < spec.size; queued += page) {
        const Bytes bytes = min(page, spec.size - queued);
        pipe.buffers.push_back({Provenance(Origin{kKernelSource, queued.n}, bytes), 0});
      }
    }
    machine().pipes.emplace_back(std::move(pipe));
    built_.names.pipes.push_back(spec.name);
    return static_cast<std::uint32_t>(machine().pipes.size() - 1);
  }

  /// What is queued has been sent by one write.
  std::uint32_t add_socket(const FileSpec& spec, bool datagram) {
    Socket socket;
    socket.peer_closed = spec.closed;
    const Bytes page = machine().page_size;
    for (Bytes queued; queued < spec.size;) {
      const Bytes left = spec.size - queued;
      const SkbLayout layout = datagram ? unix_dgram_skb(left, page) : unix_stream_skb(left, page);
      Bytes size = layout.linear;
      for (const Bytes frag : layout.frags) size += frag;
      socket.queue.push_back({Provenance(Origin{kKernelSource, queued.n}, size), layout.linear, {}});
      queued += size;
    }
    machine().sockets.emplace_back(std::move(socket));
    return static_cast<std::uint32_t>(machine().sockets.size() - 1);
  }

  void fill_cache(FolioRef page) {
    const Contents contents = contents_on_disk(machine(), page);
    read_into_cache(machine(), page);
    machine().edit_folio(page, [&](Folio& folio) { folio.contents = contents; });
  }

  std::shared_ptr<const SearchTree> build_tree(const FileSpec& spec, const std::string& at) {
    if (!spec.tree.empty() && spec.fs != "btrfs") {
      complain(at + "/tree", fmt::format("found a tree on {}; only btrfs has one to search", spec.fs));
    }
    SearchTree tree;
    constexpr std::uint64_t kLeafHeader = 101;
    constexpr std::uint64_t kLeafItem = 25;
    std::uint64_t used = 0;
    for (std::size_t l = 0; l < spec.tree.size(); ++l) {
      const LeafSpec& run = spec.tree[l];
      if (run.new_leaf || tree.leaves.empty()) {
        tree.leaves.emplace_back();
        used = kLeafHeader;
      }
      used += run.items * (run.item_size.n + kLeafItem);
      if (used > tree.node_size.n) {
        complain(fmt::format("{}/tree/{}", at, l), fmt::format("found {} items of {} bytes, {} bytes in a leaf of {}",
                                                               run.items, run.item_size.n, used, tree.node_size.n));
      }
      tree.leaves.back().insert(tree.leaves.back().end(), run.items, run.item_size);
    }
    return std::make_shared<const SearchTree>(std::move(tree));
  }

  const OpenFile* find_file(const std::string& name, const std::string& pointer) {
    for (const auto& [known, file] : files_) {
      if (known == name) return &file;
    }
    std::vector<std::string_view> names;
    for (const auto& file : files_) names.push_back(file.first);
    complain(pointer, unknown("file", name, names));
    return nullptr;
  }

  void build_mapping(std::size_t i) {
    const MappingSpec& spec = scenario_.memory[i];
    const std::string at = fmt::format("/memory/{}", i);
    for (const Names::Mapping& other : built_.names.mappings) {
      if (other.name == spec.name) {
        complain(at + "/name", fmt::format("found the name {} a second time", in_quotes(spec.name)));
      }
    }
    pages_ += spec.pages;
    if (pages_ > kMostPages) {
      complain(at + "/pages", fmt::format("found {} pages in all; allowed: at most {}", pages_, kMostPages));
      return;
    }
    const bool of_file = spec.kind == MappingKind::file || spec.kind == MappingKind::private_file;
    const Bytes page = machine().page_size;
    const std::uint64_t begin = next_address_;
    const std::uint64_t end = begin + spec.pages * page.n;
    next_address_ = end + page.n;

    space_ = find_process(spec.process, at + "/process");
    MapRequest request{begin, end, prot_of(spec.prot), is_shared(spec.kind), 0, 0};
    if (!spec.shares.empty()) {
      const std::optional<std::uint32_t> shared = find_shared(spec, at);
      if (!shared) return;
      request.object = *shared;
    } else if (of_file) {
      const OpenFile* file = find_file(spec.file, spec.file.empty() ? at : at + "/file");
      if (file == nullptr) return;
      if (file->fs->kind != FileKind::regular) {
        complain(at + "/file", fmt::format("found {}, which cannot be mapped", file->fs->name));
        return;
      }
      request.object = file->object;
    } else {
      if (!spec.file.empty()) complain(at + "/file", "found a file for a mapping that has none");
      request.object = add_object(object_kind(spec.kind), Bytes{end - begin}, spec.name);
    }
    objects_.emplace(spec.name, request.object);
    if (!spec.mapped) {
      if (spec.tag != 0 || !spec.tags.empty() || !spec.states.empty()) {
        complain(at, "found tags or states of pages in a mapping that is not there yet; its pages start untouched");
      }
      built_.names.mappings.push_back({spec.name, begin, end, space_});
      to_be_mapped_.emplace(spec.name, request);
      return;
    }
    if (spec.kind == MappingKind::hugetlb) {
      complain(at + "/kind", "found huge pages, of which there are none; a call can ask for them: \"mapped\": false");
      return;
    }
    if (map_memory(machine(), space_, request) != Errno::ok) {
      complain(at + "/prot", "found PROT_MTE on a file that cannot hold tags; allowed on anonymous memory and tmpfs");
      return;
    }
    built_.names.mappings.push_back({spec.name, begin, end, space_});
    if (!request.prot.mte && (spec.tag != 0 || !spec.tags.empty())) {
      complain(at + (spec.tag != 0 ? "/tag" : "/tags"),
               fmt::format("found a tag on memory that is not PROT_MTE; its prot is \"{}\", allowed: \"rwt\" or \"rt\"",
                           spec.prot));
      return;
    }
    if (spec.present && request.prot.read) populate(spec, request);
    for (std::size_t t = 0; t < spec.tags.size(); ++t)
      retag(spec, spec.tags[t], request, fmt::format("{}/tags/{}", at, t));
    if (!spec.words.empty()) built_.check.track_contents = true;  // futexes go by what is in memory
    for (std::size_t w = 0; w < spec.words.size(); ++w) {
      set_word(spec.words[w], request, fmt::format("{}/words/{}", at, w));
    }
    for (std::size_t s = 0; s < spec.states.size(); ++s) {
      set_states(spec, spec.states[s], request, fmt::format("{}/states/{}", at, s));
    }
  }

  /// The memory of the mapping that this one shares.
  std::optional<std::uint32_t> find_shared(const MappingSpec& spec, const std::string& at) {
    std::vector<std::string_view> names;
    for (const MappingSpec& other : scenario_.memory) {
      if (&other == &spec) break;
      if (!is_shared(other.kind) || !other.shares.empty()) continue;
      names.push_back(other.name);
      if (other.name != spec.shares) continue;
      if (other.kind != spec.kind) {
        complain(at + "/kind",
                 fmt::format("found another kind than that of {}, whose memory it shares", in_quotes(spec.shares)));
        return std::nullopt;
      }
      if (spec.pages > other.pages) {
        complain(at + "/pages",
                 fmt::format("found {} pages; {} has {}", spec.pages, in_quotes(spec.shares), other.pages));
        return std::nullopt;
      }
      if (spec.tag != 0 || !spec.tags.empty() || !spec.words.empty()) {
        complain(at, fmt::format("found tags or words, which the memory has from {}", in_quotes(spec.shares)));
        return std::nullopt;
      }
      const auto object = objects_.find(spec.shares);
      return object == objects_.end() ? std::nullopt : std::optional(object->second);
    }
    complain(at + "/shares", unknown("shared mapping before this one", spec.shares, names));
    return std::nullopt;
  }

  void set_word(const WordSpec& word, const MapRequest& request, const std::string& at) {
    const std::uint64_t length = request.end - request.begin;
    if (word.offset % 4 != 0 || word.offset + 4 > length) {
      return complain(at + "/offset_bytes",
                      fmt::format("found {}; allowed: a multiple of 4 below {}", word.offset, length));
    }
    const std::uint64_t address = request.begin + word.offset;
    const Pte pte = machine().spaces[space_]->pte(machine().page_index(address));
    if (pte.state != PteState::present) return complain(at, "found a word on a page that is not there");
    machine().edit_folio(pte.folio, [&](Folio& folio) {
      folio.contents.write(static_cast<std::uint32_t>(address % machine().page_size.n), known_word(word.value));
    });
  }

  static Prot prot_of(const std::string& text) {
    return {text != "none", text.find('w') != std::string::npos, text.back() == 't'};
  }
  static bool is_shared(MappingKind kind) {
    switch (kind) {
      case MappingKind::shared_anonymous:
      case MappingKind::tmpfs:
      case MappingKind::file:
      case MappingKind::memfd:
      case MappingKind::dev_zero:
        return true;
      default:
        return false;
    }
  }
  /// Of mappings that bring their memory with them.
  static ObjectKind object_kind(MappingKind kind) {
    switch (kind) {
      case MappingKind::tmpfs:
      case MappingKind::memfd:
        return ObjectKind::shmem;
      case MappingKind::dev_zero:
      case MappingKind::private_dev_zero:
        return ObjectKind::dev_zero;
      case MappingKind::hugetlb:
        return ObjectKind::hugetlb;
      default:
        return ObjectKind::anonymous;
    }
  }

  /// Every page is there as if the process had written it (or read it, where it may not write), and tagged.
  void populate(const MappingSpec& spec, const MapRequest& request) {
    const ObjectKind kind = machine().objects[request.object]->kind;
    const bool anonymous = kind == ObjectKind::anonymous || kind == ObjectKind::dev_zero;
    const bool of_file = spec.kind == MappingKind::file || spec.kind == MappingKind::private_file;
    for (std::uint64_t address = request.begin; address < request.end; address += machine().page_size.n) {
      Prot prot = request.prot;
      prot.write = true;  // the page was written before it became read-only
      if (anonymous && !request.prot.write) protect(address, prot);
      const bool store = request.prot.write || anonymous;
      if (failed(handle_mm_fault(machine(), space_, address, store ? AccessKind::store : AccessKind::load))) continue;
      const Pte pte = machine().spaces[space_]->pte(machine().page_index(address));
      if (pte.state == PteState::present && spec.shares.empty()) {
        machine().edit_folio(pte.folio, [&](Folio& folio) {
          folio.tags.set_all(Tag{static_cast<std::uint8_t>(spec.tag)}, machine().granules_per_page());
          if (!of_file) folio.contents = Contents(Origin{source_of_object(request.object), address - request.begin});
        });
      }
      if (anonymous && !request.prot.write) protect(address, request.prot);
    }
  }

  void protect(std::uint64_t address, Prot prot) {
    const Errno done = protect_memory(machine(), space_, address, address + machine().page_size.n, prot);
    MTESIM_CHECK(done == Errno::ok);
  }

  void retag(const MappingSpec& spec, const TagRunSpec& run, const MapRequest& request, const std::string& at) {
    const std::uint64_t granules = (request.end - request.begin) / kGranule.n;
    if (!check_run(run.granules, granules, "granules", at + "/granules")) return;
    if (!spec.present) return complain(at, "found tags on pages that are not present; a page starts with tags 0");
    for (std::uint64_t g = run.granules.first; g <= run.granules.last; g += run.granules.step) {
      const std::uint64_t address = request.begin + g * kGranule.n;
      const Pte pte = machine().spaces[space_]->pte(machine().page_index(address));
      if (pte.state != PteState::present) return complain(at, "found tags on a page that is not there");
      const std::size_t in_page = address % machine().page_size.n / kGranule.n;
      machine().edit_folio(pte.folio, [&](Folio& folio) {
        folio.tags.set(in_page, Tag{static_cast<std::uint8_t>(run.tag)}, machine().granules_per_page());
      });
    }
  }

  bool check_run(const NumberRun& run, std::uint64_t number, std::string_view what, const std::string& at) {
    if (run.first > run.last) {
      complain(at, fmt::format("found a run from {} down to {}", run.first, run.last));
      return false;
    }
    if (run.last >= number) {
      complain(at, fmt::format("found {}; the mapping has {} {}, 0 to {}", run.last, number, what, number - 1));
      return false;
    }
    return true;
  }

  void set_states(const MappingSpec& spec, const PageStateSpec& state, const MapRequest& request,
                  const std::string& at) {
    if (!check_run(state.pages, spec.pages, "pages", at + "/pages")) return;
    for (std::uint64_t p = state.pages.first; p <= state.pages.last; p += state.pages.step) {
      if (!set_state(request, request.begin + p * machine().page_size.n, state)) {
        return complain(at + "/state", fmt::format("found a state that page {} of a {} mapping cannot have", p,
                                                   request.shared ? "shared" : "private"));
      }
    }
  }

  bool set_state(const MapRequest& request, std::uint64_t address, const PageStateSpec& spec) {
    const std::uint64_t page = machine().page_index(address);
    const std::uint64_t end = address + machine().page_size.n;
    const bool anonymous = machine().objects[request.object]->kind == ObjectKind::anonymous;
    Prot read_only = request.prot;
    read_only.write = false;
    switch (spec.state) {
      case PageStateWord::present:
        return !failed(
            handle_mm_fault(machine(), space_, address, request.prot.write ? AccessKind::store : AccessKind::load));
      case PageStateWord::not_present:
        zap_pte(machine(), space_, page);
        return true;
      case PageStateWord::clean:
        zap_pte(machine(), space_, page);
        return !failed(handle_mm_fault(machine(), space_, address, AccessKind::load));
      case PageStateWord::zero_page:
        zap_pte(machine(), space_, page);
        return anonymous && !request.shared && !failed(handle_mm_fault(machine(), space_, address, AccessKind::load));
      case PageStateWord::swapped:
        return machine().objects[request.object]->kind != ObjectKind::file && evict(machine(), space_, page);
      case PageStateWord::cow: {
        const Pte pte = machine().spaces[space_]->pte(page);
        if (request.shared || pte.state != PteState::present) return false;
        if (child_ == 0) {
          machine().spaces.emplace_back(AddressSpace{});
          child_ = static_cast<std::uint32_t>(machine().spaces.size() - 1);
        }
        Pte shared = pte;
        shared.writable = false;
        machine().spaces[space_].write().set_pte(page, shared);
        machine().spaces[child_].write().map(address, end, *machine().spaces[space_]->find(address));
        machine().spaces[child_].write().set_pte(page, shared);
        machine().edit_folio(pte.folio, [](Folio& folio) { ++folio.maps; });
        return true;
      }
      case PageStateWord::fresh: {
        dontneed(machine(), space_, address, end);
        const AccessKind kind = request.prot.write ? AccessKind::store : AccessKind::load;
        if (failed(handle_mm_fault(machine(), space_, address, kind))) return false;
        const Pte pte = machine().spaces[space_]->pte(page);
        if (pte.state != PteState::present) return spec.tag == 0;
        machine().edit_folio(pte.folio, [&](Folio& folio) {
          if (anonymous && !request.shared) folio.contents = Contents();
          if (request.prot.mte) {
            folio.tags.set_all(Tag{static_cast<std::uint8_t>(spec.tag)}, machine().granules_per_page());
          }
        });
        return request.prot.mte || spec.tag == 0;
      }
      case PageStateWord::past_end: {
        const std::uint32_t empty = add_object(ObjectKind::shmem, Bytes{0}, "");
        Prot prot = request.prot;
        prot.mte = false;
        return map_memory(machine(), space_, {address, end, prot, true, empty, 0}) == Errno::ok;
      }
      case PageStateWord::read_only:
        protect(address, read_only);
        return true;
      case PageStateWord::prot_none:
        protect(address, Prot{});
        return true;
      case PageStateWord::unmapped:
        unmap_memory(machine(), space_, address, end);
        return true;
    }
    return false;
  }

  const Names::Mapping* find_mapping(const std::string& name, const std::string& pointer) {
    for (const Names::Mapping& mapping : built_.names.mappings) {
      if (mapping.name == name) return &mapping;
    }
    std::vector<std::string_view> names;
    for (const MappingSpec& mapping : scenario_.memory) names.push_back(mapping.name);
    const bool was_refused = std::find(names.begin(), names.end(), name) != names.end();
    if (!was_refused) complain(pointer, unknown("mapping", name, names));
    return nullptr;
  }

  /// `of_task`: it must be memory of the task's own process.
  std::optional<UserPtr> resolve(const BufferPlace& place, std::uint32_t tag, const std::string& pointer,
                                 bool of_task = true) {
    const Names::Mapping* mapping = find_mapping(place.mapping, pointer);
    if (mapping == nullptr) return std::nullopt;
    const std::uint32_t own = machine().tasks[task_].space;
    if (of_task && mapping->space != own) {
      complain(pointer, fmt::format("found {}, a mapping of the process {}; this task is of {}", place.mapping,
                                    built_.names.processes[mapping->space], built_.names.processes[own]));
      return std::nullopt;
    }
    const std::uint64_t length = mapping->end - mapping->begin;
    if (place.offset > length) {
      complain(pointer,
               fmt::format("found offset {}; the mapping {} has {} bytes", place.offset, place.mapping, length));
      return std::nullopt;
    }
    pointer_tags_ = static_cast<std::uint16_t>(pointer_tags_ | 1U << tag);
    return UserPtr(mapping->begin + place.offset, Tag{static_cast<std::uint8_t>(tag)});
  }

  void build_task(const std::vector<CallSpec>& calls, const std::string& task_at) {
    task_ = static_cast<std::uint32_t>(built_.workload.calls.size());
    built_.workload.calls.emplace_back();
    built_.workload.system_calls.emplace_back();
    for (std::size_t i = 0; i < calls.size(); ++i) {
      const std::string at = fmt::format("{}/calls/{}", task_at, i);
      std::visit([&](const auto& spec) { build_call(spec, at); }, calls[i]);
      const CallSpec& call = calls[i];
      looks_at_tags_ |= std::holds_alternative<LdgSpec>(call) || std::holds_alternative<IrgSpec>(call) ||
                        std::holds_alternative<PeekTagsSpec>(call);
    }
  }
  void build_call(const ReadSpec& spec, const std::string& at) { transfer(spec, CallKind::read, at); }
  void build_call(const WriteSpec& spec, const std::string& at) { transfer(spec, CallKind::write, at); }
  void build_call(const ReadvSpec& spec, const std::string& at) { transfer_v(spec, CallKind::readv, at); }
  void build_call(const WritevSpec& spec, const std::string& at) { transfer_v(spec, CallKind::writev, at); }
  void build_call(const TreeSearchSpec& spec, const std::string& at) {
    search(spec, CallKind::tree_search, Bytes{4096}, Bytes{0}, at);
  }
  void build_call(const TreeSearchV2Spec& spec, const std::string& at) {
    search(spec, CallKind::tree_search_v2, spec.buf_size + Bytes{112}, spec.buf_size, at);
  }

  void build_call(const FiemapSpec& spec, const std::string& at) {
    SystemCall call{.kind = CallKind::fiemap, .extent_count = spec.extent_count};
    add_segment(call.segments, spec.buffer, Bytes{32 + 56 * spec.extent_count}, spec.pointer_tag, at + "/buffer");
    finish(std::move(call), spec.file, at + "/file", at);
  }

  void transfer(const ReadSpec& spec, CallKind kind, const std::string& at) {
    SystemCall call{.kind = kind, .position = spec.position};
    add_segment(call.segments, spec.buffer, spec.count, spec.pointer_tag, at + "/buffer");
    if (!check_maker(spec.in, at)) return;
    finish(std::move(call), spec.file, at + (kind == CallKind::read ? "/read" : "/write"), at, spec.in);
  }

  void transfer_v(const ReadvSpec& spec, CallKind kind, const std::string& at) {
    SystemCall call{.kind = kind, .segments = segments_of(spec.iov, at + "/iov"), .position = spec.position};
    finish(std::move(call), spec.file, at + (kind == CallKind::readv ? "/readv" : "/writev"), at);
  }

  void build_call(const ProcessVmSpec& spec, const std::string& at) {
    SystemCall call{
        .kind = spec.kind == ProcessVmKind::readv ? CallKind::process_vm_readv : CallKind::process_vm_writev,
        .segments = segments_of(spec.local, at + "/local"),
        .remote = segments_of(spec.remote, at + "/remote", false)};
    for (std::size_t s = 0; s < spec.remote.size() && call.remote.size() == spec.remote.size(); ++s) {
      const std::string pointer = fmt::format("{}/remote/{}/buffer", at, s);
      const std::uint32_t space = find_mapping(spec.remote[s].buffer.mapping, pointer)->space;
      if (s > 0 && space != call.remote_space) {
        return complain(pointer, "found memory of another process than that before it");
      }
      call.remote_space = space;
    }
    if (call.remote_space == machine().tasks[task_].space) call.remote_space = PageWalk::kOwnSpace;
    if (!call.segments.empty() && !call.remote.empty()) add_call(std::move(call), "", at);
  }
  void build_call(const ProcMemSpec& spec, const std::string& at) {
    SystemCall call{.kind = spec.kind == ProcMemKind::read ? CallKind::proc_mem_read : CallKind::proc_mem_write};
    add_segment(call.segments, spec.buffer, spec.count, spec.pointer_tag, at + "/buffer");
    add_segment(call.remote, spec.position, spec.count, spec.position_tag, at + "/position");
    if (!call.segments.empty() && !call.remote.empty()) add_call(std::move(call), "", at);
  }
  void build_call(const VmspliceSpec& spec, const std::string& at) {
    SystemCall call{.kind = CallKind::vmsplice, .segments = segments_of(spec.iov, at + "/iov")};
    const OpenFile* file = find_file(spec.file, at + "/vmsplice");
    if (file == nullptr || call.segments.empty()) return;
    if (file->fs->kind != FileKind::pipe) {
      return complain(at + "/vmsplice",
                      fmt::format("found {}, a file of {}; allowed: a pipe", in_quotes(spec.file), file->fs->name));
    }
    call.object = file->object;
    add_call(std::move(call), spec.file, at);
  }
  void build_call(const FutexSpec& spec, const std::string& at) {
    SystemCall call{
        .kind = CallKind::futex, .futex_op = spec.op, .futex_shared = spec.shared, .futex_value = spec.value};
    add_segment(call.segments, spec.word, Bytes{4}, spec.pointer_tag, at + "/word");
    if (spec.second) add_segment(call.remote, *spec.second, Bytes{4}, spec.second_tag, at + "/second");
    if (!call.segments.empty()) add_call(std::move(call), "", at);
  }
  void build_call(const UffdioCopySpec& spec, const std::string& at) {
    SystemCall call{.kind = CallKind::uffdio_copy};
    add_segment(call.segments, spec.src, spec.length, 0, at + "/src");
    add_segment(call.remote, spec.dst, spec.length, 0, at + "/dst");
    if (!call.segments.empty() && !call.remote.empty()) add_call(std::move(call), "", at);
  }
  void build_call(const UserEventRegisterSpec& spec, const std::string& at) {
    if (spec.enable_size.n != 4 && spec.enable_size.n != 8) {
      return complain(at + "/enable_size_bytes", fmt::format("found {}; allowed: 4, 8", spec.enable_size.n));
    }
    SystemCall call{.kind = CallKind::user_event_register};
    add_segment(call.segments, spec.buffer, Bytes{28}, spec.pointer_tag, at + "/buffer");
    add_segment(call.remote, spec.enable, spec.enable_size, spec.enable_tag, at + "/enable");
    if (call.remote.empty()) return;
    const OpenFile* file = find_file(spec.file, at + "/file");
    if (file != nullptr && file->fs->kind != FileKind::user_events) {
      return complain(at + "/file", fmt::format("found {}, a file of {}; allowed: one of user_events",
                                                in_quotes(spec.file), file->fs->name));
    }
    finish(std::move(call), spec.file, at + "/file", at);
  }
  void build_call(const SmallCallSpec& spec, const std::string& at) {
    SystemCall call{.kind = spec.call == "getrandom" ? CallKind::getrandom : CallKind::small,
                    .small = find_small_call(spec.call),
                    .length = spec.length,
                    .names = spec.names};
    add_segment(call.segments, spec.buffer, spec.size, spec.pointer_tag, at + "/buffer");
    if (!call.segments.empty()) add_call(std::move(call), "", at);
  }

  void add_segment(UserSegments& segments, const BufferPlace& place, Bytes size, std::uint32_t tag,
                   const std::string& pointer, bool of_task = true) {
    if (const auto base = resolve(place, tag, pointer, of_task)) segments.push_back({*base, size});
  }
  UserSegments segments_of(const std::vector<IovSpec>& iov, const std::string& at, bool of_task = true) {
    UserSegments segments;
    for (std::size_t s = 0; s < iov.size(); ++s) {
      add_segment(segments, iov[s].buffer, iov[s].size, iov[s].pointer_tag, fmt::format("{}/{}/buffer", at, s),
                  of_task);
    }
    return segments;
  }

  void search(const TreeSearchSpec& spec, CallKind kind, Bytes size, Bytes buf_size, const std::string& at) {
    SystemCall call{.kind = kind, .buf_size = buf_size, .nr_items = spec.nr_items.value_or(~std::uint64_t{0})};
    const auto base = resolve(spec.buffer, spec.pointer_tag, at + "/buffer");
    if (base) call.segments.push_back({*base, size});
    finish(std::move(call), spec.file, at + "/file", at);
  }

  void finish(SystemCall call, const std::string& file_name, const std::string& file_pointer, const std::string& at,
              CallMaker maker = CallMaker::process) {
    const OpenFile* file = find_file(file_name, file_pointer);
    if (file == nullptr || call.segments.empty()) return;
    call.fs = file->fs;
    call.object = file->object;
    call.tree = file->tree;
    call.file_size = file->size;
    call.flags = file->flags;
    call.file_extents = file->extents;
    add_call(std::move(call), file_name, at, maker);
  }

  void add_call(SystemCall call, const std::string& file_name, const std::string& at,
                CallMaker maker = CallMaker::process) {
    const LoopEntry* loop = find_loop(call);
    if (loop == nullptr) {
      return complain(
          at, fmt::format("found {} on {}, whose loop is not modelled yet; `mtesim list loops` has those that are",
                          call_name(call), call.fs->name));
    }
    add_call(loop->make(call),
             file_name.empty() ? std::string(call_name(call)) : fmt::format("{} on {}", call_name(call), file_name),
             maker, loop);
    built_.workload.system_calls[task_].back() = std::move(call);
  }

  void add_call(const CopyLoop& loop, std::string in_words, CallMaker maker = CallMaker::process,
                const LoopEntry* entry = nullptr) {
    const bool child = maker == CallMaker::child;
    if (child) in_words += ", in the child";
    if (!scenario_.tasks.empty()) in_words += ", by " + built_.names.tasks[task_];
    built_.calls.push_back(std::move(in_words));
    built_.loops.push_back(entry);
    built_.workload.calls[task_].push_back(child ? loop.by_child() : loop);
    built_.workload.system_calls[task_].emplace_back();
  }

  bool check_maker(CallMaker maker, const std::string& at) {
    if (maker == CallMaker::process || forked_) return true;
    complain(at + "/in", "found the child of a process that has not forked; {\"call\": \"fork\"} must come before");
    return false;
  }

  // What the program does itself.

  void build_call(const UserLoadSpec& spec, const std::string& at) { load_store(spec, AccessKind::load, 0, at); }
  void build_call(const UserStoreSpec& spec, const std::string& at) {
    load_store(spec, AccessKind::store, static_cast<std::uint8_t>(spec.value), at);
  }
  void load_store(const UserLoadSpec& spec, AccessKind kind, std::uint8_t value, const std::string& at) {
    const auto place = resolve(spec.buffer, spec.pointer_tag, at + "/buffer");
    if (!place || !check_maker(spec.in, at)) return;
    const bool load = kind == AccessKind::load;
    add_call(CopyLoop(UserLoadStore{{}, *place, spec.count, kind, value, {spec.sigsetjmp}}),
             fmt::format("{} {}", load ? "load from" : "store to", built_.names.of(*place)), spec.in);
  }
  void build_call(const StgSpec& spec, const std::string& at) {
    const auto place = resolve(spec.buffer, 0, at + "/buffer");
    if (!place || !check_maker(spec.in, at)) return;
    const Tag tag{static_cast<std::uint8_t>(spec.tag)};
    add_call(CopyLoop(UserStoreTags{{}, *place, spec.granules, tag, spec.tag_step, {spec.sigsetjmp}}),
             fmt::format("stg to {}", built_.names.of(*place)), spec.in);
  }
  void build_call(const LdgSpec& spec, const std::string& at) {
    const auto place = resolve(spec.buffer, 0, at + "/buffer");
    if (!place || !check_maker(spec.in, at)) return;
    add_call(CopyLoop(UserLoadTag{{}, *place, {spec.sigsetjmp}}), fmt::format("ldg from {}", built_.names.of(*place)),
             spec.in);
  }
  void build_call(const IrgSpec& spec, const std::string& at) {
    if (check_maker(spec.in, at)) add_call(CopyLoop(UserRandomTags{spec.count}), "irg", spec.in);
  }
  void build_call(const MsrTcoSpec& spec, const std::string& at) {
    if (check_maker(spec.in, at)) add_call(CopyLoop(UserSetTco{{}, spec.tco}), "msr tco", spec.in);
  }

  // System calls on memory.

  void build_call(const MmapSpec& spec, const std::string& at) {
    if (find_mapping(spec.mapping, at + "/mapping") == nullptr) return;
    const auto found = to_be_mapped_.find(spec.mapping);
    if (found == to_be_mapped_.end()) {
      return complain(at + "/mapping",
                      fmt::format("found {}, which is there from the start; \"mapped\": false leaves it "
                                  "to this call",
                                  in_quotes(spec.mapping)));
    }
    MapRequest request = found->second;
    if (spec.prot) request.prot = prot_of(*spec.prot);
    const Tag tag{static_cast<std::uint8_t>(spec.pointer_tag)};
    add_call(CopyLoop(Mmap{{}, request, tag, spec.fixed}), "mmap " + spec.mapping);
  }
  /// `make` makes the loop of the place.
  template <class Make>
  void on_memory(const MemoryRangeSpec& spec, std::string_view name, const std::string& at, Make&& make) {
    const auto place = resolve(spec.buffer, spec.pointer_tag, at + "/buffer");
    if (!place || !check_maker(spec.in, at)) return;
    add_call(CopyLoop(make(*place)), fmt::format("{} at {}", name, built_.names.of(*place)), spec.in);
  }
  void build_call(const MunmapSpec& spec, const std::string& at) {
    on_memory(spec, "munmap", at, [&](UserPtr p) { return Munmap{{}, p, spec.length}; });
  }
  void build_call(const MprotectSpec& spec, const std::string& at) {
    on_memory(spec, "mprotect", at, [&](UserPtr p) { return Mprotect{{}, p, spec.length, prot_of(spec.prot)}; });
  }
  void build_call(const MadviseSpec& spec, const std::string& at) {
    if (spec.advice == Advice::remove && is_on_disk(spec.buffer.mapping)) {
      return complain(at + "/advice", "found MADV_REMOVE on a file that is not on tmpfs, which is not modelled");
    }
    on_memory(spec, "madvise", at, [&](UserPtr p) { return Madvise{{}, p, spec.length, spec.advice}; });
  }
  void build_call(const MremapSpec& spec, const std::string& at) {
    const Names::Mapping* to = spec.to ? find_mapping(*spec.to, at + "/to") : nullptr;
    if (spec.to && to == nullptr) return;
    const std::uint64_t begin = to != nullptr ? to->begin : 0;
    const Bytes size = to != nullptr ? Bytes{to->end - to->begin} : spec.length;
    on_memory(spec, "mremap", at, [&](UserPtr p) { return Mremap{{}, p, spec.length, begin, size}; });
  }
  void build_call(const MlockSpec& spec, const std::string& at) {
    on_memory(spec, "mlock", at, [&](UserPtr p) { return Mlock{{}, p, spec.length}; });
  }
  void build_call(const MincoreSpec& spec, const std::string& at) {
    const auto place = resolve(spec.place, spec.pointer_tag, at + "/mincore");
    const auto into = resolve(spec.into, 0, at + "/into");
    if (!place || !into || !check_maker(spec.in, at)) return;
    add_call(CopyLoop(Mincore{{}, *place, spec.length, *into}), fmt::format("mincore at {}", built_.names.of(*place)),
             spec.in);
  }
  void build_call(const BrkSpec& spec, const std::string&) {
    add_call(CopyLoop(Brk{{}, spec.grow, Tag{static_cast<std::uint8_t>(spec.pointer_tag)}}), "brk");
  }
  void build_call(const FtruncateSpec& spec, const std::string& at) {
    const OpenFile* file = find_file(spec.file, at + "/file");
    if (file == nullptr) return;
    if (file->fs->kind != FileKind::regular || file->fs->pages != ObjectKind::shmem) {
      return complain(at + "/file", fmt::format("found a file on {}; allowed: one on tmpfs", file->fs->name));
    }
    add_call(CopyLoop(Ftruncate{{}, file->object, spec.size}), "ftruncate " + spec.file);
  }
  [[nodiscard]] bool is_on_disk(const std::string& mapping) {
    for (const MappingSpec& spec : scenario_.memory) {
      if (spec.name != mapping || spec.file.empty()) continue;
      const auto file = std::find_if(files_.begin(), files_.end(), [&](const auto& f) { return f.first == spec.file; });
      return spec.kind == MappingKind::file && file != files_.end() && file->second.fs->pages == ObjectKind::file;
    }
    return false;
  }

  // System calls on processes.

  void build_call(const GetppidSpec& spec, const std::string& at) {
    if (check_maker(spec.in, at)) add_call(CopyLoop(Getppid{}), "getppid", spec.in);
  }
  static PrctlArguments arguments(const PrctlSpec& spec) { return {spec.arg2, spec.arg3, spec.arg4, spec.arg5}; }
  void build_call(const SetTaggedAddrCtrlSpec& spec, const std::string& at) {
    if (!check_maker(spec.in, at)) return;
    add_call(CopyLoop(SetTaggedAddrCtrl{{}, arguments(spec)}), "prctl PR_SET_TAGGED_ADDR_CTRL", spec.in);
  }
  void build_call(const GetTaggedAddrCtrlSpec& spec, const std::string& at) {
    if (!check_maker(spec.in, at)) return;
    add_call(CopyLoop(GetTaggedAddrCtrl{{}, arguments(spec)}), "prctl PR_GET_TAGGED_ADDR_CTRL", spec.in);
  }
  void build_call(const ForkSpec&, const std::string& at) {
    if (!scenario_.environment.empty()) {
      complain(at, "found a fork in a scenario with an environment, which acts on one process; allowed: one of them");
    }
    if (!scenario_.tasks.empty()) {
      complain(at,
               "found a fork in a scenario with several tasks; another process can be there from the start: "
               "\"processes\"");
    }
    forked_ = true;
    add_call(CopyLoop(Fork{}), "fork");
  }
  void build_call(const ExecveSpec& spec, const std::string& at) {
    if (check_maker(spec.in, at)) add_call(CopyLoop(Execve{}), "execve", spec.in);
  }
  void build_call(const PeekTagsSpec& spec, const std::string& at) {
    const auto place = resolve(spec.buffer, 0, at + "/buffer");
    const auto into = resolve(spec.into, 0, at + "/into");
    if (!place || !into || !check_traced(at)) return;
    add_call(CopyLoop(PeekTags{{}, *place, spec.count, *into}), "ptrace PTRACE_PEEKMTETAGS");
  }
  void build_call(const PokeTagsSpec& spec, const std::string& at) {
    const auto place = resolve(spec.buffer, 0, at + "/buffer");
    if (!place || !check_traced(at)) return;
    PokeTags poke{{}, *place, {}};
    for (const std::uint32_t value : spec.values) poke.values.push_back(static_cast<std::uint8_t>(value));
    add_call(CopyLoop(std::move(poke)), "ptrace PTRACE_POKEMTETAGS");
  }
  bool check_traced(const std::string& at) {
    if (!forked_) complain(at, "found a ptrace of a child that was not forked; {\"call\": \"fork\"} must come before");
    return forked_;
  }

  void build_action(std::size_t i) {
    const std::string at = fmt::format("/environment/{}", i);
    std::visit([&](const auto& spec) { build_action(spec, at); }, scenario_.environment[i]);
  }

  Action action(ActionKind kind, const std::optional<std::uint32_t>& budget) {
    Action action;
    action.kind = kind;
    if (budget) action.budget = static_cast<std::uint8_t>(*budget);
    return action;
  }
  void add_range_action(Action action, const std::string& where, const std::string& at) {
    const Names::Mapping* mapping = find_mapping(where, at + "/where");
    if (mapping == nullptr) return;
    action.space = mapping->space;
    action.begin = mapping->begin;
    action.end = mapping->end;
    built_.check.actions.push_back(action);
  }
  template <ActionKind kKind>
  void build_action(const RangeActionSpec<kKind>& spec, const std::string& at) {
    add_range_action(action(kKind, spec.budget), spec.where, at);
  }
  void build_action(const RetagSpec& spec, const std::string& at) {
    Action retag = action(ActionKind::retag, spec.budget);
    retag.before_call = spec.when == ActionTime::before_call;
    if (retag.before_call) {
      const auto other = std::any_of(built_.check.actions.begin(), built_.check.actions.end(),
                                     [](const Action& a) { return a.before_call; });
      if (other) return complain(at, "found a second action before the call; allowed: one");
      if (!spec.budget) return complain(at, "found an action before the call without a budget");
    }
    add_range_action(retag, spec.where, at);
  }
  void build_action(const EvictFilePageSpec& spec, const std::string& at) {
    Action evict = action(ActionKind::evict_file_page, spec.budget);
    const OpenFile* file = find_file(spec.file, at + "/file");
    if (file == nullptr) return;
    for (const MappingSpec& mapping : scenario_.memory) {
      if (mapping.file == spec.file) {
        return complain(at + "/file", fmt::format("found {}, which the process maps; reclaim of mapped file pages is "
                                                  "`evict` on the mapping",
                                                  in_quotes(spec.file)));
      }
    }
    evict.object = file->object;
    built_.check.actions.push_back(evict);
  }
  void build_action(const TruncateSpec& spec, const std::string& at) {
    Action truncate = action(ActionKind::truncate, spec.budget);
    const OpenFile* file = find_file(spec.file, at + "/file");
    if (file == nullptr) return;
    if (file->fs->kind != FileKind::regular) {
      return complain(at + "/file",
                      fmt::format("found {}, which is no file with a size that could be cut", in_quotes(spec.file)));
    }
    if (spec.size && *spec.size >= file->size) {
      return complain(at + "/size_bytes", fmt::format("found {}; the file has {} bytes, and is to become shorter",
                                                      spec.size->n, file->size.n));
    }
    truncate.object = file->object;
    truncate.size = spec.size;
    built_.check.actions.push_back(truncate);
  }
  void build_action(const MigrateCpuSpec& spec, const std::string& at) {
    Action migrate = action(ActionKind::migrate_cpu, spec.budget);
    const Revision& revision = built_.workload.revision;
    for (std::size_t i = 0; i < spec.preferred_tcf.size(); ++i) {
      const TcfMode mode = spec.preferred_tcf[i];
      const std::string place = fmt::format("{}/preferred_tcf/{}", at, i);
      if (migrate.allows(mode)) return complain(place, "found the same mode a second time");
      if (mode == TcfMode::asymm && !revision.has_asymm) {
        return complain(place,
                        fmt::format("found \"asymm\", which no CPU can prefer for user space of {}", revision.name));
      }
      migrate.allow(mode);
    }
    const Task& task = machine().tasks.front();
    const bool asks_later = !scenario_.calls.empty() &&
                            std::any_of(scenario_.calls.begin(), scenario_.calls.end(), [](const CallSpec& call) {
                              return std::holds_alternative<SetTaggedAddrCtrlSpec>(call);
                            });
    if (!asks_later && !(task.tcf_sync_asked && task.tcf_async_asked)) {
      return complain(at,
                      "found migrate_cpu, which a thread that asked for one mode does not notice; allowed: with "
                      "process/several_modes, or a PR_SET_TAGGED_ADDR_CTRL that asks for both");
    }
    built_.check.actions.push_back(migrate);
  }
  template <ActionKind kKind>
  void build_action(const SignalActionSpec<kKind>& spec, const std::string& at) {
    Action signal = action(kKind, spec.budget);
    std::optional<TaskId> one;
    if (!spec.task.empty()) {
      one = find_task(spec.task, at + "/task");
      if (!one) return;
      signal.task = *one;
    }
    for (std::uint32_t t = 0; t < machine().tasks.size(); ++t) {
      const bool same_process = one && machine().tasks[t].space == machine().tasks[one->n].space;
      if (!one || (kKind == ActionKind::sigkill && same_process)) signal.tasks |= std::uint32_t{1} << t;
    }
    built_.check.actions.push_back(signal);
  }

  const Scenario& scenario_;
  const JsonText& text_;
  Built built_;
  Complaints complaints_;
  std::vector<std::pair<std::string, OpenFile>> files_;
  std::uint64_t next_address_{AddressSpace::kBaseAddress};
  std::uint64_t pages_{};
  std::vector<Task> threads_;                     // by process: what its threads start as
  std::map<std::string, std::uint32_t> objects_;  // by mapping
  std::uint32_t space_{};                         // whose mapping is being built
  std::uint32_t task_{};                          // whose call is being built
  std::uint32_t child_{};
  bool forked_{};
  bool looks_at_tags_{};          // by value
  std::uint16_t pointer_tags_{};  // of all pointers, a bit each
  std::map<std::string, MapRequest> to_be_mapped_;
};

}  // namespace

const Names::Mapping* Names::find(std::uint64_t address) const {
  for (const Mapping& mapping : mappings) {
    if (address >= mapping.begin && address < mapping.end) return &mapping;
  }
  return nullptr;
}

std::string Names::of(UserPtr pointer) const {
  const Mapping* mapping = find(pointer.address());
  if (mapping == nullptr) return fmt::format("0x{:x}", pointer.bits());
  return fmt::format("{}+{}", mapping->name, pointer.address() - mapping->begin);
}

std::string Names::of(const LockId& lock) const {
  const auto object = [&] { return lock.object < objects.size() ? objects[lock.object] : std::to_string(lock.object); };
  switch (lock.kind) {
    case LockKind::mmap:
      if (processes.size() < 2 || lock.object >= processes.size()) return "mmap lock";
      return fmt::format("mmap lock of {}", processes[lock.object]);
    case LockKind::inode:
      return fmt::format("inode lock of {}", object());
    case LockKind::folio:
      return fmt::format("lock of folio {} of {}", lock.index, object());
    case LockKind::pipe:
      return fmt::format("pipe mutex of {}", lock.object < pipes.size() ? pipes[lock.object] : "?");
    case LockKind::btrfs_tree:
      return fmt::format("btrfs tree lock of {}", object());
    case LockKind::btrfs_range:
      return fmt::format("btrfs range lock of {}", object());
    case LockKind::glock:
      return fmt::format("glock of {}", object());
    case LockKind::kclist:
      return "kclist_lock";
    case LockKind::event:
      return "event_mutex";
    case LockKind::vma: {
      const Mapping* mapping = find(AddressSpace::kBaseAddress + lock.index * page_size.n);
      return mapping == nullptr ? "lock of a mapping" : fmt::format("lock of the mapping {}", mapping->name);
    }
  }
  return "?";
}

std::string Names::of(TaskId task) const { return task.n < tasks.size() ? tasks[task.n] : std::to_string(task.n); }

std::string Names::of(const LockRequest& request) const {
  return fmt::format("{} ({})", of(request.lock), request.mode == LockMode::shared ? "shared" : "exclusive");
}

std::string_view lock_kind_name(LockKind kind) {
  switch (kind) {
    case LockKind::mmap:
      return "mmap lock";
    case LockKind::inode:
      return "inode lock";
    case LockKind::folio:
      return "folio lock";
    case LockKind::pipe:
      return "pipe mutex";
    case LockKind::btrfs_tree:
      return "btrfs tree lock";
    case LockKind::btrfs_range:
      return "btrfs range lock";
    case LockKind::glock:
      return "glock";
    case LockKind::kclist:
      return "kclist_lock";
    case LockKind::event:
      return "event_mutex";
    case LockKind::vma:
      return "lock of a mapping";
  }
  return "?";
}

Built build(const Scenario& scenario, const JsonText& text) { return Builder(scenario, text).build(); }

}  // namespace mtesim
