#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "model/base/check.h"
#include "sim/scenario/json_text.h"
#include "sim/scenario/scenario_error.h"

// A struct that stands in a JSON file is described once, by a function template beside it:
//
//   struct Retag {
//     std::string granules;
//     Tag tag{};
//     std::optional<std::uint32_t> budget;
//   };
//   template <class V>
//   void fields(V& v, Retag& r) {
//     v.about("Gives granules another allocation tag.");
//     v.constant("action", "retag", "what happens");
//     v.required("granules", r.granules, granule_run(), "which granules of the mapping");
//     v.required("tag", r.tag, in_range(0, 15), "their new allocation tag");
//     v.optional("budget", r.budget, in_range(1, 1000), "how often at most; without it, without bound");
//   }
//
// From that come read_fields() with its complaints, schema_of() for editors and other validators, and write_fields().
// The default of an optional field is what a fresh struct (`Retag{}`) has there, so that has to be a value that a file
// could give; std::optional is for a field that is better absent. A sentence says what the field means, not its type.
//
// The kinds of field are at the end of this page. A new kind is a class with these members, and a word that makes it:
//
//   void read(const ValueIn& in, T& out) const;         complains through `in`; leaves `out` alone if it does
//   void write(const ValueOut& out, const T&) const;    what read() takes back
//   void schema(const ValueOut& out, Of<T>) const;      draft-07, refusing what read() refuses
//   std::string allowed() const;                        for "allowed: …": "true or false"
//   bool takes(JsonType) const;                         could a value of this type be meant?

namespace mtesim {

/// The type of a JSON value. A number is an integer if it is whole.
enum class JsonType : std::uint8_t { null, boolean, integer, real, text, array, object };

/// Stands for the type T in a call.
template <class T>
struct Of {};

// ---- words that a description refers to

/// One row of the table of an enum: `EnumWord{TcfMode::sync, "sync", "the access faults"}`.
template <class E>
struct EnumWord {
  E value;
  std::string_view word;
  std::string_view about;
};
template <class E>
EnumWord(E, std::string_view, std::string_view) -> EnumWord<E>;

/// A word that only a run of the program knows: a kernel revision, a CPU file.
struct ListedWord {
  std::string word;
  std::string about;
};

using JsonScalar = std::variant<bool, std::int64_t, double, std::string>;  ///< a double is never whole

/// "true", "64", "0.5"; a text as it is.
[[nodiscard]] std::string to_word(const JsonScalar& value);

struct IntegerRange {
  std::int64_t from = 0;
  std::int64_t to = 0;
};

/// What a scalar may be: any of these.
struct ScalarRule {
  bool boolean = false;
  std::optional<IntegerRange> integers{};
  std::vector<std::string> words{};
};

/// A key that only a run of the program knows, with the scalars it takes.
struct NamedScalar {
  std::string name;
  std::string about;
  ScalarRule allowed;
};

/// Lists by name, for descriptions that ask their visitor: `listed(v.words("cpus"))`, `scalars(v.scalars("knobs"))`.
/// A list that is a function elsewhere needs no place here: `listed(revision_words())`.
struct Vocabulary {
  std::map<std::string, std::vector<ListedWord>, std::less<>> words{};
  std::map<std::string, std::vector<NamedScalar>, std::less<>> scalars{};
};

// ---- what the kinds of field read and write

/// One value of a document that is being read: it knows where it stands, and where complaints go.
/// It refers to the value around it, and to the document, and lives shorter than they.
class ValueIn {
 public:
  ValueIn(const JsonText& text, Complaints& complaints, const Vocabulary& vocabulary);  ///< the whole document

  [[nodiscard]] JsonType type() const;
  // Each asks for the value of a type that it has.
  [[nodiscard]] bool boolean() const;
  [[nodiscard]] std::int64_t integer() const;
  [[nodiscard]] double real() const;  // of an integer as well
  [[nodiscard]] const std::string& text() const;
  [[nodiscard]] std::size_t size() const;
  [[nodiscard]] ValueIn item(std::size_t i) const;
  [[nodiscard]] std::optional<ValueIn> member(std::string_view key) const;
  [[nodiscard]] std::vector<std::string_view> keys() const;

  [[nodiscard]] const Vocabulary& vocabulary() const { return *vocabulary_; }
  [[nodiscard]] std::string pointer() const;

  void complain(std::string what) const;
  void complain_at_key(std::string_view key, std::string what) const;  ///< at the key of the member
  /// `found "sinc"; allowed: none, sync`; with the type if that is what is wrong.
  void refuse(const std::string& allowed, bool right_type, const std::string& hint = "") const;
  /// The same for a text (or anything else) where one of `words` is wanted, with a suggestion.
  void refuse_word(const std::vector<std::string_view>& words) const;

