#include "sim/conform/record.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <limits>

#include "sim/conform/hypothesis.h"
#include "sim/scenario/scenario_error.h"

namespace mtesim {

namespace {

using nlohmann::json;

/// A value as messages show it: short, and on one line whatever is in it.
std::string brief(const json& value) {
  return value.is_string() ? in_quotes(value.get<std::string>()) : printable(value.dump());
}

/// Brackets within brackets: the parser takes any number of them, but what works through the values recurs.
bool is_nested_deeper_than(const std::string& line, int most) {
  int depth = 0;
  bool in_text = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (in_text) {
      if (c == '\\') ++i;
      if (c == '"') in_text = false;
    } else if (c == '"') {
      in_text = true;
    } else if (c == '[' || c == '{') {
      if (++depth > most) return true;
    } else if (c == ']' || c == '}') {
      --depth;
    }
  }
  return false;
}

/// The numbers of "12+3:4" and their like, one after another.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : rest_(text) {}
  [[nodiscard]] bool at_end() const { return rest_.empty(); }
  bool skip(char c) {
    if (rest_.empty() || rest_.front() != c) return false;
    rest_.remove_prefix(1);
    return true;
  }
  std::int64_t number() {
    std::int64_t n = 0;
    const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), n);
    if (error != std::errc()) throw RecordError(fmt::format("found {} where a number should be", in_quotes(rest_)));
    rest_.remove_prefix(static_cast<std::size_t>(end - rest_.data()));
    return n;
  }
  std::string word() {
    const std::size_t end = std::min(rest_.find(','), rest_.size());
    std::string text(rest_.substr(0, end));
    rest_.remove_prefix(end);
    return text;
  }
  void expect(char c) {
    if (!skip(c)) throw RecordError(fmt::format("found {} where '{}' should be", in_quotes(rest_), c));
  }

 private:
  std::string_view rest_;
};

template <class T, class Read>
std::vector<T> list_of(const std::string& text, Read&& read) {
  std::vector<T> items;
  Scanner in(text);
  while (!in.at_end()) {
    items.push_back(read(in));
    if (!in.skip(',')) break;
  }
  if (!in.at_end()) throw RecordError(fmt::format("found {}, which cannot be read to its end", in_quotes(text)));
  return items;
}

RecordSegment segment(Scanner& in) {
  RecordSegment s;
  s.offset = in.number();
  in.expect('+');
  s.length = in.number();
  if (in.skip('@')) s.tag = static_cast<std::uint32_t>(in.number()) & 15U;
  return s;
}

RecordBad bad_run(Scanner& in) {
  RecordBad b;
  b.first = in.number();
  if (in.skip('+')) b.count = in.number();
  if (in.skip(':')) b.tag = static_cast<std::uint32_t>(in.number()) & 15U;
  return b;
}

RecordProt page_state(Scanner& in) {
  RecordProt p;
  p.page = in.number();
  in.expect(':');
  p.kind = in.word();
  return p;
}

std::string text_of(const json& value, const std::string& key) {
  if (!value.is_string()) throw RecordError(fmt::format("found {} at \"{}\"; allowed: a text", brief(value), key));
  return value.get<std::string>();
}

std::int64_t number_of(const json& value, const std::string& key) {
  if (!value.is_number_integer()) {
    throw RecordError(fmt::format("found {} at \"{}\"; allowed: a whole number", brief(value), key));
  }
  if (value.is_number_unsigned() &&
      value.get<std::uint64_t>() > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
    throw RecordError(fmt::format("found {} at \"{}\"; allowed: a number of 63 bits", brief(value), key));
  }
  return value.get<std::int64_t>();
}

/// What repeated calls returned.
std::vector<std::int64_t> results_of(const json& value, const std::string& key) {
  if (!value.is_array() || value.empty() || value.size() > 64) {
    throw RecordError(fmt::format("found {} at \"{}\"; allowed: a list of 1 to 64 results", value.dump(), key));
  }
  std::vector<std::int64_t> all;
  for (const json& one : value) all.push_back(number_of(one, key));
  return all;
}

