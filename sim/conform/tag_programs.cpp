#include "sim/conform/tag_programs.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <stdexcept>
#include <tuple>

#include "model/kernel/prctl.h"
#include "model/mm/mmap.h"
#include "sim/conform/observe.h"

namespace mtesim {

namespace {

using Json = nlohmann::json;

constexpr std::uint64_t kPage = 4096;

/// "%#lx": 0 has no prefix.
std::string hex(std::uint64_t value) { return value == 0 ? "0" : fmt::format("0x{:x}", value); }

std::uint64_t tag_mask(std::uint64_t tags) { return tags << kPrMteTagShift; }

/// Argument 2 of the prctl that the records' modes stand for.
std::uint64_t control_of(const std::string& tcf) {
  const std::uint64_t plain = kPrTaggedAddrEnable | tag_mask(0xfffe);
  if (tcf == "off") return 0;
  if (tcf == "none" || tcf.empty()) return plain;
  if (tcf == "sync") return plain | kPrMteTcfSync;
  if (tcf == "async") return plain | kPrMteTcfAsync;
  if (tcf == "asymm" || tcf == "both") return plain | kPrMteTcfSync | kPrMteTcfAsync;
  throw std::invalid_argument(fmt::format("found the mode \"{}\"", tcf));
}

/// Writes a program down, call by call, with its print statements where they stand.
class Writer {
 public:
  explicit Writer(const TagCase& what) : what_(what) {
    Scenario& s = program_.scenario;
    s.name = "record/f";
    s.kernel.revision = what.revision;
    s.process = {.tcf = TcfMode::none, .fault_handler = true};
    if (what.tcf == "asymm") s.machine.preferred_tcf = TcfMode::asymm;
    add_file("probe", "pipe", kPage);
    add_file("sink", "pipe", 0);
    control("none");
  }

  [[nodiscard]] TagProgram finish() { return std::move(program_); }
  [[nodiscard]] const TagCase& what() const { return what_; }

  void add_file(const std::string& name, const std::string& fs, std::uint64_t size) {
    program_.scenario.files.push_back({.name = name, .fs = fs, .size = Bytes{size}});
  }
  /// A place for an mmap to fill.
  void place(const std::string& name, MappingKind kind, std::uint64_t pages, const std::string& prot,
             const std::string& file = "") {
    program_.scenario.memory.push_back(
        {.name = name, .kind = kind, .file = file, .pages = pages, .prot = prot, .mapped = false});
  }
  /// Memory of the program's own that nobody tags.
  void plain(const std::string& name, std::uint64_t pages) {
    program_.scenario.memory.push_back({.name = name, .pages = pages, .present = false});
  }

  /// A call, whose number in the list it returns.
  std::size_t call(CallSpec spec) {
    program_.scenario.calls.push_back(std::move(spec));
    return program_.scenario.calls.size() - 1;
  }
  /// From here on it is the child that acts.
  void in_child(bool child) { maker_ = child ? CallMaker::child : CallMaker::process; }

  void print(std::function<void(Json&, const TagOutcome&)> put) {
    program_.prints.push_back({program_.scenario.calls.size(), std::move(put)});
  }
  void print_error(const std::string& key, std::size_t call) {
    print([=](Json& out, const TagOutcome& o) { out[key] = o.error(call); });
  }
  void print_result(const std::string& key, std::size_t call) {
    print([=](Json& out, const TagOutcome& o) { out[key] = o.result(call); });
  }
  /// 1 if the access was made, 0 if a signal came.
  void print_ok(const std::string& key, std::size_t call) {
    print([=](Json& out, const TagOutcome& o) { out[key] = o.signalled(call) ? 0 : 1; });
  }
  void print_byte(const std::string& key, std::uint64_t offset) {
    print([=](Json& out, const TagOutcome& o) { out[key] = o.byte("buf", offset); });
  }
  void print_ldg(const std::string& key, std::size_t call) {
    print([=](Json& out, const TagOutcome& o) { out[key] = o.signalled(call) ? -1 : o.result(call); });
  }

  // The words of the records' program.

