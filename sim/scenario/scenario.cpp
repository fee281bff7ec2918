#include "sim/scenario/scenario.h"

#include <charconv>
#include <nlohmann/json.hpp>

#include "fs_models/small_calls.h"
#include "model/arch/subpage_scheme.h"
#include "sim/run/observers.h"

namespace mtesim {

namespace {

constexpr std::array kTcfWords = {
    EnumWord{TcfMode::none, "none", "accesses are not checked"},
    EnumWord{TcfMode::sync, "sync", "a mismatch faults"},
    EnumWord{TcfMode::async, "async", "a mismatch is recorded"},
    EnumWord{TcfMode::asymm, "asymm", "loads fault, stores are recorded"},
};
constexpr std::array kPreferredWords = {
    EnumWord{TcfMode::async, "async", "as CPUs start"},
    EnumWord{TcfMode::sync, "sync", "checks of loads and stores cost little"},
    EnumWord{TcfMode::asymm, "asymm", "checks of loads cost little"},
};
constexpr std::array kMappingWords = {
    EnumWord{MappingKind::anonymous, "anonymous", "MAP_PRIVATE | MAP_ANONYMOUS"},
    EnumWord{MappingKind::shared_anonymous, "shared_anonymous", "MAP_SHARED | MAP_ANONYMOUS"},
    EnumWord{MappingKind::tmpfs, "tmpfs", "MAP_SHARED of a fresh tmpfs file"},
    EnumWord{MappingKind::file, "file", "MAP_SHARED of one of the files, from its begin"},
    EnumWord{MappingKind::private_file, "private_file", "MAP_PRIVATE of one of the files, from its begin"},
    EnumWord{MappingKind::memfd, "memfd", "MAP_SHARED of a fresh memfd"},
    EnumWord{MappingKind::dev_zero, "dev_zero", "MAP_SHARED of /dev/zero"},
    EnumWord{MappingKind::private_dev_zero, "private_dev_zero", "MAP_PRIVATE of /dev/zero"},
    EnumWord{MappingKind::hugetlb, "hugetlb", "MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB; there are no huge pages"},
    EnumWord{MappingKind::stack, "stack", "MAP_PRIVATE | MAP_ANONYMOUS | MAP_GROWSDOWN | MAP_STACK"},
};
constexpr std::array kMakerWords = {
    EnumWord{CallMaker::process, "process", "the process"},
    EnumWord{CallMaker::child, "child", "the child that it forked; the process waits"},
};
constexpr std::array kAdviceWords = {
    EnumWord{Advice::dontneed, "MADV_DONTNEED", "private pages are dropped, of others the entry"},
    EnumWord{Advice::free, "MADV_FREE", "private anonymous pages may be dropped when memory is short"},
    EnumWord{Advice::remove, "MADV_REMOVE", "a hole in shared memory or a tmpfs file"},
    EnumWord{Advice::cold, "MADV_COLD", "may be reclaimed early"},
    EnumWord{Advice::pageout, "MADV_PAGEOUT", "reclaimed now: to swap with its tags"},
};
constexpr std::array kStateWords = {
    EnumWord{PageStateWord::present, "present", "in memory"},
    EnumWord{PageStateWord::not_present, "not_present", "never touched"},
    EnumWord{PageStateWord::clean, "clean", "mapped as a load leaves it: not writable yet"},
    EnumWord{PageStateWord::zero_page, "zero_page", "only read so far: the shared zero page, tags 0"},
    EnumWord{PageStateWord::swapped, "swapped", "in swap, its tags with it"},
    EnumWord{PageStateWord::cow, "cow", "shared copy-on-write with a forked child"},
    EnumWord{PageStateWord::fresh, "fresh", "dropped and written again: zeroes, with the tag of this entry"},
    EnumWord{PageStateWord::read_only, "read_only", "mprotect(PROT_READ)"},
    EnumWord{PageStateWord::prot_none, "prot_none", "mprotect(PROT_NONE)"},
    EnumWord{PageStateWord::past_end, "past_end", "a mapping past the end of a file: SIGBUS"},
    EnumWord{PageStateWord::unmapped, "unmapped", "munmap"},
};
constexpr std::array kProcessVmWords = {
    EnumWord{ProcessVmKind::readv, "readv", "from the remote side to the local one"},
    EnumWord{ProcessVmKind::writev, "writev", "from the local side to the remote one"},
};
constexpr std::array kProcMemWords = {
    EnumWord{ProcMemKind::read, "read", "from the position to the buffer"},
    EnumWord{ProcMemKind::write, "write", "from the buffer to the position"},
};
constexpr std::array kFutexWords = {
    EnumWord{FutexOp::wait, "wait", "FUTEX_WAIT, with a timeout"},
    EnumWord{FutexOp::wake, "wake", "FUTEX_WAKE"},
    EnumWord{FutexOp::wake_op, "wake_op", "FUTEX_WAKE_OP that adds `value` to the second word"},
    EnumWord{FutexOp::cmp_requeue, "cmp_requeue", "FUTEX_CMP_REQUEUE"},
    EnumWord{FutexOp::cmp_requeue_pi, "cmp_requeue_pi", "FUTEX_CMP_REQUEUE_PI"},
    EnumWord{FutexOp::lock_pi, "lock_pi", "FUTEX_LOCK_PI"},
    EnumWord{FutexOp::unlock_pi, "unlock_pi", "FUTEX_UNLOCK_PI, of a lock that nobody holds"},
};
constexpr std::array kContentWords = {
    EnumWord{BlockKind::data, "data", "written before"},
    EnumWord{BlockKind::hole, "hole", "ftruncate() only: reads as zeroes"},
    EnumWord{BlockKind::unwritten, "preallocated", "fallocate() only: reads as zeroes"},
};
constexpr std::array kCacheWords = {
    EnumWord{CacheState::warm, "warm", "all pages in the page cache, up to date"},
    EnumWord{CacheState::cold, "cold", "nothing in the page cache"},
};
constexpr std::array kTimeWords = {
    EnumWord{ActionTime::any_time, "any_time", "before any access"},
    EnumWord{ActionTime::before_call, "before_call", "before the call began; which granule is left open"},
};
constexpr std::array kVerdictWords = {
    EnumWord{Verdict::returns, "returns", "every path ends"},
    EnumWord{Verdict::livelock, "livelock", "it can go round for ever with the world holding still"},
    EnumWord{Verdict::starvation, "starvation", "it goes round for ever as long as the environment acts"},
    EnumWord{Verdict::deadlock, "deadlock", "nobody can step"},
    EnumWord{Verdict::bound, "bound", "the search was cut"},
};

constexpr std::array kDeadlockWords = {
    EnumWord{DeadlockKind::cycle, "cycle", "tasks wait for each other"},
    EnumWord{DeadlockKind::recursion, "recursion", "a task waits for what it holds itself"},
    EnumWord{DeadlockKind::recursive_read, "recursive_read",
             "a reader asks again for what it holds, behind a writer that waits"},
    EnumWord{DeadlockKind::dead_holder, "dead_holder", "the holder has ended, in a kernel BUG"},
};

template <class Items, class Word>
std::vector<ListedWord> listed_words(const Items& items, Word&& word) {
  std::vector<ListedWord> words;
  for (const auto& item : items) words.push_back(word(item));
  return words;
}

const std::vector<ListedWord>& revision_words() {
  static const auto kWords = listed_words(revisions(), [](const Revision& r) {
    return ListedWord{r.name, "Linux " + r.name};
  });
  return kWords;
}
const std::vector<ListedWord>& reached_words() {
  static const auto kWords = listed_words(reached_facts(), [](const ReachedFact& fact) {
    return ListedWord{std::string(fact.name), std::string(fact.about)};
  });
  return kWords;
}
const std::vector<ListedWord>& scheme_words() {
  static const auto kWords = listed_words(subpage_schemes(), [](const SubpageScheme& s) {
    return ListedWord{std::string(s.name), std::string(s.about)};
  });
  return kWords;
}
const std::vector<ListedWord>& file_system_words() {
  static const auto kWords = listed_words(file_systems(), [](const FileSystem& fs) {
    return ListedWord{std::string(fs.name), std::string(fs.about)};
  });
  return kWords;
}
const std::vector<ListedWord>& small_call_words() {
  static const auto kWords = [] {
    auto words = listed_words(small_calls(), [](const SmallCallEntry& call) {
      return ListedWord{std::string(call.name), std::string(call.about)};
    });
    words.push_back({"getrandom", "`size_bytes` of random bytes, a block of 64 at a time"});
    return words;
  }();
  return kWords;
}
const std::vector<ListedWord>& cpu_words() {
  static const auto kWords = listed_words(cpus(), [](const NamedCpu& cpu) {
    return ListedWord{std::string(cpu.name), std::string(cpu.about)};
  });
  return kWords;
}
const std::vector<NamedScalar>& cpu_figure_scalars() {
  static const auto kScalars = [] {
    std::vector<NamedScalar> scalars;
    for (const CpuFigure& figure : cpu_figures()) {
      NamedScalar scalar{std::string(figure.name), std::string(figure.about), {}};
      scalar.allowed.integers = IntegerRange{figure.least, figure.most};
      scalars.push_back(std::move(scalar));
    }
    return scalars;
  }();
  return kScalars;
}
const std::vector<NamedScalar>& knob_scalars() {
  static const auto kScalars = [] {
    std::vector<NamedScalar> scalars;
    for (const Knob& knob : knobs()) {
      NamedScalar scalar{knob.name, knob.about, {}};
      if (knob.allowed.empty()) {
        scalar.allowed.integers =
            IntegerRange{static_cast<std::int64_t>(knob.least), static_cast<std::int64_t>(knob.most)};
      } else {
        scalar.allowed.words = knob.allowed;
      }
      scalars.push_back(std::move(scalar));
    }
    return scalars;
  }();
  return kScalars;
}

std::uint64_t to_number(std::string_view digits) {
  std::uint64_t n = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), n);
  return n;
}