 private:
  ValueIn(const ValueIn& parent, const nlohmann::json& value, std::string_view key, std::size_t index)
      : text_(parent.text_),
        complaints_(parent.complaints_),
        vocabulary_(parent.vocabulary_),
        value_(&value),
        parent_(&parent),
        key_(key),
        index_(index) {}

  const JsonText* text_;
  Complaints* complaints_;
  const Vocabulary* vocabulary_;
  const nlohmann::json* value_;
  const ValueIn* parent_ = nullptr;
  std::string_view key_{};  // in an object
  std::size_t index_ = 0;   // in an array
};

enum class Defaults : std::uint8_t { left_out, shown };

/// One value of a document that is being written; null at first.
/// Stands only until a member or item is added to a value around it: finish it, then go on.
class ValueOut {
 public:
  explicit ValueOut(nlohmann::ordered_json& value, Defaults defaults, const Vocabulary* vocabulary = nullptr)
      : value_(&value), defaults_(defaults), vocabulary_(vocabulary) {}

  void boolean(bool value) const;
  void integer(std::int64_t value) const;
  void real(double value) const;
  void text(std::string_view value) const;
  void object() const;
  void array() const;
  [[nodiscard]] ValueOut member(std::string_view key) const;  ///< the one of that name, or a new one at the end
  [[nodiscard]] ValueOut item() const;                        ///< a new one at the end

  [[nodiscard]] nlohmann::ordered_json& json() const { return *value_; }
  [[nodiscard]] Defaults defaults() const { return defaults_; }
  [[nodiscard]] const Vocabulary* vocabulary() const { return vocabulary_; }

 private:
  nlohmann::ordered_json* value_;
  Defaults defaults_;
  const Vocabulary* vocabulary_;
};

/// A document that has been written: a schema, a scenario.
class JsonTree {
 public:
  JsonTree();
  [[nodiscard]] ValueOut root(Defaults defaults, const Vocabulary* vocabulary = nullptr);
  [[nodiscard]] const nlohmann::ordered_json& json() const { return *tree_; }
  [[nodiscard]] std::string text() const;  ///< indented, with a line break at the end

 private:
  std::shared_ptr<nlohmann::ordered_json> tree_;
};

// ---- the visitors of a description

/// What all visitors share.
class FieldVisitor {
 public:
  explicit FieldVisitor(const Vocabulary* vocabulary) : vocabulary_(vocabulary) {}
  /// The list of that name; empty for a visitor that needs none.
  [[nodiscard]] std::span<const ListedWord> words(std::string_view list) const;
  [[nodiscard]] std::span<const NamedScalar> scalars(std::string_view list) const;

 protected:
  /// A kind that counts in a unit wants it in its key: "size_bytes".
  template <class K>
  static void check_unit(std::string_view key, const K& kind) {
    if constexpr (requires { kind.unit(); }) MTESIM_CHECK(key.ends_with(kind.unit()));
  }

 private:
  const Vocabulary* vocabulary_;
};

/// JSON -> struct.
class FieldReader : public FieldVisitor {
 public:
  explicit FieldReader(const ValueIn& object);

  void about(std::string_view /*sentence*/) {}
  void constant(std::string_view key, std::string_view word, std::string_view about);
  template <class T, class K>
  void required(std::string_view key, T& target, const K& kind, std::string_view about) {
    check_unit(key, kind);
    if (const std::optional<ValueIn> in = required_member(key, about)) kind.read(*in, target);
  }
  template <class T, class K>
  void optional(std::string_view key, T& target, const K& kind, std::string_view /*about*/) {
    check_unit(key, kind);
    if (const std::optional<ValueIn> in = optional_member(key)) kind.read(*in, target);
  }
  template <class T, class K>
  void optional(std::string_view key, std::optional<T>& target, const K& kind, std::string_view /*about*/) {
    check_unit(key, kind);
    if (const std::optional<ValueIn> in = optional_member(key)) kind.read(*in, target.emplace());
  }
  /// Behind the last field: complains of every key that was not asked for.
  void no_other_keys() const;

 private:
  std::optional<ValueIn> required_member(std::string_view key, std::string_view about);
  std::optional<ValueIn> optional_member(std::string_view key);

  const ValueIn& object_;
  std::vector<std::string> asked_;
};

/// struct -> JSON.
class FieldWriter : public FieldVisitor {
 public:
  enum class Which : std::uint8_t { all, optional_ones };
  FieldWriter(const ValueOut& object, Which which);

