#include "sim/scenario/json_text.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <iterator>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>
#include <vector>

#include "model/base/check.h"
#include "sim/scenario/suggest.h"

namespace mtesim {
namespace {

using nlohmann::json;

struct Spot {
  std::size_t offset = 0;
  int line = 1;
  int column = 1;
};

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
bool is_sign(char c) { return c == ',' || c == ':' || c == '[' || c == ']' || c == '{' || c == '}'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

void step_over(char c, Spot& spot) {
  ++spot.offset;
  if (c == '\n') {
    ++spot.line;
    spot.column = 1;
  } else if ((static_cast<unsigned char>(c) & 0xc0U) != 0x80) {  // the first byte of a character
    ++spot.column;
  }
}

/// `offset` is that of a character, or of a byte that is none.
Spot spot_of(std::string_view text, std::size_t offset) {
  Spot spot;
  while (spot.offset < offset) step_over(text[spot.offset], spot);
  return spot;
}

std::string_view word_at(std::string_view text, std::size_t offset) {
  std::size_t end = offset;
  while (end < text.size() && !is_space(text[end]) && !is_sign(text[end]) && text[end] != '"') ++end;
  return text.substr(offset, end - offset);
}

// ---- what is wrong with a text that the parser has refused

struct Fault {
  std::size_t offset;
  std::string what;
};

bool is_json_number(std::string_view word) {
  std::size_t i = 0;
  const auto digits = [&] {
    const std::size_t first = i;
    while (i < word.size() && is_digit(word[i])) ++i;
    return i > first;
  };
  if (i < word.size() && word[i] == '-') ++i;
  if (i < word.size() && word[i] == '0') {
    ++i;
  } else if (!digits()) {
    return false;
  }
  if (i < word.size() && word[i] == '.') {
    ++i;
    if (!digits()) return false;
  }
  if (i < word.size() && (word[i] == 'e' || word[i] == 'E')) {
    ++i;
    if (i < word.size() && (word[i] == '+' || word[i] == '-')) ++i;
    if (!digits()) return false;
  }
  return i == word.size();
}

/// Reads as far as the first offence against JSON's grammar and says in a sentence what was found there and what was
/// expected. It only words the parser's refusal, and so builds nothing.
class Grammarian {
 public:
  explicit Grammarian(std::string_view text) : text_(text) {}

  std::optional<Fault> first_fault() {
    while (true) {
      while (at_ < text_.size() && is_space(text_[at_])) ++at_;
      if (at_ == text_.size()) return want_ == Want::nothing ? std::nullopt : std::optional(cut_short());
      if (std::optional<Fault> fault = token()) return fault;
    }
  }

 private:
  enum class Want { value, value_or_end, key, key_or_end, colon, comma_or_end, nothing };

  std::string wanted() const {
    switch (want_) {
      case Want::value:
        return "a value";
      case Want::value_or_end:
        return R"(a value or "]")";
      case Want::key:
        return "a key in double quotes";
      case Want::key_or_end:
        return R"(a key in double quotes or "}")";
      case Want::colon:
        return R"(":" between key and value)";
      case Want::comma_or_end:
        return text_[open_.back()] == '[' ? R"("," or "]")" : R"("," or "}")";
      case Want::nothing:
        break;
    }
    return "the end of the file";
  }

  Fault unexpected(const std::string& found, const std::string& hint = "") const {
    return {at_, fmt::format("found {}; expected {}{}", found, wanted(), hint)};
  }

  Fault cut_short() const {
    if (open_.empty()) return unexpected(want_ == Want::value && at_ == 0 ? "an empty file" : "the end of the file");
    const Spot opened = spot_of(text_, open_.back());
    return unexpected("the end of the file", fmt::format(" (the \"{}\" of {}:{} is still open)", text_[open_.back()],
                                                         opened.line, opened.column));
  }

  std::optional<Fault> token() {
    switch (text_[at_]) {
      case '{':
        return opened(Want::key_or_end);
      case '[':
        return opened(Want::value_or_end);
      case '}':
        return closed(Want::key_or_end, Want::key, '{');
      case ']':
        return closed(Want::value_or_end, Want::value, '[');
      case ',':
        return comma();
      case ':':
        return colon();
      case '"':
        return text();
      default:
        return word();
    }
  }

  bool wants_value() const { return want_ == Want::value || want_ == Want::value_or_end; }
  bool wants_key() const { return want_ == Want::key || want_ == Want::key_or_end; }
  void had_value() { want_ = open_.empty() ? Want::nothing : Want::comma_or_end; }

  std::optional<Fault> opened(Want next) {
    if (!wants_value()) return unexpected(in_quotes(text_.substr(at_, 1)));
    open_.push_back(at_++);
    want_ = next;
    return std::nullopt;
  }

  std::optional<Fault> closed(Want when_empty, Want after_comma, char opening) {
    const std::string found = in_quotes(text_.substr(at_, 1));
    const bool inside = !open_.empty() && text_[open_.back()] == opening;
    if (inside && want_ == after_comma) return unexpected(found + " after a comma", " (JSON has no trailing comma)");
    if (!inside || (want_ != when_empty && want_ != Want::comma_or_end)) return unexpected(found);
    open_.pop_back();
    ++at_;
    had_value();
    return std::nullopt;
  }

  std::optional<Fault> comma() {
    if (want_ != Want::comma_or_end) return unexpected(R"(",")");
    want_ = text_[open_.back()] == '[' ? Want::value : Want::key;
    ++at_;
    return std::nullopt;
  }

  std::optional<Fault> colon() {
    if (want_ != Want::colon) return unexpected(R"(":")");
    want_ = Want::value;
    ++at_;
    return std::nullopt;
  }

  std::optional<Fault> text() {
    const std::size_t start = at_;
    std::size_t end = at_ + 1;
    while (end < text_.size() && text_[end] != '"') {
      if (std::optional<Fault> fault = character(end)) return fault;
    }
    if (end == text_.size()) return Fault{start, "found a text without its closing double quote"};
    if (!wants_value() && !wants_key()) {
      return unexpected("the text " + in_quotes(text_.substr(start + 1, end - start - 1)));
    }
    const bool was_key = wants_key();
    at_ = end + 1;
    if (was_key) {
      want_ = Want::colon;
    } else {
      had_value();
    }
    return std::nullopt;
  }

  /// One character of a text, escapes included; moves `i` behind it.
  std::optional<Fault> character(std::size_t& i) const {
    const auto c = static_cast<unsigned char>(text_[i]);
    if (c == '\n' || c == '\r') {
      return Fault{i, R"(found a line break inside a text; expected the closing double quote, or \n for a line break)"};
    }
    if (c < 0x20) {
      return Fault{
          i, fmt::format("found the control character U+{0:04X} inside a text; expected \\u{0:04x}", unsigned{c})};
    }
    if (c == '\\') return escape(i);
    const std::size_t length = utf8_length(text_.substr(i));
    if (length == 0) return Fault{i, no_utf8(c)};
    i += length;
    return std::nullopt;
  }

  std::optional<Fault> escape(std::size_t& i) const {
    if (i + 1 == text_.size()) return Fault{i, "found the end of the file inside a text"};
    if (text_[i + 1] != 'u') {
      if (std::string_view(R"("\/bfnrt)").find(text_[i + 1]) != std::string_view::npos) {
        i += 2;
        return std::nullopt;
      }
      const std::size_t length = std::max<std::size_t>(utf8_length(text_.substr(i + 1)), 1);
      return Fault{i, fmt::format(R"(found {} inside a text; after a backslash expected one of " \ / b f n r t u)",
                                  printable(text_.substr(i, 1 + length)))};
    }
    const std::optional<unsigned> first = four_digits(i);
    if (!first) return Fault{i, fmt::format("found {} inside a text; expected four hex digits after \\u", shown(i, 6))};
    const bool high = *first >= 0xd800 && *first < 0xdc00;
    const std::optional<unsigned> second = high ? four_digits(i + 6) : std::nullopt;
    const bool pair = second && *second >= 0xdc00 && *second < 0xe000;
    if (high != pair || (*first >= 0xdc00 && *first < 0xe000)) {
      return Fault{i, fmt::format("found {} inside a text, half of a surrogate pair; expected \\ud800-\\udbff and then "
                                  "\\udc00-\\udfff",
                                  shown(i, 6))};
    }
    i += pair ? 12 : 6;
    return std::nullopt;
  }

  /// The XXXX of a \uXXXX at `i`.
  std::optional<unsigned> four_digits(std::size_t i) const {
    if (i + 6 > text_.size() || text_[i] != '\\' || text_[i + 1] != 'u') return std::nullopt;
    unsigned code = 0;
    for (const char c : text_.substr(i + 2, 4)) {
      const bool letter = (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
      if (!is_digit(c) && !letter) return std::nullopt;
      code = code * 16 + static_cast<unsigned>(is_digit(c) ? c - '0' : (c | 0x20) - 'a' + 10);
    }
    return code;
  }

  /// At most `most` bytes from `i`, without the quote that ends the text.
  std::string shown(std::size_t i, std::size_t most) const {
    const std::string_view rest = text_.substr(i, most);
    return printable(rest.substr(0, rest.find('"')));
  }

  static std::string no_utf8(unsigned char byte) {
    return fmt::format("found the byte 0x{:02x}, which is not UTF-8; expected the file in UTF-8", unsigned{byte});
  }

  std::optional<Fault> word() {
    const std::string_view word = word_at(text_, at_);
    if (std::optional<Fault> fault = fault_of_byte(word)) return fault;
    if (word == "true" || word == "false" || word == "null" || is_json_number(word)) {
      if (wants_key()) return unexpected(printable(word), fmt::format("; did you mean {}?", in_quotes(word)));
      if (!wants_value()) return unexpected(printable(word));
      at_ += word.size();
      had_value();
      return std::nullopt;
    }
    return fault_of_word(word);
  }

  std::optional<Fault> fault_of_byte(std::string_view word) const {
    const auto c = static_cast<unsigned char>(word.front());
    if (c < 0x20 || c == 0x7f) return unexpected(fmt::format("the control character U+{:04X}", unsigned{c}));
    if (utf8_length(word) == 0) return Fault{at_, no_utf8(c)};
    const bool comment = word.starts_with("//") || word.starts_with("/*") || c == '#';
    if (comment) return unexpected("a comment", " (JSON has no comments)");
    for (const std::string_view quote : {"'", "`", "“", "”", "„"}) {
      if (!word.starts_with(quote)) continue;
      return unexpected(c == '\'' ? "a single quote" : std::string(quote), " (JSON writes texts in double quotes)");
    }
    return std::nullopt;
  }

  Fault fault_of_word(std::string_view word) const {
    const std::string found = printable(word);
    if (wants_key()) return unexpected("the bare word " + found, fmt::format("; did you mean {}?", in_quotes(word)));
    static constexpr std::array<std::string_view, 12> kNotFinite = {
        "NaN", "nan", "-NaN", "Infinity", "+Infinity", "-Infinity", "inf", "-inf", "+inf", "Inf", "-Inf", "infinity"};
    if (std::find(kNotFinite.begin(), kNotFinite.end(), word) != kNotFinite.end()) {
      return unexpected(found, " (JSON has neither NaN nor infinity)");
    }
    if (word.starts_with("0x")) return unexpected(found, fmt::format("; did you mean {}?", in_quotes(word)));
    if (is_digit(word.front()) || word.front() == '-' || word.front() == '+' || word.front() == '.') {
      return unexpected(found, " (numbers are written like 0, -12, 3.5 or 1e6)");
    }
    const std::optional<std::string> meant = did_you_mean(word, {"true", "false", "null"});
    const std::string hint = wants_value() ? fmt::format("; did you mean {}?", meant.value_or(in_quotes(word))) : "";
    return unexpected("the bare word " + found, hint);
  }

  std::string_view text_;
  std::size_t at_ = 0;
  Want want_ = Want::value;
  std::vector<std::size_t> open_;  // where each "{" and "[" stands that is not closed yet
};

