#include "sim/scenario/walk.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <optional>

#include "model/base/overloaded.h"
#include "sim/check/reduction.h"
#include "sim/check/workload_system.h"
#include "sim/scenario/result.h"

namespace mtesim {

namespace {

bool is_probe(std::string_view name) {
  return name.starts_with("fault_in") || name.starts_with("probe_") || name.find("user_pages") != name.npos;
}
bool is_copy(std::string_view name) { return name.starts_with("copy_"); }
std::string_view kind_word(AccessKind kind) { return kind == AccessKind::load ? "load" : "store"; }

/// Listens to one step and keeps what its reader should know.
class StepNotes {
 public:
  explicit StepNotes(const Built& built) : built_(built) {}

  void observe(const Event& event) {
    std::visit(Overloaded{
                   [&](const Entered& e) {
                     frames_.push_back({e.name, call_of(e)});
                   },
                   [&](const Left& e) { left(e); },
                   [&](const TagFaultTaken& e) { tag_fault(e); },
                   [&](const PageFaultTaken& e) { page_fault(e); },
                   [&](const SignalSeen& e) {
                     if (e.pending) note("it sees the signal");
                   },
                   [&](const LockContended& e) { note("it must wait for the " + built_.names.of(e.lock)); },
                   [&](const CacheRead& e) {
                     if (e.from_disk) note(fmt::format("page {} of the file comes from its disk", e.folio.index));
                   },
                   [](const auto&) {},
               },
               event);
  }
  /// In order of the first of each; others like it are counted.
  [[nodiscard]] std::vector<std::string> take() const {
    std::vector<std::string> all;
    for (const Note& note : notes_) {
      all.push_back(note.times == 1 ? note.text : fmt::format("{} (and {} more)", note.text, note.times - 1));
    }
    return all;
  }

 private:
  struct Frame {
    std::string name;
    std::string call;
  };
  struct Note {
    std::string key;
    std::string text;
    std::size_t times{1};
  };

  [[nodiscard]] std::string call_of(const Entered& e) const {
    return e.size.n > 0 && e.at.bits() != 0 ? fmt::format("{}({}, {})", e.name, built_.names.of(e.at), e.size.n)
                                            : fmt::format("{}()", e.name);
  }
  void note(const std::string& text, std::string key = "") {
    if (key.empty()) key = text;
    const auto same = std::find_if(notes_.begin(), notes_.end(), [&](const Note& n) { return n.key == key; });
    if (same != notes_.end()) {
      ++same->times;
    } else {
      notes_.push_back({std::move(key), text});
    }
  }
  template <class Is>
  [[nodiscard]] bool within(Is&& is) const {
    return std::any_of(frames_.begin(), frames_.end(), [&](const Frame& frame) { return is(frame.name); });
  }

  void left(const Left& e) {
    const Frame frame = frames_.back();
    frames_.pop_back();
    const bool probe = is_probe(frame.name);
    if (!probe && !is_copy(frame.name)) return;
    if (e.result) {  // of those around each other, the outermost one that has a result
      outcome_ = frame.call + " " + outcome(*e.result, frame.name);
      outcome_key_ = frame.name + " " + outcome(*e.result, frame.name);
    }
    if (probe ? within(is_probe) : within(is_copy)) return;
    if (!outcome_.empty()) note(outcome_, outcome_key_);
    outcome_.clear();
  }
  [[nodiscard]] static std::string outcome(std::int64_t result, std::string_view name) {
    if (result == 0) return "passed";
    if (result < 0) return "gave " + result_word(result);
    const bool count = name.find("user_pages") != name.npos;
    return count ? fmt::format("gave {}", result) : fmt::format("left {} bytes", result);
  }
  void tag_fault(const TagFaultTaken& f) {
    note(fmt::format("tag check fault: {} at {}, memory tag {}, pointer tag {}", kind_word(f.kind),
                     built_.names.of(f.address), f.memory.bits, f.address.tag().bits));
  }
  void page_fault(const PageFaultTaken& f) {
    static constexpr std::array<std::string_view, 4> kWords{"handled", "brought in", "nothing to be had", "disabled"};
    if (f.result == PageFaultResult::minor && f.by_software) return;
    note(fmt::format("page fault: {} at {}, {}", kind_word(f.kind), built_.names.of(UserPtr(f.address)),
                     kWords[static_cast<std::size_t>(f.result)]),
         fmt::format("page fault {}", kWords[static_cast<std::size_t>(f.result)]));
  }

