#include "sim/scenario/suggest.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mtesim {
namespace {

constexpr std::size_t kLongestWord = 100;
constexpr std::size_t kShortestStart = 3;

std::string lower(std::string_view word) {
  std::string out(word);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

std::size_t allowed_distance(std::string_view a, std::string_view b) {
  return std::min<std::size_t>(3, (std::max(a.size(), b.size()) + 1) / 3);
}

/// Damerau and Levenshtein's distance (optimal string alignment); anything above `most` counts as most + 1.
std::size_t distance(std::string_view a, std::string_view b, std::size_t most) {
  using Row = std::array<std::size_t, kLongestWord + 1>;
  const std::size_t gap = a.size() < b.size() ? b.size() - a.size() : a.size() - b.size();
  if (gap > most) return most + 1;
  Row before_last{};
  Row last{};
  Row row{};
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    before_last = last;
    last = row;
    row[0] = i;
    std::size_t least = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) row[j] = std::min(row[j], before_last[j - 2] + 1);
      least = std::min(least, row[j]);
    }
    if (least > most) return most + 1;
  }
  return std::min(row[b.size()], most + 1);
}

}  // namespace

std::optional<std::string> did_you_mean(std::string_view word, const std::vector<std::string_view>& candidates) {
  if (word.empty() || word.size() > kLongestWord) return std::nullopt;
  const std::string wanted = lower(word);
  std::optional<std::string> best;
  std::size_t best_distance = kLongestWord;
  std::optional<std::string> continuation;
  std::size_t continuations = 0;
  for (const std::string_view candidate : candidates) {
    if (candidate.size() > kLongestWord) continue;
    const std::string known = lower(candidate);
    const std::size_t allowed = allowed_distance(wanted, known);
    const std::size_t d = distance(wanted, known, allowed);
    if (d <= allowed && d < best_distance) {
      best = candidate;
      best_distance = d;
    }
    if (wanted.size() >= kShortestStart && known.starts_with(wanted)) {
      continuation = candidate;
      ++continuations;
    }
  }
  if (best) return best;
  return continuations == 1 ? continuation : std::nullopt;
}

}  // namespace mtesim
