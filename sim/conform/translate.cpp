#include "sim/conform/translate.h"

#include <fmt/format.h>

#include <algorithm>

#include "model/kernel/tcf_request.h"
#include "sim/conform/observe.h"
#include "sim/conform/search_fixture.h"
#include "sim/conform/tag_programs.h"

namespace mtesim {

namespace {

/// What the record files call a file, what a scenario calls it, and how much its text is where the kernel makes one.
struct ObjectWord {
  std::string_view obj;
  std::string_view fs;
  std::uint64_t size;
};
constexpr ObjectWord kObjects[] = {
    {"pipe", "pipe", 0},          {"zero", "zero", 0},       {"null", "null", 0},
    {"full", "full", 0},          {"urandom", "urandom", 0}, {"unix", "unix", 0},
    {"unixdg", "unix_dgram", 0},  {"eventfd", "eventfd", 5}, {"procver", "seq_file", 200},  // /proc/version
    {"seqfile", "seq_file", 500},                                                           // /proc/filesystems
    {"sysfs", "seq_file", 23},  // "always [madvise] never\n"
    {"comm", "proc_comm", 5},   // "init\n"
    {"pagemap", "pagemap", 0},    {"tmpfs", "tmpfs", 0},     {"ramfs", "ramfs", 0},
    {"ext4", "ext4", 0},          {"xfs", "xfs", 0},         {"gfs2", "gfs2", 0},
    {"kcore", "kcore", 1 << 18},  {"f2fs", "f2fs", 0},       {"btrfs", "btrfs", 0},
    {"btrfsnc", "btrfs", 0},
};

Bytes bytes_of(std::int64_t n) {
  if (n < 0) throw RecordError(fmt::format("found the length {}", n));
  return Bytes{static_cast<std::uint64_t>(n)};
}

std::string text(std::string_view word) { return std::string(word); }

BufferPlace place(std::string_view mapping, std::int64_t offset) { return {text(mapping), bytes_of(offset).n}; }

constexpr std::int64_t kMostPages = 1024;
constexpr std::int64_t kMostBytes = std::int64_t{16} << 20;

void check(std::string_view key, std::int64_t n, std::int64_t from, std::int64_t to) {
  if (n < from || n > to) throw RecordError(fmt::format("found {} at \"{}\"; allowed: {} to {}", n, key, from, to));
}

/// A record that no kernel can have made is refused before anything is built from it.
void check_numbers(const RecordCase& what) {
  check("npages", what.npages, 1, kMostPages);
  const std::int64_t size = what.npages * 4096;
  for (const RecordSegment& s : what.segs) {
    check("segs", s.offset, 0, size);
    check("segs", s.length, 0, kMostBytes);
  }
  check("segs", std::ssize(what.segs), 0, 1024);
  if (what.uses_plain()) check("segs", what.total(), 0, kPlainPages * 4096);  // the other side is as long
  for (const RecordBad& b : what.bad) {
    check("bad", b.first, 0, size / 16 - 1);
    check("bad", b.count, 0, size / 16 - b.first);
  }
  for (const RecordProt& p : what.prot) check("prot", p.page, 0, what.npages - 1);
  check("fsize", what.fsize, 0, kMostBytes);
  check("foff", what.foff, 0, kMostBytes);
  check("llen", what.llen, 0, size - 1);
  if (what.op != "sweep") return;
  check("pos", what.pos, 4, size / 16 - 1);  // it looks at 64 bytes before
  check("align", what.align, 0, 15);
  check("L", what.length, 1, std::min<std::int64_t>(4096, size - 64 - what.pos * 16 - what.align));
  check("dist", what.dist, -1, size / 16 - 1 - what.pos);
  check("flen", what.flen, 0, size / 16 - what.pos - what.dist);
}

void name_after(const Record& record, Scenario& scenario) {
  std::string id = record.id;
  std::transform(id.begin(), id.end(), id.begin(), [](unsigned char c) { return std::tolower(c); });
  scenario.name = "record/" + record.revision + "/" + id;
  scenario.about = "The record " + record.id + " of a real kernel, " + record.release + ".";
}

class Translator {
 public:
  Translator(const Record& record, Mops mops) : record_(record), what_(record.what) {
    name_after(record, scenario_);
    check_numbers(what_);
    if (find_revision(record.revision) == nullptr) throw Untranslatable("revision " + record.revision);
    scenario_.kernel.revision = record.revision;
    if (record.revision[0] >= '7' && mops == Mops::exact && !what_.nomops)
      scenario_.kernel.change["uaccess.mops"] = text("on");
  }

