#include "sim/scenario/boundaries.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <set>

namespace mtesim {

namespace {

constexpr std::size_t kMostPieces = 8;

struct Range {
  std::int64_t first{};
  std::int64_t last{};
  std::int64_t step{1};
};

/// As few ranges as a glance from left to right finds; of two numbers in a row, but of three with a step.
std::vector<Range> ranges_of(const std::vector<std::int64_t>& rising) {
  std::vector<Range> found;
  for (std::size_t i = 0; i < rising.size();) {
    std::size_t end = i + 1;
    const std::int64_t step = end < rising.size() ? rising[end] - rising[i] : 1;
    while (end < rising.size() && rising[end] - rising[end - 1] == step) ++end;
    if (end - i < (step == 1 ? 2 : 3)) end = i + 1;
    found.push_back({rising[i], rising[end - 1], end == i + 1 ? 1 : step});
    i = end;
  }
  return found;
}

std::string joined(std::vector<std::string> pieces, std::size_t values) {
  if (pieces.size() > kMostPieces) {
    pieces.resize(kMostPieces);
    pieces.push_back(fmt::format("… ({} in all)", values));
  }
  return fmt::format("{}", fmt::join(pieces, ", "));
}

/// One axis: its values in the order of the sweep.
struct AxisValues {
  std::string pointer;
  std::vector<JsonScalar> values;
  std::map<std::string, std::size_t> place;  // of a value, by its word

  std::size_t of(const JsonScalar& value) {
    const auto [known, fresh] = place.emplace(to_word(value), values.size());
    if (fresh) values.push_back(value);
    return known->second;
  }
  /// The values at these places, rising.
  [[nodiscard]] std::string told(const std::vector<std::size_t>& places) const {
    std::vector<std::int64_t> numbers;
    std::vector<std::string> words;
    for (const std::size_t p : places) {
      if (const auto* number = std::get_if<std::int64_t>(&values[p])) numbers.push_back(*number);
      words.push_back(to_word(values[p]));
    }
    if (numbers.size() != places.size()) return joined(std::move(words), places.size());
    std::sort(numbers.begin(), numbers.end());
    return ranges(numbers);
  }
  [[nodiscard]] std::size_t pieces(const std::vector<std::size_t>& places) const {
    std::vector<std::int64_t> numbers;
    for (const std::size_t p : places) {
      if (const auto* number = std::get_if<std::int64_t>(&values[p])) numbers.push_back(*number);
    }
    std::sort(numbers.begin(), numbers.end());
    return numbers.size() == places.size() ? ranges_of(numbers).size() : places.size();
  }
};

/// Where on the longest axis each outcome is met, the other axes being fixed.
std::string along(const AxisValues& axis, const std::map<std::string, std::vector<std::size_t>>& by_outcome) {
  if (by_outcome.size() == 1) return by_outcome.begin()->first + " throughout";
  // That it ends needs no list, unless that of what does not end is too long.
  const auto pieces = [&](const auto& outcome) { return axis.pieces(outcome.second); };
  auto rest = by_outcome.find("returns");
  const bool short_lists = std::all_of(by_outcome.begin(), by_outcome.end(), [&](const auto& outcome) {
    return outcome.first == "returns" || pieces(outcome) <= kMostPieces;
  });
  if (rest == by_outcome.end() || !short_lists) {
    rest = std::max_element(by_outcome.begin(), by_outcome.end(), [&](const auto& a, const auto& b) {
      return std::pair(pieces(a), a.second.size()) < std::pair(pieces(b), b.second.size());
    });
  }
  std::string text;
  for (auto outcome = by_outcome.begin(); outcome != by_outcome.end(); ++outcome) {
    if (outcome == rest) continue;
    text += fmt::format("{} for {} {}; ", outcome->first, axis.pointer, axis.told(outcome->second));
  }
  return text + "otherwise " + rest->first;
}

}  // namespace

std::string ranges(const std::vector<std::int64_t>& rising) {
  std::vector<std::string> pieces;
  for (const Range& range : ranges_of(rising)) {
    pieces.push_back(range.first == range.last ? fmt::format("{}", range.first)
                     : range.step == 1         ? fmt::format("{}..{}", range.first, range.last)
                                               : fmt::format("{}..{} step {}", range.first, range.last, range.step));
  }
  return joined(std::move(pieces), rising.size());
}

std::vector<std::string> boundaries(const std::vector<Member>& members) {
  std::set<std::string> outcomes;
  for (const Member& member : members) outcomes.insert(member.outcome);
  if (outcomes.size() < 2) return {};

  std::vector<AxisValues> axes;
  for (const auto& [pointer, value] : members.front().at) axes.push_back({pointer, {}, {}});
  std::vector<std::vector<std::size_t>> places;  // by member and axis
  for (const Member& member : members) {
    std::vector<std::size_t>& at = places.emplace_back();
    for (std::size_t a = 0; a < axes.size(); ++a) at.push_back(axes[a].of(member.at[a].second));
  }
  const auto longest = std::max_element(axes.begin(), axes.end(), [](const AxisValues& a, const AxisValues& b) {
    return a.values.size() < b.values.size();
  });
  const auto along_axis = static_cast<std::size_t>(longest - axes.begin());

  std::map<std::vector<std::size_t>, std::map<std::string, std::vector<std::size_t>>> by_others;
  for (std::size_t m = 0; m < members.size(); ++m) {
    std::vector<std::size_t> others = places[m];
    others.erase(others.begin() + static_cast<std::ptrdiff_t>(along_axis));
    by_others[others][members[m].outcome].push_back(places[m][along_axis]);
  }
  std::vector<std::pair<std::string, std::vector<std::vector<std::size_t>>>> behaviours;  // in order of appearance
  for (const auto& [others, by_outcome] : by_others) {
    std::string text = along(*longest, by_outcome);
    const auto known =
        std::find_if(behaviours.begin(), behaviours.end(), [&](const auto& b) { return b.first == text; });
    if (known == behaviours.end()) {
      behaviours.emplace_back(std::move(text), std::vector<std::vector<std::size_t>>{others});
    } else {
      known->second.push_back(others);
    }
  }

  std::vector<std::string> lines;
  for (const auto& [text, combinations] : behaviours) {
    if (axes.size() == 1) {
      lines.push_back(text);
      continue;
    }
    std::string where;
    std::vector<std::size_t> rest;  // the other axes
    for (std::size_t a = 0; a < axes.size(); ++a) {
      if (a != along_axis) rest.push_back(a);
    }
    if (rest.size() == 1) {
      std::vector<std::size_t> values;
      for (const auto& others : combinations) values.push_back(others.front());
      where = fmt::format("{} {}", axes[rest.front()].pointer, axes[rest.front()].told(values));
    } else {
      std::vector<std::string> each;
      for (const auto& others : combinations) {
        std::vector<std::string> parts;
        for (std::size_t a = 0; a < rest.size(); ++a) {
          parts.push_back(fmt::format("{} {}", axes[rest[a]].pointer, to_word(axes[rest[a]].values[others[a]])));
        }
        each.push_back(fmt::format("{}", fmt::join(parts, " and ")));
      }
      where = joined(std::move(each), combinations.size());
    }
    lines.push_back(fmt::format("{}: {}", where, text));
  }
  return lines;
}

}  // namespace mtesim