// ---- reading

/// Walks over the bytes of a text and remembers where the last token began.
class Cursor {
 public:
  Cursor(std::string_view text, std::size_t text_bytes) : text_(text), text_bytes_(text_bytes) {}

  [[nodiscard]] bool at_end() const { return spot_.offset == text_.size() || too_long_ || nul_; }
  [[nodiscard]] char byte() const { return text_[spot_.offset]; }
  void step() {
    const char c = byte();
    if (in_text_) {
      step_in_text(c);
    } else if (c == '"') {
      in_text_ = true;
      escaped_ = false;
      in_word_ = false;
      scalar_ = spot_;
    } else if (is_sign(c)) {
      in_word_ = false;
      sign_ = spot_;
    } else if (is_space(c)) {
      in_word_ = false;
    } else if (!in_word_) {
      in_word_ = true;
      scalar_ = spot_;
    }
    step_over(c, spot_);
    nul_ = spot_.offset < text_.size() && byte() == '\0';  // the parser would take it for the end of the text
  }

  [[nodiscard]] const Spot& spot() const { return spot_; }      ///< of the next byte
  [[nodiscard]] const Spot& scalar() const { return scalar_; }  ///< of the last text, number or word
  [[nodiscard]] const Spot& sign() const { return sign_; }      ///< of the last bracket, brace, comma or colon
  [[nodiscard]] bool too_long() const { return too_long_; }     ///< the text at scalar()
  [[nodiscard]] bool nul() const { return nul_; }               ///< at spot()