  Scenario translate() {
    process();
    if (what_.op == "sweep") {
      sweep();
    } else {
      std::vector<RecordBad> bad = what_.bad;
      if (what_.is_search() && what_.badend) bad.push_back({badend_granule(what_), 1, {}});
      region(bad);
      call();
    }
    return std::move(scenario_);
  }

 private:
  void process() {
    ProcessSpec& p = scenario_.process;
    static constexpr std::string_view kModes[] = {"none", "sync", "async", "asymm", "both", "off", "storeonly"};
    if (std::find(std::begin(kModes), std::end(kModes), what_.tcf) == std::end(kModes)) {
      throw Untranslatable("tcf " + what_.tcf);
    }
    p.tcf = mode_asked_for(what_, *find_revision(record_.revision)).value_or(TcfMode::none);  // refused: as it was
    p.tagged_addr_abi = what_.tcf != "off";
    p.tco = what_.tco;
    p.store_only = what_.tcf == "storeonly";
  }

  void region(const std::vector<RecordBad>& bad) {
    MappingSpec m;
    m.name = text(kRegion);
    m.pages = bytes_of(what_.npages).n;
    bool tagged = what_.has_tags();
    if (what_.mem == "anon") {
      m.kind = MappingKind::anonymous;
    } else if (what_.mem == "shanon") {
      m.kind = MappingKind::shared_anonymous;
    } else if (what_.mem == "shm") {
      m.kind = MappingKind::tmpfs;
    } else if (what_.is_self() && what_.is_transfer()) {
      m.kind = what_.mem == "self" ? MappingKind::file : MappingKind::private_file;
      m.file = "f";
      if (!tagged) {  // the program has read it, or has not touched it; tags cannot be set without writing
        m.present = false;
        if (what_.cache != "cold") m.states.push_back({{0, m.pages - 1, 1}, PageStateWord::clean, 0});
      }
    } else if (what_.mem == "plain") {
      m.kind = MappingKind::anonymous;
    } else if (what_.mem.starts_with("file:")) {
      m.kind = MappingKind::file;
      m.file = "membuf";
      scenario_.files.push_back({.name = "membuf", .fs = what_.mem.substr(5), .size = Bytes{m.pages * 4096}});
    } else {
      throw Untranslatable("mem " + what_.mem);
    }
    m.prot = tagged ? "rwt" : "rw";
    if (tagged) {
      m.tag = what_.ptag;
      for (const RecordBad& b : bad) {
        const std::uint64_t first = bytes_of(b.first).n;
        if (b.count > 0)
          m.tags.push_back({{first, first + bytes_of(b.count).n - 1, 1}, b.tag.value_or(what_.ptag ^ 8U)});
      }
    }
    for (const RecordProt& p : what_.prot) m.states.push_back(page_state(p, tagged));
    scenario_.memory.push_back(std::move(m));
  }

  PageStateSpec page_state(const RecordProt& p, bool tagged) const {
    static constexpr std::pair<std::string_view, PageStateWord> kStates[] = {
        {"none", PageStateWord::prot_none}, {"unmap", PageStateWord::unmapped},   {"ro", PageStateWord::read_only},
        {"bus", PageStateWord::past_end},   {"cold", PageStateWord::not_present}, {"coldtag", PageStateWord::fresh},
    };
    for (const auto& [word, state] : kStates) {
      if (p.kind != word) continue;
      const std::uint64_t page = bytes_of(p.page).n;
      return {{page, page, 1}, state, state == PageStateWord::fresh && tagged ? what_.ptag : 0};
    }
    throw Untranslatable("page state " + p.kind);
  }

  std::uint32_t tag_of(const RecordSegment& s) const { return s.tag.value_or(what_.ptag); }

