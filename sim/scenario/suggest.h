#pragma once

#include <initializer_list>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mtesim {

/// The candidate that whoever wrote `word` most likely meant, if one is near enough.
/// Near:   few letters added, dropped, changed or swapped with a neighbour: one in a word of two to four letters, at
///         most three in a long one. Case costs nothing. Failing that, the only candidate that `word` is the start of.
/// Ties:   the first candidate.
/// Cost:   linear in the number of candidates; a word of more than 100 bytes is near nothing.
[[nodiscard]] std::optional<std::string> did_you_mean(std::string_view word,
                                                      const std::vector<std::string_view>& candidates);

/// The same with anything whose elements are texts.
template <class Candidates>
[[nodiscard]] std::optional<std::string> did_you_mean(std::string_view word, const Candidates& candidates) {
  return did_you_mean(word, std::vector<std::string_view>(std::begin(candidates), std::end(candidates)));
}
[[nodiscard]] inline std::optional<std::string> did_you_mean(std::string_view word,
                                                             std::initializer_list<std::string_view> candidates) {
  return did_you_mean(word, std::vector<std::string_view>(candidates));
}

}  // namespace mtesim