 private:
  void step_in_text(char c) {
    if (escaped_) {
      escaped_ = false;
    } else if (c == '\\') {
      escaped_ = true;
    } else if (c == '"') {
      in_text_ = false;
      return;
    }
    too_long_ = spot_.offset - scalar_.offset > text_bytes_;
  }

  std::string_view text_;
  std::size_t text_bytes_;
  Spot spot_;
  Spot scalar_;
  Spot sign_;
  bool in_text_ = false;
  bool escaped_ = false;
  bool in_word_ = false;
  bool too_long_ = false;
  bool nul_ = false;
};

/// What the parser reads from. All copies move the same cursor; the one without a cursor is the end.
class CountingIterator {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = char;

  CountingIterator() = default;
  explicit CountingIterator(Cursor& cursor) : cursor_(&cursor) {}
  char operator*() const { return cursor_->byte(); }
  CountingIterator& operator++() {
    cursor_->step();
    return *this;
  }
  CountingIterator operator++(int) {
    cursor_->step();
    return *this;
  }
  bool operator==(const CountingIterator& other) const { return ended() == other.ended(); }
  bool operator!=(const CountingIterator& other) const { return !(*this == other); }

 private:
  [[nodiscard]] bool ended() const { return cursor_ == nullptr || cursor_->at_end(); }
  Cursor* cursor_ = nullptr;
};

