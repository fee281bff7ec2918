#include "sim/scenario/fields.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <regex>
#include <unordered_map>

#include "sim/scenario/suggest.h"

namespace mtesim {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

constexpr std::size_t kMostListed = 24;
constexpr std::size_t kMostOfAValue = 40;
constexpr std::size_t kMostHexDigits = 16;
constexpr const char* kHexPattern = "^0x[0-9a-fA-F]{1,16}$";

std::string meant(const std::optional<std::string>& word) {
  return word ? fmt::format("; did you mean {}?", in_quotes(*word)) : "";
}

std::string meant_unquoted(std::string_view text) { return fmt::format("; did you mean {} without quotes?", text); }

/// "an array of 300 items", unless it is short enough to be shown.
std::string shown(const json& value) {
  const bool few = value.size() <= kMostOfAValue / 2;
  const std::string dump = few ? value.dump(-1, ' ', false, json::error_handler_t::replace) : "";
  if (few && dump.size() <= kMostOfAValue)
    return fmt::format("the {} {}", value.is_array() ? "array" : "object", printable(dump));
  return fmt::format("an {} of {} {}", value.is_array() ? "array" : "object", value.size(),
                     value.is_array() ? "items" : "keys");
}

std::string with_type(const json& value) {
  if (value.is_null() || value.is_boolean()) return value.dump();
  if (value.is_number()) return "the number " + value.dump();
  if (value.is_string()) return "the text " + in_quotes(value.get_ref<const std::string&>());
  return shown(value);
}

std::string without_type(const json& value) {
  if (value.is_number()) return value.dump();
  if (value.is_string()) return in_quotes(value.get_ref<const std::string&>());
  return with_type(value);
}

std::optional<std::uint64_t> hex_number(std::string_view text) {
  if (!text.starts_with("0x") || text.size() == 2 || text.size() > 2 + kMostHexDigits) return std::nullopt;
  std::uint64_t n = 0;
  for (const char c : text.substr(2)) {
    const char low = static_cast<char>(c | 0x20);
    const bool digit = c >= '0' && c <= '9';
    if (!digit && (low < 'a' || low > 'f')) return std::nullopt;
    n = n << 4 | static_cast<std::uint64_t>(digit ? c - '0' : low - 'a' + 10);
  }
  return n;
}

std::string hex_text(std::uint64_t n) { return fmt::format("{:#x}", n); }

/// The number that someone put into quotes.
std::optional<std::int64_t> quoted_number(const ValueIn& in) {
  if (in.type() != JsonType::text || in.text().empty() || in.text().size() > 16) return std::nullopt;
  const json number = json::parse(in.text(), nullptr, false);
  if (!number.is_number_integer()) return std::nullopt;
  return number.get<std::int64_t>();
}

template <class T>
std::span<const T> list_in(const std::map<std::string, std::vector<T>, std::less<>>* lists, std::string_view name) {
  if (lists == nullptr) return {};
  const auto found = lists->find(name);
  MTESIM_CHECK(found != lists->end());
  return found->second;
}

/// Unbounded repetition, or an end left open: see text_like().
bool is_bounded(std::string_view pattern) {
  if (!pattern.starts_with('^') || !pattern.ends_with('$')) return false;
  bool in_class = false;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    const char c = pattern[i];
    if (c == '\\') {
      ++i;
    } else if (in_class) {
      in_class = c != ']';
    } else if (c == '[') {
      in_class = true;
    } else if (c == '*' || c == '+' || pattern.substr(i).starts_with(",}")) {
      return false;
    }
  }
  return true;
}

const std::regex& compiled(std::string_view pattern) {
  thread_local std::unordered_map<std::string, std::regex> known;
  std::string key(pattern);
  const auto found = known.find(key);
  if (found != known.end()) return found->second;
  std::regex regex(key);
  return known.emplace(std::move(key), std::move(regex)).first->second;
}

}  // namespace

// ---- reading

ValueIn::ValueIn(const JsonText& text, Complaints& complaints, const Vocabulary& vocabulary)
    : text_(&text), complaints_(&complaints), vocabulary_(&vocabulary), value_(&text.value()) {}