  std::vector<IovSpec> iov() const {
    std::vector<IovSpec> all;
    for (const RecordSegment& s : what_.segs) {
      all.push_back({place(kRegion, s.offset), bytes_of(s.length), tag_of(s)});
    }
    return all;
  }
  const RecordSegment& first() const {
    if (what_.segs.empty()) throw Untranslatable("no segment");
    return what_.segs.front();
  }

  void call() {
    if (what_.is_transfer()) {
      transfer();
    } else if (what_.op == "pvm_read" || what_.op == "pvm_write") {
      process_vm();
    } else if (what_.op == "mem_read" || what_.op == "mem_write") {
      proc_mem();
    } else if (what_.op == "vmsplice") {
      add_file("pipe", Bytes{0});
      scenario_.calls.emplace_back(VmspliceSpec{"f", iov()});
    } else if (what_.op == "futex") {
      futex();
    } else if (what_.is_search()) {
      search();
    } else if (what_.op == "fiemap") {
      fiemap();
    } else {
      small_call();
    }
  }

  FileSpec& add_file(std::string_view fs, Bytes size) {
    FileSpec file{.name = "f", .fs = text(fs), .size = size};
    if (fs == "pipe") file.pipe_size = Bytes{1U << 17};
    scenario_.files.push_back(std::move(file));
    return scenario_.files.back();
  }

  [[nodiscard]] const ObjectWord& file_word() const {
    for (const ObjectWord& word : kObjects) {
      if (word.obj == what_.obj) return word;
    }
    throw Untranslatable("file " + what_.obj);
  }

  /// The same call again and again, each from the first byte that the one before it, by the record, did not do. What
  /// the kernel's side begins with in a page has been there before.
  void repeated(const ReadSpec& begin, bool write) {
    if (what_.obj == "pipe" && what_.foff > 0) {
      if (write) {
        scenario_.files.back().size = bytes_of(what_.foff);
      } else {
        add_plain();
        scenario_.calls.emplace_back(ReadSpec{"f", place(kPlain, 0), bytes_of(what_.foff), {}, 0});
      }
    }
    ReadSpec next = begin;
    for (const std::int64_t result : what_.calls) {
      if (write) {
        scenario_.calls.emplace_back(WriteSpec{next});
      } else {
        scenario_.calls.emplace_back(next);
      }
      const Bytes done = bytes_of(std::clamp<std::int64_t>(result, 0, static_cast<std::int64_t>(next.count.n)));
      next.buffer.offset += done.n;
      next.count -= done;
      if (what_.is_page_cache()) next.position += done;
    }
  }

  void transfer() {
    const ObjectWord& object = file_word();
    const bool write = what_.is_write();
    const bool queue = what_.obj == "pipe" || what_.obj == "unix" || what_.obj == "unixdg";
    Bytes size{object.size};
    if (what_.is_page_cache() || (queue && !write)) size = bytes_of(what_.fsize);
    if (what_.obj == "eventfd" && write) size = Bytes{0};
    FileSpec& file = add_file(object.fs, size);
    file.direct = what_.direct;
    file.sync = what_.osync;
    file.nocow = what_.obj == "btrfsnc";
    file.cache = what_.cache == "cold" ? CacheState::cold : CacheState::warm;
    file.content = content();
    if (what_.obj == "ramfs" && file.content == BlockKind::unwritten) file.size = Bytes{0};  // it has no fallocate()
    file.closed = what_.obj == "pipe" && !write && what_.arg != 0;
    const Bytes position = what_.is_page_cache() ? bytes_of(what_.foff) : Bytes{0};
    if (what_.segs.size() > 1 || what_.op.find('v') != std::string::npos) {
      if (write) {
        scenario_.calls.emplace_back(WritevSpec{{"f", iov(), position}});
      } else {
        scenario_.calls.emplace_back(ReadvSpec{"f", iov(), position});
      }
      return;
    }
    const ReadSpec read{"f", place(kRegion, first().offset), bytes_of(first().length), position, tag_of(first())};
    if (!what_.calls.empty()) return repeated(read, write);
    if (write) {
      scenario_.calls.emplace_back(WriteSpec{read});
    } else {
      scenario_.calls.emplace_back(read);
    }
  }

  BlockKind content() const {
    if (what_.fmode == "data") return BlockKind::data;
    if (what_.fmode == "hole") return BlockKind::hole;
    if (what_.fmode == "prealloc") return BlockKind::unwritten;
    throw Untranslatable("file content " + what_.fmode);
  }

