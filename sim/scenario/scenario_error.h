#pragma once

#include <cstddef>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace mtesim {

/// Where in a document something stands.
struct Place {
  std::string file;
  int line = 0;         ///< from 1; 0: the file as a whole
  int column = 0;       ///< from 1, in characters (code points)
  std::string pointer;  ///< JSON Pointer; empty: the whole document
  bool operator==(const Place&) const = default;
};

struct Complaint {
  Place place;
  std::string what;
  bool operator==(const Complaint&) const = default;
};

/// `scenarios/x.json:12:14: /process/tcf: found "sinc"; allowed: none, sync, async, asymm`
[[nodiscard]] std::string to_line(const Complaint& complaint);

/// The first complaints of a document, in order of place, however many there are in all.
class Complaints {
 public:
  static constexpr std::size_t kMost = 20;

  void add(Place place, std::string what);
  [[nodiscard]] bool empty() const { return count_ == 0; }
  [[nodiscard]] std::size_t count() const { return count_; }
  [[nodiscard]] const std::vector<Complaint>& first() const { return first_; }
  void throw_if_any() const;

 private:
  std::vector<Complaint> first_;  // at most kMost
  std::size_t count_ = 0;
};

/// A scenario (or another file of ours) is wrong. what() has a line for each complaint.
class ScenarioError : public std::runtime_error {
 public:
  explicit ScenarioError(const Complaints& complaints);
  explicit ScenarioError(const std::vector<Complaint>& complaints);
  ScenarioError(Place place, std::string what);

  [[nodiscard]] const std::vector<Complaint>& complaints() const { return complaints_; }
  [[nodiscard]] std::size_t left_out() const { return left_out_; }

 private:
  std::vector<Complaint> complaints_;
  std::size_t left_out_;
};

/// How many bytes the first character of `text` has; 0 if it is not well-formed UTF-8 (or `text` is empty).
[[nodiscard]] std::size_t utf8_length(std::string_view text);

/// `text` on one line: shortened with "…" behind `most` bytes; whatever a terminal might obey, and bytes that are not
/// UTF-8, as escapes.
[[nodiscard]] std::string printable(std::string_view text, std::size_t most = 60);

/// printable() in double quotes.
[[nodiscard]] std::string in_quotes(std::string_view text, std::size_t most = 60);

}  // namespace mtesim