std::string step_of(std::string_view key) {
  std::string out;
  for (const char c : key) {
    if (c == '~') {
      out += "~0";
    } else if (c == '/') {
      out += "~1";
    } else {
      out += c;
    }
  }
  return out;
}

/// The first step of a JSON Pointer, unescaped; takes it off.
std::string take_step(std::string_view& pointer) {
  pointer.remove_prefix(1);
  const std::string_view step = pointer.substr(0, pointer.find('/'));
  pointer.remove_prefix(step.size());
  std::string key;
  for (std::size_t i = 0; i < step.size(); ++i) {
    if (step[i] == '~' && i + 1 < step.size()) {
      key += step[++i] == '0' ? '~' : '/';
    } else {
      key += step[i];
    }
  }
  return key;
}

}  // namespace

/// A tree of the shape of the document, in a few words per value, so that places cost less than the values.
class JsonText::Places {
 public:
  struct Position {
    int line = 0;
    int column = 0;
  };
  struct Node {
    Position value;
    Position key;                       // line 0: it has none
    const std::string* name = nullptr;  // the key, inside the document
    std::uint32_t first_child = 0;      // in children_
    std::uint32_t child_count = 0;
    bool is_object = false;
  };

  Places(std::string file, std::shared_ptr<const json> document)
      : file_(std::move(file)), document_(std::move(document)) {}

  [[nodiscard]] const std::string& file() const { return file_; }
  [[nodiscard]] std::size_t size() const { return nodes_.size(); }
  [[nodiscard]] const Node& node(std::uint32_t i) const { return nodes_[i]; }

  std::uint32_t add(const Node& node) {
    nodes_.push_back(node);
    return static_cast<std::uint32_t>(nodes_.size() - 1);
  }

  void set_children(std::uint32_t parent, std::vector<std::uint32_t>& children) {
    if (nodes_[parent].is_object) {
      std::sort(children.begin(), children.end(), [this](auto a, auto b) { return *nodes_[a].name < *nodes_[b].name; });
    }
    nodes_[parent].first_child = static_cast<std::uint32_t>(children_.size());
    nodes_[parent].child_count = static_cast<std::uint32_t>(children.size());
    children_.insert(children_.end(), children.begin(), children.end());
  }