  void about(std::string_view /*sentence*/) {}
  void constant(std::string_view key, std::string_view word, std::string_view /*about*/) {
    if (which_ == Which::all) object_.member(key).text(word);
  }
  template <class T, class K>
  void required(std::string_view key, const T& value, const K& kind, std::string_view /*about*/) {
    check_unit(key, kind);
    if (which_ == Which::all) kind.write(object_.member(key), value);
  }
  template <class T, class K>
  void optional(std::string_view key, const T& value, const K& kind, std::string_view /*about*/) {
    check_unit(key, kind);
    kind.write(optional_member(key), value);
  }
  template <class T, class K>
  void optional(std::string_view key, const std::optional<T>& value, const K& kind, std::string_view /*about*/) {
    check_unit(key, kind);
    if (value) kind.write(optional_member(key), *value);
  }
  /// Takes out each optional field that is as in `defaults`.
  void leave_out(const JsonTree& defaults) const;

 private:
  ValueOut optional_member(std::string_view key);

  ValueOut object_;
  Which which_;
  std::vector<std::string> optional_;
};

/// Shape of a struct -> draft-07 schema.
class SchemaWriter : public FieldVisitor {
 public:
  explicit SchemaWriter(const ValueOut& schema);

  void about(std::string_view sentence);
  void constant(std::string_view key, std::string_view word, std::string_view about);
  template <class T, class K>
  void required(std::string_view key, const T& /*fresh*/, const K& kind, std::string_view about) {
    check_unit(key, kind);
    kind.schema(property(key, about, true), Of<T>{});
  }
  template <class T, class K>
  void optional(std::string_view key, const T& fresh, const K& kind, std::string_view about) {
    check_unit(key, kind);
    const ValueOut schema = property(key, about, false);
    kind.schema(schema, Of<T>{});
    kind.write(schema.member("default"), fresh);
  }
  template <class T, class K>
  void optional(std::string_view key, const std::optional<T>& fresh, const K& kind, std::string_view about) {
    check_unit(key, kind);
    MTESIM_CHECK(!fresh);  // a file could not say "none"
    kind.schema(property(key, about, false), Of<T>{});
  }
  /// Behind the last field.
  void no_other_keys() const;

 private:
  ValueOut property(std::string_view key, std::string_view about, bool required);

  ValueOut schema_;
};

/// What tells one shape of an object from the others: its first key, and the words which that may have.
struct ShapeOutline {
  std::string first_key{};
  std::vector<std::string> words{};  ///< of a constant or an enum; empty: any value
  std::vector<std::string> keys{};   ///< all of them
};

class OutlineVisitor : public FieldVisitor {
 public:
  OutlineVisitor() : FieldVisitor(nullptr) {}

  void about(std::string_view /*sentence*/) {}
  void constant(std::string_view key, std::string_view word, std::string_view /*about*/) { note(key, {word}, true); }
  template <class T, class K>
  void required(std::string_view key, const T& /*fresh*/, const K& kind, std::string_view /*about*/) {
    if constexpr (requires { kind.words(); }) {
      note(key, kind.words(), true);
    } else {
      note(key, {}, true);
    }
  }
  template <class T, class K>
  void optional(std::string_view key, const T& /*fresh*/, const K& /*kind*/, std::string_view /*about*/) {
    note(key, {}, false);
  }
  [[nodiscard]] const ShapeOutline& outline() const { return outline_; }

 private:
  void note(std::string_view key, const std::vector<std::string_view>& words, bool required);