JsonType ValueIn::type() const {
  switch (value_->type()) {
    case json::value_t::boolean:
      return JsonType::boolean;
    case json::value_t::number_integer:
    case json::value_t::number_unsigned:
      return JsonType::integer;
    case json::value_t::number_float:
      return JsonType::real;
    case json::value_t::string:
      return JsonType::text;
    case json::value_t::array:
      return JsonType::array;
    case json::value_t::object:
      return JsonType::object;
    case json::value_t::null:
    case json::value_t::binary:
    case json::value_t::discarded:
      break;
  }
  return JsonType::null;
}

bool ValueIn::boolean() const {
  MTESIM_CHECK(type() == JsonType::boolean);
  return value_->get<bool>();
}

std::int64_t ValueIn::integer() const {
  MTESIM_CHECK(type() == JsonType::integer);
  return value_->get<std::int64_t>();
}

double ValueIn::real() const {
  MTESIM_CHECK(value_->is_number());
  return value_->get<double>();
}

const std::string& ValueIn::text() const {
  MTESIM_CHECK(type() == JsonType::text);
  return value_->get_ref<const std::string&>();
}

std::size_t ValueIn::size() const {
  MTESIM_CHECK(value_->is_structured());
  return value_->size();
}

ValueIn ValueIn::item(std::size_t i) const {
  MTESIM_CHECK(type() == JsonType::array && i < value_->size());
  return {*this, (*value_)[i], {}, i};
}

std::optional<ValueIn> ValueIn::member(std::string_view key) const {
  MTESIM_CHECK(type() == JsonType::object);
  const auto& members = value_->get_ref<const json::object_t&>();
  const auto found = members.find(key);
  if (found == members.end()) return std::nullopt;
  return ValueIn(*this, found->second, found->first, 0);
}

std::vector<std::string_view> ValueIn::keys() const {
  MTESIM_CHECK(type() == JsonType::object);
  std::vector<std::string_view> all;
  for (const auto& [key, value] : value_->get_ref<const json::object_t&>()) all.emplace_back(key);
  return all;
}

std::string ValueIn::pointer() const {
  if (parent_ == nullptr) return "";
  const bool in_array = parent_->type() == JsonType::array;
  return pointer_to(parent_->pointer(), in_array ? std::to_string(index_) : std::string(key_));
}

void ValueIn::complain(std::string what) const { complaints_->add(text_->place(pointer()), std::move(what)); }

void ValueIn::complain_at_key(std::string_view key, std::string what) const {
  Place place = text_->key_place(pointer_to(pointer(), key));
  place.pointer = pointer();
  complaints_->add(std::move(place), std::move(what));
}

void ValueIn::refuse(const std::string& allowed, bool right_type, const std::string& hint) const {
  complain(
      fmt::format("found {}; allowed: {}{}", right_type ? without_type(*value_) : with_type(*value_), allowed, hint));
}

void ValueIn::refuse_word(const std::vector<std::string_view>& words) const {
  const bool is_text = type() == JsonType::text;
  std::string hint;
  if (is_text) {
    hint = meant(did_you_mean(text(), words));
  } else if (value_->is_primitive() && std::find(words.begin(), words.end(), value_->dump()) != words.end()) {
    hint = meant(value_->dump());  // 5.17 for "5.17"
  }
  refuse(listing(words), is_text, hint);
}

// ---- writing

void ValueOut::boolean(bool value) const { *value_ = value; }
void ValueOut::integer(std::int64_t value) const { *value_ = value; }
void ValueOut::real(double value) const { *value_ = value; }
void ValueOut::text(std::string_view value) const { *value_ = value; }
void ValueOut::object() const { *value_ = ordered_json::object(); }
void ValueOut::array() const { *value_ = ordered_json::array(); }

ValueOut ValueOut::member(std::string_view key) const {
  return ValueOut((*value_)[std::string(key)], defaults_, vocabulary_);
}

ValueOut ValueOut::item() const {
  value_->push_back(nullptr);
  return ValueOut(value_->back(), defaults_, vocabulary_);
}

JsonTree::JsonTree() : tree_(std::make_shared<ordered_json>()) {}

