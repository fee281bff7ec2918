#include "sim/app/witness_outputs.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <stdexcept>

#include "sim/app/commands.h"
#include "sim/app/version.h"
#include "sim/scenario/witness_formats.h"

namespace mtesim {

namespace {

constexpr std::array<std::string_view, 4> kFormats{"witness", "itf", "dot", "dot-witness"};
constexpr std::string_view kNumber = "{n}";

/// The point whose witness is meant: the one that was asked for, or the first that has it.
std::optional<std::size_t> point_of(const ScenarioReport& report, const WitnessChoice& choice, std::size_t witness) {
  const auto has = [&](const PointReport& point) { return point.check && witness < point.check->witnesses.size(); };
  if (choice.point) {
    if (*choice.point >= report.points.size() || !has(report.points[*choice.point])) return std::nullopt;
    return choice.point;
  }
  const auto found = std::find_if(report.points.begin(), report.points.end(), has);
  if (found == report.points.end()) return std::nullopt;
  return static_cast<std::size_t>(found - report.points.begin());
}

/// The same without what was tracked for a property only, so that its states are those of the check.
Witness for_graph(Witness witness) {
  witness.violates.reset();
  return witness;
}

std::string text_of(const std::string& format, const Loaded& loaded, const CheckResult& check, const Witness* witness) {
  if (format == "dot" && witness == nullptr) {
    return to_dot(loaded.built, draw(loaded.built, nullptr), loaded.scenario.name);
  }
  if (format == "dot" || format == "dot-witness") {
    const Walk made = walk(loaded.built, for_graph(*witness), {.as_compared = true});
    const std::size_t most = format == "dot" ? kMostNodesDrawn : 0;
    return to_dot(loaded.built, draw(loaded.built, &made, most), loaded.scenario.name);
  }
  const Walk made = walk(loaded.built, *witness);
  MTESIM_CHECK(made.trouble.empty());
  if (format == "itf") return to_itf(loaded.built, made, loaded.scenario.name, program_version());
  return write_witness(make_witness_document(loaded.scenario, loaded.built, check, *witness, made, loaded.source,
                                             program_version()))
      .text();
}

std::string headline(const CheckResult& check, std::size_t number) {
  const Witness& witness = check.witnesses[number];
  std::string what(verdict_name(check.verdict));
  if (witness.violates) {
    what = fmt::format("{} violated", properties()[static_cast<std::size_t>(*witness.violates)].name);
  }
  return fmt::format("  witness {}: {}, {} to it{}", number, what,
                     witness.stem.size() == 1 ? "1 step" : fmt::format("{} steps", witness.stem.size()),
                     witness.loop.empty() ? "" : fmt::format(", {} round", witness.loop.size()));
}

}  // namespace

std::string program_version() { return std::string(kVersion); }

Loaded load(const std::string& file, std::size_t number) {
  const JsonText text = read_json_file(file);
  const std::vector<SweepPoint> points = sweep_points(text, parse_scenario(text));
  if (number >= points.size()) {
    throw std::invalid_argument(
        fmt::format("{}: found no point {}; allowed: 0 to {}", file, number, points.size() - 1));
  }
  Scenario scenario = parse_scenario(points[number].text);
  Loaded loaded{scenario, build(scenario, points[number].text), {file, digest_of(text), {}}};
  for (const auto& [pointer, value] : points[number].at) loaded.source.at.emplace(pointer, value);
  return loaded;
}

void write_output(const std::string& file, const std::string& text) {
  if (file == "-") {
    const bool ok = std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0;
    if (!ok) throw OutputError("stdout: it could not be written");
    return;
  }
  write_whole_file(file, text);
}

WitnessOutputs::WitnessOutputs(std::vector<std::string>& requests) {
  std::vector<std::string> others;
  for (const std::string& text : requests) {
    const std::size_t equals = text.find('=');
    const std::string format = text.substr(0, equals);
    if (std::find(kFormats.begin(), kFormats.end(), format) == kFormats.end()) {
      if (format != "json" && format != "jsonl") {
        throw std::invalid_argument(
            fmt::format("--out {}: found the format \"{}\"; allowed: json=FILE, jsonl=FILE, witness=FILE, itf=FILE, "
                        "dot=FILE, dot-witness=FILE",
                        text, format));
      }
      others.push_back(text);
      continue;
    }
    OutputRequest request{format, equals == std::string::npos ? "" : text.substr(equals + 1)};
    if (request.file.empty()) throw std::invalid_argument(fmt::format("--out {}: no file behind \"=\"", text));
    requests_.push_back(std::move(request));
  }
  requests = std::move(others);
}

bool WitnessOutputs::stdout_taken() const {
  return std::any_of(requests_.begin(), requests_.end(), [](const OutputRequest& r) { return r.file == "-"; });
}

int WitnessOutputs::write(const OutputRequest& request, const ScenarioReport& report,
                          const WitnessChoice& choice) const {
  const bool each = request.file.find(kNumber) != std::string::npos;
  const std::size_t first = each ? 0 : choice.witness.value_or(0);
  const std::optional<std::size_t> point = point_of(report, choice, first);
  if (!point) {
    const std::size_t named = choice.point.value_or(0);
    if (request.format == "dot" && named < report.points.size() && report.points[named].check) {
      write_output(request.file,
                   text_of(request.format, load(report.file, named), *report.points[named].check, nullptr));
      return kExitHolds;
    }
    fmt::print(stderr, "{}: found no witness {}{} for {}={}; --witnesses N searches for more\n", report.file, first,
               choice.point ? fmt::format(" at point {}", *choice.point) : "", request.format, request.file);
    return kExitWrongInput;
  }
  Loaded loaded = load(report.file, *point);
  loaded.built.check.rules = choice.rules;
  const CheckResult& check = *report.points[*point].check;
  const std::size_t last = each ? check.witnesses.size() : first + 1;
  for (std::size_t n = first; n < last; ++n) {
    std::string file = request.file;
    if (each) file.replace(file.find(kNumber), kNumber.size(), std::to_string(n));
    write_output(file, text_of(request.format, loaded, check, &check.witnesses[n]));
  }
  return kExitHolds;
}

int WitnessOutputs::write(const ScenarioReport& report, const WitnessChoice& choice) const {
  int status = kExitHolds;
  for (const OutputRequest& request : requests_) {
    try {
      status = std::max(status, write(request, report, choice));
    } catch (const OutputError& error) {
      spdlog::error("{}: given up", error.what());
      status = kExitUnknown;
    }
  }
  return status;
}

void print_witnesses(std::FILE* people, const ScenarioReport& report, const WitnessChoice& choice) {
  if (report.points.size() != 1 && !choice.point) return;
  const std::size_t number = choice.point.value_or(0);
  if (number >= report.points.size() || !report.points[number].check) return;
  const PointReport& point = report.points[number];
  const CheckResult& check = *point.check;
  std::vector<std::size_t> shown;
  if (choice.witness) {
    shown.push_back(*choice.witness);
  } else if (choice.witnesses > 1) {
    for (std::size_t n = 0; n < check.witnesses.size(); ++n) shown.push_back(n);
  } else if (check.verdict != Verdict::returns && !check.witnesses.empty() && !check.witnesses.front().violates) {
    shown.push_back(0);
  } else {
    for (const PropertyReport& property : point.check_properties) {
      if (shown.empty() && property.witness && !property.tolerated) shown.push_back(*property.witness);
    }
  }
  constexpr std::size_t kScreenful = 32;
  constexpr std::size_t kShort = 14;  // where there are several
  Loaded loaded = load(report.file, number);
  loaded.built.check.rules = choice.rules;
  for (const std::size_t n : shown) {
    if (n >= check.witnesses.size()) continue;
    fmt::print(people, "{}\n", headline(check, n));
    const Walk made = walk(loaded.built, check.witnesses[n]);
    for (const std::string& line : walk_lines(loaded.built, made, shown.size() > 1 ? kShort : kScreenful)) {
      fmt::print(people, "  {}\n", line);
    }
  }
}

}  // namespace mtesim