  /// mapkind(): the memory that the record names, at "buf".
  std::size_t map_kind(const std::string& prot, std::uint64_t pages = 2) { return map_kind(what_.kind, prot, pages); }
  std::size_t map_kind(const std::string& kind, const std::string& prot, std::uint64_t pages = 2) {
    struct Row {
      std::string_view word;
      MappingKind kind;
    };
    static constexpr std::array<Row, 7> kRows{{{"anon-private", MappingKind::anonymous},
                                               {"anon-shared", MappingKind::shared_anonymous},
                                               {"memfd-shared", MappingKind::memfd},
                                               {"devzero-private", MappingKind::private_dev_zero},
                                               {"devzero-shared", MappingKind::dev_zero},
                                               {"hugetlb", MappingKind::hugetlb},
                                               {"grow-stack", MappingKind::stack}}};
    for (const Row& row : kRows) {
      if (row.word != kind) continue;
      place("buf", row.kind, row.kind == MappingKind::hugetlb ? 512 : pages, prot);
      return call(MmapSpec{.mapping = "buf"});
    }
    const std::size_t dash = kind.find('-');
    const std::string fs = kind.substr(0, dash);
    const std::string sharing = dash == std::string::npos ? "" : kind.substr(dash);
    if (find_file_system(fs) == nullptr || (sharing != "-shared" && sharing != "-private")) {
      throw std::invalid_argument(fmt::format("found the memory \"{}\"", kind));
    }
    add_file("f", fs, pages * kPage);
    place("buf", sharing == "-shared" ? MappingKind::file : MappingKind::private_file, pages, prot, "f");
    return call(MmapSpec{.mapping = "buf"});
  }
  [[nodiscard]] bool maps_file_on_disk() const {
    const std::vector<FileSpec>& files = program_.scenario.files;
    return std::any_of(files.begin(), files.end(),
                       [](const FileSpec& file) { return file.fs != "pipe" && file.fs != "tmpfs"; });
  }
  /// The same, where the program looks at what came of it and stops if it failed.
  void map_kind_or_stop(const std::string& prot) {
    const std::size_t mapped = map_kind(prot);
    print_error("mmap_errno", mapped);
    program_.needed = mapped;
  }

  std::size_t prctl(std::uint64_t arg2) {
    SetTaggedAddrCtrlSpec spec;
    spec.arg2 = arg2;
    spec.in = maker_;
    return call(spec);
  }
  std::size_t get_ctrl() {
    GetTaggedAddrCtrlSpec spec;
    spec.in = maker_;
    return call(spec);
  }
  void control(const std::string& tcf) { prctl(control_of(tcf)); }

  std::size_t try_load(std::uint64_t offset, std::uint32_t tag, const std::string& mapping = "buf") {
    return call(UserLoadSpec{{mapping, offset}, Bytes{1}, tag, true, maker_});
  }
  std::size_t try_store(std::uint64_t offset, std::uint32_t tag) {
    return call(UserStoreSpec{{{"buf", offset}, Bytes{1}, tag, true, maker_}, 0x11});
  }
  std::size_t try_stg(std::uint64_t offset, std::uint32_t tag) {
    return call(StgSpec{{"buf", offset}, 1, tag, 0, true, maker_});
  }
  std::size_t try_ldg(std::uint64_t offset, const std::string& mapping = "buf") {
    return call(LdgSpec{{mapping, offset}, true, maker_});
  }
  std::size_t store(std::uint64_t offset, std::uint32_t value, std::uint32_t tag = 0, std::uint64_t count = 1,
                    const std::string& mapping = "buf") {
    return unguarded(call(UserStoreSpec{{{mapping, offset}, Bytes{count}, tag, false, maker_}, value}));
  }
  void load(std::uint64_t offset, std::uint64_t count) {
    unguarded(call(UserLoadSpec{{"buf", offset}, Bytes{count}, 0, false, maker_}));
  }
  void stg(std::uint64_t offset, std::uint32_t tag, std::uint64_t granules = 1, std::uint32_t tag_step = 0,
           const std::string& mapping = "buf") {
    unguarded(call(StgSpec{{mapping, offset}, granules, tag, tag_step, false, maker_}));
  }
  std::size_t ldg(std::uint64_t offset) { return unguarded(call(LdgSpec{{"buf", offset}, false, maker_})); }