ValueOut JsonTree::root(Defaults defaults, const Vocabulary* vocabulary) {
  return ValueOut(*tree_, defaults, vocabulary);
}

std::string JsonTree::text() const { return tree_->dump(2) + '\n'; }

// ---- visitors

std::span<const ListedWord> FieldVisitor::words(std::string_view list) const {
  return list_in(vocabulary_ == nullptr ? nullptr : &vocabulary_->words, list);
}

std::span<const NamedScalar> FieldVisitor::scalars(std::string_view list) const {
  return list_in(vocabulary_ == nullptr ? nullptr : &vocabulary_->scalars, list);
}

FieldReader::FieldReader(const ValueIn& object) : FieldVisitor(&object.vocabulary()), object_(object) {}

void FieldReader::constant(std::string_view key, std::string_view word, std::string_view about) {
  const std::optional<ValueIn> in = required_member(key, about);
  if (in && (in->type() != JsonType::text || in->text() != word)) in->refuse_word({word});
}

std::optional<ValueIn> FieldReader::required_member(std::string_view key, std::string_view about) {
  std::optional<ValueIn> in = optional_member(key);
  if (!in) {
    if (about.ends_with('.')) about.remove_suffix(1);
    object_.complain(fmt::format("missing the required key {} ({})", in_quotes(key), about));
  }
  return in;
}

std::optional<ValueIn> FieldReader::optional_member(std::string_view key) {
  asked_.emplace_back(key);
  return object_.member(key);
}

void FieldReader::no_other_keys() const {
  const std::vector<std::string_view> known(asked_.begin(), asked_.end());
  for (const std::string_view key : object_.keys()) {
    if (std::find(known.begin(), known.end(), key) != known.end()) continue;
    object_.complain_at_key(key, fmt::format("found the unknown key {}; allowed: {}{}", in_quotes(key), listing(known),
                                             meant(did_you_mean(key, known))));
  }
}

FieldWriter::FieldWriter(const ValueOut& object, Which which) : FieldVisitor(nullptr), object_(object), which_(which) {
  object_.object();
}

ValueOut FieldWriter::optional_member(std::string_view key) {
  optional_.emplace_back(key);
  return object_.member(key);
}

void FieldWriter::leave_out(const JsonTree& defaults) const {
  for (const std::string& key : optional_) {
    const auto fresh = defaults.json().find(key);
    if (fresh != defaults.json().end() && *fresh == object_.json()[key]) object_.json().erase(key);
  }
}

SchemaWriter::SchemaWriter(const ValueOut& schema) : FieldVisitor(schema.vocabulary()), schema_(schema) {}

void SchemaWriter::about(std::string_view sentence) {
  if (!schema_.json().contains("description")) schema_.member("description").text(sentence);
}

void SchemaWriter::constant(std::string_view key, std::string_view word, std::string_view about) {
  property(key, about, true).member("const").text(word);
}

ValueOut SchemaWriter::property(std::string_view key, std::string_view about, bool required) {
  MTESIM_CHECK(!about.empty());
  ordered_json& schema = schema_.json();
  if (!schema.contains("properties")) {
    schema["type"] = "object";
    schema["properties"] = ordered_json::object();
  }
  MTESIM_CHECK(!schema["properties"].contains(key));
  if (required) schema["required"].push_back(key);
  const ValueOut property = schema_.member("properties").member(key);
  property.member("description").text(about);
  return property;
}

void SchemaWriter::no_other_keys() const {
  schema_.member("type").text("object");
  schema_.member("additionalProperties").boolean(false);
}

void OutlineVisitor::note(std::string_view key, const std::vector<std::string_view>& words, bool required) {
  if (outline_.first_key.empty() && required) {
    MTESIM_CHECK(outline_.keys.empty());  // an optional key cannot tell what the object is
    outline_.first_key = key;
    outline_.words.assign(words.begin(), words.end());
  }
  outline_.keys.emplace_back(key);
}

// ---- kinds

std::string listing(const std::vector<std::string_view>& words) {
  std::string out;
  for (std::size_t i = 0; i < std::min(words.size(), kMostListed); ++i)
    out += fmt::format("{}{}", i == 0 ? "" : ", ", printable(words[i]));
  if (words.empty()) return "nothing";
  return words.size() <= kMostListed ? out : fmt::format("{} and {} more", out, words.size() - kMostListed);
}

