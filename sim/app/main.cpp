#include <fmt/format.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <CLI/CLI.hpp>
#include <csignal>

#include "sim/app/commands.h"
#include "sim/app/output.h"
#include "sim/app/version.h"
#include "sim/scenario/suggest.h"

namespace {

using namespace mtesim;

extern "C" void note_interrupt(int) {
  if (g_interrupted.exchange(true)) std::_Exit(kExitUnknown);  // the second time it is meant
}

/// CLI11 takes a mistyped option for a file: whatever begins with a dash is none.
std::string no_dash(const std::string& word) {
  return word.size() > 1 && word.front() == '-'
             ? "found \"" + word + "\", which is no option of this command; see --help"
             : "";
}

void add_common(CLI::App& command, CommonOptions& options) {
  command
      .add_option("--out", options.out, "also write results: json=FILE or jsonl=FILE, - for stdout; may be repeated")
      ->type_name("FORMAT=FILE");
  command.add_option("-j,--jobs", options.jobs, "threads; the results do not depend on it")->check(CLI::Range(1, 1024));
  command.add_option("--max-states", options.max_states, "give a check up behind this many states; then it is unknown")
      ->check(CLI::PositiveNumber);
}

void add_without(CLI::App& command, CommonOptions& options) {
  command
      .add_option(
          "--without", options.without,
          "reductions that checks are not to make: lazy, join, tags, untouched; the answers do not depend on it")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->type_name("NAME");
}

}  // namespace

