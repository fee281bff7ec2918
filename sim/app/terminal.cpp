#include "sim/app/terminal.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "sim/scenario/scenario_error.h"

namespace mtesim {

namespace {

std::size_t width_of(const std::string& cell) {
  std::size_t width = 0;
  for (std::string_view rest = cell; !rest.empty(); ++width) {
    rest.remove_prefix(std::max<std::size_t>(1, utf8_length(rest)));
  }
  return width;
}

}  // namespace

ProgressLine::ProgressLine() : on_(isatty(STDERR_FILENO) != 0) {}
ProgressLine::~ProgressLine() { clear(); }

void ProgressLine::show(const std::string& text) {
  if (!on_) return;
  std::fprintf(stderr, "\r\033[K%s", text.c_str());
  std::fflush(stderr);
  shown_ = true;
}

void ProgressLine::clear() {
  if (shown_) std::fprintf(stderr, "\r\033[K");
  shown_ = false;
}

std::string table(const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t c = 0; c < row.size(); ++c) widths[c] = std::max(widths[c], width_of(row[c]));
  }
  std::string text;
  for (const auto& row : rows) {
    for (std::size_t c = 0; c < row.size(); ++c) {
      text += row[c];
      if (c + 1 < row.size()) text.append(widths[c] - width_of(row[c]) + 2, ' ');
    }
    text += '\n';
  }
  return text;
}

}  // namespace mtesim
