#include "sim/scenario/schema.h"

// Without this, valijson ends the program at a schema that it cannot read.
#define VALIJSON_USE_EXCEPTIONS 1  // NOLINT(readability-identifier-naming)

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <valijson/adapters/nlohmann_json_adapter.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validation_results.hpp>
#include <valijson/validator.hpp>

namespace mtesim {
namespace {

using Error = valijson::ValidationResults::Error;
using Context = std::vector<std::string>;

/// valijson keeps several hundred bytes for each refusal by each alternative; a larger document is refused as a whole.
constexpr std::size_t kMostValuesToExplain = 2'000;

/// valijson repeats at every level that something below was refused.
constexpr std::string_view kRepeats[] = {
    "Failed to validate against schema associated with",  // property name, pattern
    "Failed to validate item #",
    "Failed to validate against additional properties schema",
    "Failed to validate against a conditional schema",
};
constexpr std::string_view kPatternRefused = "Failed to validate against schema associated with pattern";
constexpr std::string_view kAlternative = "Failed to validate against child schema #";
constexpr std::string_view kNoAlternative[] = {
    "Failed to validate against any child schemas allowed by oneOf",
    "Failed to validate against any schemas allowed by anyOf",
};
constexpr std::string_view kOtherConstant = "Failed to match expected value set by 'const'";
constexpr std::string_view kUnknownKey = "Object contains a property that could not be validated";

template <class Prefixes>
bool starts_with_any(std::string_view text, const Prefixes& prefixes) {
  return std::any_of(std::begin(prefixes), std::end(prefixes),
                     [text](std::string_view p) { return text.starts_with(p); });
}

/// How far a document is from an alternative that refuses it so: first by how much is wrong, then by how near the top.
/// Another constant is most likely another shape.
std::pair<std::size_t, std::size_t> distance(const std::vector<Error>& errors) {
  std::size_t wrong = 0;
  std::size_t deepest = 0;
  for (const Error& error : errors) {
    wrong += error.description.starts_with(kOtherConstant) ? 4 : 1;
    deepest = std::max(deepest, error.context.size());
  }
  return {wrong, SIZE_MAX - deepest};
}

bool is_within(const Context& inner, const Context& outer) {
  return inner.size() >= outer.size() && std::equal(outer.begin(), outer.end(), inner.begin());
}

/// valijson's errors come from the leaves up: first those of an alternative, then that the alternative was refused, and
/// behind the last alternative that none was left. This folds them as they come.
class Folded {
 public:
  void take(Error error) {
    // Behind the first value refused under a pattern, valijson looks at no other key, and calls them all unknown.
    const bool not_looked_at = error.description.starts_with(kUnknownKey) && pattern_refused_ == error.context;
    pattern_refused_ = error.description.starts_with(kPatternRefused) ? std::optional(error.context) : std::nullopt;
    if (not_looked_at || starts_with_any(error.description, kRepeats)) return;
    if (error.description.starts_with(kAlternative)) {
      close_alternative(error.context);
    } else if (starts_with_any(error.description, kNoAlternative)) {
      choose_alternative(error.context);
    } else {
      parts_.push_back(Part{std::nullopt, {std::move(error)}});
    }
  }

  [[nodiscard]] std::vector<Error> leaves() && {
    std::vector<Error> all;
    for (Part& part : parts_) std::move(part.errors.begin(), part.errors.end(), std::back_inserter(all));
    return all;
  }

 private:
  struct Part {
    std::optional<Context> choice;  // of which choice these errors refuse one alternative
    std::vector<Error> errors;
  };

  void close_alternative(const Context& choice) {
    Part alternative{choice, {}};
    while (!parts_.empty() && !parts_.back().choice && is_within(parts_.back().errors.front().context, choice)) {
      std::move(parts_.back().errors.begin(), parts_.back().errors.end(), std::back_inserter(alternative.errors));
      parts_.pop_back();
    }
    std::reverse(alternative.errors.begin(), alternative.errors.end());
    parts_.push_back(std::move(alternative));
  }

  void choose_alternative(const Context& choice) {
    std::optional<std::vector<Error>> nearest;
    while (!parts_.empty() && parts_.back().choice == choice) {
      std::vector<Error>& errors = parts_.back().errors;
      if (!nearest || distance(errors) <= distance(*nearest)) nearest = std::move(errors);
      parts_.pop_back();
    }
    if (!nearest) return;
    for (Error& error : *nearest) parts_.push_back(Part{std::nullopt, {std::move(error)}});
  }

  std::vector<Part> parts_;
  std::optional<Context> pattern_refused_;
};

/// {"<root>", "[calls]", "[0]"} -> "/calls/0"
std::string pointer_of(const Context& context) {
  std::string pointer;
  for (std::size_t i = 1; i < context.size(); ++i) {
    const std::string_view step = context[i];
    pointer = pointer_to(pointer, step.substr(1, step.size() - 2));
  }
  return pointer;
}

/// The key in `…constraints: 'opp'.`
std::string unknown_key_in(std::string_view description) {
  constexpr std::string_view kBefore = "constraints: '";
  const std::size_t start = description.find(kBefore) + kBefore.size();
  return std::string(description.substr(start, description.size() - start - 2));
}

std::string worded(std::string description) {
  constexpr std::string_view kNoFraction = ".000000";
  if (description.ends_with(kNoFraction)) description.resize(description.size() - kNoFraction.size());
  if (description.ends_with('.')) description.pop_back();
  return "the schema refuses this: " + printable(description, 300);
}

Complaint complaint_of(const Error& error, const JsonText& document) {
  const std::string pointer = pointer_of(error.context);
  if (!error.description.starts_with(kUnknownKey)) return {document.place(pointer), worded(error.description)};
  const std::string key = unknown_key_in(error.description);
  Place place = document.key_place(pointer_to(pointer, key));
  place.pointer = pointer;
  return {std::move(place), "the schema refuses this: unknown key " + in_quotes(key)};
}

}  // namespace

std::vector<Complaint> judge_by_schema(const nlohmann::json& schema, const JsonText& document) {
  valijson::Schema compiled;
  valijson::SchemaParser(valijson::SchemaParser::kDraft7)
      .populateSchema(valijson::adapters::NlohmannJsonAdapter(schema), compiled);
  const valijson::adapters::NlohmannJsonAdapter target(document.value());
  valijson::Validator validator(valijson::Validator::kStrongTypes);
  if (validator.validate(compiled, target, nullptr)) return {};

  Complaints complaints;
  if (document.values() <= kMostValuesToExplain) {
    valijson::ValidationResults results;
    validator.validate(compiled, target, &results);
    Folded folded;
    for (Error error; results.popError(error);) folded.take(std::move(error));
    for (const Error& error : std::move(folded).leaves()) {
      Complaint complaint = complaint_of(error, document);
      complaints.add(std::move(complaint.place), std::move(complaint.what));
    }
  }
  if (complaints.empty()) complaints.add(document.place(""), "the schema refuses this document");
  return complaints.first();
}

std::vector<Complaint> judge_by_schema(const JsonTree& schema, const JsonText& document) {
  return judge_by_schema(nlohmann::json(schema.json()), document);
}

}  // namespace mtesim
