#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <optional>

#include "sim/app/commands.h"
#include "sim/app/output.h"
#include "sim/app/plot.h"
#include "sim/app/terminal.h"
#include "sim/scenario/columns.h"

namespace mtesim {

namespace {

constexpr std::size_t kMostViolationsTold = 20;

/// Takes those out of `requests` that only a sweep has: csv and gnuplot.
std::vector<OutputRequest> take_own(std::vector<std::string>& requests) {
  std::vector<OutputRequest> own;
  std::vector<std::string> others;
  for (const std::string& text : requests) {
    const std::string format = text.substr(0, text.find('='));
    if (format == "json" || format == "jsonl") {
      others.push_back(text);
      continue;
    }
    if (format != "csv" && format != "gnuplot") {
      throw std::invalid_argument(fmt::format(
          "--out {}: found the format \"{}\"; allowed: csv=FILE, json=FILE, jsonl=FILE, gnuplot=FILE", text, format));
    }
    const std::string file = text.size() > format.size() ? text.substr(format.size() + 1) : "";
    if (file.empty()) throw std::invalid_argument(fmt::format("--out {}: no file behind \"=\"", text));
    own.push_back({format, file});
  }
  requests = std::move(others);
  return own;
}

/// Sees before hours of work that a file can be written behind them. Throws std::invalid_argument.
void try_to_write(const std::string& file, const std::string& option) {
  if (file == "-" || file.empty()) return;
  try {
    check_writable(file);
  } catch (const OutputError& error) {
    throw std::invalid_argument(fmt::format("{}: {}", option, error.what()));
  }
}

/// A file that cannot be written costs the others nothing. Returns: it was written.
bool write(const std::string& file, const std::string& text) {
  try {
    if (file != "-") {
      write_whole_file(file, text);
    } else if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() || std::fflush(stdout) != 0) {
      throw OutputError("-: stdout cannot be written to");
    }
    return true;
  } catch (const OutputError& error) {
    spdlog::error("{}", error.what());
    return false;
  }
}

bool write_plot(const std::string& file, const std::string& script) {
  try {
    return write(file, run_gnuplot(script));
  } catch (const OutputError& error) {
    spdlog::error("{}", error.what());
    return false;
  }
}

void tell_violations(std::FILE* people, const ScenarioReport& report) {
  std::size_t told = 0;
  std::size_t all = 0;
  for (const PointReport& point : report.points) {
    for (const std::string& violation : point.violations) {
      if (++all > kMostViolationsTold) continue;
      std::vector<std::string> at;
      for (const auto& [pointer, value] : point.at) at.push_back(fmt::format("{} {}", pointer, to_word(value)));
      fmt::print(people, "VIOLATED  {}{}{}\n", violation, at.empty() ? "" : ", at ", fmt::join(at, ", "));
      ++told;
    }
  }
  if (all > told) fmt::print(people, "… and {} more\n", all - told);
}

}  // namespace

int sweep_command(const std::string& file, const CommonOptions& options, const SweepCommand& command) {
  std::vector<std::string> requests = options.out;
  const std::vector<OutputRequest> own = take_own(requests);
  const std::vector<const Column*> columns = choose_columns(command.columns);
  std::vector<const Column*> plotted = columns;
  if (!command.columns.empty()) {  // what is drawn need not be shown
    plotted = choose_columns({});
  }
  std::vector<std::string> pointers;
  for (const auto& [pointer, axis] : parse_scenario(read_json_file(file)).sweep) pointers.push_back(pointer);
  SweepTable table = empty_table(pointers, columns);
  SweepTable whole = empty_table(pointers, plotted);
  const bool draw = !command.plot.file.empty();
  const bool script_wanted =
      draw || std::any_of(own.begin(), own.end(), [](const OutputRequest& r) { return r.format == "gnuplot"; });
  const PlotOptions& plot = command.plot;
  if (script_wanted) {
    check_plot(whole, plot);
  } else if (!plot.x.empty() || !plot.y.empty() || !plot.group.empty() || plot.log_x || plot.log_y) {
    throw std::invalid_argument("--x, --y, --group, --logx and --logy are of a plot: add --plot or --out gnuplot=FILE");
  }
  if (draw && !have_gnuplot()) {
    throw std::invalid_argument(
        "--plot: found no gnuplot; on Debian it is the package gnuplot-nox. --out gnuplot=FILE writes the script for "
        "it");
  }
  for (const OutputRequest& request : own) {
    try_to_write(request.file, fmt::format("--out {}={}", request.format, request.file));
  }
  try_to_write(command.plot.file, "--plot");

  const auto to_stdout =
      std::count_if(own.begin(), own.end(), [](const OutputRequest& r) { return r.file == "-"; }) +
      std::count_if(requests.begin(), requests.end(), [](const std::string& r) { return r.ends_with("=-"); }) +
      (command.plot.file == "-" ? 1 : 0);
  if (to_stdout > 1) throw std::invalid_argument("found more than one output that goes to stdout");

  Outputs outputs(requests);
  ProgressLine line;
  CarryOut how;
  how.check = !command.no_check;
  how.interrupt = &g_interrupted;
  how.max_states = options.max_states;
  how.rules = rules_without(options.without);
  std::size_t points = 0;
  how.points = [&](std::size_t done, std::size_t of) {
    points = of;
    line.show(fmt::format("[{}/{}] {}", done, of, file));
  };
  const ScenarioReport report = carry_out_file(file, how, options.jobs);
  line.clear();
  if (report.status == Status::refused) {
    fmt::print(stderr, "{}\n", report.error);
    return kExitWrongInput;
  }
  for (const PointReport& point : report.points) {
    add_row(table, point, columns);
    add_row(whole, point, plotted);
  }
  outputs.add(report);
  outputs.finish();

  std::FILE* people = to_stdout > 0 ? stderr : stdout;
  fmt::print(people, "{}{}\n{}", report.name,
             report.points.size() == 1 ? "" : fmt::format(": {} points", table.rows.size()),
             to_text(table, !command.columns.empty()));
  tell_violations(people, report);
  if (report.points.size() < points || report.points.empty()) {
    fmt::print(people, "interrupted: {} of {} points carried out\n", report.points.size(), points);
  }

  bool written = !outputs.failed();
  for (const OutputRequest& request : own) {
    if (request.format == "csv") written &= write(request.file, to_csv(table));
  }
  if (script_wanted && !table.rows.empty()) {
    const std::string script = gnuplot_script(whole, command.plot, report.name);
    for (const OutputRequest& request : own) {
      if (request.format == "gnuplot") written &= write(request.file, script);
    }
    if (draw) written &= write_plot(command.plot.file, script);
  }
  const int status = exit_of(report.status);
  return status == kExitHolds && !written ? kExitUnknown : status;
}

}  // namespace mtesim
