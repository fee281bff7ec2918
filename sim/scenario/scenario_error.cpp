#include "sim/scenario/scenario_error.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

namespace mtesim {
namespace {

constexpr std::size_t kMostOfAPointer = 200;
constexpr std::size_t kMostOfAFileName = 4096;

bool stands_before(const Place& a, const Place& b) {
  return std::tie(a.file, a.line, a.column) < std::tie(b.file, b.line, b.column);
}

std::string to_lines(const Complaints& complaints) {
  std::string lines;
  for (const Complaint& complaint : complaints.first()) {
    if (!lines.empty()) lines += '\n';
    lines += to_line(complaint);
  }
  const std::size_t left_out = complaints.count() - complaints.first().size();
  if (left_out > 0) {
    lines +=
        fmt::format("\n{}: and {} more", printable(complaints.first().front().place.file, kMostOfAFileName), left_out);
  }
  return lines;
}

Complaints gathered(const std::vector<Complaint>& all) {
  Complaints complaints;
  for (const Complaint& complaint : all) complaints.add(complaint.place, complaint.what);
  return complaints;
}

Complaints gathered(Place place, std::string what) {
  Complaints complaints;
  complaints.add(std::move(place), std::move(what));
  return complaints;
}

/// The code point of a well-formed character of `length` bytes.
char32_t code_point(std::string_view character, std::size_t length) {
  const auto byte = [character](std::size_t i) { return static_cast<unsigned char>(character[i]); };
  if (length == 1) return byte(0);
  char32_t code = byte(0) & (0xffU >> (length + 1));
  for (std::size_t i = 1; i < length; ++i) code = code << 6 | (byte(i) & 0x3fU);
  return code;
}

/// Control characters, and those that turn the direction of writing or break a line.
bool is_obeyed(char32_t code) {
  return code < 0x20 || (code >= 0x7f && code < 0xa0) || code == 0x200e || code == 0x200f ||
         (code >= 0x2028 && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069) || code == 0xfeff;
}

void append_escaped(std::string& out, char32_t code) {
  switch (code) {
    case '\n':
      out += "\\n";
      break;
    case '\r':
      out += "\\r";
      break;
    case '\t':
      out += "\\t";
      break;
    default:
      out += fmt::format("\\u{:04x}", static_cast<unsigned>(code));
  }
}

std::string printed(std::string_view text, std::size_t most, bool quote) {
  std::string out;
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t length = utf8_length(text.substr(i));
    if (i + std::max<std::size_t>(length, 1) > most) return out + "…";
    if (length == 0) {
      out += fmt::format("\\x{:02x}", static_cast<unsigned char>(text[i++]));
      continue;
    }
    const char32_t code = code_point(text.substr(i), length);
    if (is_obeyed(code)) {
      append_escaped(out, code);
    } else {
      if (quote && (code == '"' || code == '\\')) out += '\\';
      out += text.substr(i, length);
    }
    i += length;
  }
  return out;
}

}  // namespace

std::string to_line(const Complaint& complaint) {
  const Place& place = complaint.place;
  std::string line = printable(place.file, kMostOfAFileName);
  if (place.line > 0) line += fmt::format(":{}:{}", place.line, place.column);
  line += ": ";
  if (!place.pointer.empty()) line += printable(place.pointer, kMostOfAPointer) + ": ";
  return line + complaint.what;
}

void Complaints::add(Place place, std::string what) {
  ++count_;
  const auto behind = std::upper_bound(first_.begin(), first_.end(), place,
                                       [](const Place& p, const Complaint& c) { return stands_before(p, c.place); });
  if (behind == first_.end() && first_.size() == kMost) return;
  first_.insert(behind, Complaint{std::move(place), std::move(what)});
  if (first_.size() > kMost) first_.pop_back();
}

void Complaints::throw_if_any() const {
  if (!empty()) throw ScenarioError(*this);
}

ScenarioError::ScenarioError(const Complaints& complaints)
    : std::runtime_error(to_lines(complaints)),
      complaints_(complaints.first()),
      left_out_(complaints.count() - complaints.first().size()) {}

ScenarioError::ScenarioError(const std::vector<Complaint>& complaints) : ScenarioError(gathered(complaints)) {}

ScenarioError::ScenarioError(Place place, std::string what)
    : ScenarioError(gathered(std::move(place), std::move(what))) {}

std::size_t utf8_length(std::string_view text) {
  const auto byte = [text](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U; };
  const auto follows = [byte](std::size_t i, unsigned low = 0x80, unsigned high = 0xbf) {
    return byte(i) >= low && byte(i) <= high;
  };
  if (text.empty()) return 0;
  const unsigned lead = byte(0);
  if (lead < 0x80) return 1;
  if (lead >= 0xc2 && lead <= 0xdf) return follows(1) ? 2 : 0;
  if (lead >= 0xe0 && lead <= 0xef) {  // no overlong forms, no surrogates
    const bool second = follows(1, lead == 0xe0 ? 0xa0 : 0x80, lead == 0xed ? 0x9f : 0xbf);
    return second && follows(2) ? 3 : 0;
  }
  if (lead >= 0xf0 && lead <= 0xf4) {  // up to U+10FFFF
    const bool second = follows(1, lead == 0xf0 ? 0x90 : 0x80, lead == 0xf4 ? 0x8f : 0xbf);
    return second && follows(2) && follows(3) ? 4 : 0;
  }
  return 0;
}

std::string printable(std::string_view text, std::size_t most) { return printed(text, most, false); }

std::string in_quotes(std::string_view text, std::size_t most) { return '"' + printed(text, most, true) + '"'; }

}  // namespace mtesim