  ShapeOutline outline_;
};

/// A struct with a description.
template <class T>
concept Described = std::default_initializable<T> && requires(OutlineVisitor& v, T& t) {
  fields(v, t);
};

template <Described T>
void read_object(const ValueIn& in, T& out) {
  if (in.type() != JsonType::object) {
    in.refuse("an object", false);
    return;
  }
  FieldReader reader(in);
  fields(reader, out);
  reader.no_other_keys();
}

template <Described T>
void write_object(const ValueOut& out, const T& value, FieldWriter::Which which = FieldWriter::Which::all) {
  FieldWriter writer(out, which);
  fields(writer, const_cast<T&>(value));  // the writer only looks
  if (out.defaults() == Defaults::shown || which != FieldWriter::Which::all) return;
  JsonTree defaults;
  write_object(defaults.root(Defaults::left_out), T{}, FieldWriter::Which::optional_ones);
  writer.leave_out(defaults);
}

template <Described T>
void write_schema(const ValueOut& out) {
  SchemaWriter writer(out);
  T fresh{};
  fields(writer, fresh);
  writer.no_other_keys();
}

template <Described T>
ShapeOutline outline_of() {
  OutlineVisitor visitor;
  T fresh{};
  fields(visitor, fresh);
  return visitor.outline();
}

// ---- the uses of a description

/// What of `text` could be read; everything wrong with it goes to `complaints`.
template <Described T>
T read_fields(const JsonText& text, Complaints& complaints, const Vocabulary& vocabulary = {}) {
  T out{};
  read_object(ValueIn(text, complaints, vocabulary), out);
  return out;
}

/// Throws ScenarioError with all that is wrong.
template <Described T>
T read_fields(const JsonText& text, const Vocabulary& vocabulary = {}) {
  Complaints complaints;
  T out = read_fields<T>(text, complaints, vocabulary);
  complaints.throw_if_any();
  return out;
}

/// `Defaults::shown`: the effective configuration. Either way, read_fields() gives the same struct back.
template <Described T>
JsonTree write_fields(const T& value, Defaults defaults = Defaults::left_out) {
  JsonTree tree;
  write_object(tree.root(defaults), value);
  return tree;
}

/// A JSON Schema (draft-07) of which read_fields() takes exactly the documents.
template <Described T>
JsonTree schema_of(std::string_view title, const Vocabulary& vocabulary = {}) {
  JsonTree tree;
  const ValueOut schema = tree.root(Defaults::left_out, &vocabulary);
  schema.object();
  schema.member("$schema").text("http://json-schema.org/draft-07/schema#");
  schema.member("title").text(title);
  write_schema<T>(schema);
  return tree;
}

// ---- kinds of field: numbers and switches

/// How a type is one integer: an integer itself, a struct over one (Bytes, Tag), a class made from one (UserPtr).
/// Specialise it for others.
template <class T>
struct NumberOf;

template <std::integral T>
requires(!std::same_as<T, bool>) struct NumberOf<T> {
  using Raw = T;
  static T get(T value) { return value; }
  static T make(Raw raw) { return raw; }
};

template <class T>
requires requires(const T& t) { requires std::integral<std::remove_cvref_t<decltype(t.n)>>; }
struct NumberOf<T> {
  using Raw = std::remove_cvref_t<decltype(std::declval<T>().n)>;
  static Raw get(const T& value) { return value.n; }
  static T make(Raw raw) { return T{raw}; }
};

template <class T>
requires requires(const T& t) { requires std::integral<std::remove_cvref_t<decltype(t.bits)>>; }
struct NumberOf<T> {
  using Raw = std::remove_cvref_t<decltype(std::declval<T>().bits)>;
  static Raw get(const T& value) { return value.bits; }
  static T make(Raw raw) { return T{raw}; }
};

template <class T>
requires requires(const T& t) { requires std::integral<decltype(t.bits())>; }
struct NumberOf<T> {
  using Raw = decltype(std::declval<const T&>().bits());
  static Raw get(const T& value) { return value.bits(); }
  static T make(Raw raw) { return T(raw); }
};

template <class T>
concept Numeric = requires {
  typename NumberOf<T>::Raw;
};

template <class T>
concept Numeric64 = Numeric<T> && std::same_as<typename NumberOf<T>::Raw, std::uint64_t>;

class FlagField {
 public:
  void read(const ValueIn& in, bool& out) const;
  void write(const ValueOut& out, bool value) const { out.boolean(value); }
  void schema(const ValueOut& out, Of<bool>) const { out.member("type").text("boolean"); }
  [[nodiscard]] std::string allowed() const { return "true or false"; }
  [[nodiscard]] bool takes(JsonType type) const { return type == JsonType::boolean; }
};

/// A bool.
inline FlagField flag() { return {}; }

class IntegerField {
 public:
  IntegerField(std::int64_t from, std::int64_t to, std::string_view unit = "");
  /// The unit ends the key: `in_range(1, 1'000'000).counted_in("_cycles")`.
  [[nodiscard]] IntegerField counted_in(std::string_view unit) const { return {from_, to_, unit}; }

  template <Numeric T>
  void read(const ValueIn& in, T& out) const {
    using Raw = typename NumberOf<T>::Raw;
    MTESIM_CHECK(std::in_range<Raw>(from_) && std::in_range<Raw>(to_));
    if (const std::optional<std::int64_t> n = number(in)) out = NumberOf<T>::make(static_cast<Raw>(*n));
  }
  template <Numeric T>
  void write(const ValueOut& out, const T& value) const {
    const auto raw = NumberOf<T>::get(value);
    MTESIM_CHECK(std::cmp_less_equal(from_, raw) && std::cmp_less_equal(raw, to_));
    out.integer(static_cast<std::int64_t>(raw));
  }
  template <Numeric T>
  void schema(const ValueOut& out, Of<T>) const {
    describe(out);
  }
  [[nodiscard]] std::string allowed() const;
  [[nodiscard]] bool takes(JsonType type) const { return type == JsonType::integer || type == JsonType::real; }
  [[nodiscard]] std::string_view unit() const { return unit_; }

