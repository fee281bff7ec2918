#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "sim/scenario/scenario_error.h"

namespace mtesim {

/// What a document may cost. Each limit holds while the text is being read, so a hostile file is dropped early.
struct JsonLimits {
  std::size_t file_bytes = std::size_t{4} << 20;
  std::size_t depth = 32;                          ///< of arrays and objects within each other
  std::size_t text_bytes = std::size_t{64} << 10;  ///< of one text or key, as it is written in the file
  std::size_t values = 200'000;
};

/// The largest whole number that JavaScript, jq and others keep; beyond it, numbers are written as "0x…" texts.
constexpr std::int64_t kLargestJsonInteger = std::int64_t{1} << 53;

/// A JSON document that knows on which line and in which column each of its values and keys stands.
/// Shape:   whole numbers are integers, however they were written (1.0, 1e3); no text holds a NUL.
/// Value:   cheap to copy (it shares), never changed.
class JsonText {
 public:
  [[nodiscard]] const nlohmann::json& value() const { return *value_; }
  [[nodiscard]] const std::string& file() const;
  [[nodiscard]] std::size_t values() const;  ///< how many the file has

  /// Of the value at `pointer`; of the nearest value around it if the file has none there.
  [[nodiscard]] Place place(std::string_view pointer) const;
  /// Of the key of the member at `pointer`; of the value if it has no key.
  [[nodiscard]] Place key_place(std::string_view pointer) const;

  /// The same file with another value: what a sweep makes of it. Places remain those of the file.
  [[nodiscard]] JsonText with_value(nlohmann::json value) const;

 private:
  class Places;
  struct Parse;
  friend JsonText parse_json_text(std::string_view text, std::string file, const JsonLimits& limits);
  JsonText(std::shared_ptr<const nlohmann::json> value, std::shared_ptr<const Places> places);

  std::shared_ptr<const nlohmann::json> value_;
  std::shared_ptr<const Places> places_;
};

/// Throws ScenarioError. `file` is only a name for the places.
[[nodiscard]] JsonText parse_json_text(std::string_view text, std::string file, const JsonLimits& limits = {});

/// The same from a regular file: no directory, device, pipe or socket. Throws ScenarioError.
[[nodiscard]] JsonText read_json_file(const std::string& path, const JsonLimits& limits = {});

/// One more step of a JSON Pointer: "/calls/0", "a/b" -> "/calls/0/a~1b".
[[nodiscard]] std::string pointer_to(std::string_view parent, std::string_view key);

}  // namespace mtesim