int main(int argc, char** argv) {
  spdlog::set_default_logger(spdlog::stderr_color_mt("mtesim"));
  spdlog::set_pattern("mtesim: %l: %v");
  std::signal(SIGINT, note_interrupt);
  std::signal(SIGTERM, note_interrupt);

  CLI::App app{"mtesim: what copy loops of the kernel do when memory tags fault within a page"};
  app.set_version_flag(
      "--version", fmt::format("mtesim {} {}({}, {})", kVersion, kRevision.empty() ? "" : fmt::format("{} ", kRevision),
                               kCompiler, kBuildType));
  app.require_subcommand(1);
  app.footer(
      "Example: mtesim run scenarios/search_ioctl/page-probe.json\n"
      "Exit status: 0 all holds, 1 an expectation or a property is violated, 2 the input is wrong, 3 unknown (a limit "
      "or an "
      "interrupt), "
      "4 internal error");

  CommonOptions options;
  std::vector<std::string> paths;
  std::string file;
  std::string word;
  bool trace = false;
  bool verbose = false;
  int path = -1;
  std::size_t lines = 400;
  app.add_flag("-v,--verbose", verbose, "log more to stderr");
  const CLI::Validator not_an_option(no_dash, "");

  CLI::App& batch =
      *app.add_subcommand("batch", "carry out every scenario below PATH and compare with what it expects");
  batch.add_option("PATH", paths, "scenario files and folders")->required()->check(not_an_option);
  add_common(batch, options);
  add_without(batch, options);
  batch.footer("Example: mtesim batch scenarios --out jsonl=results.jsonl");

  bool verify = false;
  CLI::App& promote =
      *app.add_subcommand("promote", "write each scenario's report beside it, for tests to compare with");
  promote.add_option("PATH", paths, "scenario files and folders")->required()->check(not_an_option);
  promote.add_flag("--verify", verify, "compare instead, and fail where they differ");
  promote.footer("Example: mtesim promote scenarios/search_ioctl && git diff");

  CLI::App& run = *app.add_subcommand("run", "one future: result, rounds, counts, cycles");
  run.add_option("FILE", file, "scenario")->required()->check(not_an_option);
  run.add_flag("--trace", trace, "list the events");
  add_common(run, options);
  run.footer("Example: mtesim run scenarios/search_ioctl/page-probe.json --trace");

  CLI::App& check = *app.add_subcommand("check", "every future: does it always end?");
  check.add_option("FILE", file, "scenario with `environment` or `check`")->required()->check(not_an_option);
  check.add_option("--max-seconds", options.max_seconds, "give it up after this time; then it is unknown")
      ->check(CLI::PositiveNumber);
  check.add_option("--max-memory", options.max_mib, "give it up with so much memory; then it is unknown (8192)")
      ->check(CLI::Range(1, 1 << 24))
      ->type_name("MIB");
  add_common(check, options);
  add_without(check, options);
  CheckpointOptions checkpoint;
  check.add_option("--checkpoint", checkpoint.file, "keep there how far it has come, now and then and when it is cut")
      ->type_name("FILE");
  check.add_option("--checkpoint-every", checkpoint.every_seconds, "how often (60)")
      ->check(CLI::PositiveNumber)
      ->type_name("SECONDS");
  check.add_flag("--resume", checkpoint.resume,
                 "go on from the checkpoint; it must be of the same scenario and options");
  check.footer(
      "--out also takes witness=FILE (for `replay`, `shrink` and `keep`), itf=FILE (Apalache's traces), dot=FILE (the "
      "states as a graph) and dot-witness=FILE; {n} in FILE stands for the number of each witness.\n"
      "Example: mtesim check scenarios/search_ioctl/page-probe.json --out witness=page-probe.witness.json");

  WitnessChoice choice;
  const auto add_witnesses = [&](CLI::App& command) {
    command
        .add_option("--witnesses", choice.witnesses,
                    "search for so many different witnesses; more than one explores all states")
        ->check(CLI::Range(1, 1000));
  };
  add_witnesses(check);
  check.add_option("--witness", choice.witness, "show and write witness number N, the first being 0");
  check.add_option("--point", choice.point, "of point number N of a sweep, the first being 0");

  SweepCommand sweeping;
  CLI::App& sweep = *app.add_subcommand("sweep", "one row for each point of a scenario's `sweep`: table, CSV, plot");
  sweep.add_option("FILE", file, "scenario; without a `sweep` it is one row")->required()->check(not_an_option);
  sweep
      .add_option("--columns", sweeping.columns,
                  "these only, in this order; may be repeated, or a,b,c; without it the CSV has all, the table those "
                  "that vary")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->type_name("NAME");
  sweep.add_option("--plot", sweeping.plot.file, "draw it, by gnuplot; - for stdout")->type_name("FILE.svg");
  sweep.add_option("--x", sweeping.plot.x, "what goes to the right: a swept pointer, or its heading in the table")
      ->type_name("POINTER");
  sweep.add_option("--y", sweeping.plot.y, "what goes up: columns (cycles); may be repeated, or a,b")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->type_name("COLUMN");
  sweep
      .add_option("--group", sweeping.plot.group,
                  "a line for each value of this swept pointer (of all that are not x); may be repeated, or a,b")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->type_name("POINTER");
  sweep.add_flag("--logx", sweeping.plot.log_x, "x grows by factors");
  sweep.add_flag("--logy", sweeping.plot.log_y, "so does y");
  sweep.add_flag("--no-check", sweeping.no_check, "runs only, where the scenario asks for a check, too");
  add_common(sweep, options);
  add_without(sweep, options);
  sweep.footer(
      "--out also takes csv=FILE (one line a point, all columns) and gnuplot=FILE (the script of the plot).\n"
      "Example: mtesim sweep scenarios/studies/granule-page-or-first-bytes.json --out csv=probes.csv --plot probes.svg "
      "--logx --logy");

  CLI::App& explain = *app.add_subcommand("explain", "the story of a run, or of a witness, and a map of the granules");
  explain.add_option("FILE", file, "scenario")->required()->check(not_an_option);
  explain.add_option("--path", path, "tell witness number N of the check instead of the run")
      ->check(CLI::NonNegativeNumber);
  std::size_t point = 0;
  explain.add_option("--point", point, "tell point number N of a sweep, the first being 0");
  explain.add_option("--lines", lines, "the most lines of story")->check(CLI::PositiveNumber);
  add_witnesses(explain);
  explain.footer("Example: mtesim explain scenarios/search_ioctl/page-probe.json --path 0");

  CLI::App& replay = *app.add_subcommand("replay", "carry a witness out again and compare each step with its record");
  replay.add_option("WITNESS", file, "what `check --out witness=FILE` wrote")->required()->check(not_an_option);
  replay.add_flag("--trace", trace, "tell the whole story of each step");
  replay.add_option("--lines", lines, "the most lines of that story")->check(CLI::PositiveNumber);
  replay.footer("Example: mtesim replay page-probe.witness.json");

  ShrinkCommand shrinking;
  CLI::App& shrink = *app.add_subcommand("shrink", "make a scenario or witness smaller while the check says the same");
  shrink.add_option("FILE", shrinking.file, "scenario or witness")->required()->check(not_an_option);
  shrink.add_option("-o", shrinking.out, "where to write what comes out; without it, to stdout")->type_name("FILE");
  shrink.add_option("--point", shrinking.point, "of point number N of a sweep, the first being 0");
  shrink.add_option("--max-seconds", shrinking.max_seconds, "stop after this time with the best so far")
      ->check(CLI::PositiveNumber);
  shrink.add_option("--max-states", shrinking.max_states, "try nothing that needs more states")
      ->check(CLI::PositiveNumber);
  shrink.footer("Example: mtesim shrink scenarios/search_ioctl/retag-once-5.17.json -o small.json");

  KeepCommand keeping;
  CLI::App& keep = *app.add_subcommand("keep", "write a regression scenario that expects what is so now");
  keep.add_option("FILE", keeping.file, "scenario or witness")->required()->check(not_an_option);
  keep.add_option("-o", keeping.out, "where to; without it, scenarios/regressions/NAME.json")->type_name("FILE");
  keep.add_option("--name", keeping.name, "how reports name it; without it, regressions/NAME of its own");
  keep.add_option("--point", keeping.point, "of point number N of a sweep, the first being 0");
  keep.add_flag("--force", keeping.force, "overwrite");
  keep.footer("Example: mtesim keep small.json -o scenarios/regressions/page-probe.json");

  ConformOptions conformity;
  CLI::App& conform = *app.add_subcommand("conform", "replay records of real kernels and tell where mtesim differs");
  conform.add_option("RECORDS", paths, "record files, JSON Lines")->required()->check(not_an_option);
  conform.add_option("--only", conformity.only, "this record only; may be repeated, or A00006,D00017")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->type_name("ID");
  conform.add_option("--category", conformity.categories, "this category only: A, S, D, F, …; may be repeated, or A,D")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->type_name("LETTER");
  conform
      .add_option("--mops", conformity.mops, "do 7.x kernels copy and clear with MOPS, stopping exactly at the fault")
      ->transform(CLI::CheckedTransformer(std::map<std::string, Mops>{{"exact", Mops::exact}, {"off", Mops::off}}))
      ->type_name("exact|off");
  conform.add_option(
      "--known", conformity.known,
      "a file that lists disagreements, RELEASE RECORD KEY a line: any other, or one less, is a failure");
  conform
      .add_option("--scenario", conformity.scenario,
                  "write this record as a scenario to stdout, and do no more; of several kernels the first, or ID@6.12")
      ->type_name("ID");
  conform.add_option("--out", options.out, "also write the agreement: json=FILE, - for stdout; may be repeated")
      ->allow_extra_args(false)
      ->type_name("json=FILE");
  conform.add_option("-j,--jobs", options.jobs, "threads; the results do not depend on it")->check(CLI::Range(1, 1024));
  conform.footer("Example: mtesim conform tests/conform/records.jsonl --category A");

  CLI::App& list =
      *app.add_subcommand("list", "loops, revisions, knobs, actions, filesystems, schemes, cpus, calls, columns");
  list.add_option("TOPIC", word, "one of them")->check(not_an_option);
  list.footer("Example: mtesim list knobs");

  CLI::App& describe = *app.add_subcommand("describe", "one loop, revision, knob, … with its details");
  describe.add_option("NAME", word, "its name")->required()->check(not_an_option);
  describe.footer("Example: mtesim describe btrfs_search_ioctl");

  CLI::App& validate = *app.add_subcommand("validate", "read scenarios and tell what is wrong with them");
  validate.add_option("FILE", paths, "scenarios")->required()->check(not_an_option);
  validate.footer("Example: mtesim validate my-scenario.json");

  CLI::App& schema = *app.add_subcommand("schema", "the JSON Schema (draft-07) of scenario files");
  schema.footer("Example: mtesim schema > scenario.schema.json");

  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp& help) {
    return app.exit(help);
  } catch (const CLI::CallForVersion& version) {
    return app.exit(version);
  } catch (const CLI::ParseError& error) {
    std::string message = error.what();
    if (argc > 1 && app.get_subcommands().empty()) {
      std::vector<std::string> names;
      for (const CLI::App* command : app.get_subcommands(nullptr)) names.push_back(command->get_name());
      message = fmt::format("found \"{}\"; allowed: {}", argv[1], fmt::join(names, ", "));
      if (const auto near = did_you_mean(argv[1], names)) message += fmt::format("; did you mean \"{}\"?", *near);
    }
    fmt::print(stderr, "mtesim: {}\nmtesim: `mtesim --help` and `mtesim COMMAND --help` tell more\n", message);
    return kExitWrongInput;
  }
  if (verbose) spdlog::set_level(spdlog::level::debug);

  try {
    if (batch) return batch_command(paths, options);
    if (promote) return promote_command(paths, options, verify);
    if (run) return run_command(file, options, trace);
    if (check) return check_command(file, options, choice, checkpoint);
    if (sweep) return sweep_command(file, options, sweeping);
    if (explain) return explain_command(file, path, point, lines, choice.witnesses);
    if (replay) return replay_command(file, trace, lines);
    if (shrink) return shrink_command(shrinking);
    if (keep) return keep_command(keeping);
    if (conform) return conform_command(paths, conformity, options);
    if (list) return list_command(word);
    if (describe) return describe_command(word);
    if (validate) return validate_command(paths);
    if (schema) return schema_command();
  } catch (const ScenarioError& error) {
    fmt::print(stderr, "{}\n", error.what());
    return kExitWrongInput;
  } catch (const std::invalid_argument& error) {
    fmt::print(stderr, "mtesim: {}\n", error.what());
    return kExitWrongInput;
  } catch (const OutputError& error) {
    spdlog::error("{}", error.what());
    return kExitUnknown;
  } catch (const std::exception& error) {
    spdlog::critical("internal error: {}", error.what());
    return kExitInternal;
  }
  return kExitInternal;
}