 private:
  [[nodiscard]] std::optional<std::int64_t> number(const ValueIn& in) const;
  void describe(const ValueOut& out) const;

  std::int64_t from_;
  std::int64_t to_;
  std::string_view unit_;
};

/// A whole number, both ends included; within 2^53 of 0.
template <std::integral A, std::integral B>
IntegerField in_range(A from, B to) {
  MTESIM_CHECK(std::in_range<std::int64_t>(from) && std::in_range<std::int64_t>(to));
  return {static_cast<std::int64_t>(from), static_cast<std::int64_t>(to)};
}

/// Bytes, in a key that ends in "_bytes".
template <std::integral A, std::integral B>
IntegerField bytes(A from, B to) {
  return in_range(from, to).counted_in("_bytes");
}

class Unsigned64Field {
 public:
  explicit Unsigned64Field(std::string_view unit = "") : unit_(unit) {}

  template <Numeric64 T>
  void read(const ValueIn& in, T& out) const {
    if (const std::optional<std::uint64_t> n = number(in)) out = NumberOf<T>::make(*n);
  }
  template <Numeric64 T>
  void write(const ValueOut& out, const T& value) const {
    put(out, NumberOf<T>::get(value));
  }
  template <Numeric64 T>
  void schema(const ValueOut& out, Of<T>) const {
    describe(out);
  }
  [[nodiscard]] std::string allowed() const;
  [[nodiscard]] bool takes(JsonType type) const { return type == JsonType::integer || type == JsonType::text; }
  [[nodiscard]] std::string_view unit() const { return unit_; }

 private:
  [[nodiscard]] std::optional<std::uint64_t> number(const ValueIn& in) const;
  void put(const ValueOut& out, std::uint64_t value) const;
  void describe(const ValueOut& out) const;

  std::string_view unit_;
};

/// Any unsigned number of 64 bits: a JSON number up to 2^53, a "0x…" text for any.
inline Unsigned64Field number64() { return Unsigned64Field(); }

/// The same in bytes, in a key that ends in "_bytes".
inline Unsigned64Field bytes() { return Unsigned64Field("_bytes"); }

class AddressField {
 public:
  template <Numeric64 T>
  void read(const ValueIn& in, T& out) const {
    if (const std::optional<std::uint64_t> n = number(in)) out = NumberOf<T>::make(*n);
  }
  template <Numeric64 T>
  void write(const ValueOut& out, const T& value) const {
    put(out, NumberOf<T>::get(value));
  }
  template <Numeric64 T>
  void schema(const ValueOut& out, Of<T>) const {
    describe(out);
  }
  [[nodiscard]] std::string allowed() const;
  [[nodiscard]] bool takes(JsonType type) const { return type == JsonType::text; }

 private:
  [[nodiscard]] std::optional<std::uint64_t> number(const ValueIn& in) const;
  void put(const ValueOut& out, std::uint64_t value) const;
  void describe(const ValueOut& out) const;
};

/// 64 bits as a "0x…" text.
inline AddressField address() { return {}; }

class RealField {
 public:
  RealField(double from, double to) : from_(from), to_(to) { MTESIM_CHECK(from <= to); }
  void read(const ValueIn& in, double& out) const;
  void write(const ValueOut& out, double value) const;
  void schema(const ValueOut& out, Of<double>) const;
  [[nodiscard]] std::string allowed() const;
  [[nodiscard]] bool takes(JsonType type) const { return type == JsonType::integer || type == JsonType::real; }

 private:
  double from_;
  double to_;
};

/// A number, both ends included.
inline RealField real_in_range(double from, double to) { return {from, to}; }

// ---- kinds of field: texts and words

class TextField {
 public:
  void read(const ValueIn& in, std::string& out) const;
  void write(const ValueOut& out, const std::string& value) const { out.text(value); }
  void schema(const ValueOut& out, Of<std::string>) const { out.member("type").text("string"); }
  [[nodiscard]] std::string allowed() const { return "a text"; }
  [[nodiscard]] bool takes(JsonType type) const { return type == JsonType::text; }
};

/// Any text.
inline TextField text() { return {}; }

class PatternField {
 public:
  PatternField(std::string_view pattern, std::string_view looks);
  void read(const ValueIn& in, std::string& out) const;
  void write(const ValueOut& out, const std::string& value) const { out.text(value); }
  void schema(const ValueOut& out, Of<std::string>) const { describe(out); }
  [[nodiscard]] std::string allowed() const { return std::string(looks_); }
  [[nodiscard]] bool takes(JsonType type) const { return type == JsonType::text; }