  /// The node at `pointer`, or the nearest around it (then `exact` is false).
  [[nodiscard]] const Node& find(std::string_view pointer, bool& exact) const {
    const Node* at = &nodes_.front();
    exact = true;
    while (!pointer.empty()) {
      const Node* next = child(*at, take_step(pointer));
      if (next == nullptr) {
        exact = false;
        break;
      }
      at = next;
    }
    return *at;
  }

 private:
  [[nodiscard]] const Node* child(const Node& parent, const std::string& step) const {
    const auto first = children_.begin() + parent.first_child;
    const auto last = first + parent.child_count;
    if (parent.is_object) {
      const auto found =
          std::lower_bound(first, last, step, [this](auto i, const auto& key) { return *nodes_[i].name < key; });
      return found != last && *nodes_[*found].name == step ? &nodes_[*found] : nullptr;
    }
    if (step.empty() || step.size() > 9 || !std::all_of(step.begin(), step.end(), is_digit)) return nullptr;
    const auto index = std::stoul(step);
    return index < parent.child_count ? &nodes_[*(first + static_cast<std::ptrdiff_t>(index))] : nullptr;
  }

  std::string file_;
  std::shared_ptr<const json> document_;  // keeps the keys that `name` points at
  std::vector<Node> nodes_;               // in the order of the text
  std::vector<std::uint32_t> children_;
};

/// The parser's events, made into a document and its places.
/// Errors:  anything wrong goes to `complaints`; returning false stops the parser.
struct JsonText::Parse {
  struct Frame {
    json* container;
    std::uint32_t node;
    std::vector<std::uint32_t> children;
    const std::string* key;  // of the member being read, in an object
    Spot key_spot;
  };

  std::string_view text;
  const JsonLimits& limits;
  Cursor& cursor;
  json& root;
  Places& places;
  Complaints& complaints;
  std::vector<Frame> open{};

  [[nodiscard]] std::string pointer_around() const {
    std::string out;
    for (const Frame& frame : open) {
      const bool innermost = &frame == &open.back();
      if (frame.container->is_array() && !innermost) out += fmt::format("/{}", frame.children.size() - 1);
      if (frame.container->is_object() && frame.key != nullptr) out += '/' + step_of(*frame.key);
    }
    return out;
  }

  [[nodiscard]] std::string pointer() const {
    const bool in_array = !open.empty() && open.back().container->is_array();
    return pointer_around() + (in_array ? fmt::format("/{}", open.back().children.size()) : "");
  }

  bool complain(const Spot& spot, std::string what) {
    complaints.add(Place{places.file(), spot.line, spot.column, pointer()}, std::move(what));
    return complaints.count() < Complaints::kMost;
  }

  /// Takes a value into the document.
  json* add(json&& value, const Spot& spot) {
    Places::Node node;
    node.value = {spot.line, spot.column};
    node.is_object = value.is_object();
    if (open.empty()) {
      places.add(node);
      root = std::move(value);
      return &root;
    }
    Frame& frame = open.back();
    json* added = nullptr;
    if (frame.container->is_array()) {
      frame.container->push_back(std::move(value));
      added = &frame.container->back();
    } else {
      node.name = frame.key;
      node.key = {frame.key_spot.line, frame.key_spot.column};
      added = &(*frame.container)[*frame.key];
      *added = std::move(value);
    }
    frame.children.push_back(places.add(node));
    return added;
  }

  bool may_add(const Spot& spot) {
    if (places.size() < limits.values) return true;
    complain(spot, fmt::format("found more than {} values; that many is the limit for one file", limits.values));
    return false;
  }

  bool scalar(json&& value) {
    if (!may_add(cursor.scalar())) return false;
    add(std::move(value), cursor.scalar());
    had_value();
    return true;
  }

  bool open_container(json&& empty) {
    const Spot& spot = cursor.sign();
    if (open.size() == limits.depth) {
      complain(spot, fmt::format("found arrays and objects nested deeper than {} levels; that many is the limit",
                                 limits.depth));
      return false;
    }
    if (!may_add(spot)) return false;
    json* added = add(std::move(empty), spot);
    open.push_back(Frame{added, static_cast<std::uint32_t>(places.size() - 1), {}, nullptr, {}});
    return true;
  }