  /// sysread_probe(), syswrite_probe(): one pipe serves all, as a read takes what it gets and leaves the rest.
  std::size_t sysread(std::uint64_t offset, std::uint32_t tag, std::uint64_t count = 8) {
    return call(ReadSpec{"probe", {"buf", offset}, Bytes{count}, {}, tag, maker_});
  }
  std::size_t syswrite(std::uint64_t offset, std::uint32_t tag, std::uint64_t count = 8) {
    return call(WriteSpec{{"sink", {"buf", offset}, Bytes{count}, {}, tag, maker_}});
  }
  void print_sysread(const std::string& key, std::uint64_t offset, std::uint32_t tag) {
    print_result(key, sysread(offset, tag));
  }
  void tagline(const std::string& key, const std::string& mapping = "buf") {
    std::vector<std::size_t> calls;
    for (std::uint64_t g = 0; g < 8; ++g) calls.push_back(try_ldg(g * 16, mapping));
    print([=](Json& out, const TagOutcome& o) {
      Json tags = Json::array();
      for (const std::size_t c : calls) tags.push_back(o.signalled(c) ? -1 : o.result(c));
      out[key] = tags;
    });
  }

  template <class Spec>
  std::size_t on_range(Spec spec, std::uint64_t offset, std::uint64_t length, std::uint32_t tag = 0) {
    spec.buffer = {"buf", offset};
    spec.length = Bytes{length};
    spec.pointer_tag = tag;
    return call(spec);
  }
  std::size_t mprotect(const std::string& prot, std::uint64_t length, std::uint32_t tag = 0) {
    return on_range(MprotectSpec{{}, prot}, 0, length, tag);
  }
  std::size_t madvise(Advice advice, std::uint64_t offset, std::uint64_t length, std::uint32_t tag = 0) {
    return on_range(MadviseSpec{{}, advice}, offset, length, tag);
  }

 private:
  std::size_t unguarded(std::size_t call) {
    program_.unguarded.push_back(call);
    return call;
  }

