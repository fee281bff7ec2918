#include "sim/app/commands.h"

#include <fmt/format.h>

#include <algorithm>
#include <mutex>

#include "fs_models/catalogue.h"
#include "fs_models/small_calls.h"
#include "model/arch/subpage_scheme.h"
#include "sim/app/checkpoint_file.h"
#include "sim/app/output.h"
#include "sim/app/terminal.h"
#include "sim/scenario/columns.h"
#include "sim/scenario/cost_text.h"
#include "sim/scenario/schema.h"
#include "sim/scenario/story.h"
#include "sim/scenario/suggest.h"

namespace mtesim {

std::atomic<bool> g_interrupted{false};

BranchRules rules_without(const std::vector<std::string>& names) {
  BranchRules rules;
  for (const std::string& name : names) {
    const auto all = reductions();
    const auto found = std::find_if(all.begin(), all.end(), [&](const Reduction& r) { return r.name == name; });
    if (found == all.end()) {
      std::vector<std::string_view> known;
      for (const Reduction& reduction : all) known.push_back(reduction.name);
      throw std::invalid_argument(fmt::format("--without: found \"{}\"; allowed: {}", name, fmt::join(known, ", ")));
    }
    found->switch_off(rules);
  }
  return rules;
}

ScenarioReport carry_out_file(const std::string& file, const CarryOut& how, unsigned jobs) {
  ScenarioReport report;
  report.status = Status::unknown;
  carry_out({file}, how, jobs, [&](ScenarioReport&& done) { report = std::move(done); });
  return report;
}

namespace {

/// `meter`: prices what is told; nullptr: nobody does.
void tell_run(const Workload& workload, Story& story, CostMeter* meter = nullptr) {
  std::vector<Observer*> observers;
  if (meter != nullptr) {
    story.price_by(*meter);
    observers.push_back(meter);
  }
  observers.push_back(&story);
  const RunResult told = mtesim::run(workload, observers);
  static_cast<void>(told);  // it is as the summary says
}

int carry_out_one(const std::string& file, const CommonOptions& options, bool run, bool check, bool trace,
                  WitnessChoice choice = {}, const CheckpointOptions& checkpoint = {}) {
  std::vector<std::string> requests = options.out;
  std::optional<WitnessOutputs> witnesses;
  if (check) witnesses.emplace(requests);
  Outputs outputs(requests);
  ProgressLine line;
  CarryOut how;
  how.run = run;
  how.check = check;
  how.max_states = options.max_states;
  how.max_bytes = options.max_mib << 20;
  const CheckpointFile kept(checkpoint, file, options);
  kept.attach(how);
  how.witnesses = choice.witnesses;
  how.rules = rules_without(options.without);
  choice.rules = how.rules;
  how.interrupt = &g_interrupted;
  if (options.max_seconds > 0) {
    how.deadline = std::chrono::steady_clock::now() + std::chrono::duration_cast<std::chrono::steady_clock::duration>(
                                                          std::chrono::duration<double>(options.max_seconds));
  }
  std::mutex showing;
  const auto began = std::chrono::steady_clock::now();
  how.progress = [&](const CheckOptions::Progress& p) {
    const std::lock_guard lock(showing);
    const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - began;
    line.show(fmt::format("{} states, {:.0f} a second, {} transitions, depth {}, {} waiting, {} MiB", p.states,
                          static_cast<double>(p.states) / taken.count(), p.transitions, p.depth, p.queue,
                          p.bytes >> 20));
  };
  const ScenarioReport report = carry_out_file(file, how, options.jobs);
  line.clear();
  if (report.status == Status::refused) {
    fmt::print(stderr, "{}\n", report.error);
    return kExitWrongInput;
  }
  if (choice.point && *choice.point >= report.points.size()) {
    fmt::print(stderr, "{}: found no point {}; allowed: 0 to {}\n", file, *choice.point,
               std::max<std::size_t>(report.points.size(), 1) - 1);
    return kExitWrongInput;
  }
  outputs.add(report);
  outputs.finish();
  std::FILE* people = witnesses && witnesses->stdout_taken() ? stderr : outputs.people();
  fmt::print(people, "{}", summary(report));
  if (run && report.points.size() == 1 && report.points.front().run) {
    const PointReport& point = report.points.front();
    for (const std::string& told : cost_in_words(point.run->cost, point.cpu, point.tasks))
      fmt::print(people, "{}\n", told);
  }
  int written = kExitHolds;
  if (witnesses) {
    print_witnesses(people, report, choice);
    written = witnesses->write(report, choice);
  }
  if (trace) {
    const Loaded loaded = load(file);
    Story story(loaded.built.names);
    CostMeter meter = cost_meter(loaded.built);
    tell_run(loaded.built.workload, story, &meter);
    for (const std::string& told : story.lines()) fmt::print(people, "    {}\n", told);
  }
  switch (report.status) {
    case Status::holds:
      return outputs.failed() ? kExitUnknown : written;
    case Status::violated:
      return std::max(kExitViolated, written);
    default:
      return kExitUnknown;
  }
}

/// The keys of an action in a scenario, but for `action` itself.
std::string keys_of(const ActionInfo& info) {
  std::vector<std::string_view> keys;
  if (info.has_range) keys.emplace_back("`where`, a mapping");
  if (info.has_object) keys.emplace_back("`file`");
  if (info.kind == ActionKind::truncate) keys.emplace_back("`size_bytes` (any multiple of the page size)");
  if (info.kind == ActionKind::migrate_cpu) keys.emplace_back("`preferred_tcf`, a list of modes");
  if (info.kind == ActionKind::retag) keys.emplace_back("`when`");
  if (info.kind == ActionKind::signal || info.kind == ActionKind::sigkill) keys.emplace_back("`task` (every one)");
  keys.emplace_back("`budget`, 1 to 100 (no bound)");
  return fmt::format("{}", fmt::join(keys, "; "));
}

/// Everything that `list` and `describe` know, by topic.
struct Entry {
  std::string name;
  std::string about;
  std::vector<std::string> details;
};
using Topics = std::vector<std::pair<std::string, std::vector<Entry>>>;

Topics topics() {
  Topics all;
  std::vector<Entry> loops;
  for (const LoopEntry& loop : catalogue()) {
    Entry entry{std::string(loop.name), std::string(loop.about), {fmt::format("shapes: {}", loop.shapes)}};
    for (const Knob& knob : knobs()) {
      if (knob.name.starts_with(entry.name + "."))
        entry.details.push_back(fmt::format("knob {}: {}", knob.name, knob.about));
    }
    loops.push_back(std::move(entry));
  }
  all.emplace_back("loops", std::move(loops));
  std::vector<Entry> kernels;
  for (const Revision& revision : revisions()) {
    Entry entry{revision.name, "", {}};
    for (const Knob& knob : knobs()) entry.details.push_back(fmt::format("{} = {}", knob.name, knob.get(revision)));
    entry.about = fmt::format("search ioctl probes with {}", probe_name(revision.btrfs_search_ioctl_probe.kind));
    kernels.push_back(std::move(entry));
  }
  all.emplace_back("revisions", std::move(kernels));
  std::vector<Entry> knob_entries;
  for (const Knob& knob : knobs()) {
    const std::string allowed = knob.allowed.empty() ? fmt::format("{} to {}", knob.least, knob.most)
                                                     : fmt::format("{}", fmt::join(knob.allowed, ", "));
    Entry entry{knob.name, knob.about, {fmt::format("allowed: {}", allowed)}};
    for (const Revision& revision : revisions())
      entry.details.push_back(fmt::format("{:<5} {}", revision.name, knob.get(revision)));
    knob_entries.push_back(std::move(entry));
  }
  all.emplace_back("knobs", std::move(knob_entries));
  std::vector<Entry> actions;
  for (const ActionInfo& info : action_infos()) {
    actions.push_back({std::string(info.name),
                       std::string(info.about),
                       {fmt::format("takes: {}", keys_of(info)), fmt::format("just before: {}", info.sites)}});
  }
  all.emplace_back("actions", std::move(actions));
  std::vector<Entry> files;
  for (const FileSystem& fs : file_systems()) files.push_back({std::string(fs.name), std::string(fs.about), {}});
  all.emplace_back("filesystems", std::move(files));
  std::vector<Entry> schemes;
  for (const SubpageScheme& scheme : subpage_schemes()) {
    schemes.push_back(
        {std::string(scheme.name), std::string(scheme.about), {fmt::format("granule: {} bytes", scheme.granule.n)}});
  }
  all.emplace_back("schemes", std::move(schemes));
  std::vector<Entry> cpus;
  for (const NamedCpu& cpu : mtesim::cpus()) {
    Entry entry{std::string(cpu.name), std::string(cpu.about), {}};
    for (std::size_t i = 0; i < cpu_figures().size(); ++i) {
      const CpuFigure& figure = cpu_figures()[i];
      entry.details.push_back(fmt::format("{:<24} {:>9}  {}", figure.name, cpu.cpu.*figure.value, cpu.sources[i]));
    }
    cpus.push_back(std::move(entry));
  }
  all.emplace_back("cpus", std::move(cpus));
  std::vector<Entry> figures;
  for (const CpuFigure& figure : cpu_figures()) {
    Entry entry{std::string(figure.name),
                std::string(figure.about),
                {fmt::format("allowed: {} to {}", figure.least, figure.most)}};
    for (const NamedCpu& cpu : mtesim::cpus())
      entry.details.push_back(fmt::format("{:<12} {}", cpu.name, cpu.cpu.*figure.value));
    figures.push_back(std::move(entry));
  }
  all.emplace_back("cpu_figures", std::move(figures));
  std::vector<Entry> calls;
  for (const std::string_view name :
       {"read", "write", "readv", "writev", "ioctl BTRFS_IOC_TREE_SEARCH", "ioctl BTRFS_IOC_TREE_SEARCH_V2",
        "process_vm_readv", "process_vm_writev", "vmsplice", "futex", "ioctl UFFDIO_COPY", "ioctl DIAG_IOCSREG"}) {
    calls.push_back({std::string(name), "", {}});
  }
  for (const SmallCallEntry& call : small_calls()) {
    calls.push_back({std::string(call.name), std::string(call.about), {}});
  }
  all.emplace_back("calls", std::move(calls));
  std::vector<Entry> sweep_columns;
  for (const Column& column : columns())
    sweep_columns.push_back({std::string(column.name), std::string(column.about), {}});
  all.emplace_back("columns", std::move(sweep_columns));
  return all;
}

}  // namespace

int run_command(const std::string& file, const CommonOptions& options, bool trace) {
  return carry_out_one(file, options, true, false, trace);
}

int check_command(const std::string& file, const CommonOptions& options, const WitnessChoice& choice,
                  const CheckpointOptions& checkpoint) {
  const JsonText text = read_json_file(file);
  Scenario scenario = parse_scenario(text);
  if (!wants_check(scenario)) {
    fmt::print(stderr,
               "{}: it has neither `environment` nor `check`: add \"check\": {{}} to check it in a still world\n",
               file);
    return kExitWrongInput;
  }
  return carry_out_one(file, options, false, true, false, choice, checkpoint);
}

int explain_command(const std::string& file, int path, std::size_t point, std::size_t lines, std::size_t witnesses) {
  const Loaded loaded = load(file, point);
  Story story(loaded.built.names, lines);
  fmt::print("{}\n", loaded.scenario.name);
  if (!loaded.scenario.about.empty()) fmt::print("  {}\n", loaded.scenario.about);
  CarryOut how;
  how.judge = false;
  how.interrupt = &g_interrupted;
  how.run = path < 0;
  how.check = path >= 0;
  how.witnesses = witnesses;
  const PointReport report = carry_out(loaded.scenario, loaded.built, how);
  if (path < 0) {
    tell_run(loaded.built.workload, story);
  } else {
    if (!report.check || static_cast<std::size_t>(path) >= report.check->witnesses.size()) {
      fmt::print(
          stderr, "{}: found no witness {}; {}\n", file, path,
          report.check ? "the check has fewer; --witnesses N searches for more" : "the scenario is not one to check");
      return kExitWrongInput;
    }
    const Witness& witness = report.check->witnesses[static_cast<std::size_t>(path)];
    const bool holds = replay(
        loaded.built.workload, loaded.built.check, witness, [&](const Event& event) { story.observe(event); },
        [&](const ActionChoice& choice) { story.acted(choice, loaded.built.check.actions); });
    if (!holds) {
      fmt::print(stderr, "{}: witness {} does not lead where it says\n", file, path);
      return kExitInternal;
    }
    if (witness.violates) {
      const PropertyReport& property = report.check_properties[static_cast<std::size_t>(*witness.violates)];
      story.tell(fmt::format("here {}", violation(property, report.calls.size() > 1)));
    }
    if (!witness.loop.empty()) {
      story.tell(fmt::format("here the state is that of {} back: it goes on like this for ever",
                             witness.loop.size() == 1 ? "one round" : fmt::format("{} rounds", witness.loop.size())));
    }
  }
  for (const std::string& line : story.lines()) fmt::print("  {}\n", line);
  for (const std::string& row : story.map()) fmt::print("{}\n", row);
  for (const std::string& told : summary(file, report)) fmt::print("{}\n", told);
  return kExitHolds;
}

int list_command(const std::string& what) {
  std::vector<std::string> names;
  for (const auto& [topic, entries] : topics()) {
    names.push_back(topic);
    if (!what.empty() && topic != what) continue;
    fmt::print("{}\n", topic);
    std::vector<std::vector<std::string>> rows;
    for (const Entry& entry : entries) rows.push_back({"  " + entry.name, entry.about});
    fmt::print("{}", table(rows));
  }
  if (what.empty() || std::find(names.begin(), names.end(), what) != names.end()) return kExitHolds;
  const auto near = did_you_mean(what, names);
  fmt::print(stderr, "mtesim list: found \"{}\"; allowed: {}{}\n", what, fmt::join(names, ", "),
             near ? fmt::format("; did you mean \"{}\"?", *near) : "");
  return kExitWrongInput;
}

int describe_command(const std::string& name) {
  std::vector<std::string> names;
  bool found = false;
  for (const auto& [topic, entries] : topics()) {
    for (const Entry& entry : entries) {
      names.push_back(entry.name);
      if (entry.name != name) continue;
      found = true;
      fmt::print("{} (of {})\n", entry.name, topic);
      if (!entry.about.empty()) fmt::print("  {}\n", entry.about);
      for (const std::string& detail : entry.details) fmt::print("  {}\n", detail);
    }
  }
  if (found) return kExitHolds;
  const auto near = did_you_mean(name, names);
  fmt::print(stderr, "mtesim describe: found no \"{}\"{}; `mtesim list` has all names\n", name,
             near ? fmt::format("; did you mean \"{}\"?", *near) : "");
  return kExitWrongInput;
}

int validate_command(const std::vector<std::string>& files) {
  int status = kExitHolds;
  const JsonTree schema = scenario_schema();
  for (const std::string& file : files) {
    try {
      const JsonText text = read_json_file(file);
      try {
        const Scenario scenario = parse_scenario(text);
        for (const SweepPoint& point : sweep_points(text, scenario)) {
          const Built built = build(point.at.empty() ? scenario : parse_scenario(point.text), point.text);
          static_cast<void>(built);
        }
      } catch (const ScenarioError& error) {
        fmt::print("{}\n", error.what());
        status = kExitWrongInput;
        continue;
      }
      // A second opinion: what the schema says, by a validator that is not ours.
      const std::vector<Complaint> complaints = judge_by_schema(schema, text);
      for (const Complaint& complaint : complaints) fmt::print("{} (by the schema)\n", to_line(complaint));
      if (!complaints.empty()) {
        status = kExitWrongInput;
      } else {
        fmt::print("{}: valid\n", file);
      }
    } catch (const ScenarioError& error) {
      fmt::print("{}\n", error.what());
      status = kExitWrongInput;
    }
  }
  return status;
}

int schema_command() {
  fmt::print("{}", scenario_schema().text());
  return kExitHolds;
}

}  // namespace mtesim
