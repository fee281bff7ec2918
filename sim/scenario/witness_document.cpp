#include "sim/scenario/witness_document.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <nlohmann/json.hpp>

namespace mtesim {

namespace {

constexpr std::array<EnumWord<Verdict>, 5> kVerdicts{{
    {Verdict::returns, "returns", "every path ends"},
    {Verdict::livelock, "livelock", "it can go round for ever by itself"},
    {Verdict::starvation, "starvation", "it goes round as long as the environment acts"},
    {Verdict::deadlock, "deadlock", "nobody can step"},
    {Verdict::bound, "bound", "unknown"},
}};

/// A scenario within another document.
class ScenarioField {
 public:
  void read(const ValueIn& in, Scenario& out) const { read_scenario(in, out); }
  void write(const ValueOut& out, const Scenario& scenario) const {
    out.json() = write_scenario(scenario, Defaults::shown).json();
  }
  [[nodiscard]] std::string allowed() const { return "an object"; }
  [[nodiscard]] bool takes(JsonType type) const { return type == JsonType::object; }
};

PatternField digest_text(bool wide) {
  return wide ? text_like("^[0-9a-f]{32}$", "32 hexadecimal digits")
              : text_like("^[0-9a-f]{16}$", "16 hexadecimal digits");
}

constexpr std::int64_t kMany = 1'000'000'000;

}  // namespace

template <class V>
void fields(V& v, WitnessAction& a) {
  v.about("What the environment does.");
  v.required("action", a.action, text(), "the action");
  v.optional("where", a.where, text(), "to which granule or page");
  v.optional("file", a.file, text(), "to which file");
  v.optional("page", a.page, in_range(0, kMany), "to which of its pages");
  v.optional("target", a.target, number64(), "of an action that takes neither memory nor a file");
  v.optional("entry", a.entry, in_range(0, 1000), "by which entry of the scenario's `environment`");
  v.required("site", a.site, in_range(0, kMany), "before which look of the step");
  v.optional("access", a.access, in_range(0, kMany), "before which access of it");
  v.optional("pointer_tag", a.pointer_tag, in_range(0, 15), "the tag of the pointer that looks");
}
template <class V>
void fields(V& v, WitnessChange& c) {
  v.about("What a step changed.");
  v.required("what", c.what, text(), "of the state");
  v.required("from", c.from, scalar(), "before");
  v.required("to", c.to, scalar(), "behind");
}
template <class V>
void fields(V& v, WitnessStepDocument& s) {
  v.about("A step: one trip of a loop.");
  v.required("task", s.task, in_range(0, 1000), "whose");
  v.optional("call", s.call, text(), "of which call");
  v.optional("loop", s.loop, text(), "through which kernel function");
  v.required("actions", s.actions, list_of(object()).at_most(10'000), "what the environment did");
  v.optional("pauses", s.pauses, flag(), "before it asks for the next lock, so that other tasks can step");
  v.required("came", s.came, list_of(text()), "what came of it, in words");
  v.required("changes", s.changes, list_of(object()), "of the state, since the step before");
  v.required("state", s.state, digest_text(false), "fingerprint of the state that it reached");
  v.required("progress_bytes", s.progress, bytes(), "of the task, in that state");
}
template <class V>
void fields(V& v, WitnessSource& s) {
  v.about("Where it comes from.");
  v.optional("file", s.file, text(), "the scenario's file");
  v.optional("digest", s.digest, text(), "of that file, as reports have it");
  v.optional("at", s.at, map_of(text_like("^(/[a-z0-9_.]{1,64}){1,8}$", "a JSON Pointer"), scalar()),
             "the point of its sweep");
}
template <class V>
void fields(V& v, WitnessDocument& d) {
  std::int64_t version = 1;
  v.about("A witness of mtesim: a scenario, a schedule, and what each step of it reached.");
  v.constant("format", "mtesim-witness", "what this is");
  v.required("format_version", version, in_range(1, 1), "of the format");
  v.required("program_version", d.program_version, text(), "of the program that wrote it");
  v.required("verdict", d.verdict, one_of(kVerdicts), "of the check");
  v.optional("killable", d.killable, flag(), "a SIGKILL ends every livelock found");
  v.optional("violates", d.violates, text(), "the property that its last step violates");
  v.optional("source", d.source, object(), "where the scenario comes from");
  v.required("digest", d.digest, digest_text(true), "of `scenario`");
  v.required("scenario", d.scenario, ScenarioField(), "effective, with the point of its sweep");
  v.optional("everywhere", d.everywhere, flag(), "actions may be done where nothing looks at their target");
  v.required("start", d.start, digest_text(false), "fingerprint of the start");
  v.required("stem", d.stem, list_of(object()), "from the start to where the loop begins, or to the end");
  v.required("loop", d.loop, list_of(object()), "from there back to there; empty if there is none");
}

namespace {

std::string hex(const CheckState& state) { return fmt::format("{:016x}", state.fingerprint().bits); }

JsonScalar scalar_of(const StateValue& value) {
  return std::visit([](const auto& v) { return JsonScalar(v); }, value);
}

/// Without fingerprints, which another version of the program may compute otherwise.
std::vector<WitnessChange> changes_of(const std::vector<StateDifference>& differences) {
  std::vector<WitnessChange> changes;
  for (const StateDifference& d : differences) {
    if (!d.is_print) changes.push_back({d.what, scalar_of(d.from), scalar_of(d.to)});
  }
  return changes;
}

/// The actions that a name fits, at a place.
std::vector<std::uint32_t> entries_for(const Built& built, const WitnessAction& wanted, std::uint64_t target) {
  std::vector<std::uint32_t> fit;
  for (std::uint32_t i = 0; i < built.check.actions.size(); ++i) {
    const Action& action = built.check.actions[i];
    const ActionInfo& info = info_of(action.kind);
    if (info.name != wanted.action) continue;
    if (info.has_range && (target < action.begin || target >= action.end)) continue;
    if (info.has_object && built.names.objects[action.object] != wanted.file) continue;
    fit.push_back(i);
  }
  return fit;
}

WitnessAction action_of(const Built& built, const ChoiceAt& at) {
  const Action& action = built.check.actions[at.choice.action];
  const ActionInfo& info = info_of(action.kind);
  WitnessAction written;
  written.action = info.name;
  if (info.has_range) written.where = built.names.of(UserPtr(at.choice.target));
  if (info.has_object) {
    written.file = built.names.objects[action.object];
    (action.kind == ActionKind::evict_file_page ? written.page : written.target) = at.choice.target;
  }
  if (!info.has_range && !info.has_object && at.choice.target != 0) written.target = at.choice.target;
  written.site = at.site;
  written.access = at.choice.access;
  written.pointer_tag = at.choice.pointer.bits;
  if (entries_for(built, written, at.choice.target).size() > 1) written.entry = at.choice.action;
  return written;
}

std::vector<WitnessStepDocument> steps_of(const Built& built, const Walk& walk, std::size_t first, std::size_t last) {
  std::vector<WitnessStepDocument> steps;
  for (std::size_t i = first; i < last; ++i) {
    const WalkStep& made = walk.steps[i];
    WitnessStepDocument step;
    step.task = made.task.n;
    step.call = made.call;
    step.loop = made.loop;
    for (const ChoiceAt& at : made.choices) step.actions.push_back(action_of(built, at));
    step.pauses = made.pauses;
    step.came = made.came;
    step.changes = changes_of(made.changes);
    step.state = hex(made.to);
    step.progress = made.progress_after.n;
    steps.push_back(std::move(step));
  }
  return steps;
}

/// "buf+128" as an address.
std::optional<std::uint64_t> address_of(const Built& built, const std::string& place) {
  const std::size_t plus = place.rfind('+');
  if (plus == std::string::npos) return std::nullopt;
  std::uint64_t offset = 0;
  const char* const end = place.data() + place.size();
  const auto parsed = std::from_chars(place.data() + plus + 1, end, offset);
  if (parsed.ec != std::errc() || parsed.ptr != end) return std::nullopt;
  for (const Names::Mapping& mapping : built.names.mappings) {
    if (mapping.name != place.substr(0, plus) || offset >= mapping.end - mapping.begin) continue;
    return mapping.begin + offset;
  }
  return std::nullopt;
}

/// Finds what a schedule names; everything that it does not find is a complaint.
class Resolver {
 public:
  Resolver(const Built& built, const JsonText& text) : built_(built), text_(text) {}

  std::vector<WitnessStep> steps(const std::vector<WitnessStepDocument>& steps, const std::string& at) {
    std::vector<WitnessStep> resolved;
    for (std::size_t i = 0; i < steps.size(); ++i) {
      const std::string here = pointer_to(at, std::to_string(i));
      WitnessStep step;
      step.task = TaskId{steps[i].task};
      if (step.task.n >= built_.workload.calls.size()) {
        complain(here + "/task",
                 fmt::format("found task {}; allowed: 0 to {}", step.task.n, built_.workload.calls.size() - 1));
      }
      for (std::size_t a = 0; a < steps[i].actions.size(); ++a) {
        step.choices.push_back(choice(steps[i].actions[a], fmt::format("{}/actions/{}", here, a)));
      }
      if (steps[i].pauses) step.choices.push_back({ChoiceAt::kPauses, {}});
      step.progress_after = Bytes{steps[i].progress};
      resolved.push_back(std::move(step));
    }
    return resolved;
  }
  void throw_if_any() const { complaints_.throw_if_any(); }

 private:
  void complain(const std::string& pointer, std::string what) {
    complaints_.add(text_.place(pointer), std::move(what));
  }

  ChoiceAt choice(const WitnessAction& wanted, const std::string& at) {
    ChoiceAt resolved;
    resolved.site = wanted.site;
    resolved.choice.access = wanted.access;
    resolved.choice.pointer = Tag{static_cast<std::uint8_t>(wanted.pointer_tag)};
    if (!wanted.where.empty()) {
      const auto address = address_of(built_, wanted.where);
      if (!address) {
        complain(at + "/where", fmt::format("found {}, which is no place in a mapping", in_quotes(wanted.where)));
        return resolved;
      }
      resolved.choice.target = *address;
    } else if (wanted.page) {
      resolved.choice.target = *wanted.page;
    } else if (wanted.target) {
      resolved.choice.target = *wanted.target;
    }
    const std::vector<std::uint32_t> fit = entries_for(built_, wanted, resolved.choice.target);
    if (wanted.entry) {
      if (std::find(fit.begin(), fit.end(), *wanted.entry) == fit.end()) {
        complain(at + "/entry", fmt::format("found {}, which is no such action of the scenario", *wanted.entry));
      }
      resolved.choice.action = *wanted.entry;
    } else if (fit.empty()) {
      complain(at, fmt::format("found {}, which the scenario's environment cannot do there", in_quotes(wanted.action)));
    } else {
      resolved.choice.action = fit.front();
    }
    return resolved;
  }

  const Built& built_;
  const JsonText& text_;
  Complaints complaints_;
};

std::string words(const std::vector<WitnessChange>& changes) {
  std::vector<std::string> all;
  for (const WitnessChange& c : changes)
    all.push_back(fmt::format("{}: {} -> {}", c.what, to_word(c.from), to_word(c.to)));
  return all.empty() ? "no change" : fmt::format("{}", fmt::join(all, "; "));
}

/// The first change that one of them has otherwise.
std::string first_unlike(const std::vector<WitnessChange>& recorded, const std::vector<WitnessChange>& reached) {
  for (const WitnessChange& was : recorded) {
    const auto now =
        std::find_if(reached.begin(), reached.end(), [&](const WitnessChange& c) { return c.what == was.what; });
    if (now == reached.end()) return fmt::format("recorded {}, reached no change of it", words({was}));
    if (!(*now == was)) return fmt::format("recorded {}, reached {}", words({was}), words({*now}));
  }
  for (const WitnessChange& now : reached) {
    const bool known =
        std::any_of(recorded.begin(), recorded.end(), [&](const WitnessChange& c) { return c.what == now.what; });
    if (!known) return fmt::format("recorded nothing of it, reached {}", words({now}));
  }
  return fmt::format("recorded {}, reached {}", words(recorded), words(reached));
}

}  // namespace

JsonText text_of(const Scenario& scenario, Defaults defaults, const std::string& name_of_file) {
  return parse_json_text(write_scenario(scenario, defaults).text(), name_of_file);
}

WitnessDocument make_witness_document(const Scenario& scenario, const Built& built, const CheckResult& check,
                                      const Witness& witness, const Walk& walk, const WitnessSource& source,
                                      const std::string& program_version) {
  WitnessDocument d;
  d.program_version = program_version;
  d.verdict = check.verdict;
  if (check.verdict == Verdict::livelock) d.killable = check.killable;
  if (witness.violates) d.violates = properties()[static_cast<std::size_t>(*witness.violates)].name;
  d.source = source;
  d.scenario = scenario;
  d.scenario.sweep.clear();
  d.scenario.schema.clear();
  d.digest = digest_of(text_of(d.scenario, Defaults::shown, "scenario"));
  d.start = hex(walk.start);
  d.everywhere = built.check.rules.sites == SiteRule::everywhere;
  d.stem = steps_of(built, walk, 0, walk.stem);
  d.loop = steps_of(built, walk, walk.stem, walk.steps.size());
  return d;
}

JsonTree write_witness(const WitnessDocument& document) { return write_fields(document); }

WitnessDocument parse_witness(const JsonText& text) { return read_fields<WitnessDocument>(text); }

JsonText read_witness_file(const std::string& file) {
  JsonLimits limits;
  limits.file_bytes = std::size_t{64} << 20;
  limits.values = 4'000'000;
  return read_json_file(file, limits);
}

bool is_witness(const JsonText& text) {
  const nlohmann::json& value = text.value();
  return value.is_object() && value.contains("format") && value["format"] == "mtesim-witness";
}

Built build_witness(const WitnessDocument& document, const JsonText& text) {
  try {
    Built built = build(document.scenario, text.with_value(text.value().at("scenario")));
    if (document.everywhere) built.check.rules.sites = SiteRule::everywhere;
    return built;
  } catch (const ScenarioError& error) {
    std::vector<Complaint> complaints = error.complaints();
    for (Complaint& complaint : complaints) complaint.place = text.place("/scenario" + complaint.place.pointer);
    throw ScenarioError(complaints);
  }
}

Witness schedule_of(const WitnessDocument& document, const Built& built, const JsonText& text) {
  Resolver resolver(built, text);
  Witness witness{resolver.steps(document.stem, "/stem"), resolver.steps(document.loop, "/loop"), {}};
  if (!document.violates.empty()) {
    const auto all = properties();
    const auto found =
        std::find_if(all.begin(), all.end(), [&](const PropertyInfo& info) { return info.name == document.violates; });
    if (found == all.end()) {
      throw ScenarioError(text.place("/violates"),
                          fmt::format("found {}, which is no property", in_quotes(document.violates)));
    }
    witness.violates = found->property;
  }
  resolver.throw_if_any();
  return witness;
}

Replayed compare_with_record(const WitnessDocument& document, const Built& built, const JsonText& text,
                             const Walk& walk, const std::string& program_version) {
  Replayed result;
  const bool same_program = document.program_version == program_version;
  if (!same_program) {
    result.notes.push_back(
        fmt::format("written by {}, carried out by {}: what the states show is compared, not their fingerprints",
                    document.program_version, program_version));
  }
  if (digest_of(text_of(document.scenario, Defaults::shown, "scenario")) != document.digest) {
    result.notes.push_back(fmt::format("{}: the scenario is not the one that was recorded: its digest differs",
                                       text.place("/scenario").file));
  }
  const auto fail = [&](std::string message) {
    result.message = std::move(message);
    return result;
  };
  if (same_program && hex(walk.start) != document.start) {
    return fail(fmt::format("the start is another: recorded state {}, reached {}", document.start, hex(walk.start)));
  }
  const std::size_t all = document.stem.size() + document.loop.size();
  for (std::size_t i = 0; i < all; ++i) {
    const bool in_stem = i < document.stem.size();
    const WitnessStepDocument& recorded = in_stem ? document.stem[i] : document.loop[i - document.stem.size()];
    const std::string step = fmt::format("step {} ({} of the {})", i + 1,
                                         in_stem ? i + 1 : i + 1 - document.stem.size(), in_stem ? "stem" : "loop");
    if (i >= walk.steps.size()) return fail(fmt::format("{} cannot be made: {}", step, walk.trouble));
    const WalkStep& made = walk.steps[i];
    if (made.progress_after.n != recorded.progress) {
      return fail(
          fmt::format("{}: recorded a progress of {}, reached {}", step, recorded.progress, made.progress_after.n));
    }
    const std::vector<WitnessChange> reached = changes_of(made.changes);
    if (!(reached == recorded.changes))
      return fail(fmt::format("{}: {}", step, first_unlike(recorded.changes, reached)));
    if (same_program && hex(made.to) != recorded.state) {
      return fail(fmt::format("{}: all that it shows is as recorded, but the state is another: recorded {}, reached {}",
                              step, recorded.state, hex(made.to)));
    }
  }
  if (!document.loop.empty() && !walk.closes) {
    const StateComparison comparison(built);
    const auto differences = comparison.between(walk.before(walk.stem), walk.end());
    return fail(fmt::format("the loop does not close: behind step {} the state is not that before step {}: {}", all,
                            walk.stem + 1, differences.empty() ? "?" : to_line(differences.front())));
  }
  if (!document.violates.empty()) {
    const auto infos = properties();
    for (std::size_t p = 0; p < kProperties; ++p) {
      if (infos[p].name == document.violates && walk.judged[p].standing != Standing::violated) {
        return fail(fmt::format("{} is not violated: {}", document.violates, standing_name(walk.judged[p].standing)));
      }
    }
  } else if (document.verdict == Verdict::livelock) {
    for (std::size_t i = walk.stem; i < walk.steps.size(); ++i) {
      if (!walk.steps[i].choices.empty()) return fail(fmt::format("step {} of a livelock's loop has an action", i + 1));
    }
  } else if (document.verdict == Verdict::deadlock && !walk.stuck()) {
    return fail("it is no deadlock: somebody can step in the end");
  }
  result.holds = true;
  return result;
}

}  // namespace mtesim