RecordCase parse_case(const json& j) {
  RecordCase c;
  for (const auto& [key, value] : j.items()) {
    const auto text = [&, &key = key, &value = value] { return text_of(value, key); };
    const auto number = [&, &key = key, &value = value] { return number_of(value, key); };
    if (key == "cat")
      c.cat = text();
    else if (key == "op")
      c.op = text();
    else if (key == "obj")
      c.obj = text();
    else if (key == "segs")
      c.segs = list_of<RecordSegment>(text(), segment);
    else if (key == "bad")
      c.bad = list_of<RecordBad>(text(), bad_run);
    else if (key == "badend")
      c.badend = number();
    else if (key == "prot")
      c.prot = list_of<RecordProt>(text(), page_state);
    else if (key == "mem")
      c.mem = text();
    else if (key == "tcf")
      c.tcf = text();
    else if (key == "fmode")
      c.fmode = text();
    else if (key == "cache")
      c.cache = text();
    else if (key == "role")
      c.role = text();
    else if (key == "sub")
      c.sub = text();
    else if (key == "kind")
      c.kind = text();
    else if (key == "ptag")
      c.ptag = static_cast<std::uint32_t>(number()) & 15U;
    else if (key == "npages")
      c.npages = number();
    else if (key == "tco")
      c.tco = number() != 0;
    else if (key == "direct")
      c.direct = number() != 0;
    else if (key == "osync")
      c.osync = number() != 0;
    else if (key == "fsize")
      c.fsize = number();
    else if (key == "foff")
      c.foff = number();
    else if (key == "llen")
      c.llen = number();
    else if (key == "nri")
      c.nri = number();
    else if (key == "arg")
      c.arg = number();
    else if (key == "nomops")
      c.nomops = number() != 0;
    else if (key == "calls")
      c.calls = results_of(value, key);
    else if (key == "align")
      c.align = number();
    else if (key == "dist")
      c.dist = number();
    else if (key == "flen")
      c.flen = number();
    else if (key == "L")
      c.length = number();
    else if (key == "pos")
      c.pos = number();
    else
      throw RecordError(fmt::format("found the key {} in `case`, whose meaning is not known", in_quotes(key)));
  }
  return c;
}

/// "6.1.0-49-arm64" -> "6.1".
std::string revision_of(const std::string& release) {
  const std::size_t first = release.find('.');
  if (first == std::string::npos) return release;
  return release.substr(0, release.find_first_not_of("0123456789", first + 1));
}

}  // namespace

bool RecordCase::is_page_cache() const {
  static constexpr std::string_view kFileSystems[] = {"tmpfs", "ramfs", "ext4", "xfs", "gfs2", "btrfs", "btrfsnc"};
  return std::find(std::begin(kFileSystems), std::end(kFileSystems), obj) != std::end(kFileSystems);
}

bool RecordCase::is_transfer() const {
  static constexpr std::string_view kOps[] = {"read",  "write",  "readv",  "writev",
                                              "pread", "pwrite", "preadv", "pwritev"};
  return std::find(std::begin(kOps), std::end(kOps), op) != std::end(kOps);
}

std::int64_t RecordCase::total() const {
  std::int64_t sum = 0;
  for (const RecordSegment& s : segs) sum += s.length;
  return sum;
}

std::vector<Record> parse_records(const std::string& line) {
  if (is_nested_deeper_than(line, 16)) throw RecordError("found brackets nested more than 16 deep");
  json j = json::parse(line, nullptr, false);
  if (j.is_discarded() || !j.is_object()) throw RecordError("found a line that is no JSON object");
  if (j.contains("hypothesis")) j = record_of_hypothesis(j);
  for (const char* key : {"id", "kernel", "case", "result"}) {
    if (!j.contains(key)) throw RecordError(fmt::format("found no \"{}\"", key));
  }
  if (j["kernel"].is_array() && j["kernel"].empty()) throw RecordError("found an empty list of kernels");
  if (!j["case"].is_object() || !j["result"].is_object())
    throw RecordError("found a `case` or `result` that is no object");
  Record record;
  record.id = text_of(j["id"], "id");
  record.what = parse_case(j["case"]);
  record.result = std::move(j["result"]);
  if (j.contains("again") && j["again"].is_object()) record.again = std::move(j["again"]);
  std::vector<Record> records;
  const auto add = [&](const json& kernel) {
    record.release = text_of(kernel, "kernel");
    record.revision = revision_of(record.release);
    records.push_back(record);
  };
  if (j["kernel"].is_array()) {
    for (const json& kernel : j["kernel"]) add(kernel);
  } else {
    add(j["kernel"]);
  }
  return records;
}

}  // namespace mtesim
