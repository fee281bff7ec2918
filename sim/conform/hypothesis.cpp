#include "sim/conform/hypothesis.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

#include "sim/conform/record.h"

namespace mtesim {

namespace {

using nlohmann::json;

constexpr std::int64_t kPage = 4096;
constexpr std::int64_t kGranuleBytes = 16;

std::int64_t number(const json& from, const char* key, std::int64_t otherwise) {
  return from.contains(key) && from[key].is_number_integer() ? from[key].get<std::int64_t>() : otherwise;
}
std::string text(const json& from, const char* key) {
  return from.contains(key) && from[key].is_string() ? from[key].get<std::string>() : std::string();
}
std::string segment(std::int64_t offset, std::int64_t length) { return fmt::format("{}+{}", offset, length); }

/// read(2) or write(2) of a file.
void file_case(const json& what, json& to) {
  to["op"] = text(what, "op");
  to["obj"] = text(what, "fs");
  to["segs"] = segment(number(what, "uoff", 0), number(what, "len", 0));
  to["fsize"] = number(what, "fsize", 65536);
  to["foff"] = number(what, "foff", 0);
  to["direct"] = number(what, "direct", 0);
  const std::string file = text(what, "file");
  to["fmode"] = file == "hole" ? "hole" : "data";
  const bool in_memory = to["obj"] == "tmpfs";
  to["cache"] = text(what, "cache") == "warm" || in_memory ? "warm" : "cold";
  if (what.contains("unmap")) to["prot"] = fmt::format("{}:unmap", number(what, "unmap", 0) / kPage);
}

/// Copies whose kernel side begins at a chosen offset of a page, repeated from the first byte that was not copied.
void golden_case(const json& what, const json& result, json& to) {
  static constexpr std::array<std::pair<std::string_view, std::array<const char*, 2>>, 5> kOps{{
      {"gw", {"write", "pipe"}},
      {"gr", {"read", "pipe"}},
      {"gz", {"read", "zero"}},
      {"tw", {"pwrite", "tmpfs"}},
      {"tr", {"pread", "tmpfs"}},
  }};
  const std::string name = text(what, "op");
  const auto* op = std::find_if(kOps.begin(), kOps.end(), [&](const auto& row) { return row.first == name; });
  if (op == kOps.end()) throw RecordError("found a copy of no known kind");
  const std::int64_t koff = number(what, "koff", 0);
  to["op"] = op->second[0];
  to["obj"] = op->second[1];
  to["segs"] = segment(kPage + number(what, "uoff", 0), kPage - koff);
  to["fsize"] = kPage;
  to["foff"] = koff;
  to["cache"] = "warm";
  to["calls"] = result.value("calls", json::array());
}

void futex_case(const json& what, json& to) {
  struct Op {
    std::string_view name;
    const char* sub;
    const char* segs;
  };
  static constexpr std::array<Op, 7> kOps{{
      {"lock_pi", "lockpi", "1024+4"},
      {"trylock_pi", "trylockpi", "1024+4"},
      {"unlock_pi", "unlockpi", "1024+4"},
      {"wait", "wait", "1024+4"},
      {"wake_op", "wakeop", "0+4,1024+4"},
      {"cmp_requeue_pi", "requeuepi", "0+4,1024+4"},
      {"cmp_requeue_pi_1st", "requeuepi", "1024+4,0+4"},
  }};
  const std::string name = text(what, "op");
  const auto* op = std::find_if(kOps.begin(), kOps.end(), [&](const Op& row) { return row.name == name; });
  if (op == kOps.end()) throw RecordError("found a futex operation of no known kind");
  to["op"] = "futex";
  to["sub"] = op->sub;
  to["segs"] = op->segs;
  to["arg"] = number(what, "shared", 0);
}

json case_of(const json& line) {
  const json& what = line["case"];
  const std::string fn = text(what, "fn");
  json to{{"cat", "H"}, {"ptag", 5}, {"npages", 64}};
  if (fn == "rw") {
    file_case(what, to);
  } else if (fn == "golden") {
    golden_case(what, line["result"], to);
  } else if (fn == "futex") {
    futex_case(what, to);
  } else if (fn == "ts1" || fn == "ts2") {
    to["op"] = fn;
    to["segs"] = segment(0, fn == "ts1" ? 3992 : number(what, "cap", 0));
    to["nri"] = number(what, "nri", 0);
  } else if (fn == "fiemap") {
    to["op"] = fn;
    to["obj"] = text(what, "fs");
    to["arg"] = number(what, "count", 0);
    to["segs"] = segment(0, 32 + 56 * number(what, "count", 0));
  } else if (fn == "kcore") {
    to["op"] = "pread";
    to["obj"] = "kcore";
    to["segs"] = segment(0, number(what, "len", 0));
  } else {
    throw RecordError(fmt::format("found the function \"{}\", which is not known", fn));
  }
  if (what.contains("bad")) {
    const std::int64_t from = fn == "golden" ? kPage : 0;
    to["bad"] = fmt::format("{}+1", (from + number(what, "bad", 0)) / kGranuleBytes);
  }
  const std::string mode = text(what, "mode");
  to["tcf"] = mode.empty() ? "sync" : mode;
  if (text(line, "params").find("nomops") != std::string::npos) to["nomops"] = 1;
  return to;
}

json result_of(const json& line) {
  const json& from = line["result"];
  json to = json::object();
  const std::string outcome = text(from, "outcome");
  if (outcome == "returned") {
    static constexpr std::array<std::array<const char*, 2>, 8> kKeys{{{"ret", "ret"},
                                                                      {"errno", "errno"},
                                                                      {"calls", "calls"},
                                                                      {"mapped", "mapped"},
                                                                      {"nr_items_after", "out_items"},
                                                                      {"file_size", "f_size"},
                                                                      {"file_new_prefix", "f_new_prefix"},
                                                                      {"correct_prefix", "good_prefix"}}};
    for (const auto& [theirs, ours] : kKeys) {
      if (from.contains(theirs)) to[ours] = from[theirs];
    }
  } else {
    to["hang"] = true;
    to["killable"] = outcome == "no return, killable";
  }
  if (from.contains("tcf_errno")) to["tcf_errno"] = 22;  // the mode was refused; errno was read too late
  const std::int64_t faults = number(from, "tag_faults", 0);
  to["tagfaults"] = std::min<std::int64_t>(faults, 64);
  const json first = from.value("first_faults", json::array());
  if (!first.is_array() || (first.empty() && faults > 0)) return to;  // they were not told
  to["tf_off"] = json::array();
  for (std::size_t i = 0; i < std::min<std::size_t>(first.size(), 8); ++i) {
    const std::string word = first[i].is_string() ? first[i].get<std::string>() : std::string();
    const bool number_follows = word.size() > 1 && std::all_of(word.begin() + 1, word.end(),
                                                               [](unsigned char c) { return std::isdigit(c) != 0; });
    if (!number_follows || word.size() > 12) throw RecordError("found a first fault that is none");
    to["tf_off"].push_back(std::stoll(word.substr(1)));
    if (i == 0) to["tf_wnr"] = word[0] == 'W' ? 1 : 0;
  }
  return to;
}

}  // namespace

json record_of_hypothesis(const json& line) {
  for (const char* key : {"case", "result"}) {
    if (!line.contains(key) || !line[key].is_object()) throw RecordError(fmt::format("found no \"{}\"", key));
  }
  std::string id = text(line, "hypothesis") + "/" + text(line, "variant");
  if (text(line, "params").find("nomops") != std::string::npos) id += "/nomops";
  return {{"id", id}, {"kernel", text(line, "kernel")}, {"case", case_of(line)}, {"result", result_of(line)}};
}

}  // namespace mtesim
