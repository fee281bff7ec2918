#include "sim/app/plot.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iterator>
#include <memory>
#include <optional>
#include <sstream>
#include <stdexcept>

#include "sim/app/output.h"
#include "sim/app/version.h"

extern char** environ;  // NOLINT(readability-redundant-declaration): the name is POSIX's

namespace mtesim {

namespace {

/// The options as columns of the table.
struct Axes {
  std::size_t x{};
  std::vector<std::size_t> y;
  std::vector<std::size_t> group;
};

std::vector<Cell> values_of(const SweepTable& table, std::size_t column) {
  std::vector<Cell> values;
  for (const std::vector<Cell>& row : table.rows) {
    if (std::find(values.begin(), values.end(), row[column]) == values.end()) values.push_back(row[column]);
  }
  return values;
}

bool all_numbers(const std::vector<Cell>& cells) { return std::all_of(cells.begin(), cells.end(), is_number); }

/// The pointer with the most values that are numbers; failing that, the one with the most values.
std::size_t natural_x(const SweepTable& table, const std::vector<std::size_t>& swept) {
  const auto weight = [&](std::size_t column) {
    const std::vector<Cell> values = values_of(table, column);
    return std::pair(all_numbers(values), values.size());
  };
  return *std::max_element(swept.begin(), swept.end(),
                           [&](std::size_t a, std::size_t b) { return weight(a) < weight(b); });
}

Axes axes_of(const SweepTable& table, const PlotOptions& options) {
  std::vector<std::size_t> swept;
  std::vector<std::string_view> names;
  for (std::size_t c = 0; c < table.headings.size(); ++c) {
    if (!table.headings[c].swept) continue;
    swept.push_back(c);
    names.emplace_back(table.headings[c].shown);
  }
  if (swept.empty()) throw std::invalid_argument("--plot: the scenario sweeps over nothing; it needs a `sweep`");
  const auto find_swept = [&](std::string_view what, const std::string& name) {
    for (const std::size_t column : swept) {
      if (table.headings[column].name == name || table.headings[column].shown == name) return column;
    }
    throw std::invalid_argument(
        fmt::format("{}: found {}, which is not swept; allowed: {}", what, in_quotes(name), fmt::join(names, ", ")));
  };
  Axes axes;
  for (const std::string& name : options.group) axes.group.push_back(find_swept("--group", name));
  if (options.x.empty()) {
    std::vector<std::size_t> left;
    std::copy_if(swept.begin(), swept.end(), std::back_inserter(left), [&](std::size_t column) {
      return std::find(axes.group.begin(), axes.group.end(), column) == axes.group.end();
    });
    if (left.empty()) throw std::invalid_argument("--group: found all that is swept; nothing is left for x");
    axes.x = natural_x(table, left);
  } else {
    axes.x = find_swept("--x", options.x);
    if (std::find(axes.group.begin(), axes.group.end(), axes.x) != axes.group.end()) {
      throw std::invalid_argument(fmt::format("--group: found {}, which is x", in_quotes(options.x)));
    }
  }
  for (const std::string& name : options.y) {
    const std::size_t column = table.find("--y", name);
    if (table.headings[column].swept) {
      throw std::invalid_argument(fmt::format("--y: found \"{}\", which is swept; allowed: a column", name));
    }
    axes.y.push_back(column);
  }
  if (axes.y.empty()) axes.y.push_back(table.find("--y", "cycles"));
  if (axes.group.empty()) {
    for (const std::size_t column : swept) {
      if (column != axes.x) axes.group.push_back(column);
    }
  }
  return axes;
}

/// One line of the plot.
struct Line {
  std::size_t y{};
  std::vector<std::vector<Cell>> key;                    // by group column, its values: several where they are alike
  std::vector<std::pair<Cell, std::optional<Cell>>> at;  // x; y, if it has a place
  std::size_t never{};                                   // points whose run does not return
};

std::vector<Line> lines_of(const SweepTable& table, const Axes& axes) {
  std::vector<Line> lines;
  for (const std::size_t y : axes.y) {
    const std::size_t first = lines.size();
    bool any = false;
    for (std::size_t r = 0; r < table.rows.size(); ++r) {
      const std::vector<Cell>& row = table.rows[r];
      std::vector<std::vector<Cell>> key;
      for (const std::size_t column : axes.group) key.push_back({row[column]});
      auto line = std::find_if(lines.begin() + static_cast<std::ptrdiff_t>(first), lines.end(),
                               [&](const Line& l) { return l.key == key; });
      if (line == lines.end()) line = lines.insert(lines.end(), Line{y, std::move(key), {}, 0});
      any |= is_number(row[y]);
      const bool drawn = table.returned[r] && is_number(row[y]);
      const auto before =
          std::find_if(line->at.begin(), line->at.end(), [&](const auto& point) { return point.first == row[axes.x]; });
      if (before != line->at.end()) {
        if (drawn && before->second == std::optional<Cell>(row[y])) continue;
        throw std::invalid_argument(
            fmt::format("--group: found several points of one line at {} {}; name the other swept pointers, too",
                        table.headings[axes.x].shown, to_word(row[axes.x])));
      }
      line->at.emplace_back(row[axes.x], drawn ? std::optional<Cell>(row[y]) : std::nullopt);
      line->never += table.returned[r] ? 0 : 1;
    }
    if (!any) {
      throw std::invalid_argument(
          fmt::format("--y: found \"{}\", which is no number at any point", table.headings[y].shown));
    }
  }
  // Those that are alike become one, with the values of all.
  std::vector<Line> different;
  for (Line& line : lines) {
    const auto same = std::find_if(different.begin(), different.end(), [&](const Line& other) {
      return other.y == line.y && other.at == line.at && other.never == line.never && !line.key.empty() &&
             other.key.front() == line.key.front();
    });
    if (same == different.end()) {
      different.push_back(std::move(line));
      continue;
    }
    for (std::size_t g = 0; g < line.key.size(); ++g) {
      std::vector<Cell>& values = same->key[g];
      for (const Cell& value : line.key[g]) {
        if (std::find(values.begin(), values.end(), value) == values.end()) values.push_back(value);
      }
    }
  }
  return different;
}

/// A text as gnuplot reads it literally.
std::string quoted(const std::string& text) {
  std::string result = "'";
  for (const char c : printable(text, 200)) {
    if (c == '\'') result += '\'';
    result += c;
  }
  return result + "'";
}

bool counts_bytes(const std::string& name) {
  return name == "bytes" || name.ends_with("_bytes") || name.ends_with("min_size");
}

/// "64 KiB", as long as that is exact.
std::string bytes_word(std::int64_t n) {
  static constexpr std::array<std::string_view, 4> kUnits{"", " KiB", " MiB", " GiB"};
  std::size_t unit = 0;
  for (; n != 0 && n % 1024 == 0 && unit + 1 < kUnits.size(); ++unit) n /= 1024;
  return fmt::format("{}{}", n, kUnits[unit]);
}

std::string value_word(const Heading& heading, const Cell& cell) {
  const auto* n = std::get_if<std::int64_t>(&cell);
  return n != nullptr && counts_bytes(heading.name) ? bytes_word(*n) : to_word(cell);
}

std::size_t different_values(const SweepTable& table, std::size_t column) {
  std::vector<Cell> values;
  for (const std::vector<Cell>& row : table.rows) {
    if (std::find(values.begin(), values.end(), row[column]) == values.end()) values.push_back(row[column]);
  }
  return values.size();
}

/// What tells a line from the others: its values in the order of key_title(). One that makes no difference is "any".
std::string name_of(const SweepTable& table, const Axes& axes, const Line& line) {
  std::vector<std::string> parts;
  if (axes.y.size() > 1) parts.push_back(table.headings[line.y].shown);
  for (std::size_t g = 0; g < axes.group.size(); ++g) {
    const std::size_t column = axes.group[g];
    std::vector<std::string> values;
    for (const Cell& value : line.key[g]) values.push_back(value_word(table.headings[column], value));
    const bool any = values.size() > 1 && values.size() == different_values(table, column);
    parts.push_back(any ? "any" : fmt::format("{}", fmt::join(values, " or ")));
  }
  std::string name = fmt::format("{}", fmt::join(parts, ", "));
  if (line.never > 0) {
    name += fmt::format(" (never returns at {} of {} points)", line.never, line.at.size());
  }
  return name;
}

std::string key_title(const SweepTable& table, const Axes& axes) {
  std::vector<std::string> parts;
  for (const std::size_t column : axes.group) parts.push_back(table.headings[column].shown);
  return fmt::format("{}", fmt::join(parts, ", "));
}

double as_double(const Cell& cell) {
  const auto* x = std::get_if<double>(&cell);
  return x != nullptr ? *x : static_cast<double>(std::get<std::int64_t>(cell));
}

/// How gnuplot writes numbers along y: "10k" where they are large.
std::string number_format(const std::vector<Line>& lines, bool log) {
  double least = 1e300;
  double most = 0;
  for (const Line& line : lines) {
    for (const auto& [x, y] : line.at) {
      if (!y) continue;
      least = std::min(least, as_double(*y));
      most = std::max(most, as_double(*y));
    }
  }
  if (log) return least < 1 ? "%g" : "%.0s%c";
  return most < 10'000 ? "%g" : "%.1s%c";
}

/// Where x has words instead of numbers: all values, or every second if they would stand too close.
std::string tics(const Heading& heading, const std::vector<std::pair<Cell, std::string>>& places) {
  constexpr std::size_t kMost = 10;
  std::vector<std::string> words;
  for (std::size_t i = 0; i < places.size(); ++i) {
    const bool named = places.size() <= kMost || (places.size() - 1 - i) % 2 == 0;
    words.push_back(
        fmt::format("{} {}", named ? quoted(value_word(heading, places[i].first)) : "''", places[i].second));
  }
  return fmt::format("set xtics ({})\n", fmt::join(words, ", "));
}

}  // namespace

void check_plot(const SweepTable& table, const PlotOptions& options) { static_cast<void>(axes_of(table, options)); }

std::string gnuplot_script(const SweepTable& table, const PlotOptions& options, const std::string& title) {
  const Axes axes = axes_of(table, options);
  const std::vector<Line> lines = lines_of(table, axes);
  const std::vector<Cell> xs = values_of(table, axes.x);
  const bool numeric = all_numbers(xs);
  if (!numeric && options.log_x) {
    throw std::invalid_argument(
        fmt::format("--logx: found \"{}\", whose values are not all numbers", table.headings[axes.x].shown));
  }
  const auto place = [&](const Cell& x) {
    return numeric ? to_word(x) : std::to_string(std::find(xs.begin(), xs.end(), x) - xs.begin());
  };

  std::vector<std::string> names;
  std::size_t widest = key_title(table, axes).size();
  for (const Line& line : lines) {
    names.push_back(name_of(table, axes, line));
    widest = std::max(widest, names.back().size());
  }
  std::vector<std::string> ys;
  for (const std::size_t y : axes.y) ys.push_back(table.headings[y].shown);
  const Heading& x = table.headings[axes.x];

  std::string script = fmt::format("# Made by mtesim {} sweep. An SVG: gnuplot -d THIS_FILE > plot.svg\n", kVersion);
  script += fmt::format("set terminal svg size {},{} noenhanced font 'sans-serif,13' background rgb 'white'\n",
                        880 + 8 * widest, std::max<std::size_t>(420, 80 + 20 * lines.size()));
  script += fmt::format("set title {}\nset xlabel {}\nset ylabel {}\n", quoted(title), quoted(x.shown),
                        quoted(fmt::format("{}", fmt::join(ys, ", "))));
  script += fmt::format("set key outside right top vertical Left reverse title {} left\nset grid\n",
                        quoted(key_title(table, axes)));
  script += fmt::format("set format y '{}'\n", number_format(lines, options.log_y));
  script += options.log_y ? "set logscale y\n" : "set yrange [0:*]\n";
  std::vector<std::pair<Cell, std::string>> places;
  for (const Cell& value : xs) places.emplace_back(value, place(value));
  constexpr std::size_t kMostTics = 21;
  if (!numeric || (xs.size() <= kMostTics && counts_bytes(x.name))) script += tics(x, places);
  if (!numeric) script += fmt::format("set xrange [-0.5:{}.5]\n", xs.size() - 1);
  if (options.log_x) {
    const auto [least, most] = std::minmax_element(
        xs.begin(), xs.end(), [](const Cell& a, const Cell& b) { return as_double(a) < as_double(b); });
    script += "set logscale x 2\n";
    if (as_double(*least) > 0) {
      script += fmt::format("set xrange [{}:{}]\n", as_double(*least) / 1.2, as_double(*most) * 1.2);
    }
  }

  std::vector<std::string> drawn;
  for (std::size_t l = 0; l < lines.size(); ++l) {
    script += fmt::format("$line{} << EOD\n", l + 1);
    for (const auto& [at, y] : lines[l].at) {
      script += y ? fmt::format("{} {}\n", place(at), to_word(*y)) : std::string("\n");  // an empty line: a gap
    }
    script += "EOD\n";
    drawn.push_back(fmt::format("  $line{} using 1:2 with linespoints linewidth 2 pointsize 0.6 {}", l + 1,
                                names[l].empty() ? "notitle" : "title " + quoted(names[l])));
  }
  return script + fmt::format("plot \\\n{}\n", fmt::join(drawn, ", \\\n"));
}

bool have_gnuplot() {
  const char* path = std::getenv("PATH");
  std::istringstream folders(path == nullptr ? "" : path);
  for (std::string folder; std::getline(folders, folder, ':');) {
    if (access(((folder.empty() ? "." : folder) + "/gnuplot").c_str(), X_OK) == 0) return true;
  }
  return false;
}

std::string run_gnuplot(const std::string& script) {
  const auto close = [](std::FILE* file) { std::fclose(file); };
  using File = std::unique_ptr<std::FILE, decltype(close)>;
  const File in(std::tmpfile(), close);
  const File out(std::tmpfile(), close);
  const auto failed = [](int error) { return OutputError(fmt::format("gnuplot: {}", std::strerror(error))); };
  if (in == nullptr || out == nullptr) throw failed(errno);
  if (std::fwrite(script.data(), 1, script.size(), in.get()) != script.size() || std::fflush(in.get()) != 0) {
    throw failed(errno);
  }
  std::rewind(in.get());

  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, fileno(in.get()), STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, fileno(out.get()), STDOUT_FILENO);
  std::string name = "gnuplot";
  std::string defaults = "-d";  // whatever the user has set for his own plots
  char* const arguments[] = {name.data(), defaults.data(), nullptr};
  pid_t child = 0;
  const int error = posix_spawnp(&child, "gnuplot", &actions, nullptr, arguments, environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) throw failed(error);
  int status = 0;
  while (waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) throw failed(errno);
  }
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) throw OutputError("gnuplot: it did not accept the script");

  std::rewind(out.get());
  std::string svg;
  char buffer[4096];
  for (std::size_t n = 0; (n = std::fread(buffer, 1, sizeof buffer, out.get())) > 0;) svg.append(buffer, n);
  if (svg.empty()) throw OutputError("gnuplot: it drew nothing");
  return svg;
}

}  // namespace mtesim