  void add_plain() { scenario_.memory.push_back({.name = text(kPlain), .pages = kPlainPages, .prot = "rw"}); }

  void process_vm() {
    add_plain();
    const std::vector<IovSpec> plain{{place(kPlain, 0), bytes_of(what_.total()), 0}};
    const bool remote = what_.role == "remote";
    scenario_.calls.emplace_back(ProcessVmSpec{what_.op == "pvm_read" ? ProcessVmKind::readv : ProcessVmKind::writev,
                                               remote ? plain : iov(), remote ? iov() : plain});
  }

  void proc_mem() {
    add_plain();
    ProcMemSpec spec;
    spec.kind = what_.op == "mem_read" ? ProcMemKind::read : ProcMemKind::write;
    spec.count = bytes_of(what_.total());
    const BufferPlace tested = place(kRegion, first().offset);
    if (what_.role == "remote") {
      spec.buffer = place(kPlain, 0);
      spec.position = tested;
      spec.position_tag = what_.sub.starts_with("t") ? tag_of(first()) : 0;
    } else {
      spec.buffer = tested;
      spec.pointer_tag = tag_of(first());
      spec.position = place(kPlain, 0);
    }
    scenario_.calls.emplace_back(spec);
  }

  void search() {
    add_file("btrfs", Bytes{0}).tree = recorded_tree();
    TreeSearchV2Spec spec;
    spec.file = "f";
    spec.buffer = place(kRegion, first().offset);
    spec.pointer_tag = tag_of(first());
    if (what_.nri != 0) spec.nr_items = bytes_of(what_.nri).n;
    spec.buf_size = bytes_of(first().length);
    if (what_.op == "ts2") {
      scenario_.calls.emplace_back(spec);
    } else {
      scenario_.calls.emplace_back(static_cast<const TreeSearchSpec&>(spec));
    }
  }

  /// A file in eight pieces of a block.
  void fiemap() {
    FileSpec& file = add_file(file_word().fs, Bytes{65536});
    file.extents = 8;
    scenario_.calls.emplace_back(
        FiemapSpec{"f", place(kRegion, first().offset), bytes_of(what_.arg).n, tag_of(first())});
  }

  void futex() {
    static constexpr std::pair<std::string_view, FutexOp> kOps[] = {
        {"wait", FutexOp::wait},         {"waitneq", FutexOp::wait},        {"wake", FutexOp::wake},
        {"wakeop", FutexOp::wake_op},    {"requeue", FutexOp::cmp_requeue}, {"lockpi", FutexOp::lock_pi},
        {"trylockpi", FutexOp::lock_pi}, {"unlockpi", FutexOp::unlock_pi},  {"requeuepi", FutexOp::cmp_requeue_pi},
    };
    const auto* op =
        std::find_if(std::begin(kOps), std::end(kOps), [&](const auto& row) { return row.first == what_.sub; });
    if (op == std::end(kOps)) throw Untranslatable("futex " + what_.sub);
    for (std::size_t i = 0; i < what_.segs.size(); ++i) {
      const std::uint32_t value = i == 0 && what_.sub.ends_with("lockpi") ? 0 : 7;
      scenario_.memory.front().words.push_back({bytes_of(what_.segs[i].offset).n, value});
    }
    FutexSpec spec;
    spec.op = op->second;
    spec.word = place(kRegion, first().offset);
    spec.pointer_tag = tag_of(first());
    const RecordSegment& second = what_.segs.size() > 1 ? what_.segs[1] : first();
    spec.second = place(kRegion, second.offset);
    spec.second_tag = tag_of(second);
    spec.value = what_.sub == "wakeop" ? 1 : what_.sub == "waitneq" ? 8 : 7;
    spec.shared = what_.arg != 0;
    scenario_.calls.emplace_back(spec);
  }

