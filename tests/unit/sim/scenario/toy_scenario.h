#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "model/arch/tag.h"
#include "model/arch/tag_check_mode.h"
#include "model/base/bytes.h"
#include "sim/scenario/fields.h"

// A scenario in miniature, with a field of every kind.
namespace mtesim::toy {

inline constexpr std::array kModes = {
    EnumWord{TcfMode::none, "none", "no access is checked"},
    EnumWord{TcfMode::sync, "sync", "the access faults"},
    EnumWord{TcfMode::async, "async", "the CPU remembers"},
    EnumWord{TcfMode::asymm, "asymm", "loads fault, stores are remembered"},
};

/// Granules by number: "7", "0..3".
struct GranuleRun {
  std::uint64_t first = 0;
  std::uint64_t last = 0;
  bool operator==(const GranuleRun&) const = default;
};

inline TextAsField<GranuleRun> granule_run() {
  return text_as<GranuleRun>(
      text_like(R"(^[0-9]{1,9}(\.\.[0-9]{1,9})?$)", R"(granules like "7" or "0..3")"),
      [](std::string_view text) -> std::optional<GranuleRun> {
        const std::size_t dots = text.find("..");
        const std::uint64_t first = std::stoul(std::string(text.substr(0, dots)));
        const std::uint64_t last =
            dots == std::string_view::npos ? first : std::stoul(std::string(text.substr(dots + 2)));
        return GranuleRun{first, last};
      },
      [](const GranuleRun& run) {
        const std::string first = std::to_string(run.first);
        return run.first == run.last ? first : first + ".." + std::to_string(run.last);
      });
}

struct Retag {
  GranuleRun granules;
  Tag tag{};
  bool operator==(const Retag&) const = default;
};
template <class V>
void fields(V& v, Retag& r) {
  v.about("One run of granules with its own tag.");
  v.required("granules", r.granules, granule_run(), "granules of the mapping");
  v.required("tag", r.tag, in_range(0, 15), "allocation tag");
}

struct Mapping {
  std::string name;
  std::int32_t nice = -3;
  std::uint32_t pages = 1;
  bool present = false;
  std::vector<Retag> tags;
  bool operator==(const Mapping&) const = default;
};
template <class V>
void fields(V& v, Mapping& m) {
  v.about("One mapping of the process.");
  v.required("name", m.name, text_like("^[a-z][a-z0-9]{0,15}$", R"(a name like "buf" or "buf2")"), "how calls name it");
  v.optional("nice", m.nice, in_range(-20, 19), "a number that may be negative");
  v.optional("pages", m.pages, in_range(1, 4096), "its length");
  v.optional("present", m.present, flag(), "mapped from the start");
  v.optional("tags", m.tags, list_of(object()).at_most(3), "runs with a tag of their own");
}

inline Mapping mapping(std::string name) {
  Mapping m;
  m.name = std::move(name);
  return m;
}

struct Read {
  std::string file;
  Bytes count{};
  UserPtr to{};
  bool operator==(const Read&) const = default;
};
template <class V>
void fields(V& v, Read& c) {
  v.about("read()");
  v.required("read", c.file, text(), "the file");
  v.required("count_bytes", c.count, bytes(), "how much");
  v.optional("to", c.to, address(), "where to");
}

struct Search {
  std::string file;
  Bytes size{};
  bool operator==(const Search&) const = default;
};
template <class V>
void fields(V& v, Search& c) {
  v.about("BTRFS_IOC_TREE_SEARCH_V2");
  v.constant("ioctl", "BTRFS_IOC_TREE_SEARCH_V2", "the request");
  v.required("file", c.file, text(), "a file of the tree");
  v.required("buf_size_bytes", c.size, bytes(0, 1 << 24), "size of the buffer");
}

struct Fiemap {
  std::string file;
  bool operator==(const Fiemap&) const = default;
};
template <class V>
void fields(V& v, Fiemap& c) {
  v.about("FS_IOC_FIEMAP");
  v.constant("ioctl", "FS_IOC_FIEMAP", "the request");
  v.required("file", c.file, text(), "the file");
}

using Call = std::variant<Read, Search, Fiemap>;

struct Evict {
  std::string where;
  std::optional<std::uint32_t> budget;
  bool operator==(const Evict&) const = default;
};
template <class V>
void fields(V& v, Evict& a) {
  v.about("Reclaim takes a page.");
  v.constant("action", "evict", "what happens");
  v.required("where", a.where, text(), "a mapping");
  v.optional("budget", a.budget, in_range(1, 1000), "how often at most; without it, without bound");
}

struct Sigkill {
  bool operator==(const Sigkill&) const = default;
};
template <class V>
void fields(V& v, Sigkill& /*a*/) {
  v.about("A signal that nobody survives.");
  v.constant("action", "sigkill", "what happens");
}

using Action = std::variant<Evict, Sigkill>;

struct Range {
  std::int64_t from = 0;
  std::int64_t to = 0;
  bool operator==(const Range&) const = default;
};
template <class V>
void fields(V& v, Range& r) {
  v.about("From one number to another.");
  v.required("from", r.from, in_range(0, 9999), "the first");
  v.required("to", r.to, in_range(0, 9999), "the last");
}

using Axis = std::variant<Range, std::vector<JsonScalar>>;

inline const std::vector<ListedWord>& revision_words() {
  static const std::vector<ListedWord> kWords = {{"5.17", "page probe"}, {"5.19", "sub-page probe"}, {"7.3", ""}};
  return kWords;
}

struct Scenario {
  std::string name;
  std::string about;
  TcfMode tcf = TcfMode::sync;
  std::string cpu;
  std::string revision = "5.19";
  std::map<std::string, JsonScalar> change;
  std::vector<Mapping> memory;
  std::vector<Call> calls;
  std::vector<Action> environment;
  std::map<std::string, Axis> sweep;
  std::uint64_t seed = 1;
  double share = 0.5;
  std::optional<Mapping> spare;
  Retag usual{{0, 3}, Tag{2}};
  bool operator==(const Scenario&) const = default;
};
template <class V>
void fields(V& v, Scenario& s) {
  v.about("A scenario in miniature.");
  v.required("name", s.name, text(), "a name");
  v.optional("about", s.about, text(), "a sentence");
  v.optional("tcf", s.tcf, one_of(kModes), "what becomes of a tag check fault");
  v.required("cpu", s.cpu, listed(v.words("cpus")), "a CPU file");
  v.optional("revision", s.revision, listed(revision_words()), "the kernel");
  v.optional("change", s.change, scalars(v.scalars("knobs")), "what differs from that kernel");
  v.required("memory", s.memory, list_of(object()).at_least(1), "the mappings");
  v.required("calls", s.calls, list_of(one_shape()), "system calls, in order");
  v.optional("environment", s.environment, list_of(one_shape()), "what may happen meanwhile");
  v.optional("sweep", s.sweep,
             map_of(text_like("^(/[a-z0-9_]{1,20}){1,8}$", R"(a JSON Pointer like "/memory/0/pages")"),
                    either(object(), list_of(scalar()))),
             "a grid of scenarios");
  v.optional("seed", s.seed, number64(), "where random numbers start");
  v.optional("share", s.share, real_in_range(0, 1), "a part of the whole");
  v.optional("spare", s.spare, object(), "a mapping that is not there yet");
  v.optional("usual", s.usual, object(), "what is done when nothing is said");
}

inline const Vocabulary& vocabulary() {
  static const Vocabulary kLists = {
      .words = {{"cpus", {{"neoverse-v2", "a server"}, {"cortex-a510", "a small one"}}}},
      .scalars = {{"knobs",
                   {{"search.probe", "how it faults in", {.words = {"page", "granule"}}},
                    {"search.min_size", "bytes that are probed", {.integers = IntegerRange{0, 4096}, .words = {"all"}}},
                    {"copy.retry", "one byte more", {.boolean = true}}}}},
  };
  return kLists;
}

inline constexpr std::string_view kDocument = R"({
  "name": "toy",
  "about": "Every kind of field.",
  "tcf": "asymm",
  "cpu": "neoverse-v2",
  "revision": "5.17",
  "change": { "search.probe": "granule", "search.min_size": 64, "copy.retry": true },
  "memory": [
    { "name": "buf", "nice": 4, "pages": 5, "present": true,
      "tags": [ { "granules": "7", "tag": 6 }, { "granules": "0..3", "tag": 0 } ] },
    { "name": "other" }
  ],
  "calls": [
    { "read": "f", "count_bytes": 4096, "to": "0x500ffff00001000" },
    { "ioctl": "BTRFS_IOC_TREE_SEARCH_V2", "file": "f", "buf_size_bytes": 16384 },
    { "ioctl": "FS_IOC_FIEMAP", "file": "f" }
  ],
  "environment": [ { "action": "evict", "where": "buf", "budget": 2 }, { "action": "sigkill" } ],
  "sweep": { "/memory/0/pages": { "from": 1, "to": 9 }, "/tcf": ["sync", 2, 0.5, true] },
  "seed": "0xfedcba9876543210",
  "share": 0.25,
  "spare": { "name": "late" },
  "usual": { "granules": "9", "tag": 1 }
}
)";

}  // namespace mtesim::toy
