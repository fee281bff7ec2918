#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <stdexcept>

#include "sim/app/commands.h"
#include "sim/app/terminal.h"
#include "sim/scenario/shrink.h"
#include "sim/scenario/story.h"

namespace mtesim {

namespace {

/// What `shrink` and `keep` work on: a scenario, be it in a file of its own or within a witness.
struct Subject {
  Loaded loaded;
  std::optional<WitnessDocument> witness;
};

Subject read_subject(const std::string& file, std::size_t point) {
  const JsonText text = read_witness_file(file);
  if (!is_witness(text)) return {load(file, point), std::nullopt};
  WitnessDocument document = parse_witness(text);
  Built built = build_witness(document, text);
  return {{document.scenario, std::move(built), document.source}, std::move(document)};
}

std::optional<Property> property_of(const std::optional<WitnessDocument>& witness) {
  if (!witness) return std::nullopt;
  for (const PropertyInfo& info : properties()) {
    if (info.name == witness->violates) return info.property;
  }
  return std::nullopt;
}

std::string_view how_it_ends(const Walk& made) {
  if (made.closes) return "and the loop closes";
  return made.stuck() ? "and nobody can step in the end" : "to the end";
}

std::string slug(std::string name) {
  std::replace(name.begin(), name.end(), '/', '-');
  return name;
}

}  // namespace

int replay_command(const std::string& file, bool trace, std::size_t lines) {
  const JsonText text = read_witness_file(file);
  const WitnessDocument document = parse_witness(text);
  const Built built = build_witness(document, text);
  const Witness witness = schedule_of(document, built, text);
  Story story(built.names, lines);
  WalkWatch watch;
  if (trace) {
    watch.observe = [&](const Event& event) { story.observe(event); };
    watch.acted = [&](const ActionChoice& choice) { story.acted(choice, built.check.actions); };
  }
  const Walk made = walk(built, witness, watch);
  fmt::print("{}\n  {}\n", document.scenario.name,
             document.violates.empty() ? fmt::format("witness of: {}", verdict_name(document.verdict))
                                       : fmt::format("witness against: {}", document.violates));
  for (const std::string& line : trace ? story.lines() : walk_lines(built, made)) fmt::print("  {}\n", line);
  const Replayed replayed = compare_with_record(document, built, text, made, program_version());
  for (const std::string& note : replayed.notes) fmt::print("  note: {}\n", note);
  if (!replayed.holds) {
    fmt::print("  DIFFERS  {}\n", replayed.message);
    return kExitViolated;
  }
  const std::size_t steps = made.steps.size();
  fmt::print("  replayed: {}, {}\n",
             steps == 1 ? "1 step, which reached the recorded state"
                        : fmt::format("{} steps, each reached the recorded state", steps),
             how_it_ends(made));
  return kExitHolds;
}

int shrink_command(const ShrinkCommand& command) {
  const Subject subject = read_subject(command.file, command.point);
  CheckOptions options = subject.loaded.built.check;
  if (command.max_states > 0) options.max_states = command.max_states;
  options.interrupt = &g_interrupted;
  std::optional<std::chrono::steady_clock::time_point> deadline;
  if (command.max_seconds > 0) {
    deadline = std::chrono::steady_clock::now() + std::chrono::duration_cast<std::chrono::steady_clock::duration>(
                                                      std::chrono::duration<double>(command.max_seconds));
  }
  options.deadline = deadline;
  const CheckResult before = check(subject.loaded.built.workload, options);
  if (before.verdict == Verdict::bound) {
    fmt::print(stderr, "{}: unknown, as {} cut the search\n", command.file, before.cut_by);
    return kExitUnknown;
  }
  const auto goal = goal_of(subject.loaded.built, before, property_of(subject.witness));
  if (!goal) {
    fmt::print(stderr, "{}: found nothing to shrink to: the check says \"{}\", and {}\n", command.file,
               verdict_name(before.verdict),
               subject.witness && !subject.witness->violates.empty()
                   ? fmt::format("{} is not violated", subject.witness->violates)
                   : "no property that must hold is violated");
    return kExitWrongInput;
  }
  ProgressLine line;
  ShrinkOptions how;
  how.max_states = command.max_states;
  how.interrupt = &g_interrupted;
  how.deadline = deadline;
  how.progress = [&](const ShrinkOptions::Progress& p) {
    line.show(fmt::format("{} tried, {} taken; {} bytes, {} states", p.tried, p.taken, p.bytes, p.states));
  };
  const Shrunk shrunk = shrink(subject.loaded.scenario, *goal, how);
  line.clear();
  const JsonText text = text_of(shrunk.scenario, Defaults::left_out, "shrunk");
  std::string written = write_scenario(shrunk.scenario).text();
  if (subject.witness) {
    const Built built = build(shrunk.scenario, text);
    const CheckResult after = check(built.workload, built.check);
    const std::size_t number =
        goal->violates ? after.properties.witness[static_cast<std::size_t>(*goal->violates)].value_or(0) : 0;
    const Witness& witness = after.witnesses.at(number);
    const Walk made = walk(built, witness);
    written = write_witness(make_witness_document(shrunk.scenario, built, after, witness, made, subject.loaded.source,
                                                  program_version()))
                  .text();
  }
  write_output(command.out.empty() ? "-" : command.out, written);
  const auto size = [](const Scenario& scenario) { return write_scenario(scenario).text().size(); };
  Scenario start = subject.loaded.scenario;
  start.expect = {};
  start.about.clear();
  start.sweep.clear();
  fmt::print(stderr, "{}: {}; {} tried, {} taken; from {} bytes to {}{}\n", command.file, to_words(*goal), shrunk.tried,
             shrunk.taken, size(start), size(shrunk.scenario),
             shrunk.cut_by.empty() ? "" : fmt::format("; {} cut it, this is the best so far", shrunk.cut_by));
  return shrunk.cut_by.empty() ? kExitHolds : kExitUnknown;
}

int keep_command(const KeepCommand& command) {
  namespace fs = std::filesystem;
  const Subject subject = read_subject(command.file, command.point);
  Scenario scenario = subject.loaded.scenario;
  const std::string from = scenario.name;
  scenario.name = command.name.empty() ? "regressions/" + slug(from) : command.name;
  scenario.sweep.clear();
  scenario.schema.clear();
  scenario.expect = {};
  const std::string out = command.out.empty() ? fmt::format("scenarios/regressions/{}.json",
                                                            slug(command.name.empty() ? from : command.name))
                                              : command.out;
  if (out != "-" && fs::exists(out) && !command.force) {
    fmt::print(stderr, "{}: it is there already; --force overwrites it\n", out);
    return kExitWrongInput;
  }
  if (!wants_check(scenario)) scenario.check.emplace();
  CarryOut how;
  how.interrupt = &g_interrupted;
  how.judge = false;
  const PointReport now = carry_out(scenario, subject.loaded.built, how);
  if (now.check && now.check->verdict == Verdict::bound) {
    fmt::print(stderr, "{}: unknown, as {} cut the search: there is nothing to expect\n", command.file,
               now.check->cut_by);
    return kExitUnknown;
  }
  scenario = with_expectations(scenario, now);
  if (scenario.about.empty()) {
    scenario.about = fmt::format("Kept from {}: {}.", from, verdict_name(now.check->verdict));
  }
  if (out != "-" && fs::exists(fs::path(out).parent_path().parent_path() / "scenario.schema.json")) {
    scenario.schema = "../scenario.schema.json";
  }
  // What is written must be what `batch` will read, and hold.
  const std::string written = write_scenario(scenario).text();
  const JsonText text = parse_json_text(written, out);
  const Scenario again = parse_scenario(text);
  const PointReport judged = carry_out(again, build(again, text), {});
  if (!(again == scenario) || !judged.violations.empty()) {
    throw std::runtime_error(fmt::format("{}: what would be written does not hold: {}", out,
                                         judged.violations.empty() ? "it reads otherwise" : judged.violations.front()));
  }
  if (out != "-" && !fs::path(out).parent_path().empty()) fs::create_directories(fs::path(out).parent_path());
  write_output(out, written);
  std::FILE* people = out == "-" ? stderr : stdout;
  fmt::print(people, "{}: written, expects {}; `mtesim promote {}` adds its report\n", out,
             verdict_name(now.check->verdict), out);
  return kExitHolds;
}

}  // namespace mtesim