TextAsField<NumberRun> number_run() {
  return text_as<NumberRun>(
      text_like(R"(^[0-9]{1,7}(\.\.[0-9]{1,7}( step [1-9][0-9]{0,6})?)?$)", R"("7", "0..3" or "16..4080 step 16")"),
      [](std::string_view text) -> std::optional<NumberRun> {
        NumberRun run;
        const std::size_t dots = text.find("..");
        const std::size_t step = text.find(" step ");
        run.first = run.last = to_number(text.substr(0, dots));
        if (dots != std::string_view::npos) run.last = to_number(text.substr(dots + 2, step - dots - 2));
        if (step != std::string_view::npos) run.step = to_number(text.substr(step + 6));
        return run;
      },
      [](const NumberRun& run) {
        std::string text = std::to_string(run.first);
        if (run.last != run.first || run.step != 1) text += ".." + std::to_string(run.last);
        if (run.step != 1) text += " step " + std::to_string(run.step);
        return text;
      });
}

TextAsField<BufferPlace> buffer_place() {
  return text_as<BufferPlace>(
      text_like(R"(^[a-z][a-z0-9_]{0,31}(\+[0-9]{1,9})?$)", R"(a mapping and an offset in bytes, "buf+16")"),
      [](std::string_view text) -> std::optional<BufferPlace> {
        const std::size_t plus = text.find('+');
        const bool has_offset = plus != std::string_view::npos;
        return BufferPlace{std::string(text.substr(0, plus)), has_offset ? to_number(text.substr(plus + 1)) : 0};
      },
      [](const BufferPlace& place) { return place.mapping + "+" + std::to_string(place.offset); });
}

PatternField name_text() { return text_like("^[a-z][a-z0-9_]{0,31}$", R"(a name like "buf")"); }
PatternField prot_text() { return text_like("^(none|rw?t?)$", R"("none", or "r" with "w" and "t" (PROT_MTE): "rwt")"); }
IntegerField tag_number() { return in_range(0, 15); }
constexpr const char* kBudgetAbout = "how often at the most; without it, without bound";
IntegerField budget_number() { return in_range(1, 100); }
IntegerField size_in_bytes() { return bytes(std::uint64_t{0}, kMostBytes); }

}  // namespace