void describe_words(const ValueOut& out, const std::vector<std::string_view>& words,
                    const std::vector<std::string_view>& abouts) {
  out.member("enum").array();
  for (const std::string_view word : words) out.member("enum").item().text(word);
  // What each word means: VS Code shows it from here; other validators pass over a keyword that they do not know.
  if (std::all_of(abouts.begin(), abouts.end(), [](std::string_view about) { return about.empty(); })) return;
  out.member("enumDescriptions").array();
  for (const std::string_view about : abouts) out.member("enumDescriptions").item().text(about);
}

void FlagField::read(const ValueIn& in, bool& out) const {
  if (in.type() == JsonType::boolean) {
    out = in.boolean();
    return;
  }
  const bool in_words = in.type() == JsonType::text && (in.text() == "true" || in.text() == "false");
  in.refuse(allowed(), false, in_words ? meant_unquoted(in.text()) : "");
}

IntegerField::IntegerField(std::int64_t from, std::int64_t to, std::string_view unit)
    : from_(from), to_(to), unit_(unit) {
  MTESIM_CHECK(-kLargestJsonInteger <= from && from <= to && to <= kLargestJsonInteger);
}

std::string IntegerField::allowed() const {
  return from_ == to_ ? fmt::format("{}", from_) : fmt::format("a whole number from {} to {}", from_, to_);
}

std::optional<std::int64_t> IntegerField::number(const ValueIn& in) const {
  const auto fits = [this](std::int64_t n) { return from_ <= n && n <= to_; };
  if (in.type() == JsonType::integer && fits(in.integer())) return in.integer();
  const std::optional<std::int64_t> unquoted = quoted_number(in);
  in.refuse(allowed(), takes(in.type()), unquoted && fits(*unquoted) ? meant_unquoted(in.text()) : "");
  return std::nullopt;
}

void IntegerField::describe(const ValueOut& out) const {
  out.member("type").text("integer");
  out.member("minimum").integer(from_);
  out.member("maximum").integer(to_);
}

std::string Unsigned64Field::allowed() const {
  return R"(a whole number from 0, as a hex text ("0xffffffffffffffff") if it is above 2^53)";
}

std::optional<std::uint64_t> Unsigned64Field::number(const ValueIn& in) const {
  if (in.type() == JsonType::integer && in.integer() >= 0) return static_cast<std::uint64_t>(in.integer());
  if (in.type() == JsonType::text) {
    if (const std::optional<std::uint64_t> n = hex_number(in.text())) return n;
  }
  const std::optional<std::int64_t> unquoted = quoted_number(in);
  in.refuse(allowed(), takes(in.type()) || in.type() == JsonType::real,
            unquoted && *unquoted >= 0 ? meant_unquoted(in.text()) : "");
  return std::nullopt;
}

void Unsigned64Field::put(const ValueOut& out, std::uint64_t value) const {
  if (value <= static_cast<std::uint64_t>(kLargestJsonInteger)) {
    out.integer(static_cast<std::int64_t>(value));
  } else {
    out.text(hex_text(value));
  }
}

void Unsigned64Field::describe(const ValueOut& out) const {
  out.json()["type"] = {"integer", "string"};
  out.member("minimum").integer(0);
  out.member("maximum").integer(kLargestJsonInteger);
  out.member("pattern").text(kHexPattern);
}

std::string AddressField::allowed() const { return R"(an address as a hex text, such as "0x7f0000001000")"; }

std::optional<std::uint64_t> AddressField::number(const ValueIn& in) const {
  if (in.type() == JsonType::text) {
    if (const std::optional<std::uint64_t> n = hex_number(in.text())) return n;
  }
  const bool whole = in.type() == JsonType::integer && in.integer() >= 0;
  in.refuse(allowed(), takes(in.type()), whole ? meant(hex_text(static_cast<std::uint64_t>(in.integer()))) : "");
  return std::nullopt;
}

void AddressField::put(const ValueOut& out, std::uint64_t value) const { out.text(hex_text(value)); }