  bool close_container() {
    places.set_children(open.back().node, open.back().children);
    open.pop_back();
    had_value();
    return true;
  }

  void had_value() {
    if (!open.empty()) open.back().key = nullptr;
  }

  [[nodiscard]] std::string number_as_written() const { return printable(word_at(text, cursor.scalar().offset)); }

  bool too_large(const std::string& hex = "0x…") {
    return complain(cursor.scalar(),
                    fmt::format("found {}; JSON tools change whole numbers above 2^53: write it as the text \"{}\"",
                                number_as_written(), hex));
  }

  bool too_small() {
    return complain(cursor.scalar(),
                    fmt::format("found {}; JSON tools change whole numbers below -2^53", number_as_written()));
  }

  bool check_nul(const std::string& text_read) {
    if (text_read.find('\0') == std::string::npos) return true;
    return complain(cursor.scalar(), "found \\u0000 inside a text; expected a text without NUL");
  }

  // The names and signatures are those of nlohmann's SAX interface.

  bool null() { return scalar(nullptr); }
  bool boolean(bool value) { return scalar(value); }
  bool number_integer(json::number_integer_t value) {
    const bool small = value < -kLargestJsonInteger;
    return (!small || too_small()) && scalar(value);
  }
  bool number_unsigned(json::number_unsigned_t value) {
    const bool large = value > static_cast<std::uint64_t>(kLargestJsonInteger);
    return (!large || too_large(fmt::format("{:#x}", value))) && scalar(value);
  }
  bool number_float(json::number_float_t value, const std::string& /*as_written*/) {
    constexpr auto kLargest = static_cast<double>(kLargestJsonInteger);
    if (value > kLargest) return too_large() && scalar(value);
    if (value < -kLargest) return too_small() && scalar(value);
    if (value != std::trunc(value)) return scalar(value);
    return value < 0 ? scalar(static_cast<std::int64_t>(value)) : scalar(static_cast<std::uint64_t>(value));
  }
  bool string(std::string& value) { return check_nul(value) && scalar(std::move(value)); }
  bool binary(json::binary_t& /*value*/) { return false; }

  bool start_object(std::size_t /*size*/) { return open_container(json::object()); }
  bool end_object() { return close_container(); }
  bool start_array(std::size_t /*size*/) { return open_container(json::array()); }
  bool end_array() { return close_container(); }

  bool key(std::string& name) {
    Frame& frame = open.back();
    auto& members = frame.container->get_ref<json::object_t&>();
    const auto [member, added] = members.try_emplace(name);
    frame.key = &member->first;
    frame.key_spot = cursor.scalar();
    return check_nul(name) && (added || complain_twice(frame));
  }

  bool complain_twice(const Frame& frame) {
    const auto first = std::find_if(frame.children.begin(), frame.children.end(),
                                    [&](std::uint32_t i) { return places.node(i).name == frame.key; });
    const Places::Position before = first == frame.children.end() ? Places::Position{} : places.node(*first).key;
    return complain(frame.key_spot, fmt::format("found the key {} twice in one object; the first is at {}:{}",
                                                in_quotes(*frame.key), before.line, before.column));
  }

  bool parse_error(std::size_t /*position*/, const std::string& /*last_token*/, const json::exception& e) {
    constexpr int kNumberOverflow = 406;
    if (cursor.too_long()) {
      complain(cursor.scalar(),
               fmt::format("found a text of more than {} bytes; that many is the limit", limits.text_bytes));
    } else if (cursor.nul()) {
      // told by whoever runs the parser, since it may also take a NUL for the end and be content
    } else if (e.id == kNumberOverflow) {
      complain(cursor.scalar(), fmt::format("found {}, which is beyond every number of JSON", number_as_written()));
    } else if (const std::optional<Fault> fault = Grammarian(text).first_fault()) {
      const Spot spot = spot_of(text, fault->offset);
      complaints.add(Place{places.file(), spot.line, spot.column, pointer_around()}, fault->what);
    } else {
      complain(cursor.spot(), "found something that is not JSON");
    }
    return false;
  }
};

JsonText::JsonText(std::shared_ptr<const json> value, std::shared_ptr<const Places> places)
    : value_(std::move(value)), places_(std::move(places)) {}

const std::string& JsonText::file() const { return places_->file(); }

std::size_t JsonText::values() const { return places_->size(); }