template <class V>
void fields(V& v, MachineSpec& m) {
  v.about("The hardware.");
  v.optional("cpu", m.cpu, listed(cpu_words()), "whose figures price a run");
  v.optional("cpu_change", m.cpu_change, scalars(cpu_figure_scalars()),
             "what-if: figures of the CPU by name; `mtesim list cpu_figures` has them all");
  v.optional("page_size", m.page_size, in_range(4096, 65536), "bytes in a page: 4096, 16384 or 65536");
  v.optional("scheme", m.scheme, listed(scheme_words()), "the protection that is finer than a page");
  v.optional("preferred_tcf", m.preferred_tcf, one_of(kPreferredWords),
             "the CPU's mte_tcf_preferred: what a program gets that asked for several modes by prctl");
}

template <class V>
void fields(V& v, KernelSpec& k) {
  v.about("The kernel: a revision, and what is different from it.");
  v.optional("revision", k.revision, listed(revision_words()), "which Linux");
  v.optional("change", k.change, scalars(knob_scalars()), "what-if: knobs by name; `mtesim list knobs` has them all");
}

template <class V>
void fields(V& v, ProcessSpec& p) {
  v.about("The process that makes the calls, or another one.");
  v.optional("name", p.name, name_text(), "how mappings and tasks name it");
  v.optional("tcf", p.tcf, one_of(kTcfWords), "what it asked for with PR_MTE_TCF");
  v.optional("several_modes", p.several_modes, flag(),
             "it asked for PR_MTE_TCF_SYNC and PR_MTE_TCF_ASYNC, and `tcf` is what the CPU that it begins on prefers");
  v.optional("store_only", p.store_only, flag(), "PR_MTE_STORE_ONLY: only stores are checked");
  v.optional("tagged_addr_abi", p.tagged_addr_abi, flag(), "PR_TAGGED_ADDR_ENABLE: system calls take tagged pointers");
  v.optional("tco", p.tco, flag(), "PSTATE.TCO is set in user space");
  v.optional("fault_handler", p.fault_handler, flag(),
             "SIGSEGV and SIGBUS have handlers: an access that faults is given up, and the program goes on");
}

template <class V>
void fields(V& v, TagRunSpec& t) {
  v.about("Granules with a tag of their own.");
  v.required("granules", t.granules, number_run(), "numbers of granules in the mapping");
  v.required("tag", t.tag, tag_number(), "their allocation tag");
}

template <class V>
void fields(V& v, PageStateSpec& s) {
  v.about("Pages in a state of their own.");
  v.required("pages", s.pages, number_run(), "numbers of pages in the mapping");
  v.required("state", s.state, one_of(kStateWords), "what they are before the call");
  v.optional("tag", s.tag, tag_number(), "of a fresh page: the allocation tag of its granules");
}

template <class V>
void fields(V& v, WordSpec& w) {
  v.about("A word of memory whose value matters: a futex.");
  v.required("offset_bytes", w.offset, in_range(std::uint64_t{0}, kMostBytes), "where in the mapping; a multiple of 4");
  v.required("value", w.value, in_range(std::uint64_t{0}, std::uint64_t{0xffffffff}), "what it holds");
}