void AddressField::describe(const ValueOut& out) const {
  out.member("type").text("string");
  out.member("pattern").text(kHexPattern);
}

void RealField::read(const ValueIn& in, double& out) const {
  const bool number = takes(in.type());
  if (number && from_ <= in.real() && in.real() <= to_) {
    out = in.real();
  } else {
    in.refuse(allowed(), number);
  }
}

void RealField::write(const ValueOut& out, double value) const {
  MTESIM_CHECK(from_ <= value && value <= to_);
  out.real(value);
}

void RealField::schema(const ValueOut& out, Of<double> /*type*/) const {
  out.member("type").text("number");
  out.member("minimum").real(from_);
  out.member("maximum").real(to_);
}

std::string RealField::allowed() const { return fmt::format("a number from {} to {}", from_, to_); }

void TextField::read(const ValueIn& in, std::string& out) const {
  if (in.type() == JsonType::text) {
    out = in.text();
  } else {
    in.refuse(allowed(), false);
  }
}

PatternField::PatternField(std::string_view pattern, std::string_view looks) : pattern_(pattern), looks_(looks) {
  MTESIM_CHECK(is_bounded(pattern) && !looks.empty());
}

bool PatternField::matches(const std::string& text) const { return std::regex_search(text, compiled(pattern_)); }

void PatternField::read(const ValueIn& in, std::string& out) const {
  const bool is_text = in.type() == JsonType::text;
  if (is_text && matches(in.text())) {
    out = in.text();
  } else {
    in.refuse(allowed(), is_text);
  }
}

void PatternField::describe(const ValueOut& out) const {
  out.member("type").text("string");
  out.member("pattern").text(pattern_);
}

std::vector<std::string_view> ListedField::words() const {
  std::vector<std::string_view> words;
  for (const ListedWord& listed : list_) words.emplace_back(listed.word);
  return words;
}

void ListedField::read(const ValueIn& in, std::string& out) const {
  const auto same = [&in](const ListedWord& listed) { return listed.word == in.text(); };
  if (in.type() == JsonType::text && std::any_of(list_.begin(), list_.end(), same)) {
    out = in.text();
  } else {
    in.refuse_word(words());
  }
}

void ListedField::schema(const ValueOut& out, Of<std::string> /*type*/) const {
  std::vector<std::string_view> abouts;
  for (const ListedWord& listed : list_) abouts.emplace_back(listed.about);
  describe_words(out, words(), abouts);
}

std::string ListedField::allowed() const { return listing(words()); }

std::string ItemCount::allowed() const {
  if (least == 0 && most == SIZE_MAX) return "an array";
  if (most == SIZE_MAX) return fmt::format("an array of at least {} item{}", least, least == 1 ? "" : "s");
  if (least == 0) return fmt::format("an array of at most {} item{}", most, most == 1 ? "" : "s");
  if (least == most) return fmt::format("an array of {} item{}", most, most == 1 ? "" : "s");
  return fmt::format("an array of {} to {} items", least, most);
}

bool ItemCount::check(const ValueIn& in) const {
  const bool is_array = in.type() == JsonType::array;
  if (is_array && least <= in.size() && in.size() <= most) return true;
  in.refuse(allowed(), is_array);
  return false;
}

void ItemCount::describe(const ValueOut& out) const {
  out.member("type").text("array");
  if (least > 0) out.member("minItems").integer(static_cast<std::int64_t>(least));
  if (most != SIZE_MAX) out.member("maxItems").integer(static_cast<std::int64_t>(most));
}

// ---- shapes