  [[nodiscard]] std::string_view pattern() const { return pattern_; }
  [[nodiscard]] bool matches(const std::string& text) const;
  void describe(const ValueOut& out) const;

 private:
  std::string_view pattern_;
  std::string_view looks_;
};

/// A text of a certain form. `looks` is for people: `"7", "0..3" or "16..4080 step 16"`.
/// `pattern` is anchored (^…$) and repeats nothing without bound ({1,64}, not +): std::regex, ours and valijson's,
/// needs stack for each repetition, and a long text would end the program. Both must outlive the description (literals
/// do).
inline PatternField text_like(std::string_view pattern, std::string_view looks) { return {pattern, looks}; }

template <class T>
class TextAsField {
 public:
  using Parse = std::optional<T> (*)(std::string_view);
  using Print = std::string (*)(const T&);
  TextAsField(PatternField form, Parse parse, Print print) : form_(form), parse_(parse), print_(print) {}

  void read(const ValueIn& in, T& out) const {
    std::string text;
    const bool is_text = in.type() == JsonType::text;
    std::optional<T> parsed;
    if (is_text && form_.matches(in.text())) parsed = parse_(in.text());
    if (parsed) {
      out = *std::move(parsed);
    } else {
      in.refuse(allowed(), is_text);
    }
  }
  void write(const ValueOut& out, const T& value) const { out.text(print_(value)); }
  void schema(const ValueOut& out, Of<T>) const { form_.describe(out); }
  [[nodiscard]] std::string allowed() const { return form_.allowed(); }
  [[nodiscard]] bool takes(JsonType type) const { return type == JsonType::text; }

 private:
  PatternField form_;
  Parse parse_;
  Print print_;
};

/// A text of a certain form that stands for a T. `parse` should take whatever fits the form: the schema knows no more.
template <class T>
TextAsField<T> text_as(PatternField form, std::optional<T> (*parse)(std::string_view), std::string (*print)(const T&)) {
  return {form, parse, print};
}

/// The schema and the wording of a choice among words.
void describe_words(const ValueOut& out, const std::vector<std::string_view>& words,
                    const std::vector<std::string_view>& abouts);
[[nodiscard]] std::string listing(const std::vector<std::string_view>& words);

template <class E>
class EnumField {
 public:
  explicit EnumField(std::span<const EnumWord<E>> table) : table_(table) { MTESIM_CHECK(!table.empty()); }
  void read(const ValueIn& in, E& out) const {
    const EnumWord<E>* row = in.type() == JsonType::text ? find(in.text()) : nullptr;
    if (row != nullptr) {
      out = row->value;
    } else {
      in.refuse_word(words());
    }
  }
  void write(const ValueOut& out, const E& value) const {
    std::size_t i = 0;
    while (i < table_.size() && !(table_[i].value == value)) ++i;
    MTESIM_CHECK(i < table_.size());
    out.text(table_[i].word);
  }
  void schema(const ValueOut& out, Of<E>) const {
    std::vector<std::string_view> abouts;
    for (const EnumWord<E>& row : table_) abouts.push_back(row.about);
    describe_words(out, words(), abouts);
  }
  [[nodiscard]] std::string allowed() const { return listing(words()); }
  [[nodiscard]] bool takes(JsonType type) const { return type == JsonType::text; }
  [[nodiscard]] std::vector<std::string_view> words() const {
    std::vector<std::string_view> all;
    for (const EnumWord<E>& row : table_) all.push_back(row.word);
    return all;
  }

 private:
  [[nodiscard]] const EnumWord<E>* find(std::string_view word) const {
    for (const EnumWord<E>& row : table_) {
      if (row.word == word) return &row;
    }
    return nullptr;
  }
  std::span<const EnumWord<E>> table_;
};

/// An enum, by a table of its words that outlives the description.
template <class E>
EnumField<E> one_of(std::span<const EnumWord<E>> table) {
  return EnumField<E>(table);
}
template <class E, std::size_t N>
EnumField<E> one_of(const std::array<EnumWord<E>, N>& table) {
  return EnumField<E>(table);
}
template <class E, std::size_t N>
EnumField<E> one_of(const std::array<EnumWord<E>, N>&& table) = delete;

class ListedField {
 public:
  explicit ListedField(std::span<const ListedWord> list) : list_(list) {}
  void read(const ValueIn& in, std::string& out) const;
  void write(const ValueOut& out, const std::string& value) const { out.text(value); }
  void schema(const ValueOut& out, Of<std::string>) const;
  [[nodiscard]] std::string allowed() const;
  [[nodiscard]] bool takes(JsonType type) const { return type == JsonType::text; }
  [[nodiscard]] std::vector<std::string_view> words() const;