Place JsonText::place(std::string_view pointer) const {
  bool exact = false;
  const Places::Node& node = places_->find(pointer, exact);
  return {places_->file(), node.value.line, node.value.column, std::string(pointer)};
}

Place JsonText::key_place(std::string_view pointer) const {
  bool exact = false;
  const Places::Node& node = places_->find(pointer, exact);
  const Places::Position& position = exact && node.key.line > 0 ? node.key : node.value;
  return {places_->file(), position.line, position.column, std::string(pointer)};
}

JsonText JsonText::with_value(json value) const { return {std::make_shared<const json>(std::move(value)), places_}; }

namespace {

/// What an editor on another system may have put in front, or a file that is no text at all.
void refuse_byte_order_mark(std::string_view text, const std::string& file) {
  const Place start{file, 1, 1, ""};
  if (text.starts_with("\xef\xbb\xbf")) {
    throw ScenarioError(start, "found a byte order mark (EF BB BF); expected UTF-8 without it");
  }
  if (text.starts_with("\xff\xfe") || text.starts_with("\xfe\xff")) {
    throw ScenarioError(start, "found UTF-16 (a byte order mark of two bytes); expected UTF-8");
  }
}

[[noreturn]] void refuse_size(const std::string& file, const std::string& found, std::size_t limit) {
  throw ScenarioError(Place{file, 0, 0, ""}, fmt::format("found {} bytes; the limit for one file is {}", found, limit));
}

/// An open file, closed at the end.
struct File {
  int descriptor;
  explicit File(const std::string& path)
      : descriptor(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)) {}
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() {
    if (descriptor >= 0) ::close(descriptor);
  }
};

[[noreturn]] void refuse_file(const std::string& path, const std::string& what) {
  throw ScenarioError(Place{path, 0, 0, ""}, what);
}

}  // namespace

JsonText parse_json_text(std::string_view text, std::string file, const JsonLimits& limits) {
  MTESIM_CHECK(limits.values < UINT32_MAX);
  if (text.size() > limits.file_bytes) refuse_size(file, std::to_string(text.size()), limits.file_bytes);
  refuse_byte_order_mark(text, file);
  auto document = std::make_shared<json>();
  auto places = std::make_shared<JsonText::Places>(std::move(file), document);
  Complaints complaints;
  Cursor cursor(text, limits.text_bytes);
  JsonText::Parse parse{text, limits, cursor, *document, *places, complaints};
  if (text.starts_with('\0')) {
    parse.complain(Spot{}, "found a NUL byte; expected a text file in UTF-8");
  } else {
    json::sax_parse(CountingIterator(cursor), CountingIterator(), &parse);
    if (cursor.nul()) parse.complain(cursor.spot(), "found a NUL byte; expected a text file in UTF-8");
  }
  complaints.throw_if_any();
  return {std::move(document), std::move(places)};
}

JsonText read_json_file(const std::string& path, const JsonLimits& limits) {
  const File file(path);
  if (file.descriptor < 0) refuse_file(path, fmt::format("cannot be opened: {}", std::strerror(errno)));
  struct stat status {};
  if (::fstat(file.descriptor, &status) != 0)
    refuse_file(path, fmt::format("cannot be read: {}", std::strerror(errno)));
  if (S_ISDIR(status.st_mode)) refuse_file(path, "found a directory; expected a file");
  if (!S_ISREG(status.st_mode)) refuse_file(path, "found a device, pipe or socket; expected a file");
  const auto size = static_cast<std::uint64_t>(status.st_size);
  if (size > limits.file_bytes) refuse_size(path, std::to_string(size), limits.file_bytes);
  std::string text;
  std::array<char, 65536> part{};
  while (text.size() <= limits.file_bytes) {  // the file may have grown meanwhile
    const ssize_t got = ::read(file.descriptor, part.data(), part.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) refuse_file(path, fmt::format("cannot be read: {}", std::strerror(errno)));
    if (got == 0) return parse_json_text(text, path, limits);
    text.append(part.data(), static_cast<std::size_t>(got));
  }
  refuse_size(path, fmt::format("more than {}", limits.file_bytes), limits.file_bytes);
}

std::string pointer_to(std::string_view parent, std::string_view key) {
  return std::string(parent) + '/' + step_of(key);
}

}  // namespace mtesim