namespace {

bool has(const std::vector<std::string>& words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

bool share_a_word(const ShapeOutline& a, const ShapeOutline& b) {
  return a.words.empty() || b.words.empty() ||
         std::any_of(a.words.begin(), a.words.end(), [&b](const std::string& word) { return has(b.words, word); });
}

bool distinct(const ShapeOutline& a, const ShapeOutline& b) {
  if (a.first_key == b.first_key) return !share_a_word(a, b);
  return !(has(a.keys, b.first_key) && has(b.keys, a.first_key));
}

/// The keys that tell the shapes apart, each once.
std::vector<std::string_view> first_keys(const std::vector<ShapeOutline>& shapes) {
  std::vector<std::string_view> keys;
  for (const ShapeOutline& shape : shapes) {
    if (std::find(keys.begin(), keys.end(), shape.first_key) == keys.end()) keys.emplace_back(shape.first_key);
  }
  return keys;
}

void refuse_without_first_key(const ValueIn& in, const std::vector<std::string_view>& keys) {
  const std::string needed = keys.size() == 1
                                 ? fmt::format("missing the required key {}", in_quotes(keys.front()))
                                 : fmt::format("missing the key that says what this is; allowed: {}", listing(keys));
  for (const std::string_view key : in.keys()) {
    const std::optional<std::string> near = did_you_mean(key, keys);
    if (!near) continue;
    in.complain_at_key(key, fmt::format("{}; found {}{}", needed, in_quotes(key), meant(near)));
    return;
  }
  in.complain(needed);
}

/// The first key of the shape that `in` has, if that is one: a shape may have the first key of another among its
/// others.
std::optional<std::string_view> first_key_of(const ValueIn& in, const std::vector<ShapeOutline>& shapes) {
  std::vector<std::string_view> present;
  for (const std::string_view key : first_keys(shapes)) {
    if (in.member(key)) present.push_back(key);
  }
  if (present.empty()) {
    refuse_without_first_key(in, first_keys(shapes));
    return std::nullopt;
  }
  for (const std::string_view key : present) {
    const bool covers = std::any_of(shapes.begin(), shapes.end(), [&](const ShapeOutline& shape) {
      return shape.first_key == key && std::all_of(present.begin(), present.end(),
                                                   [&shape](std::string_view other) { return has(shape.keys, other); });
    });
    if (covers) return key;
  }
  in.complain_at_key(present[1], fmt::format("found both {} and {}; allowed: one of {}", in_quotes(present[0]),
                                             in_quotes(present[1]), listing(first_keys(shapes))));
  return std::nullopt;
}

}  // namespace

std::vector<ShapeOutline> distinct_shapes(std::vector<ShapeOutline> shapes) {
  for (std::size_t i = 0; i < shapes.size(); ++i) {
    MTESIM_CHECK(!shapes[i].first_key.empty());
    for (std::size_t j = 0; j < i; ++j) MTESIM_CHECK(distinct(shapes[i], shapes[j]));
  }
  return shapes;
}

std::optional<std::size_t> pick_shape(const ValueIn& in, const std::vector<ShapeOutline>& shapes) {
  if (in.type() != JsonType::object) {
    in.refuse(fmt::format("an object with one of the keys {}", listing(first_keys(shapes))), false);
    return std::nullopt;
  }
  const std::optional<std::string_view> key = first_key_of(in, shapes);
  if (!key) return std::nullopt;
  const ValueIn value = *in.member(*key);
  std::vector<std::string_view> words;
  for (std::size_t i = 0; i < shapes.size(); ++i) {
    if (shapes[i].first_key != *key) continue;
    if (shapes[i].words.empty() || (value.type() == JsonType::text && has(shapes[i].words, value.text()))) return i;
    words.insert(words.end(), shapes[i].words.begin(), shapes[i].words.end());
  }
  value.refuse_word(words);
  return std::nullopt;
}

// ---- scalars

std::string to_word(const JsonScalar& value) {
  return std::visit([](const auto& v) { return fmt::format("{}", v); }, value);
}

bool ScalarField::takes(JsonType type) const {
  return type != JsonType::null && type != JsonType::array && type != JsonType::object;
}

void ScalarField::read(const ValueIn& in, JsonScalar& out) const {
  switch (in.type()) {
    case JsonType::boolean:
      out = in.boolean();
      break;
    case JsonType::integer:
      out = in.integer();
      break;
    case JsonType::real:
      out = in.real();
      break;
    case JsonType::text:
      out = in.text();
      break;
    case JsonType::null:
    case JsonType::array:
    case JsonType::object:
      in.refuse(allowed(), false);
  }
}

void ScalarField::write(const ValueOut& out, const JsonScalar& value) const {
  std::visit([&out](const auto& v) { out.json() = v; }, value);
}

void ScalarField::schema(const ValueOut& out, Of<JsonScalar> /*type*/) const {
  out.json()["type"] = {"boolean", "number", "string"};
}

namespace {

bool follows(const ScalarRule& rule, const ValueIn& in) {
  switch (in.type()) {
    case JsonType::boolean:
      return rule.boolean;
    case JsonType::integer:
      return rule.integers && rule.integers->from <= in.integer() && in.integer() <= rule.integers->to;
    case JsonType::text:
      return has(rule.words, in.text());
    default:
      return false;
  }
}

std::string allowed_by(const ScalarRule& rule) {
  std::vector<std::string_view> ways;
  const std::string range = rule.integers ? IntegerField(rule.integers->from, rule.integers->to).allowed() : "";
  if (rule.boolean) ways.insert(ways.end(), {"true", "false"});
  ways.insert(ways.end(), rule.words.begin(), rule.words.end());
  if (rule.integers) ways.emplace_back(range);
  return listing(ways);
}

void refuse_scalar(const ScalarRule& rule, const ValueIn& in) {
  const bool of_type = (in.type() == JsonType::text && !rule.words.empty()) ||
                       ((in.type() == JsonType::integer || in.type() == JsonType::real) && rule.integers);
  std::string hint;
  if (in.type() == JsonType::text) {
    const std::optional<std::int64_t> number = quoted_number(in);
    const bool is_number = number && rule.integers && rule.integers->from <= *number && *number <= rule.integers->to;
    const bool is_bool = rule.boolean && (in.text() == "true" || in.text() == "false");
    hint = is_number || is_bool ? meant_unquoted(in.text()) : meant(did_you_mean(in.text(), rule.words));
  }
  in.refuse(allowed_by(rule), of_type, hint);
}

/// The schemas of the ways that a rule leaves open.
std::vector<ordered_json> ways_of(const ScalarRule& rule) {
  std::vector<ordered_json> ways;
  if (rule.boolean) ways.push_back({{"type", "boolean"}});
  if (!rule.words.empty()) ways.push_back({{"enum", rule.words}});
  if (rule.integers) {
    ways.push_back({{"type", "integer"}, {"minimum", rule.integers->from}, {"maximum", rule.integers->to}});
  }
  return ways;
}

}  // namespace

void NamedScalarsField::read(const ValueIn& in, std::map<std::string, JsonScalar>& out) const {
  if (in.type() != JsonType::object) {
    in.refuse(allowed(), false);
    return;
  }
  std::vector<std::string_view> names;
  for (const NamedScalar& known : list_) names.emplace_back(known.name);
  out.clear();
  for (const std::string_view key : in.keys()) {
    const auto known =
        std::find_if(list_.begin(), list_.end(), [key](const NamedScalar& named) { return named.name == key; });
    if (known == list_.end()) {
      in.complain_at_key(key, fmt::format("found the unknown key {}; allowed: {}{}", in_quotes(key), listing(names),
                                          meant(did_you_mean(key, names))));
      continue;
    }
    const ValueIn value = *in.member(key);
    if (follows(known->allowed, value)) {
      ScalarField().read(value, out[std::string(key)]);
    } else {
      refuse_scalar(known->allowed, value);
    }
  }
}

void NamedScalarsField::write(const ValueOut& out, const std::map<std::string, JsonScalar>& value) const {
  out.object();
  for (const auto& [name, scalar] : value) ScalarField().write(out.member(name), scalar);
}

void NamedScalarsField::schema(const ValueOut& out, Of<std::map<std::string, JsonScalar>> /*type*/) const {
  out.member("type").text("object");
  ordered_json properties = ordered_json::object();
  for (const NamedScalar& named : list_) {
    ordered_json& property = properties[named.name];
    property["description"] = named.about;
    const std::vector<ordered_json> ways = ways_of(named.allowed);
    MTESIM_CHECK(!ways.empty());
    if (ways.size() == 1) {
      property.update(ways.front());
    } else {
      property["oneOf"] = ways;
    }
  }
  out.json()["properties"] = properties;
  out.member("additionalProperties").boolean(false);
}

}  // namespace mtesim