  const TagCase& what_;
  TagProgram program_;
  CallMaker maker_{};
};

constexpr const char* kTagged = "rwt";
constexpr const char* kUntagged = "rw";

// ---- the programs, by name

void program_mmap(Writer& w) {
  w.map_kind_or_stop(kTagged);
  w.print_ok("stg_ok", w.try_stg(0, 5));
  w.print_ldg("ldg", w.try_ldg(0));
  w.control("sync");
  w.print_ok("load_match", w.try_load(0, 5));
  const std::size_t mismatch = w.try_load(0, 6);
  w.print_ok("load_mismatch", mismatch);
  w.print([=](Json& out, const TagOutcome& o) {
    const auto signals = o.signals(mismatch, mismatch + 1);
    out["sig"] = signals.empty() ? 0 : signals.back().signal;
    out["si_code"] = signals.empty() ? 0 : signals.back().code;
  });
  w.print_sysread("sysread_mismatch", 0, 6);
}

void program_mprotect(Writer& w) {
  w.map_kind_or_stop(kUntagged);
  w.store(0, 1);
  w.print_ldg("ldg_before", w.try_ldg(0));
  const std::size_t before = w.try_stg(0, 5);
  w.print_ok("stg_before_ok", before);
  w.print([=](Json& out, const TagOutcome& o) {
    const auto signals = o.signals(before, before + 1);
    out["stg_before_sig"] = signals.empty() ? 0 : signals.back().signal;
  });
  w.print_ldg("ldg_before2", w.try_ldg(0));
  w.print_error("mprotect_errno", w.mprotect(kTagged, 2 * kPage));
  w.print_ldg("ldg_after_mprotect", w.try_ldg(0));
  w.try_stg(0, 5);
  w.print_ldg("ldg_after", w.try_ldg(0));
  w.control("sync");
  w.print_sysread("sysread_mismatch", 0, 6);
}

void program_mprotect_keep(Writer& w) {
  w.map_kind("anon-private", kTagged);
  w.stg(0, 5, 256);
  w.store(0, 1);
  w.print_error("m1", w.mprotect(kUntagged, 2 * kPage));
  w.print_ldg("ldg1", w.try_ldg(0));
  w.control("sync");
  w.print_sysread("sysread_mm1", 0, 6);
  w.control("none");
  w.print_error("m2", w.mprotect("none", 2 * kPage));
  w.print_error("m3", w.mprotect(kUntagged, 2 * kPage));
  w.print_ldg("ldg2", w.try_ldg(0));
  w.control("sync");
  w.print_sysread("sysread_mm2", 0, 6);
  w.print_sysread("sysread_match", 0, 5);
}

void program_fork(Writer& w) {
  w.map_kind(kTagged);
  w.stg(0, 1, 8, 1);
  w.store(kPage, 1);
  w.control("sync");
  w.call(ForkSpec{});
  w.in_child(true);
  w.print_result("child_ctrl", w.get_ctrl());
  w.tagline("child_tags");
  w.print_sysread("child_sys_mm", 0, 9);
  w.store(0, 7, 1);  // breaks copy-on-write
  w.tagline("child_tags_cow");
  w.stg(16, 15);
  w.tagline("child_tags_stg");
  w.in_child(false);
  w.tagline("parent_tags");
  w.print_byte("parent_byte", 0);
}

void program_madvise(Writer& w) {
  struct Row {
    std::int64_t number;
    Advice advice;
  };
  static constexpr std::array<Row, 5> kRows{
      {{4, Advice::dontneed}, {8, Advice::free}, {9, Advice::remove}, {20, Advice::cold}, {21, Advice::pageout}}};
  const auto row = std::find_if(kRows.begin(), kRows.end(), [&](const Row& r) { return r.number == w.what().arg; });
  if (row == kRows.end()) throw std::invalid_argument(fmt::format("found the advice {}", w.what().arg));
  w.map_kind(kTagged);
  w.store(0, 0x33, 0, 2 * kPage);
  w.stg(0, 1, 8, 1);
  // A file that is not on tmpfs takes no PROT_MTE: the stores above have ended the program before it comes to this.
  if (row->advice != Advice::remove || !w.maps_file_on_disk()) {
    w.print_error("madv_errno", w.madvise(row->advice, 0, 2 * kPage));
  }
  w.control("sync");
  w.print_sysread("sys_old_tag", 64, 5);
  w.control("none");
  w.tagline("tags");
  w.load(200, 1);
  w.print_byte("byte200", 200);
}

void program_mremap(Writer& w) {
  w.map_kind("anon-private", kTagged);
  w.place("moved", MappingKind::anonymous, 4, kTagged);
  w.stg(0, 1, 8, 1);
  MremapSpec remap;
  remap.to = "moved";
  const std::size_t moved = w.on_range(remap, 0, 2 * kPage);
  w.print_ok("mremap_ok", moved);
  w.tagline("tags", "moved");
  w.print_ldg("ldg_new_page", w.try_ldg(3 * kPage, "moved"));
  w.stg(3 * kPage, 4, 1, 0, "moved");
  w.print_ldg("ldg_new_page2", w.try_ldg(3 * kPage, "moved"));
}

void program_swap(Writer& w) {
  constexpr std::uint64_t kPages = 64;
  w.map_kind(kTagged, kPages);
  w.plain("vec", 1);
  for (std::uint64_t p = 0; p < kPages; ++p) {
    w.store(p * kPage, static_cast<std::uint32_t>(p + 1), 0, kPage);
    w.stg(p * kPage, p & 15, kPage / 16, 1);
  }
  w.print_error("pageout_errno", w.madvise(Advice::pageout, 0, kPages * kPage));
  w.call(MincoreSpec{{"buf", 0}, Bytes{kPages * kPage}, 0, {"vec", 0}});
  w.print([](Json& out, const TagOutcome& o) {
    int resident = 0;
    for (std::uint64_t p = 0; p < kPages; ++p) resident += o.byte("vec", p) & 1;
    out["resident_after_pageout"] = resident;
  });
  if (w.what().arg != 0) {
    w.control("sync");
    w.print_sysread("sys_match", 7 * kPage + 16 * 3, (3 + 7) & 15);
    w.print_sysread("sys_mismatch", 9 * kPage + 16 * 3, 1);
    w.control("none");
  }
  for (std::uint64_t p = 0; p < kPages; ++p) {  // looking brings a page back, and changes neither bytes nor tags
    w.try_ldg(p * kPage);
    w.load(p * kPage, kPage);
  }
  w.print([](Json& out, const TagOutcome& o) {
    int bad_tags = 0;
    int bad_data = 0;
    for (std::uint64_t p = 0; p < kPages; ++p) {
      for (std::uint64_t g = 0; g < kPage / 16; ++g) {
        if (o.tag("buf", p * kPage + g * 16) != static_cast<int>((g + p) & 15)) ++bad_tags;
        if (o.byte("buf", p * kPage + g * 16 + 9) != static_cast<int>(p + 1)) ++bad_data;
      }
    }
    out["bad_tags"] = bad_tags;
    out["bad_data"] = bad_data;
  });
}

void program_ptrace(Writer& w) {
  w.map_kind(kTagged);
  w.plain("out", 1);
  w.stg(0, 1, 256, 1);
  w.call(ForkSpec{});
  const auto peek = [&](const std::string& mapping, std::uint64_t offset, std::uint64_t count, std::uint64_t into) {
    return w.call(PeekTagsSpec{{mapping, offset}, count, {"out", into}});
  };
  const auto print_status = [&](const std::string& name, std::size_t call) {
    w.print([=](Json& out, const TagOutcome& o) {
      out[name + "_ret"] = o.result(call) < 0 ? -1 : 0;
      out[name + "_errno"] = o.error(call);
    });
  };
  const auto print_tags = [&](const std::string& key, std::uint64_t from, std::uint64_t count) {
    w.print([=](Json& out, const TagOutcome& o) {
      Json tags = Json::array();
      for (std::uint64_t i = 0; i < count; ++i) tags.push_back(o.byte("out", from + i));
      out[key] = tags;
    });
  };
  const auto print_length = [&](const std::string& key, std::size_t call, std::int64_t asked) {
    w.print([=](Json& out, const TagOutcome& o) { out[key] = o.result(call) < 0 ? asked : o.result(call); });
  };
  const std::size_t first = peek("buf", 0, 16, 0);
  print_status("peek", first);
  print_length("peek_len", first, 16);
  print_tags("tags", 0, 16);
  const std::size_t poke = w.call(PokeTagsSpec{{"buf", 8}, {9, 10, 0x7f, 3}});
  print_status("poke", poke);
  print_length("poke_len", poke, 4);
  peek("buf", 0, 6, 32);
  print_tags("tags2", 32, 6);
  const std::size_t end = peek("buf", 2 * kPage - 160, 20, 64);
  print_status("peek_end", end);
  print_length("peek_end_len", end, 20);
  print_status("peek_nomte", peek("out", 0, 4, 96));
  w.in_child(true);
  w.print_ldg("child_tag1", w.ldg(16));
}

void program_irg(Writer& w) {
  w.place("buf", MappingKind::anonymous, 1, kTagged);
  const auto mask = static_cast<std::uint64_t>(w.what().arg);
  w.print_error("set_errno", w.prctl(kPrTaggedAddrEnable | kPrMteTcfSync | tag_mask(mask)));
  w.print_result("seen", w.call(IrgSpec{4000}));
  w.print_result("get", w.get_ctrl());
}

void program_matrix(Writer& w) {
  w.map_kind("anon-private", kTagged);
  w.control(w.what().tcf);
  static constexpr std::array<const char*, 4> kWays{"sysread", "syswrite", "load", "store"};
  for (std::size_t way = 0; way < kWays.size(); ++way) {
    std::vector<std::size_t> calls;
    for (std::uint32_t pointer = 0; pointer < kTagValues; ++pointer) {
      for (std::uint32_t memory = 0; memory < kTagValues; ++memory) {
        w.stg(0, memory);
        calls.push_back(way == 0   ? w.sysread(0, pointer, 1)
                        : way == 1 ? w.syswrite(0, pointer, 1)
                        : way == 2 ? w.try_load(0, pointer)
                                   : w.try_store(0, pointer));
      }
    }
    w.print([=](Json& out, const TagOutcome& o) {
      Json rows = Json::array();
      for (std::size_t row = 0; row < kTagValues; ++row) {
        int bits = 0;
        for (std::size_t m = 0; m < kTagValues; ++m) bits |= (o.result(calls[row * kTagValues + m]) == 1 ? 1 : 0) << m;
        rows.push_back(bits);
      }
      out[kWays[way]] = rows;
    });
  }
  const std::size_t end = w.call(GetppidSpec{});  // whatever enters the kernel next
  w.print([=](Json& out, const TagOutcome& o) { out["sig_cnt"] = o.signals(0, end).size(); });
}

void program_ctrl(Writer& w) {
  w.place("buf", MappingKind::anonymous, 1, kTagged);
  constexpr std::uint64_t kBoth = kPrMteTcfSync | kPrMteTcfAsync;
  const std::array<PrctlArguments, 18> tried{{{0, 0, 0, 0},
                                              {1, 0, 0, 0},
                                              {1 | kPrMteTcfSync, 0, 0, 0},
                                              {1 | kPrMteTcfAsync, 0, 0, 0},
                                              {1 | kBoth, 0, 0, 0},
                                              {kPrMteTcfSync, 0, 0, 0},
                                              {1 | kPrMteTcfSync | tag_mask(0xffff), 0, 0, 0},
                                              {1 | tag_mask(0x10000), 0, 0, 0},
                                              {1 | std::uint64_t{1} << 20, 0, 0, 0},
                                              {1 | std::uint64_t{1} << 32, 0, 0, 0},
                                              {1, 1, 0, 0},
                                              {1, 0, 1, 0},
                                              {1, 0, 0, 1},
                                              {2, 0, 0, 0},
                                              {~std::uint64_t{0}, 0, 0, 0},
                                              {1 | tag_mask(1), 0, 0, 0},
                                              {1 | kBoth | tag_mask(0xfffe), 0, 0, 0},
                                              {kPrMteStoreOnly, 0, 0, 0}}};
  for (const PrctlArguments& arguments : tried) {
    w.prctl(0);
    SetTaggedAddrCtrlSpec spec;
    std::tie(spec.arg2, spec.arg3, spec.arg4, spec.arg5) = std::tuple_cat(arguments);
    const std::size_t set = w.call(spec);
    const std::size_t get = w.get_ctrl();
    w.print([=](Json& out, const TagOutcome& o) {
      out["ctrl"].push_back({{"arg", hex(arguments[0])},
                             {"a3", arguments[1]},
                             {"a4", arguments[2]},
                             {"a5", arguments[3]},
                             {"errno", o.error(set)},
                             {"get", o.result(get)}});
    });
  }
  GetTaggedAddrCtrlSpec bad;
  bad.arg2 = 1;
  w.print_error("get_badarg_errno", w.call(bad));
}

/// System calls that other parts of the model have, given a tagged pointer.
void other_calls_with_tag(Writer& w, std::uint32_t tag) {
  const BufferPlace buffer{"buf", 0};
  w.print_result("getrandom",
                 w.call(SmallCallSpec{.call = "getrandom", .buffer = buffer, .size = Bytes{8}, .pointer_tag = tag}));
  w.print_result("uname", w.call(SmallCallSpec{.call = "uname", .buffer = buffer, .pointer_tag = tag}));
  w.print_result("pipe2", w.call(SmallCallSpec{.call = "pipe2", .buffer = buffer, .pointer_tag = tag}));
  // By now the buffer holds the descriptors that pipe2() gave: as a path, one character that names nothing.
  w.print_result("open_path",
                 w.call(SmallCallSpec{.call = "openat", .buffer = buffer, .length = Bytes{1}, .pointer_tag = tag}));
  w.print_result("futex_wake",
                 w.call(FutexSpec{.op = FutexOp::wake, .word = buffer, .pointer_tag = tag, .shared = true}));
  w.print_result("pvm_remote",
                 w.call(ProcessVmSpec{ProcessVmKind::readv, {{{"io", 0}, Bytes{8}, 0}}, {{buffer, Bytes{8}, tag}}}));
}

void program_abi(Writer& w) {
  constexpr std::uint32_t kTag = 5;
  w.map_kind("anon-private", kTagged, 4);
  w.plain("io", 1);
  w.place("hint", MappingKind::anonymous, 1, kUntagged);
  w.place("fixed", MappingKind::anonymous, 1, kUntagged);
  w.store(0, 0, 0, 4 * kPage);
  w.stg(0, kTag, 1024);
  w.prctl(static_cast<std::uint64_t>(w.what().arg));
  w.print_sysread("read", 0, kTag);
  w.print_result("write", w.syswrite(0, kTag));
  WritevSpec writev;
  writev.file = "sink";
  writev.iov.push_back({{"buf", 0}, Bytes{8}, kTag});
  w.print_result("writev_base", w.call(writev));
  other_calls_with_tag(w, kTag);
  w.print_result("madvise", w.madvise(Advice::dontneed, 2 * kPage, kPage, kTag));
  w.print_result("mprotect", w.mprotect(kUntagged, kPage, kTag));
  w.print_result("mlock", w.on_range(MlockSpec{}, 0, kPage, kTag));
  w.print_result("mincore", w.call(MincoreSpec{{"buf", 0}, Bytes{kPage}, kTag, {"io", 0}}));
  /// Calls that return an address: 1 stands for one.
  const auto print_address = [&](const std::string& key, std::size_t call, int there, int elsewhere) {
    w.print([=](Json& out, const TagOutcome& o) {
      out[key] = o.result(call) < 0 ? o.result(call) : o.result(call) == 0 ? there : elsewhere;
    });
  };
  print_address("mremap", w.on_range(MremapSpec{}, 2 * kPage, kPage, kTag), 1, 1);
  print_address("mmap_hint", w.call(MmapSpec{.mapping = "hint", .fixed = false, .pointer_tag = kTag}), 2, 1);
  print_address("mmap_fixed", w.call(MmapSpec{.mapping = "fixed", .pointer_tag = kTag}), 1, 1);
  w.print_result("munmap", w.on_range(MunmapSpec{}, 3 * kPage, kPage, kTag));
  const std::size_t brk = w.call(BrkSpec{Bytes{kPage}, kTag});
  w.print([=](Json& out, const TagOutcome& o) { out["brk_same"] = o.result(brk) == 0 ? 1 : 0; });
}

void program_userfault(Writer& w) {
  w.map_kind("anon-private", kTagged);
  w.store(0, 0, 0, 2 * kPage);
  w.stg(0, 5, 512);
  w.control(w.what().tcf);
  const auto print_access = [&](const std::string& name, std::size_t access) {
    const std::size_t end = w.call(GetppidSpec{}) + 1;  // a mismatch that was only recorded is told there
    w.print([=](Json& out, const TagOutcome& o) {
      const auto signals = o.signals(access, end);
      const SigInfo last = signals.empty() ? SigInfo{} : signals.back();
      out[name + "_ok"] = o.signalled(access) ? 0 : 1;
      out[name + "_sig"] = last.signal;
      out[name + "_code"] = last.code;
      out[name + "_addr"] = hex(last.address);
      out[name + "_cnt"] = signals.size();
    });
  };
  print_access("load", w.try_load(100, 6));
  print_access("store", w.try_store(100, 6));
  w.print_byte("stored", 100);
  w.call(MsrTcoSpec{true});
  w.print_ok("tco_load_ok", w.try_load(100, 6));
  w.call(MsrTcoSpec{false});
}

void program_exec(Writer& w) {
  w.place("buf", MappingKind::anonymous, 1, kTagged);
  w.control("sync");
  w.call(ForkSpec{});
  w.in_child(true);
  w.call(ExecveSpec{CallMaker::child});
  w.print_result("ctrl_after_exec", w.get_ctrl());
}

void program_tmpfsfile(Writer& w) {
  w.add_file("f", "tmpfs", 2 * kPage);
  w.place("buf", MappingKind::file, 2, kTagged, "f");
  w.place("untagged", MappingKind::file, 2, kUntagged, "f");
  w.place("second", MappingKind::file, 2, kTagged, "f");
  w.place("own", MappingKind::private_file, 2, kTagged, "f");
  w.plain("io", 1);
  w.call(MmapSpec{.mapping = "buf"});
  w.stg(0, 1, 8, 1);
  w.store(0, 0x44, 0, kPage, "io");
  w.print_result("pwrite", w.call(WriteSpec{{"f", {"io", 0}, Bytes{kPage}, {}, 0, {}}}));
  w.tagline("tags_after_write");
  w.call(MmapSpec{.mapping = "untagged"});
  w.control("sync");
  w.print_ok("plainmap_load_tagged", w.try_load(0, 9, "untagged"));
  w.control("none");
  w.call(MmapSpec{.mapping = "second"});
  w.print_ldg("second_map_ldg", w.try_ldg(32, "second"));
  w.on_range(MunmapSpec{}, 0, 2 * kPage);
  w.call(MmapSpec{.mapping = "own"});
  w.tagline("private_map_tags", "own");
  w.store(0, 3, 0, 1, "own");
  w.tagline("private_map_tags_cow", "own");
  w.call(FtruncateSpec{"f", Bytes{0}});
  w.call(FtruncateSpec{"f", Bytes{2 * kPage}});
  w.print_ldg("ldg_after_trunc_shared", w.try_ldg(32, "second"));
}

void program_untouched(Writer& w) {
  w.map_kind(kTagged);
  w.control("sync");
  w.print_sysread("sys_tag0", 0, 0);
  w.print_sysread("sys_tag5", kPage, 5);
  w.print_result("sysw_tag0", w.syswrite(0, 0));
  w.print_result("sysw_tag5", w.syswrite(kPage, 5));
  w.control("none");
  w.print_ldg("ldg", w.try_ldg(0));
}

struct ProgramRow {
  std::string_view sub;
  void (*write)(Writer&);
};
constexpr std::array<ProgramRow, 16> kPrograms{{
    {"mmap", program_mmap},
    {"mprotect", program_mprotect},
    {"mprotect_keep", program_mprotect_keep},
    {"fork", program_fork},
    {"madvise", program_madvise},
    {"mremap", program_mremap},
    {"swap", program_swap},
    {"ptrace", program_ptrace},
    {"irg", program_irg},
    {"matrix", program_matrix},
    {"ctrl", program_ctrl},
    {"abi", program_abi},
    {"userfault", program_userfault},
    {"exec", program_exec},
    {"tmpfsfile", program_tmpfsfile},
    {"untouched", program_untouched},
}};

/// Handlers return to an access without a guard, which faults again: at the ninth signal the program gives up.
constexpr int kExitOfTooManySignals = 99;

}  // namespace

int TagOutcome::error(std::size_t call) const {
  const std::int64_t r = result(call);
  return r < 0 && !signalled(call) ? static_cast<int>(-r) : 0;
}

std::vector<SigInfo> TagOutcome::signals(std::size_t from, std::size_t end) const {
  std::vector<SigInfo> all;
  for (const SignalTaken& taken : result_.final_state.tasks.front().signals) {
    if (taken.call >= from && taken.call < end) all.push_back(taken.info);
  }
  return all;
}

std::uint64_t TagOutcome::address(const std::string& mapping, std::uint64_t offset) const {
  for (const Names::Mapping& known : built_.names.mappings) {
    if (known.name == mapping) return known.begin + offset;
  }
  MTESIM_CHECK(!"a mapping that the program did not name");
  return 0;
}

int TagOutcome::byte(const std::string& mapping, std::uint64_t offset) const {
  const Machine& machine = result_.final_state.machine;
  const std::uint64_t at = address(mapping, offset);
  const Pte& pte = machine.spaces.front()->pte(machine.page_index(at));
  if (pte.state != PteState::present && pte.state != PteState::swapped) return 0;
  const auto in_page = static_cast<std::uint32_t>(at % machine.page_size.n);
  const Origin origin = machine.folio(pte.folio).contents.read(in_page, in_page + 1).pieces().front().origin;
  if (origin.source == kZeroSource) return 0;
  if (origin.source == kKernelSource) return 1;  // what the pipe held
  if (origin.source.n >= kFirstValueSource) return static_cast<int>(origin.source.n - kFirstValueSource);
  return file_byte(origin.position);
}

int TagOutcome::tag(const std::string& mapping, std::uint64_t offset) const {
  return load_tag(result_.final_state.machine, 0, address(mapping, offset)).bits;
}

TagProgram tag_program(const TagCase& what) {
  for (const ProgramRow& row : kPrograms) {
    if (row.sub != what.sub) continue;
    Writer writer(what);
    row.write(writer);
    return writer.finish();
  }
  throw std::invalid_argument(fmt::format("found the tag program \"{}\"", what.sub));
}

Json observed(const TagProgram& program, const Built& built, const RunResult& result) {
  const TagOutcome outcome(built, result);
  std::size_t come_to = program.scenario.calls.size();
  const bool stopped = program.needed != TagProgram::kNone && outcome.error(program.needed) != 0;
  if (stopped) come_to = program.needed + 1;
  Json out = Json::object();
  for (const std::size_t access : program.unguarded) {
    if (access >= come_to || !outcome.signalled(access)) continue;
    come_to = access;
    out["child_exit"] = kExitOfTooManySignals;
    break;
  }
  for (const TagProgram::Print& print : program.prints) {
    if (print.calls <= come_to) print.put(out, outcome);
  }
  return out;
}

Json carry_out(const TagCase& what) {
  const TagProgram program = tag_program(what);
  const JsonText text = parse_json_text(write_scenario(program.scenario).text(), "record");
  const Built built = build(program.scenario, text);
  const RunResult result = run(built.workload, {});
  return observed(program, built, result);
}

std::span<const UncomparedKey> uncompared_tag_keys() {
  static constexpr std::array<UncomparedKey, 3> kKeys{{
      {"klog", "a message of the kernel's log"},
      {"swapon_errno", "EBUSY if an earlier test of the same boot had set the swap device up"},
      {"t_us", "time"},
  }};
  return kKeys;
}

std::vector<TagDifference> tag_differences(const Json& expected, const Json& got) {
  Json e = expected;
  Json g = got;
  for (const UncomparedKey& key : uncompared_tag_keys()) {
    e.erase(std::string(key.key));
    g.erase(std::string(key.key));
  }
  std::vector<TagDifference> all;
  for (const auto& [key, value] : e.items()) {
    const std::string theirs = g.contains(key) ? g[key].dump() : "nothing";
    if (!g.contains(key) || g[key] != value) all.push_back({key, value.dump(), theirs});
  }
  for (const auto& [key, value] : g.items()) {
    if (!e.contains(key)) all.push_back({key, "nothing", value.dump()});
  }
  return all;
}

}  // namespace mtesim