 private:
  std::span<const ListedWord> list_;
};

/// One word of a list that is known only when the program runs.
inline ListedField listed(std::span<const ListedWord> list) { return ListedField(list); }

// ---- kinds of field: made of others

class ObjectField {
 public:
  template <Described T>
  void read(const ValueIn& in, T& out) const {
    read_object(in, out);
  }
  template <Described T>
  void write(const ValueOut& out, const T& value) const {
    write_object(out, value);
  }
  template <Described T>
  void schema(const ValueOut& out, Of<T>) const {
    write_schema<T>(out);
  }
  [[nodiscard]] std::string allowed() const { return "an object"; }
  [[nodiscard]] bool takes(JsonType type) const { return type == JsonType::object; }
};

/// A struct with a description of its own.
inline ObjectField object() { return {}; }

struct ItemCount {
  std::size_t least = 0;
  std::size_t most = SIZE_MAX;
  [[nodiscard]] std::string allowed() const;          // "an array of 1 to 8 items"
  [[nodiscard]] bool check(const ValueIn& in) const;  // complains
  void describe(const ValueOut& out) const;
};

template <class K>
class ListField {
 public:
  explicit ListField(K item, ItemCount count = {}) : item_(item), count_(count) {}
  [[nodiscard]] ListField at_least(std::size_t n) const { return ListField(item_, {n, count_.most}); }
  [[nodiscard]] ListField at_most(std::size_t n) const { return ListField(item_, {count_.least, n}); }

  template <class T>
  void read(const ValueIn& in, std::vector<T>& out) const {
    if (!count_.check(in)) return;
    out.clear();
    for (std::size_t i = 0; i < in.size(); ++i) {
      T item{};
      item_.read(in.item(i), item);
      out.push_back(std::move(item));
    }
  }
  template <class T>
  void write(const ValueOut& out, const std::vector<T>& value) const {
    out.array();
    for (const T& item : value) item_.write(out.item(), item);
  }
  template <class T>
  void schema(const ValueOut& out, Of<std::vector<T>>) const {
    count_.describe(out);
    item_.schema(out.member("items"), Of<T>{});
  }
  [[nodiscard]] std::string allowed() const { return count_.allowed(); }
  [[nodiscard]] bool takes(JsonType type) const { return type == JsonType::array; }

 private:
  K item_;
  ItemCount count_;
};

/// A std::vector: `list_of(object()).at_least(1)`.
template <class K>
ListField<K> list_of(K item) {
  return ListField<K>(item);
}

template <class K>
class MapField {
 public:
  MapField(PatternField key, K item) : key_(key), item_(item) {}

  template <class T>
  void read(const ValueIn& in, std::map<std::string, T>& out) const {
    if (!is_object(in)) return;
    out.clear();
    for (const std::string_view key : in.keys()) {
      if (check_key(in, key)) item_.read(*in.member(key), out[std::string(key)]);
    }
  }
  template <class T>
  void write(const ValueOut& out, const std::map<std::string, T>& value) const {
    out.object();
    for (const auto& [key, item] : value) item_.write(out.member(key), item);
  }
  template <class T>
  void schema(const ValueOut& out, Of<std::map<std::string, T>>) const {
    out.member("type").text("object");
    {
      const ValueOut patterns = out.member("patternProperties");
      patterns.object();
      item_.schema(patterns.member(key_.pattern()), Of<T>{});
    }
    out.member("additionalProperties").boolean(false);
  }
  [[nodiscard]] std::string allowed() const { return "an object"; }
  [[nodiscard]] bool takes(JsonType type) const { return type == JsonType::object; }

 private:
  [[nodiscard]] bool is_object(const ValueIn& in) const {
    if (in.type() == JsonType::object) return true;
    in.refuse(allowed(), false);
    return false;
  }
  [[nodiscard]] bool check_key(const ValueIn& in, std::string_view key) const {
    if (key_.matches(std::string(key))) return true;
    in.complain_at_key(key, "found the key " + in_quotes(key) + "; allowed: " + key_.allowed());
    return false;
  }
  PatternField key_;
  K item_;
};

/// A std::map whose keys are free but for their form.
template <class K>
MapField<K> map_of(PatternField key, K item) {
  return {key, item};
}

/// The two ways an `either` can go have different JSON types.
template <class A, class B>
class EitherField {
 public:
  EitherField(A a, B b) : a_(a), b_(b) {}