  const Built& built_;
  std::vector<Frame> frames_;
  std::vector<Note> notes_;
  std::string outcome_;
  std::string outcome_key_;
};

/// The world holds still; notes which lock a step has to wait for.
class Waiting final : public Environment {
 public:
  std::uint64_t before(const Look& next, Machine&) override {
    const auto* run = std::get_if<AccessRun>(&next);
    return run != nullptr ? run->count : 1;
  }
  void observe(const Event& event) override {
    if (const auto* contended = std::get_if<LockContended>(&event)) lock_ = contended->lock;
  }
  [[nodiscard]] const std::optional<LockId>& lock() const { return lock_; }

 private:
  std::optional<LockId> lock_;
};

std::string_view loop_name(const Built& built, const WorkState& state, TaskId task) {
  const std::vector<CopyLoop>& calls = built.workload.calls[task.n];
  const std::uint32_t call = state.tasks[task.n].call;
  return call < calls.size() ? calls[call].name() : std::string_view();
}

/// The text without its numbers: rounds that differ in those only are alike.
void append_without_numbers(std::string& key, const std::string& text) {
  for (const char c : text) {
    if (std::isdigit(static_cast<unsigned char>(c)) == 0) key += c;
  }
  key += '\n';
}

std::string likeness(const WalkStep& step) {
  std::string key = fmt::format("{}\n{}\n", step.task.n, step.choices.size());
  append_without_numbers(key, step.call);
  for (const std::string& came : step.came) append_without_numbers(key, came);
  for (const StateDifference& d : step.changes) append_without_numbers(key, d.what);
  return key;
}

template <class Words>
std::string listed(const Words& words, std::size_t most) {
  const std::size_t shown = std::min(words.size(), most);
  std::string line =
      fmt::format("{}", fmt::join(words.begin(), words.begin() + static_cast<std::ptrdiff_t>(shown), "; "));
  if (shown < words.size()) line += fmt::format("; … and {} more", words.size() - shown);
  return line;
}

std::vector<std::string> step_lines(const Built& built, const Walk& walk, std::size_t i) {
  const WalkStep& step = walk.steps[i];
  std::vector<std::string> texts;
  if (built.workload.calls.size() > 1) texts.push_back(fmt::format("task {}: {}", step.task.n, step.call));
  std::vector<std::string> acts;
  for (const ChoiceAt& at : step.choices) acts.push_back(choice_name(built, at.choice));
  if (!acts.empty()) texts.push_back("** meanwhile: " + listed(acts, 4));
  std::vector<std::string> came = step.came;
  if (step.returns) {
    // Between calls there is no progress to tell.
  } else if (!(step.progress_before == step.progress_after)) {
    came.push_back(fmt::format("progress {} -> {}", step.progress_before.n, step.progress_after.n));
  } else if (built.workload.calls[step.task.n].size() == 1) {
    came.push_back(fmt::format("progress stays {}", step.progress_after.n));
  }
  texts.push_back(listed(came, 6));
  std::vector<std::string> changes;
  bool carried = false;
  for (const StateDifference& d : step.changes) {
    if (d.key == "progress") continue;
    const bool hidden = d.key == "carried";
    carried |= hidden;
    if (!hidden) changes.push_back(to_line(d));
  }
  if (step.changes.empty()) changes.emplace_back("nothing changes");
  if (changes.empty() && carried && step.progress_before == step.progress_after) {
    changes.emplace_back("the loop carries something else round");
  }
  if (!changes.empty()) texts.push_back(listed(changes, 6));
  std::vector<std::string> lines;
  for (std::size_t l = 0; l < texts.size(); ++l) {
    lines.push_back(l == 0 ? fmt::format("{:>4}  {}", i + 1, texts[l]) : fmt::format("      {}", texts[l]));
  }
  return lines;
}

/// Of a step in a few lines, the first, which has its number.
bool begins_step(const std::string& line) { return line.size() > 3 && line[3] != ' '; }

}  // namespace

Walk walk(const Built& built, const Witness& witness, const WalkWatch& watch) {
  CheckOptions options = built.check;
  options.track_contents |= witness.violates.has_value();
  if (!watch.as_compared) {
    options.rules.merge_tags = false;
    options.rules.forget_untouched = false;
  }
  Walk result;
  result.start = start_of(built.workload, options);
  result.stem = witness.stem.size();
  PropertyWatch properties(built.workload);
  const StateComparison comparison(built);
  std::vector<WitnessStep> steps = witness.stem;
  steps.insert(steps.end(), witness.loop.begin(), witness.loop.end());
  result.steps.reserve(steps.size());
  for (const WitnessStep& planned : steps) {
    const CheckState& from = result.end();
    const TaskId task = planned.task;
    if (task.n >= from.work.tasks.size()) {
      result.trouble = fmt::format("there is no task {}", task.n);
    } else if (is_done(built.workload, from.work, task)) {
      result.trouble = fmt::format("task {} has nothing left to do", task.n);
    }
    if (!result.trouble.empty()) return result;
    StepNotes notes(built);
    WalkStep made;
    made.task = task;
    made.choices = planned.choices;
    made.pauses = pauses(planned.choices);
    if (made.pauses) made.choices.pop_back();
    made.call = call_words(built, from.work, task);
    made.loop = loop_name(built, from.work, task);
    made.progress_before = progress(built.workload, from.work, task);
    properties.before_step(from.work);
    const auto observe = [&](const Event& event) {
      notes.observe(event);
      properties.observe(event);
      if (watch.observe) watch.observe(event);
    };
    Branch branch = replay_branch(built.workload, from, task, options.actions, options.rules, planned.choices, observe,
                                  watch.acted);
    if (branch.actions != made.choices.size()) {
      const ChoiceAt& missed = planned.choices[branch.actions];
      result.trouble = fmt::format("\"{}\" cannot be done at site {}", choice_name(built, missed.choice), missed.site);
      return result;
    }
    if (!branch.moved(from, task)) {
      result.trouble = fmt::format("task {} sleeps", task.n);
      return result;
    }
    made.came = notes.take();
    if (const Locks::Waiter* waiter = branch.to.work.machine.locks.waiter(task); branch.blocked && waiter != nullptr) {
      made.came.push_back(fmt::format("it {} {}", made.pauses ? "pauses before it asks for the" : "sleeps for the",
                                      built.names.of(waiter->wants)));
    }
    made.to = std::move(branch.to);
    made.progress_after = progress(built.workload, made.to.work, task);
    const TaskState& before = from.work.tasks[task.n];
    const TaskState& after = made.to.work.tasks[task.n];
    if (after.results.size() > before.results.size()) {
      made.returns = true;
      made.came.push_back("it returns " + result_word(after.results.back()));
    }
    if (made.to.work.machine.track_contents && from.work.tasks.size() == 1) {
      properties.after_step(made.to.work, *made.to.call_begin);
    }
    if (!after.in_kernel) made.to.call_begin.reset();
    made.changes = comparison.between(from, made.to);
    result.steps.push_back(std::move(made));
  }
  if (!witness.loop.empty()) {
    CheckState entry = result.before(result.stem);
    CheckState back = result.end();
    canonicalise(built.workload, built.check.rules, options.actions, entry);
    canonicalise(built.workload, built.check.rules, options.actions, back);
    result.closes = entry == back;
  }
  if (witness.loop.empty()) {
    result.waits = waits_in_words(deadlock_of(built.workload, result.end().work), built.names);
  }
  result.judged = properties.judged();
  return result;
}

std::vector<std::string> walk_lines(const Built& built, const Walk& walk, std::size_t most_lines) {
  std::vector<std::string> lines;
  const auto put = [&](const std::vector<std::string>& more) { lines.insert(lines.end(), more.begin(), more.end()); };
  for (std::size_t i = 0; i < walk.steps.size();) {
    if (i == walk.stem) lines.emplace_back("      loop:");
    const std::size_t part_end = i < walk.stem ? std::min(walk.stem, walk.steps.size()) : walk.steps.size();
    const std::string key = likeness(walk.steps[i]);
    std::size_t end = i + 1;
    while (end < part_end && likeness(walk.steps[end]) == key) ++end;
    put(step_lines(built, walk, i));
    if (end - i > 2) {
      const Bytes from = walk.steps[i].progress_after;
      const Bytes to = walk.steps[end - 1].progress_after;
      lines.push_back(fmt::format("      … {} more rounds like this{}", end - i - 1,
                                  from == to ? "" : fmt::format("; progress {} -> {}", from.n, to.n)));
      i = end;
    } else {
      ++i;
    }
  }
  if (lines.size() > most_lines) {
    std::size_t head = most_lines / 2;
    std::size_t tail = lines.size() - (most_lines - head);
    while (head > 0 && !begins_step(lines[head])) --head;
    while (tail < lines.size() && !begins_step(lines[tail])) ++tail;
    lines.erase(lines.begin() + static_cast<std::ptrdiff_t>(head), lines.begin() + static_cast<std::ptrdiff_t>(tail));
    lines.insert(lines.begin() + static_cast<std::ptrdiff_t>(head), "      …");
  }
  if (!walk.trouble.empty()) {
    lines.push_back(fmt::format("      step {} cannot be made: {}", walk.steps.size() + 1, walk.trouble));
  } else if (walk.closes) {
    lines.push_back(
        fmt::format("      here the state is that before step {}: it goes on like this for ever", walk.stem + 1));
  } else if (walk.stuck()) {
    lines.push_back(fmt::format("      here nobody can step: {}", fmt::join(walk.waits, "; ")));
  }
  return lines;
}

}  // namespace mtesim