template <class V>
void fields(V& v, MappingSpec& m) {
  v.about("One mapping of a process. Mappings lie in the order of the list, a hole of a page between two.");
  v.required("name", m.name, name_text(), "how calls name it");
  v.optional("process", m.process, text(), "whose it is; by default the first process's");
  v.optional("kind", m.kind, one_of(kMappingWords), "what mmap() was asked for");
  v.optional("file", m.file, text(), "of a file mapping: the name of the file");
  v.optional("shares", m.shares, text(),
             "a shared mapping that comes before: this one maps the same memory, from its begin");
  v.required("pages", m.pages, in_range(std::uint64_t{1}, kMostPages), "its length");
  v.optional("prot", m.prot, prot_text(), "what may be done there");
  v.optional("tag", m.tag, tag_number(), "allocation tag of every granule, but for `tags`; wants PROT_MTE");
  v.optional("present", m.present, flag(), "every page has been written; otherwise none was touched");
  v.optional("mapped", m.mapped, flag(), "it is there from the start; otherwise a place that an mmap call fills");
  v.optional("tags", m.tags, list_of(object()).at_most(10'000), "granules with another tag");
  v.optional("states", m.states, list_of(object()).at_most(10'000), "pages in another state");
  v.optional("words", m.words, list_of(object()).at_most(1000), "words whose value matters");
}

template <class V>
void fields(V& v, LeafSpec& l) {
  v.about("Items of a btrfs tree that the search finds: a leaf of its own, or the next ones of the leaf before.");
  v.required("items", l.items, in_range(1, 1000), "how many");
  v.required("item_size_bytes", l.item_size, bytes(0, 16384), "the data of each, without its header");
  v.optional("new_leaf", l.new_leaf, flag(), "false: they lie in the same leaf as those before");
}

template <class V>
void fields(V& v, FileSpec& f) {
  v.about("An open file.");
  v.required("name", f.name, name_text(), "how calls name it");
  v.required("fs", f.fs, listed(file_system_words()), "its file system, or what else it is");
  v.optional("size_bytes", f.size, size_in_bytes(), "its size; of a pipe, what is queued");
  v.optional("cache", f.cache, one_of(kCacheWords), "what of it is in the page cache");
  v.optional("content", f.content, one_of(kContentWords), "what the disk has for it");
  v.optional("extents", f.extents, in_range(std::uint64_t{1}, std::uint64_t{1} << 20),
             "in how many pieces the disk has it");
  v.optional("direct", f.direct, flag(), "O_DIRECT");
  v.optional("sync", f.sync, flag(), "O_SYNC");
  v.optional("compressed", f.compressed, flag(), "ntfs3: the file is compressed");
  v.optional("nocow", f.nocow, flag(), "btrfs: FS_NOCOW_FL, without checksums");
  v.optional("pipe_size_bytes", f.pipe_size, bytes(4096, 1 << 20), "of a pipe: how much it holds (F_SETPIPE_SZ)");
  v.optional("closed", f.closed, flag(), "of a pipe or socket: the other end has been closed");
  v.optional("tree", f.tree, list_of(object()).at_most(1000), "btrfs: the leaves that a tree search finds");
}

template <class V>
void fields(V& v, IovSpec& i) {
  v.about("One entry of an iovec.");
  v.required("buffer", i.buffer, buffer_place(), "iov_base");
  v.required("size_bytes", i.size, size_in_bytes(), "iov_len");
  v.optional("pointer_tag", i.pointer_tag, tag_number(), "the pointer's tag");
}

namespace {

template <class V, class C>
void maker_field(V& v, C& c) {
  v.optional("in", c.in, one_of(kMakerWords), "who does it");
}
template <class V, class C>
void pointer_tag_field(V& v, C& c) {
  v.optional("pointer_tag", c.pointer_tag, tag_number(), "the pointer's tag");
}
template <class V, class C>
void guard_field(V& v, C& c) {
  v.optional("sigsetjmp", c.sigsetjmp, flag(),
             "sigsetjmp() first: a mismatch recorded before is noticed there, and the access is not made");
}
template <class V>
void range_of_memory(V& v, MemoryRangeSpec& c) {
  v.required("buffer", c.buffer, buffer_place(), "where it begins");
  v.required("length_bytes", c.length, size_in_bytes(), "how long it is");
  pointer_tag_field(v, c);
  maker_field(v, c);
}
template <class V>
void prctl_fields(V& v, PrctlSpec& c) {
  v.optional("arg2", c.arg2, number64(), "the second argument");
  v.optional("arg3", c.arg3, number64(), "the third, which should be 0");
  v.optional("arg4", c.arg4, number64(), "the fourth, which should be 0");
  v.optional("arg5", c.arg5, number64(), "the fifth, which should be 0");
  maker_field(v, c);
}
template <class V>
void buffer_fields(V& v, ReadSpec& c) {
  v.required("buffer", c.buffer, buffer_place(), "where the buffer begins");
  v.required("count_bytes", c.count, size_in_bytes(), "how much is asked for");
  v.optional("position_bytes", c.position, size_in_bytes(), "file offset");
  v.optional("pointer_tag", c.pointer_tag, tag_number(), "the pointer's tag");
  maker_field(v, c);
}
template <class V>
void iov_fields(V& v, ReadvSpec& c) {
  v.required("iov", c.iov, list_of(object()).at_least(1).at_most(1024), "the iovec");
  v.optional("position_bytes", c.position, size_in_bytes(), "file offset");
}
template <class V>
void search_fields(V& v, TreeSearchSpec& c) {
  v.required("file", c.file, text(), "a file of the btrfs");
  v.required("buffer", c.buffer, buffer_place(), "the argument: the key, then the results");
  v.optional("nr_items", c.nr_items, in_range(std::uint64_t{1}, std::uint64_t{1} << 32),
             "key.nr_items; without it, all");
  v.optional("pointer_tag", c.pointer_tag, tag_number(), "the pointer's tag");
}
template <class V, class A>
void range_fields(V& v, A& a) {
  v.required("where", a.where, text(), "a mapping");
  v.optional("budget", a.budget, budget_number(), kBudgetAbout);
}

}  // namespace

template <class V>
void fields(V& v, ReadSpec& c) {
  v.about("read(2); with `position_bytes` pread(2).");
  v.required("read", c.file, text(), "the file");
  buffer_fields(v, c);
}
template <class V>
void fields(V& v, WriteSpec& c) {
  v.about("write(2); with `position_bytes` pwrite(2).");
  v.required("write", c.file, text(), "the file");
  buffer_fields(v, c);
}
template <class V>
void fields(V& v, ReadvSpec& c) {
  v.about("readv(2); with `position_bytes` preadv(2).");
  v.required("readv", c.file, text(), "the file");
  iov_fields(v, c);
}
template <class V>
void fields(V& v, WritevSpec& c) {
  v.about("writev(2); with `position_bytes` pwritev(2).");
  v.required("writev", c.file, text(), "the file");
  iov_fields(v, c);
}
template <class V>
void fields(V& v, TreeSearchSpec& c) {
  v.about("ioctl(BTRFS_IOC_TREE_SEARCH): 3992 bytes of results behind a key of 104.");
  v.constant("ioctl", "BTRFS_IOC_TREE_SEARCH", "the request");
  search_fields(v, c);
}
template <class V>
void fields(V& v, TreeSearchV2Spec& c) {
  v.about("ioctl(BTRFS_IOC_TREE_SEARCH_V2): results behind 112 bytes of key and size.");
  v.constant("ioctl", "BTRFS_IOC_TREE_SEARCH_V2", "the request");
  search_fields(v, c);
  v.required("buf_size_bytes", c.buf_size, size_in_bytes(), "room for results");
}

template <class V>
void fields(V& v, FiemapSpec& c) {
  v.about("ioctl(FS_IOC_FIEMAP): 56 bytes for each extent of a file, behind a header of 32.");
  v.constant("ioctl", "FS_IOC_FIEMAP", "the request");
  v.required("file", c.file, text(), "the file");
  v.required("buffer", c.buffer, buffer_place(), "the argument: the header, then the extents");
  v.required("extent_count", c.extent_count, in_range(std::uint64_t{1}, std::uint64_t{1} << 20), "room for as many");
  v.optional("pointer_tag", c.pointer_tag, tag_number(), "the pointer's tag");
}

template <class V>
void fields(V& v, UserLoadSpec& c) {
  v.about("The program loads, a byte at a time.");
  v.constant("user", "load", "what it does");
  v.required("buffer", c.buffer, buffer_place(), "from where");
  v.optional("count_bytes", c.count, size_in_bytes(), "how much");
  pointer_tag_field(v, c);
  guard_field(v, c);
  maker_field(v, c);
}
template <class V>
void fields(V& v, UserStoreSpec& c) {
  v.about("The program stores, a byte at a time.");
  v.constant("user", "store", "what it does");
  v.required("buffer", c.buffer, buffer_place(), "to where");
  v.optional("count_bytes", c.count, size_in_bytes(), "how much");
  v.optional("value", c.value, in_range(0, 255), "of each byte");
  pointer_tag_field(v, c);
  guard_field(v, c);
  maker_field(v, c);
}
template <class V>
void fields(V& v, StgSpec& c) {
  v.about("The program gives granules tags (STG). Memory without PROT_MTE ignores that.");
  v.constant("user", "stg", "what it does");
  v.required("buffer", c.buffer, buffer_place(), "the first granule");
  v.optional("granules", c.granules, in_range(std::uint64_t{1}, kMostBytes / kGranule.n), "how many");
  v.required("tag", c.tag, tag_number(), "the first one's tag");
  v.optional("tag_step", c.tag_step, tag_number(), "added from one to the next, modulo 16");
  guard_field(v, c);
  maker_field(v, c);
}
template <class V>
void fields(V& v, LdgSpec& c) {
  v.about("The program reads a granule's tag (LDG), which is the result. Memory without PROT_MTE gives 0.");
  v.constant("user", "ldg", "what it does");
  v.required("buffer", c.buffer, buffer_place(), "the granule");
  guard_field(v, c);
  maker_field(v, c);
}
template <class V>
void fields(V& v, IrgSpec& c) {
  v.about("The program draws tags (IRG). The result is the set of those that came, a bit each.");
  v.constant("user", "irg", "what it does");
  v.optional("count", c.count, in_range(1, 100'000), "how often");
  maker_field(v, c);
}
template <class V>
void fields(V& v, MsrTcoSpec& c) {
  v.about("The program sets PSTATE.TCO, or clears it.");
  v.constant("user", "msr_tco", "what it does");
  v.required("tco", c.tco, flag(), "1: its accesses are not checked");
  maker_field(v, c);
}

template <class V>
void fields(V& v, MmapSpec& c) {
  v.about("mmap(2) of a mapping that is not there yet. The result is 0, or 1 if it went elsewhere.");
  v.constant("call", "mmap", "the system call");
  v.required("mapping", c.mapping, text(), "which, and where");
  v.optional("prot", c.prot, prot_text(), "what may be done there; without it, as `memory` has it");
  v.optional("fixed", c.fixed, flag(), "MAP_FIXED; otherwise its place is a hint");
  pointer_tag_field(v, c);
}
template <class V>
void fields(V& v, MunmapSpec& c) {
  v.about("munmap(2).");
  v.constant("call", "munmap", "the system call");
  range_of_memory(v, c);
}
template <class V>
void fields(V& v, MprotectSpec& c) {
  v.about("mprotect(2).");
  v.constant("call", "mprotect", "the system call");
  range_of_memory(v, c);
  v.required("prot", c.prot, prot_text(), "what may be done there from now on");
}
template <class V>
void fields(V& v, MadviseSpec& c) {
  v.about("madvise(2).");
  v.constant("call", "madvise", "the system call");
  range_of_memory(v, c);
  v.required("advice", c.advice, one_of(kAdviceWords), "the advice");
}
template <class V>
void fields(V& v, MremapSpec& c) {
  v.about("mremap(2): to the same place and size, or with MREMAP_MAYMOVE | MREMAP_FIXED to another.");
  v.constant("call", "mremap", "the system call");
  range_of_memory(v, c);
  v.optional("to", c.to, text(), "the mapping whose place and length it takes");
}
template <class V>
void fields(V& v, MlockSpec& c) {
  v.about("mlock(2).");
  v.constant("call", "mlock", "the system call");
  range_of_memory(v, c);
}
template <class V>
void fields(V& v, MincoreSpec& c) {
  v.about("mincore(2) of a place: a byte a page.");
  v.required("mincore", c.place, buffer_place(), "where it begins");
  v.required("length_bytes", c.length, size_in_bytes(), "how long it is");
  v.required("into", c.into, buffer_place(), "where the answer goes");
  pointer_tag_field(v, c);
  maker_field(v, c);
}
template <class V>
void fields(V& v, BrkSpec& c) {
  v.about("brk(2) from where the break is. The result is by how much it moved.");
  v.constant("call", "brk", "the system call");
  v.required("grow_bytes", c.grow, size_in_bytes(), "how far behind the present break");
  pointer_tag_field(v, c);
}
template <class V>
void fields(V& v, FtruncateSpec& c) {
  v.about("ftruncate(2) of a file on tmpfs.");
  v.constant("call", "ftruncate", "the system call");
  v.required("file", c.file, text(), "the file");
  v.required("size_bytes", c.size, size_in_bytes(), "its new size");
}

template <class V>
void fields(V& v, GetppidSpec& c) {
  v.about("getppid(2): into the kernel and back.");
  v.constant("call", "getppid", "the system call");
  maker_field(v, c);
}
template <class V>
void fields(V& v, SetTaggedAddrCtrlSpec& c) {
  v.about("prctl(PR_SET_TAGGED_ADDR_CTRL): the tagged-address ABI, TCF modes, the tags for IRG.");
  v.constant("prctl", "PR_SET_TAGGED_ADDR_CTRL", "the option");
  prctl_fields(v, c);
}
template <class V>
void fields(V& v, GetTaggedAddrCtrlSpec& c) {
  v.about("prctl(PR_GET_TAGGED_ADDR_CTRL). The result is what was set.");
  v.constant("prctl", "PR_GET_TAGGED_ADDR_CTRL", "the option");
  prctl_fields(v, c);
}
template <class V>
void fields(V& v, ForkSpec&) {
  v.about("fork(2). What has \"in\": \"child\" from here on is done by the child.");
  v.constant("call", "fork", "the system call");
}
template <class V>
void fields(V& v, ExecveSpec& c) {
  v.about("execve(2): the memory goes, and what prctl() had set.");
  v.constant("call", "execve", "the system call");
  maker_field(v, c);
}
template <class V>
void fields(V& v, PeekTagsSpec& c) {
  v.about("ptrace(PTRACE_PEEKMTETAGS) of the child. The result is how many tags came.");
  v.constant("ptrace", "PTRACE_PEEKMTETAGS", "the request");
  v.required("buffer", c.buffer, buffer_place(), "the child's granule");
  v.required("count", c.count, in_range(1, 100'000), "how many");
  v.required("into", c.into, buffer_place(), "where the answer goes, a byte a tag");
}
template <class V>
void fields(V& v, PokeTagsSpec& c) {
  v.about("ptrace(PTRACE_POKEMTETAGS) of the child. The result is how many tags were stored.");
  v.constant("ptrace", "PTRACE_POKEMTETAGS", "the request");
  v.required("buffer", c.buffer, buffer_place(), "the child's granule");
  v.required("values", c.values, list_of(in_range(0, 255)).at_least(1).at_most(10'000),
             "bytes whose low four bits are the tags");
}

template <class V>
void fields(V& v, ProcessVmSpec& c) {
  v.about("process_vm_readv(2) or process_vm_writev(2) of the process's own memory.");
  v.required("process_vm", c.kind, one_of(kProcessVmWords), "which");
  v.required("local", c.local, list_of(object()).at_least(1).at_most(1024), "the local iovec");
  v.required("remote", c.remote, list_of(object()).at_least(1).at_most(1024), "the remote iovec");
}
template <class V>
void fields(V& v, ProcMemSpec& c) {
  v.about("pread(2) or pwrite(2) of /proc/self/mem.");
  v.required("proc_mem", c.kind, one_of(kProcMemWords), "which");
  v.required("buffer", c.buffer, buffer_place(), "where the buffer begins");
  v.required("count_bytes", c.count, size_in_bytes(), "how much is asked for");
  v.optional("pointer_tag", c.pointer_tag, tag_number(), "the buffer pointer's tag");
  v.required("position", c.position, buffer_place(), "the address that the file's position is");
  v.optional("position_tag", c.position_tag, tag_number(), "a tag in that position");
}
template <class V>
void fields(V& v, VmspliceSpec& c) {
  v.about("vmsplice(2) into a pipe, with SPLICE_F_NONBLOCK.");
  v.required("vmsplice", c.file, text(), "the pipe");
  v.required("iov", c.iov, list_of(object()).at_least(1).at_most(1024), "the iovec");
}
template <class V>
void fields(V& v, FutexSpec& c) {
  v.about("futex(2) on words that nobody waits at.");
  v.required("futex", c.op, one_of(kFutexWords), "which operation");
  v.required("word", c.word, buffer_place(), "the futex word");
  v.optional("pointer_tag", c.pointer_tag, tag_number(), "its pointer's tag");
  v.optional("second", c.second, buffer_place(), "the second word, of wake_op and the requeues");
  v.optional("second_tag", c.second_tag, tag_number(), "its pointer's tag");
  v.optional("value", c.value, in_range(std::uint64_t{0}, std::uint64_t{0xffffffff}),
             "what the word is compared with; of wake_op, what is added");
  v.optional("shared", c.shared, flag(), "without FUTEX_PRIVATE_FLAG");
}
template <class V>
void fields(V& v, UffdioCopySpec& c) {
  v.about("ioctl(UFFDIO_COPY) of a userfaultfd with which all memory is registered. Its addresses have no tag.");
  v.constant("ioctl", "UFFDIO_COPY", "the request");
  v.required("src", c.src, buffer_place(), "where the pages come from");
  v.required("dst", c.dst, buffer_place(), "where they are missing");
  v.required("length_bytes", c.length, size_in_bytes(), "how much: a multiple of the page size");
}
template <class V>
void fields(V& v, UserEventRegisterSpec& c) {
  v.about("ioctl(DIAG_IOCSREG): registers a user event that somebody traces.");
  v.constant("ioctl", "DIAG_IOCSREG", "the request");
  v.required("file", c.file, text(), "a file of user_events");
  v.required("buffer", c.buffer, buffer_place(), "struct user_reg, 28 bytes");
  v.optional("pointer_tag", c.pointer_tag, tag_number(), "the pointer's tag");
  v.required("enable", c.enable, buffer_place(), "the word in which the kernel sets a bit");
  v.optional("enable_tag", c.enable_tag, tag_number(), "a tag in that address");
  v.optional("enable_size_bytes", c.enable_size, bytes(4, 8), "of that word: 4 or 8");
}
template <class V>
void fields(V& v, SmallCallSpec& c) {
  v.about("A system call that fills in or reads one structure or text.");
  v.required("call", c.call, listed(small_call_words()), "which");
  v.required("buffer", c.buffer, buffer_place(), "the structure or text");
  v.optional("size_bytes", c.size, size_in_bytes(), "its size argument, where it has one");
  v.optional("length_bytes", c.length, size_in_bytes(), "of the text that the kernel has, or that lies in the buffer");
  v.optional("names_bytes", c.names, list_of(bytes(1, 255)).at_most(10'000),
             "getdents64: how long each name of the directory is");
  v.optional("pointer_tag", c.pointer_tag, tag_number(), "the pointer's tag");
}

template <class V>
void fields(V& v, EvictSpec& a) {
  v.about("Reclaim takes a page of the mapping: to swap with its tags, or dropped.");
  v.constant("action", "evict", "what happens");
  range_fields(v, a);
}
template <class V>
void fields(V& v, ProtectSpec& a) {
  v.about("Another thread takes the right to write from a page of the mapping.");
  v.constant("action", "protect", "what happens");
  range_fields(v, a);
}
template <class V>
void fields(V& v, UnmapSpec& a) {
  v.about("Another thread unmaps a page of the mapping.");
  v.constant("action", "unmap", "what happens");
  range_fields(v, a);
}
template <class V>
void fields(V& v, DontneedSpec& a) {
  v.about("Another thread calls madvise(MADV_DONTNEED) on a page of the mapping.");
  v.constant("action", "dontneed", "what happens");
  range_fields(v, a);
}
template <class V>
void fields(V& v, RetagSpec& a) {
  v.about("Another thread gives a granule of the mapping another tag, or the right one back.");
  v.constant("action", "retag", "what happens");
  range_fields(v, a);
  v.optional("when", a.when, one_of(kTimeWords), "when it may happen");
}
template <class V>
void fields(V& v, EvictFilePageSpec& a) {
  v.about("Reclaim takes a clean page of the file's page cache.");
  v.constant("action", "evict_file_page", "what happens");
  v.required("file", a.file, text(), "the file");
  v.optional("budget", a.budget, budget_number(), kBudgetAbout);
}
template <class V>
void fields(V& v, TruncateSpec& a) {
  v.about("Another thread makes the file shorter, at a moment when nobody holds a lock of it.");
  v.constant("action", "truncate", "what happens");
  v.required("file", a.file, text(), "the file");
  v.optional("size_bytes", a.size, size_in_bytes(), "its new size; without it, any multiple of the page size");
  v.optional("budget", a.budget, budget_number(), kBudgetAbout);
}
template <class V>
void fields(V& v, MigrateCpuSpec& a) {
  v.about("The thread is moved to a CPU that prefers another tag check mode.");
  v.constant("action", "migrate_cpu", "what happens");
  v.required("preferred_tcf", a.preferred_tcf, list_of(one_of(kPreferredWords)).at_least(1).at_most(3),
             "what the CPUs prefer that it may be moved to; the one that it begins on is not among them unless named");
  v.optional("budget", a.budget, budget_number(), kBudgetAbout);
}
template <class V>
void fields(V& v, ShortCopySpec& a) {
  v.about(
      "A page of the mapping gets old: its next access needs a page fault, though the page is there. A copy with page "
      "faults disabled comes back short.");
  v.constant("action", "short_copy", "what happens");
  range_fields(v, a);
}
template <class V>
void fields(V& v, SignalSpec& a) {
  v.about("A signal with a handler becomes pending.");
  v.constant("action", "signal", "what happens");
  v.optional("task", a.task, text(), "for whom; by default, for every task at once");
  v.optional("budget", a.budget, budget_number(), kBudgetAbout);
}
template <class V>
void fields(V& v, SigkillSpec& a) {
  v.about("SIGKILL becomes pending.");
  v.constant("action", "sigkill", "what happens");
  v.optional("task", a.task, text(),
             "whose process it is sent to, each of whose threads has it then; by default, to every process at once");
  v.optional("budget", a.budget, budget_number(), kBudgetAbout);
}

template <class V>
void fields(V& v, RangeSpec& r) {
  v.about("Numbers from one to another, at equal distances or in equal ratios.");
  v.required("from", r.from, in_range(0, 1'000'000'000), "the first");
  v.required("to", r.to, in_range(0, 1'000'000'000), "the last");
  v.optional("step", r.step, in_range(1, 1'000'000'000), "from one to the next");
  v.optional("times", r.times, in_range(2, 1'000'000'000), "instead of `step`: each is so many times the one before");
}

template <class V>
void fields(V& v, PropertyExpectation& e) {
  v.about("How a property comes out.");
  v.required("violated_by_bytes", e.violated_by, in_range(0, 1'000'000'000),
             "the most bytes of any return that are not as they should be; 0: it holds");
}

template <class V>
void fields(V& v, PropertiesSpec& p) {
  v.about("What holds of bytes and tags whenever a call returns.");
  v.optional("count_exact", p.count_exact, object(), "the bytes counted arrived, in order; by default, it holds");
  v.optional("no_overrun", p.no_overrun, object(), "nothing was written but what was counted; by default, either way");
  v.optional("no_stale", p.no_stale, object(), "what was written comes from the source; by default, it holds");
  v.optional("tags_kept", p.tags_kept, object(), "no allocation tag was changed; by default, it holds");
}

template <class V>
void fields(V& v, RunExpectation& e) {
  v.about("What one run is expected to give.");
  v.optional("results", e.results, list_of(scalar()),
             "of the calls, in order, tasks after each other: a count, or the name of an error");
  v.optional("results_by_task", e.results_by_task, map_of(name_text(), list_of(scalar())),
             "the same by the task's name; a task that is left out may end with any");
  v.optional("signals", e.signals, list_of(text()), "SIGSEGV and SIGBUS that were taken, in order, with their codes");
  v.optional("no_return", e.no_return, flag(), "the calls never return");
  v.optional("deadlock", e.deadlock, one_of(kDeadlockWords), "why they wait for ever");
  v.optional("killable", e.killable, flag(), "a SIGKILL ends it");
  v.optional("rounds", e.rounds, in_range(0, 1'000'000'000), "trips of the loop that were carried out");
  v.optional("tag_faults", e.tag_faults, in_range(0, 1'000'000'000), "tag check faults of uaccess");
  v.optional("properties", e.properties, object(), "of bytes and tags");
}

template <class V>
void fields(V& v, CheckExpectation& e) {
  v.about("What the check of every future is expected to give.");
  v.optional("verdict", e.verdict, one_of(kVerdictWords), "the verdict");
  v.optional("deadlock", e.deadlock, one_of(kDeadlockWords), "why nobody can step");
  v.optional("lock_inversion", e.lock_inversion, flag(),
             "locks are taken in orders that go round in a circle, met or not");
  v.optional("killable", e.killable, flag(), "a SIGKILL ends every livelock found");
  v.optional("most_rounds", e.most_rounds, in_range(0, 1'000'000'000), "the most rounds that any path takes");
  v.optional("least_actions", e.least_actions, in_range(0, 1'000'000'000),
             "starvation: so many actions of the environment …");
  v.optional("least_rounds", e.least_rounds, in_range(0, 1'000'000'000),
             "… in so many rounds keep the call from ending");
  v.optional("results", e.results, list_of(scalar()), "every result that a path ends with, of one call");
  v.optional("reached", e.reached, list_of(listed(reached_words())),
             "what must have been met, so that no pass is vacuous");
  v.optional("properties", e.properties, object(), "of bytes and tags, on all ways judged");
}

template <class V>
void fields(V& v, ExpectSpec& e) {
  v.about("What must come out; `mtesim batch` fails otherwise. Of a sweep, at every point.");
  v.optional("run", e.run, object(), "of the run");
  v.optional("check", e.check, object(), "of the check");
}

template <class V>
void fields(V& v, CheckSpec& c) {
  v.about("How every future is checked.");
  v.optional("max_states", c.max_states, in_range(1, 1'000'000'000),
             "states to give up behind; the verdict is then `bound`");
  v.optional("whole", c.whole, flag(), "explore all states, also behind a livelock");
  v.optional("contents", c.contents, flag(),
             "follow what every byte is: many more states, and the properties are judged on every future");
  v.optional("cycles", c.cycles, flag(), "look for the dearest path of a large check, too");
}

template <class V>
void fields(V& v, TaskSpec& t) {
  v.about("Another thread, which makes calls of its own meanwhile.");
  v.required("name", t.name, name_text(), "how reports and actions name it");
  v.optional("process", t.process, text(), "of which process; by default of the first");
  v.required("calls", t.calls, list_of(one_shape()).at_least(1).at_most(kMostCalls), "as those of the scenario");
}

template <class V>
void fields(V& v, Scenario& s) {
  v.about("A scenario of mtesim: a machine, a kernel, a process, and the system calls that it makes.");
  v.optional("$schema", s.schema, text(), "for editors: where the schema is");
  v.required("name", s.name, text_like("^[a-z0-9][a-z0-9_./-]{0,99}$", R"(a name like "search-ioctl/page-probe")"),
             "how reports name it");
  v.optional("about", s.about, text(), "what it shows");
  v.optional("machine", s.machine, object(), "the hardware");
  v.optional("kernel", s.kernel, object(), "the kernel");
  v.optional("process", s.process, object(), "the process");
  v.optional("processes", s.processes, list_of(object()).at_most(15), "more processes, each with memory of its own");
  v.required("memory", s.memory, list_of(object()).at_least(1).at_most(1000), "its mappings");
  v.optional("files", s.files, list_of(object()).at_most(1000), "its open files");
  v.required("calls", s.calls, list_of(one_shape()).at_least(1).at_most(kMostCalls),
             "its system calls, and what it does between them, one after another");
  v.optional("tasks", s.tasks, list_of(object()).at_most(15),
             "more tasks, beside the one named main that makes these calls; their steps come in every order");
  v.optional("environment", s.environment, list_of(one_shape()).at_most(16),
             "what may happen meanwhile: it is checked then");
  v.optional("check", s.check, object(), "check every future, and how");
  v.optional("sweep", s.sweep,
             map_of(text_like("^(/[a-z0-9_.]{1,64}){1,8}$", R"(a JSON Pointer like "/kernel/revision")"),
                    either(object(), list_of(scalar()).at_least(1).at_most(100'000))),
             "a grid of scenarios: each pointer takes each of its values");
  v.optional("expect", s.expect, object(), "what must come out");
}

Scenario parse_scenario(const JsonText& text) { return read_fields<Scenario>(text); }

void read_scenario(const ValueIn& in, Scenario& scenario) { read_object(in, scenario); }

JsonTree scenario_schema() { return schema_of<Scenario>("mtesim scenario"); }

JsonTree write_scenario(const Scenario& scenario, Defaults defaults) { return write_fields(scenario, defaults); }

bool wants_check(const Scenario& scenario) {
  return scenario.check.has_value() || !scenario.environment.empty() || scenario.expect.check.has_value();
}

namespace {

std::vector<JsonScalar> values_of(const Axis& axis) {
  if (const auto* list = std::get_if<std::vector<JsonScalar>>(&axis)) return *list;
  const auto& range = std::get<RangeSpec>(axis);
  std::vector<JsonScalar> values;
  // No sum or product overflows: each factor is at most a thousand million.
  for (std::int64_t n = range.from; n <= range.to && values.size() <= kMostSweepPoints;
       n = range.times ? n * *range.times : n + range.step) {
    values.emplace_back(n);
  }
  return values;
}

/// Empty: nothing is wrong.
std::string what_is_wrong(const Axis& axis) {
  const auto* range = std::get_if<RangeSpec>(&axis);
  if (range == nullptr) return "";
  if (range->from > range->to) return "found a range that is empty; allowed: `from` up to `to`";
  if (!range->times) return "";
  if (range->from == 0) return "found a range that goes on from 0 by `times`; allowed: `from` at least 1";
  if (range->step != 1) return "found a range with both `step` and `times`; allowed: one of them";
  return "";
}

nlohmann::json to_json(const JsonScalar& scalar, bool as_text) {
  if (as_text) return to_word(scalar);
  return std::visit([](const auto& value) { return nlohmann::json(value); }, scalar);
}

}  // namespace

std::vector<SweepPoint> sweep_points(const JsonText& text, const Scenario& scenario) {
  std::vector<SweepPoint> points{{{}, text}};
  for (const auto& [pointer, axis] : scenario.sweep) {
    const Place place = text.key_place(pointer_to("/sweep", pointer));
    const nlohmann::json::json_pointer at(pointer);
    if (!text.value().contains(at)) {
      throw ScenarioError(place, "found the pointer \"" + pointer + "\", where the scenario has no value to replace");
    }
    const std::string wrong = what_is_wrong(axis);
    if (!wrong.empty()) throw ScenarioError(place, wrong);
    const std::vector<JsonScalar> values = values_of(axis);
    if (points.size() * values.size() > kMostSweepPoints) {
      throw ScenarioError(place, "found a grid of more than " + std::to_string(kMostSweepPoints) + " points");
    }
    // A number goes into a text as it is written there: granule 5 is "5".
    const bool as_text = text.value().at(at).is_string();
    std::vector<SweepPoint> next;
    for (const SweepPoint& point : points) {
      for (const JsonScalar& value : values) {
        nlohmann::json changed = point.text.value();
        changed[at] = to_json(value, as_text);
        SweepPoint more{point.at, text.with_value(std::move(changed))};
        more.at.emplace_back(pointer, value);
        next.push_back(std::move(more));
      }
    }
    points = std::move(next);
  }
  return points;
}

}  // namespace mtesim