  template <class T, class U>
  void read(const ValueIn& in, std::variant<T, U>& out) const {
    if (a_.takes(in.type())) {
      a_.read(in, out.template emplace<0>());
    } else if (b_.takes(in.type())) {
      b_.read(in, out.template emplace<1>());
    } else {
      in.refuse(allowed(), false);
    }
  }
  template <class T, class U>
  void write(const ValueOut& out, const std::variant<T, U>& value) const {
    if (value.index() == 0) {
      a_.write(out, std::get<0>(value));
    } else {
      b_.write(out, std::get<1>(value));
    }
  }
  template <class T, class U>
  void schema(const ValueOut& out, Of<std::variant<T, U>>) const {
    for (const auto type : {JsonType::null, JsonType::boolean, JsonType::integer, JsonType::real, JsonType::text,
                            JsonType::array, JsonType::object}) {
      MTESIM_CHECK(!(a_.takes(type) && b_.takes(type)));
    }
    const ValueOut choices = out.member("oneOf");
    choices.array();
    a_.schema(choices.item(), Of<T>{});
    b_.schema(choices.item(), Of<U>{});
  }
  [[nodiscard]] std::string allowed() const { return a_.allowed() + ", or " + b_.allowed(); }
  [[nodiscard]] bool takes(JsonType type) const { return a_.takes(type) || b_.takes(type); }

 private:
  A a_;
  B b_;
};

/// A std::variant of two, told apart by their JSON types: `either(object(), list_of(scalar()))`.
template <class A, class B>
EitherField<A, B> either(A a, B b) {
  return {a, b};
}

/// The shapes of a variant, checked to be distinct.
[[nodiscard]] std::vector<ShapeOutline> distinct_shapes(std::vector<ShapeOutline> shapes);
/// Which shape `in` is meant to be; complains if that cannot be told.
[[nodiscard]] std::optional<std::size_t> pick_shape(const ValueIn& in, const std::vector<ShapeOutline>& shapes);

class ShapeField {
 public:
  template <Described... Ts>
  void read(const ValueIn& in, std::variant<Ts...>& out) const {
    static const std::vector<ShapeOutline> kShapes = distinct_shapes({outline_of<Ts>()...});
    const std::optional<std::size_t> picked = pick_shape(in, kShapes);
    if (!picked) return;
    std::size_t i = 0;
    ((i++ == *picked ? read_object(in, out.template emplace<Ts>()) : void()), ...);
  }
  template <Described... Ts>
  void write(const ValueOut& out, const std::variant<Ts...>& value) const {
    std::visit([&out](const auto& shape) { write_object(out, shape); }, value);
  }
  template <Described... Ts>
  void schema(const ValueOut& out, Of<std::variant<Ts...>>) const {
    const ValueOut shapes = out.member("oneOf");
    shapes.array();
    (write_schema<Ts>(shapes.item()), ...);
  }
  [[nodiscard]] std::string allowed() const { return "an object"; }
  [[nodiscard]] bool takes(JsonType type) const { return type == JsonType::object; }
};

/// A std::variant of described structs. Which of them an object is, the first key of their descriptions tells: by being
/// there (`"read": "f"`), or, where several begin with the same key, by its word (`"action": "evict"`, `"ioctl":
/// "FIEMAP"`).
inline ShapeField one_shape() { return {}; }

class ScalarField {
 public:
  void read(const ValueIn& in, JsonScalar& out) const;
  void write(const ValueOut& out, const JsonScalar& value) const;
  void schema(const ValueOut& out, Of<JsonScalar>) const;
  [[nodiscard]] std::string allowed() const { return "a text, a number, true or false"; }
  [[nodiscard]] bool takes(JsonType type) const;
};

/// Any text, number or bool.
inline ScalarField scalar() { return {}; }

class NamedScalarsField {
 public:
  explicit NamedScalarsField(std::span<const NamedScalar> list) : list_(list) {}
  void read(const ValueIn& in, std::map<std::string, JsonScalar>& out) const;
  void write(const ValueOut& out, const std::map<std::string, JsonScalar>& value) const;
  void schema(const ValueOut& out, Of<std::map<std::string, JsonScalar>>) const;
  [[nodiscard]] std::string allowed() const { return "an object"; }
  [[nodiscard]] bool takes(JsonType type) const { return type == JsonType::object; }

 private:
  std::span<const NamedScalar> list_;
};

/// A map of the names of a list, which is known only when the program runs, to the scalars that each takes.
inline NamedScalarsField scalars(std::span<const NamedScalar> list) { return NamedScalarsField(list); }

}  // namespace mtesim