  void small_call() {
    static constexpr std::pair<std::string_view, std::string_view> kCalls[] = {
        {"readlink", "readlink"},
        {"getcwd", "getcwd"},
        {"uname", "uname"},
        {"fstat", "fstat"},
        {"pipe2", "pipe2"},
        {"clock", "clock_gettime"},
        {"open", "openat"},
        {"poll", "ppoll"},
        {"mincore", "mincore"},
        {"getdents", "getdents64"},
        {"sigproc", "rt_sigprocmask"},
        {"getrandom", "getrandom"},
    };
    const auto* call =
        std::find_if(std::begin(kCalls), std::end(kCalls), [&](const auto& row) { return row.first == what_.op; });
    if (call == std::end(kCalls)) throw Untranslatable("call " + what_.op);
    SmallCallSpec spec;
    spec.call = text(call->second);
    spec.buffer = place(kRegion, first().offset);
    spec.size = bytes_of(first().length);
    spec.length = bytes_of(what_.llen);
    spec.pointer_tag = tag_of(first());
    if (what_.op == "getdents") spec.names = dev_names(record_.revision);
    scenario_.calls.emplace_back(spec);
  }

  /// How long the names in /dev were when the records were made, "." and ".." first. The listing itself was not
  /// recorded: these lengths add up to the sizes that undisturbed records have (docs/fidelity.md).
  static std::vector<Bytes> dev_names(std::string_view revision) {
    struct Names {
      int number;
      std::uint64_t length;
    };
    const bool newest = revision == "6.12" || revision[0] >= '7';
    const std::vector<Names> first = newest ? std::vector<Names>{{1, 12}, {1, 7}, {7, 4}, {7, 5}}  //
                                            : std::vector<Names>{{1, 12}, {7, 4}, {8, 5}};
    const std::vector<Names> then = newest              ? std::vector<Names>{{1, 11}, {1, 12}, {2, 4}}
                                    : revision == "6.1" ? std::vector<Names>{{1, 13}, {1, 11}, {2, 4}}
                                                        : std::vector<Names>{{2, 4}, {1, 13}, {1, 5}};
    std::vector<Bytes> names{Bytes{1}, Bytes{2}};
    const auto add = [&](const Names& n) {
      names.insert(names.end(), static_cast<std::size_t>(n.number), Bytes{n.length});
    };
    std::for_each(first.begin(), first.end(), add);
    std::for_each(then.begin(), then.end(), add);
    add({60, 5});  // tty10 to tty63 and their like
    return names;
  }

  void sweep() {
    if (what_.tcf == "off") throw Untranslatable("a sweep without tagged addresses");
    std::vector<RecordBad> bad;
    if (what_.dist >= 0) bad.push_back({what_.pos + what_.dist, std::max<std::int64_t>(what_.flen, 1), {}});
    region(bad);
    const bool write = what_.arg != 0;
    const bool pipe = what_.obj == "pipe";
    if (!pipe && what_.obj != "zero" && what_.obj != "tmpfs") throw Untranslatable("sweep over " + what_.obj);
    add_file(what_.obj, pipe ? bytes_of(write ? 0 : what_.length) : Bytes{what_.obj == "tmpfs" ? 16384U : 0U});
    const ReadSpec read{"f", place(kRegion, what_.pos * 16 + what_.align), bytes_of(what_.length), {}, what_.ptag};
    if (write) {
      scenario_.calls.emplace_back(WriteSpec{read});
    } else {
      scenario_.calls.emplace_back(read);
    }
    scenario_.sweep["/calls/0/count_bytes"] = RangeSpec{1, what_.length, 1};
  }

  const Record& record_;
  const RecordCase& what_;
  Scenario scenario_;
};

}  // namespace

std::optional<TcfMode> mode_asked_for(const RecordCase& what, const Revision& revision) {
  const bool both = what.tcf == "asymm" || what.tcf == "both";
  const TcfRequest asked{both || what.tcf == "sync" || what.tcf == "storeonly", both || what.tcf == "async"};
  return resolve_tcf(revision, asked, what.tcf == "asymm" ? TcfMode::asymm : TcfMode::async);
}

Scenario scenario_of(const Record& record, Mops mops) {
  const RecordCase& what = record.what;
  if (what.cat != "F") return Translator(record, mops).translate();
  try {
    Scenario scenario = tag_program({what.sub, what.kind, what.arg, what.tcf, record.revision}).scenario;
    name_after(record, scenario);
    return scenario;
  } catch (const std::invalid_argument& unknown) {
    throw Untranslatable(unknown.what());
  }
}

}  // namespace mtesim
