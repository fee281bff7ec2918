#include "sim/scenario/story.h"

#include <fmt/format.h>

#include <algorithm>

#include "model/base/overloaded.h"

namespace mtesim {

namespace {

std::string_view kind_word(AccessKind kind) { return kind == AccessKind::load ? "load" : "store"; }

std::string plural(std::uint64_t n, std::string_view word) {
  return fmt::format("{} {}{}", n, word, n == 1 ? "" : "s");
}

/// Later marks win over earlier ones of less weight: a fault is never painted over.
int weight(char mark) { return mark == 'X' ? 3 : mark == 'S' || mark == 'L' ? 2 : 1; }

}  // namespace

void Story::tell(const std::string& line) {
  if (lines_.size() == most_lines_) lines_.emplace_back("… (the story goes on; --lines N tells more of it)");
  if (lines_.size() > most_lines_) return;
  lines_.emplace_back(std::string(2 * (frames_.size() - 1), ' ') + line);
}

void Story::end_of_folding(Frame& frame) {
  if (frame.folded > 0) tell(fmt::format("… {} like these", plural(frame.folded, "more call")));
  frame.folded = 0;
}

void Story::note(const std::string& line) {
  // What was folded around a function that is told after all is told before it.
  for (std::size_t f = 0; f + 1 < frames_.size(); ++f) {
    if (frames_[f].folded == 0) continue;
    const std::size_t before = frames_[f + 1].line;
    lines_.insert(lines_.begin() + static_cast<std::ptrdiff_t>(before),
                  std::string(2 * f, ' ') + fmt::format("… {} like these", plural(frames_[f].folded, "more call")));
    frames_[f].folded = 0;
    for (std::size_t later = f + 1; later < frames_.size(); ++later) ++frames_[later].line;
  }
  for (Frame& frame : frames_) frame.of_note = true;
  end_of_folding(frames_.back());
  tell(line);
}

void Story::observe(const Event& event) {
  std::visit(Overloaded{
                 [&](const RoundBegins& e) {
                   end_of_folding(frames_.back());
                   const std::string whose = names_.tasks.size() > 1 ? " of " + names_.of(e.task) : "";
                   const std::string at = meter_ != nullptr ? fmt::format("   at cycle {}", meter_->cycles()) : "";
                   tell(fmt::format("round {}{}{}{}", ++rounds_, whose, e.again ? ", made again" : "", at));
                 },
                 [&](const FellAsleep& e) {
                   tell(e.paused ? fmt::format("{} is about to ask for the {}, and others go on", names_.of(e.task),
                                               names_.of(e.wants))
                                 : fmt::format("{} sleeps for the {}", names_.of(e.task), names_.of(e.wants)));
                 },
                 [&](const Entered& e) { entered(e); },
                 [&](const Left& e) { left(e); },
                 [&](const Accessed& e) { accessed(e); },
                 [&](const TagFaultTaken& e) { tag_fault(e); },
                 [&](const PageFaultTaken& e) { page_fault(e); },
                 [&](const SignalSeen& e) {
                   if (e.pending) note("a signal is pending");
                 },
                 [&](const LockTaken& e) {
                   if (!e.in_passing) note("takes the " + names_.of(e.lock));
                   const bool keeps_out = names_.tasks.size() > 1 && e.mode == LockMode::exclusive;
                   if (e.in_passing && keeps_out) note("takes the " + names_.of(e.lock) + " in passing");
                 },
                 [&](const LockReleased& e) {
                   if (!e.in_passing) note("releases the " + names_.of(e.lock));
                 },
                 [&](const LockContended& e) { note("must wait for the " + names_.of(e.lock)); },
                 [&](const CacheRead& e) {
                   if (e.from_disk) note(fmt::format("reads page {} of the file from its disk", e.folio.index));
                 },
                 [&](const Delivered& e) { note(fmt::format("done so far: {} bytes", e.total.n)); },
                 [](const Found&) {},
                 [](const PageMapped&) {},
                 [](const PageUnmapped&) {},
             },
             event);
}

void Story::entered(const Entered& e) {
  const std::string call = e.size.n > 0 && e.at.bits() != 0
                               ? fmt::format("{}({}, {})", e.name, names_.of(e.at), e.size.n)
                               : fmt::format("{}()", e.name);
  Frame frame;
  frame.name = e.name;
  frame.line = lines_.size();
  if (meter_ != nullptr) frame.cycles_before = meter_->cycles();
  tell(call);
  frames_.push_back(std::move(frame));
}

void Story::left(const Left& e) {
  end_of_folding(frames_.back());
  const Frame frame = frames_.back();
  frames_.pop_back();
  Frame& around = frames_.back();
  around.loads += frame.loads;
  around.stores += frame.stores;
  std::string told = e.result ? fmt::format(" = {}", result_word(*e.result)) : "";
  if (frame.loads > 0) told += fmt::format("   {}", plural(frame.loads, "load"));
  if (frame.stores > 0) told += fmt::format("   {}", plural(frame.stores, "store"));
  if (meter_ != nullptr) told += fmt::format("   {} cycles", meter_->cycles() - frame.cycles_before);
  if (frame.of_note) {
    if (!told.empty()) tell(frame.name + told);
    return;
  }
  if (frame.line >= lines_.size()) return;  // past the last line that is told
  if (!around.told.insert(frame.name).second) {
    lines_.resize(frame.line);
    ++around.folded;
    return;
  }
  lines_.resize(frame.line + 1);
  lines_.back() += told;
}

bool Story::probing() const {
  return std::any_of(frames_.begin(), frames_.end(), [](const Frame& frame) {
    return frame.name.starts_with("fault_in") || frame.name.starts_with("probe_");
  });
}

void Story::mark(const AccessRun& run, char what) {
  const auto put = [&](std::uint64_t from, std::uint64_t last) {
    for (std::uint64_t g = from / kGranule.n; g <= last / kGranule.n; ++g) {
      char& mark = granules_[g];
      if (mark == 0 || weight(what) >= weight(mark)) mark = what;
    }
  };
  if (run.count == 0) return;
  if (run.stride <= kGranule.n) return put(run.first.address(), run.first.address() + run.span().n - 1);
  for (std::uint64_t i = 0; i < run.count; ++i) put(run.at(i).address(), run.at(i).address() + run.width - 1);
}

void Story::accessed(const Accessed& a) {
  const bool load = a.run.kind == AccessKind::load;
  (load ? frames_.back().loads : frames_.back().stores) += a.run.count;
  mark(a.run, probing() ? (load ? 'l' : 's') : (load ? 'L' : 'S'));
}

void Story::tag_fault(const TagFaultTaken& f) {
  mark({f.address, 1, 1, 1, f.kind}, 'X');
  const Names::Mapping* mapping = names_.find(f.address.address());
  note(fmt::format("tag check fault: {} at {}, granule {}: memory tag {}, pointer tag {}", kind_word(f.kind),
                   names_.of(f.address), mapping == nullptr ? 0 : (f.address.address() - mapping->begin) / kGranule.n,
                   f.memory.bits, f.address.tag().bits));
}

void Story::page_fault(const PageFaultTaken& f) {
  const std::string at = fmt::format("{} at {}", kind_word(f.kind), names_.of(UserPtr(f.address)));
  switch (f.result) {
    case PageFaultResult::minor:
      if (!f.by_software) note("page fault: " + at + ", handled");
      return;
    case PageFaultResult::major:
      return note("page fault: " + at + ", brought in");
    case PageFaultResult::failed:
      return note("page fault: " + at + ", nothing to be had");
    case PageFaultResult::disabled:
      return note("page fault: " + at + ", but page faults are disabled");
  }
}

void Story::acted(const ActionChoice& choice, const std::vector<Action>& actions) {
  const Action& action = actions[choice.action];
  const ActionInfo& info = info_of(action.kind);
  const std::string target = info.has_range ? " " + names_.of(UserPtr(choice.target)) : "";
  note(fmt::format("** meanwhile: {}{}{}", info.name, target, action.before_call ? " (before the call)" : ""));
}

std::vector<std::string> Story::map() const {
  std::vector<std::string> rows;
  constexpr std::size_t kRow = 64;
  constexpr std::size_t kMostRows = 64;
  for (const Names::Mapping& mapping : names_.mappings) {
    const std::uint64_t first = mapping.begin / kGranule.n;
    const std::uint64_t last = mapping.end / kGranule.n;
    bool told = false;
    std::uint64_t skipped = 0;
    for (std::uint64_t row = first; row < last; row += kRow) {
      std::string text;
      for (std::uint64_t g = row; g < std::min<std::uint64_t>(row + kRow, last); ++g) {
        const auto touched = granules_.find(g);
        text += touched == granules_.end() ? '.' : touched->second;
      }
      if (text.find_first_not_of('.') == std::string::npos) {
        ++skipped;
        continue;
      }
      if (rows.size() > kMostRows) {
        rows.emplace_back("  …");
        return rows;
      }
      if (!told)
        rows.emplace_back(
            fmt::format("{}: a character a granule (s, l: stored to or loaded by a probe; S, L: by a copy; X: fault)",
                        mapping.name));
      told = true;
      if (skipped > 0) rows.emplace_back("  …");
      skipped = 0;
      rows.push_back(fmt::format("  {:>6} {}", row - first, text));
    }
    if (told && skipped > 0) rows.emplace_back("  …");
  }
  return rows;
}

std::string violation(const PropertyReport& property, bool several_calls) {
  const Judgement& judged = property.judged;
  const std::string call = several_calls ? fmt::format("call {}", judged.call + 1) : "it";
  return fmt::format("{} violated by {}, from {} on, when {} returned {}", property.name,
                     plural(judged.bytes.n, "byte"), property.first, call, result_word(judged.result));
}

namespace {

/// A line for those that hold, if any was judged, and one for each that does not.
void tell_properties(std::vector<std::string>& lines, const std::vector<PropertyReport>& properties,
                     const std::string& explain, std::string_view judged_on, bool several_calls) {
  std::vector<std::string_view> hold;
  std::vector<std::string_view> not_applicable;
  std::vector<std::string> violated;
  for (const PropertyReport& property : properties) {
    switch (property.judged.standing) {
      case Standing::not_judged:
        return;
      case Standing::not_applicable:
        not_applicable.push_back(property.name);
        break;
      case Standing::holds:
        hold.push_back(property.name);
        break;
      case Standing::violated:
        violated.push_back("          " + violation(property, several_calls));
        if (property.witness) violated.back() += fmt::format("; its story: {} --path {}", explain, *property.witness);
        break;
    }
  }
  if (properties.empty()) return;
  const bool all = hold.size() == properties.size();
  std::string line = all            ? "all hold"
                     : hold.empty() ? "none holds"
                                    : fmt::format("{} hold{}", fmt::join(hold, ", "), hold.size() == 1 ? "s" : "");
  line += judged_on;
  if (!not_applicable.empty()) line += fmt::format("; not applicable: {}", fmt::join(not_applicable, ", "));
  lines.push_back("          properties: " + line);
  lines.insert(lines.end(), violated.begin(), violated.end());
}

/// By what was asked of all points: of checks the verdict, of runs how they end.
std::vector<Member> members_of(const ScenarioReport& report) {
  std::vector<Member> members;
  for (const PointReport& point : report.points) {
    if (!point.check && !point.run) continue;
    members.push_back({point.at, point.check ? outcome_of(*point.check) : outcome_of(*point.run)});
  }
  return members;
}

std::string_view in_words(DeadlockKind kind) {
  switch (kind) {
    case DeadlockKind::cycle:
      return "a cycle of waits";
    case DeadlockKind::recursion:
      return "lock recursion";
    case DeadlockKind::recursive_read:
      return "a reader asks again behind a writer";
    case DeadlockKind::dead_holder:
      return "the holder has ended";
  }
  return "?";
}

void tell_waits(std::vector<std::string>& lines, const std::optional<Deadlock>& deadlock,
                const std::vector<std::string>& waits) {
  if (!deadlock) return;
  lines.push_back(fmt::format("          {}:", in_words(deadlock->kind)));
  for (const std::string& wait : waits) lines.push_back("            " + wait);
}

}  // namespace

std::string outcome_of(const CheckResult& check) {
  if (check.verdict != Verdict::livelock) return std::string(verdict_name(check.verdict));
  return fmt::format("livelock that SIGKILL {}", check.killable ? "ends" : "does not end");
}

std::string outcome_of(const RunReport& run) {
  switch (run.result.end) {
    case RunEnd::returned:
      return "returns";
    case RunEnd::livelock:
      return fmt::format("no return, and SIGKILL {} it", run.result.killable ? "ends" : "does not end");
    case RunEnd::deadlock:
      return "deadlock";
    case RunEnd::cut:
      return "unknown";
  }
  return "?";
}

std::vector<std::string> summary(const std::string& file, const PointReport& report, std::size_t point) {
  std::vector<std::string> lines;
  for (const std::string& call : report.calls)
    lines.push_back(fmt::format("  {:<8}{}", lines.empty() ? "call" : "", call));
  lines.push_back(fmt::format("  kernel  {}", report.kernel));
  const std::string explain =
      fmt::format("mtesim explain {}{}", file, report.at.empty() ? "" : fmt::format(" --point {}", point));
  const bool several = report.calls.size() > 1;
  if (report.run) {
    const RunReport& run = *report.run;
    switch (run.result.end) {
      case RunEnd::returned:
        lines.push_back(fmt::format("  run     returns {} after {}", result_words(run.result.results, report.tasks),
                                    plural(run.result.rounds, "round")));
        break;
      case RunEnd::livelock:
        lines.push_back(fmt::format(
            "  run     never returns: from round {} on, every {} bring{} the machine back to where it was; SIGKILL {}",
            run.result.stem_rounds + 1,
            run.result.cycle_rounds == 1 ? "round" : plural(run.result.cycle_rounds, "round"),
            run.result.cycle_rounds == 1 ? "s" : "", run.result.killable ? "ends it" : "does not end it"));
        break;
      case RunEnd::deadlock:
        lines.emplace_back("  run     never returns: nobody can step (deadlock)");
        tell_waits(lines, run.result.deadlock, report.run_waits);
        break;
      case RunEnd::cut:
        lines.emplace_back("  run     unknown: the limit on rounds was reached");
        break;
    }
    if (const auto signals = signals_taken(run.result); !signals.empty()) {
      lines.push_back(fmt::format("          takes {}", fmt::join(signals, ", ")));
    }
    const Counts& c = run.counts;
    lines.push_back(fmt::format("          {}, {}, {}, {}; about {} cycles", plural(c.loads, "load"),
                                plural(c.stores, "store"), plural(c.tag_faults, "tag check fault"),
                                plural(c.page_faults_minor + c.page_faults_major + c.page_faults_refused, "page fault"),
                                run.cost.total.cycles.total()));
    tell_properties(lines, report.run_properties, explain, "", several);
  }
  if (report.check) {
    const CheckResult& check = *report.check;
    const std::string counts =
        fmt::format("{}, {}, {}", plural(check.states, "state"), plural(check.transitions, "transition"),
                    check.complete ? "exact" : "not all");
    std::string what;
    switch (check.verdict) {
      case Verdict::returns: {
        std::vector<std::string> results;
        for (const auto& r : check.results_by_task) results.push_back(result_words(r, report.tasks));
        what = check.most_rounds ? fmt::format("returns on every path, within {}; results: {}",
                                               plural(*check.most_rounds, "round"), fmt::join(results, " | "))
                                 : fmt::format("returns on every path on which each task goes on; results: {}",
                                               fmt::join(results, " | "));
        break;
      }
      case Verdict::livelock:
        what = fmt::format("livelock: with the world holding still it goes round for ever; SIGKILL {}",
                           check.killable ? "ends it" : "does not end it");
        break;
      case Verdict::starvation:
        what = fmt::format("starvation: {} in {} keep it from ending{}", plural(check.least_actions, "action"),
                           plural(check.least_rounds, "round"),
                           check.least_is_exact ? "" : "; of several tasks, that need not be the least");
        break;
      case Verdict::deadlock:
        what = "deadlock: nobody can step";
        break;
      case Verdict::bound:
        what = fmt::format("bound: unknown, as {} cut the search", check.cut_by);
        break;
    }
    lines.push_back(fmt::format("  check   {}", what));
    lines.push_back(fmt::format("          {}", counts));
    if (check.dearest) {
      std::string line = fmt::format("          at most about {} cycles", check.dearest->cycles);
      int held = 0;
      for (const auto& [kind, cycles] : check.dearest->under_lock) {
        if (cycles == 0) continue;
        line += fmt::format("{} {} held for {}", held++ == 0 ? ";" : ",", lock_kind_name(kind), cycles);
      }
      lines.push_back(line);
    }
    if (check.trapped_states > 0 && check.verdict != Verdict::returns) {
      lines.push_back(
          fmt::format("          {} cannot reach the end any more, whatever the environment does; the nearest "
                      "is {} away",
                      plural(check.trapped_states, "state"), plural(check.rounds_to_trap, "round")));
    }
    tell_waits(lines, check.deadlock, report.check_waits);
    if (report.tasks.size() > 1) {
      for (const std::vector<std::string>& inversion : report.inversions) {
        lines.push_back(fmt::format("          lock order inversion, a deadlock where tasks meet so: {}",
                                    fmt::join(inversion, ", ")));
      }
    }
    if (check.verdict == Verdict::livelock) {
      const std::string held =
          report.locks_held.empty() ? "none" : fmt::format("{}", fmt::join(report.locks_held, ", "));
      lines.push_back(fmt::format("          locks held between its rounds: {}", held));
    }
    std::vector<std::string_view> never;
    for (const ReachedFact& fact : reached_facts()) {
      if (!(check.reached.*fact.field)) never.push_back(fact.name);
    }
    if (!never.empty()) lines.push_back(fmt::format("          never met: {}", fmt::join(never, ", ")));
    for (std::size_t n = 0; n < check.witnesses.size(); ++n) {
      const Witness& witness = check.witnesses[n];
      const bool one_of_several = report.witnesses > 1 && !witness.violates;
      const bool stuck = n == 0 && check.verdict == Verdict::deadlock && report.tasks.size() > 1;
      if (witness.loop.empty() && !one_of_several && !stuck) continue;
      lines.push_back(fmt::format("          witness{}: {} to it{}; its story: {} --path {}{}",
                                  one_of_several ? fmt::format(" {}", n) : "", plural(witness.stem.size(), "step"),
                                  witness.loop.empty() ? "" : ", " + plural(witness.loop.size(), "step") + " round",
                                  explain, n, one_of_several ? fmt::format(" --witnesses {}", report.witnesses) : ""));
    }
    const PropertyCheck& judged = check.properties;
    const std::string on = judged.every_future ? ""
                           : judged.ways_left == 0
                               ? ", on one way to each result"
                               : fmt::format(", on ways to {} results, not to {} more", judged.ways, judged.ways_left);
    tell_properties(lines, report.check_properties, explain, on, several);
  }
  for (const std::string& violation : report.violations) lines.emplace_back("  VIOLATED  " + violation);
  return lines;
}

std::string summary(const ScenarioReport& report, std::size_t most_points) {
  std::string text = report.name + "\n";
  for (std::size_t i = 0; i < report.points.size(); ++i) {
    if (i == most_points) {
      text += fmt::format("  … and {} more; --out json=FILE has them all\n", plural(report.points.size() - i, "point"));
      break;
    }
    for (const auto& [pointer, value] : report.points[i].at)
      text += fmt::format("  at {} = {}\n", pointer, to_word(value));
    for (const std::string& line : summary(report.file, report.points[i], i)) text += line + "\n";
  }
  for (const std::string& line : boundaries(members_of(report))) text += "  family  " + line + "\n";
  return text;
}

}  // namespace mtesim
