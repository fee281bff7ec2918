#include "sim/check/branching.h"

#include <algorithm>
#include <array>
#include <deque>
#include <unordered_map>

#include "sim/check/reduction.h"

namespace mtesim {

namespace {

/// Unwinds a step whose future is known already.
struct Joined {};

/// What the path has seen of the world since the step began: all that its local variables can depend on.
/// Accesses that merely passed are counted, so that the same place in the path has the same position.
struct Seen {
  std::uint64_t position{};             ///< looks made, a run counting each access
  std::vector<std::uint64_t> outcomes;  ///< faults, signals, things found: each with the position where it was seen
  Provenance loaded;                    ///< what loads brought to the kernel, in order
  bool operator==(const Seen&) const = default;

  void note(std::uint64_t kind, std::uint64_t value) {
    outcomes.push_back(position);
    outcomes.push_back(kind);
    outcomes.push_back(value);
  }
  void note(const Event& event);
};

void Seen::note(const Event& event) {
  if (const auto* accessed = std::get_if<Accessed>(&event)) {
    position += accessed->run.count;
    if (accessed->loaded != nullptr) loaded.append(*accessed->loaded);
  } else if (const auto* tag_fault = std::get_if<TagFaultTaken>(&event)) {
    note(1, tag_fault->address.bits());
  } else if (const auto* page_fault = std::get_if<PageFaultTaken>(&event)) {
    const bool seen = page_fault->result == PageFaultResult::failed || page_fault->result == PageFaultResult::disabled;
    if (page_fault->by_software) ++position;
    if (seen) note(page_fault->by_software ? 6 : 2, page_fault->address);
  } else if (const auto* signal = std::get_if<SignalSeen>(&event)) {
    ++position;
    if (signal->pending) note(3, 1);
  } else if (const auto* found = std::get_if<Found>(&event)) {
    ++position;
    note(4, found->value);
  } else if (std::holds_alternative<LockContended>(event)) {
    note(5, 0);
  }
}

/// A place in a step, with all that decides what comes behind it.
struct Site {
  Machine machine;
  std::vector<std::uint8_t> budgets;
  Seen seen;
  std::uint32_t after{};    ///< what was done just before this access bars what comes before it in the list
  std::uint32_t actions{};  ///< done on the step so far; without a budget nothing else remembers how many
  StepPrice price{};
  friend bool operator==(const Site& a, const Site& b) {
    return a.after == b.after && a.actions == b.actions && a.budgets == b.budgets && a.seen == b.seen &&
           a.price == b.price && a.machine == b.machine;
  }
};

class SiteSet {
 public:
  /// False if it was there.
  bool insert(Site&& site) {
    Fingerprint print = site.machine.fingerprint() + print_of(site.seen.position, site.after);
    for (const std::uint64_t outcome : site.seen.outcomes) print = print_of(print.bits, outcome);
    for (const std::uint8_t budget : site.budgets) print = print_of(print.bits, budget);
    std::vector<Site>& bucket = sites_[print.bits];
    if (std::find(bucket.begin(), bucket.end(), site) != bucket.end()) return false;
    bucket.push_back(std::move(site));
    return true;
  }

 private:
  std::unordered_map<std::uint64_t, std::vector<Site>> sites_;
};

/// The part of [from, to) that the placement could be in, a word of `looked_at` at a time: f(word, bits of the part)
/// says whether to go on.
template <class F>
bool for_each_word(const Action& placement, std::uint64_t from, std::uint64_t to, F&& f) {
  if (to <= placement.begin || from >= placement.end) return true;
  std::uint64_t first = (std::max(from, placement.begin) - placement.begin) / kGranule.n;
  const std::uint64_t end = (std::min(to, placement.end) - placement.begin + kGranule.n - 1) / kGranule.n;
  while (first < end) {
    const std::uint64_t n = std::min<std::uint64_t>(64 - first % 64, end - first);
    const std::uint64_t bits = (n == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << n) - 1) << (first % 64);
    if (!f(first / 64, bits)) return false;
    first += n;
  }
  return true;
}

/// Whether states remember how their call began: of one task, and only where contents are tracked.
bool tracks_calls(const WorkState& work) { return work.machine.track_contents && work.tasks.size() == 1; }

void note_call_begin(CheckState& state) {
  if (tracks_calls(state.work) && !state.work.tasks.front().in_kernel) {
    state.call_begin = Cow<CallBegin>(CallBegin{state.work.machine, {}, {}, {}});
  }
}

/// An environment that follows `script` and then does nothing, reporting the sites that it comes by.
class Branching final : public Environment {
 public:
  Branching(CheckState& state, TaskId task, std::span<const Action> actions, SiteRule rule, const Choices& script)
      : state_(state),
        task_(task),
        actions_(actions),
        rule_(rule),
        script_(script),
        scripted_(script.size() - (pauses(script) ? 1 : 0)) {}

  /// Called at each site behind the script's last choice where something could be done; may throw Joined.
  std::function<void(const Look&)> at_site;
  std::function<void(const Event&)> watch;
  std::function<void(const ActionChoice&)> acted;
  bool careful{};  ///< the script may be anybody's: what could not be done here is left out

  std::uint64_t before(const Look& next, Machine& machine) override {
    const auto* run = std::get_if<AccessRun>(&next);
    const std::uint64_t all = run != nullptr ? run->count : 1;
    if (plan_ && seen_.outcomes.size() == outcomes_at_plan_ && run != nullptr) {
      if (!(run->first == plan_at_)) return (plan_at_ - run->first).n / run->stride;  // a page fault cut the run
      const ActionChoice choice = *plan_;
      plan_.reset();
      carry_out(choice, next, machine);
    }
    // Several things may be done before one access: in the order of the list, not in every order.
    while (next_in_script_ < scripted_) {
      if (script_[next_in_script_].site != site_++) return leave(all);
      if (careful && !offers(next, script_[next_in_script_].choice)) return leave(all);
      const ActionChoice& choice = script_[next_in_script_++].choice;
      if (choice.access > 0) {
        plan_ = choice;
        plan_at_ = run->at(choice.access);
        outcomes_at_plan_ = seen_.outcomes.size();
        return leave(choice.access);
      }
      carry_out(choice, next, machine);
    }
    if (at_site && anything(next)) at_site(next);
    ++site_;
    return leave(all);
  }

  void observe(const Event& event) override {
    seen_.note(event);
    if (!state_.looked_at.empty()) {
      if (const auto* accessed = std::get_if<Accessed>(&event)) look_at(accessed->run);
      if (const auto* fault = std::get_if<TagFaultTaken>(&event)) look_at({fault->address, 1, 1, 1, fault->kind});
    }
    if (watch) watch(event);
  }

  [[nodiscard]] Site here(const Machine& machine) const {
    return {machine, state_.budgets, seen_, last_ ? last_->action + 1 : 0, done_, {}};
  }
  [[nodiscard]] std::uint32_t site() const { return site_; }
  template <class F>
  void for_each_choice_here(const Look& look, F&& f) const {
    visit(look, [&](const ActionChoice& choice) { return f(choice), true; });
  }
  [[nodiscard]] std::uint32_t done() const { return done_; }
  /// The task has gone to sleep, and its step is undone; what the world did meanwhile is not, as far as it can be done
  /// without the step.
  void do_again(Machine& machine) const {
    for (const auto& [choice, look] : done_at_) {
      const std::function<bool(const ActionChoice&)> differs = [&, done = &choice](const ActionChoice& possible) {
        return !(possible.action == done->action && possible.target == done->target);
      };
      const bool nothing =
          for_each_choice(look, machine, task_, actions_, choice.action, SiteRule::everywhere, differs);
      if (!nothing) apply(choice, actions_, machine);
    }
  }
  /// The script asked for something that the path never came to: the way is one that is known without it.
  [[nodiscard]] bool fell_short() const { return plan_.has_value() || next_in_script_ < scripted_; }

 private:
  template <class F>
  bool visit(const Look& look, F&& f) const {
    const std::function<bool(const ActionChoice&)> ordered = [&](const ActionChoice& choice) {
      if (actions_[choice.action].before_call && comes_too_late(look, choice)) return true;
      const bool behind_last = !last_ || choice.access > 0 || choice.action > last_->action ||
                               (choice.action == last_->action && choice.target > last_->target);
      return !behind_last || f(choice);
    };
    for (std::uint32_t a = 0; a < actions_.size(); ++a) {
      if (state_.budgets[a] == 0 || (actions_[a].before_call && all_looked_at(look))) continue;
      if (!for_each_choice(look, state_.work.machine, task_, actions_, a, rule_, ordered)) return false;
    }
    return true;
  }
  [[nodiscard]] bool anything(const Look& look) const {
    return !visit(look, [](const ActionChoice&) { return false; });
  }
  [[nodiscard]] bool offers(const Look& look, const ActionChoice& wanted) const {
    return !visit(look, [&](const ActionChoice& choice) { return !(choice == wanted); });
  }
  [[nodiscard]] const Action& placement() const {
    return *std::find_if(actions_.begin(), actions_.end(), [](const Action& action) { return action.before_call; });
  }
  /// Somebody has looked at the granule by then: an access before this run, or the one before this in the run.
  [[nodiscard]] bool comes_too_late(const Look& look, const ActionChoice& choice) const {
    const auto* run = std::get_if<AccessRun>(&look);
    if (run == nullptr || state_.looked_at.empty()) return true;
    const std::uint64_t granule = (choice.target - placement().begin) / kGranule.n;
    if ((state_.looked_at[granule / 64] >> (granule % 64) & 1) != 0) return true;
    return choice.access > 0 && run->at(choice.access - 1).address() + run->width > choice.target;
  }
  [[nodiscard]] bool all_looked_at(const Look& look) const {
    const auto* run = std::get_if<AccessRun>(&look);
    if (run == nullptr || state_.looked_at.empty()) return true;
    const std::uint64_t begin = run->first.address();
    return for_each_word(placement(), begin, begin + run->span().n, [&](std::uint64_t word, std::uint64_t bits) {
      return (state_.looked_at[word] & bits) == bits;
    });
  }
  void look_at(const AccessRun& run) {
    const auto mark = [&](std::uint64_t from, std::uint64_t to) {
      mark_looked_at(state_.looked_at, placement(), from, to);
    };
    if (run.count == 0) return;
    if (run.stride <= kGranule.n) return mark(run.first.address(), run.first.address() + run.span().n);
    for (std::uint64_t i = 0; i < run.count; ++i) mark(run.at(i).address(), run.at(i).address() + run.width);
  }
  std::uint64_t leave(std::uint64_t ahead) {
    last_.reset();
    return ahead;
  }
  void carry_out(const ActionChoice& choice, const Look& look, Machine& machine) {
    apply(choice, actions_, machine);
    if (state_.work.tasks.size() > 1) done_at_.emplace_back(choice, look);
    if (tracks_calls(state_.work)) {
      state_.call_begin.write().note(choice, actions_, machine);
    }
    std::uint8_t& budget = state_.budgets[choice.action];
    if (budget != Action::kUnbounded) --budget;
    const Action& action = actions_[choice.action];
    if (action.before_call && budget == 0) state_.looked_at.clear();
    // What comes in the place of a page that is gone has tags of its own.
    const bool page_is_gone = action.kind == ActionKind::dontneed || action.kind == ActionKind::unmap;
    if (page_is_gone && !state_.looked_at.empty()) {
      mark_looked_at(state_.looked_at, placement(), choice.target, choice.target + machine.page_size.n);
    }
    ++done_;
    last_ = choice;
    if (acted) acted(choice);
  }

  CheckState& state_;
  TaskId task_;
  std::span<const Action> actions_;
  SiteRule rule_;
  const Choices& script_;
  std::size_t scripted_;  ///< how much of it is the environment's
  Seen seen_;
  std::optional<ActionChoice> plan_;  ///< to be done before a later access of the run that is under way
  UserPtr plan_at_;
  std::size_t outcomes_at_plan_{};
  std::optional<ActionChoice> last_;  ///< done just before the access that comes next
  std::size_t next_in_script_{};
  std::uint32_t site_{};
  std::uint32_t done_{};
  std::vector<std::pair<ActionChoice, Look>> done_at_;  // of several tasks
};

}  // namespace

void mark_looked_at(std::vector<std::uint64_t>& looked_at, const Action& placement, std::uint64_t from,
                    std::uint64_t to) {
  for_each_word(placement, from, to, [&](std::uint64_t word, std::uint64_t bits) {
    looked_at[word] |= bits;
    return true;
  });
}

void Reached::note(const Event& event) {
  if (const auto* delivered = std::get_if<Delivered>(&event)) {
    bytes_delivered |= delivered->total.n > 0;
  } else if (std::holds_alternative<TagFaultTaken>(event)) {
    tag_fault = true;
  } else if (const auto* fault = std::get_if<PageFaultTaken>(&event)) {
    const bool handled = fault->result == PageFaultResult::minor || fault->result == PageFaultResult::major;
    (handled ? page_fault_handled : page_fault_refused) = true;
  } else if (const auto* signal = std::get_if<SignalSeen>(&event)) {
    signal_seen |= signal->pending;
  }
}

Reached& Reached::operator|=(const Reached& other) {
  for (const ReachedFact& fact : reached_facts()) this->*fact.field |= other.*fact.field;
  return *this;
}

std::span<const ReachedFact> reached_facts() {
  static constexpr std::array<ReachedFact, 9> kFacts{{
      {"bytes_delivered", "a copy brought bytes", &Reached::bytes_delivered},
      {"tag_fault", "an access took a tag check fault", &Reached::tag_fault},
      {"page_fault_handled", "a page was faulted in", &Reached::page_fault_handled},
      {"page_fault_refused", "page faults were disabled, or there was nothing to be had", &Reached::page_fault_refused},
      {"retried", "a round brought nothing and was not the last", &Reached::retried},
      {"environment_acted", "the environment did something", &Reached::environment_acted},
      {"signal_seen", "the loop saw a signal", &Reached::signal_seen},
      {"returned_success", "a call returned a count", &Reached::returned_success},
      {"returned_error", "a call returned an error", &Reached::returned_error},
  }};
  return kFacts;
}

CheckState start_of_check(const Workload& workload, std::span<const Action> actions) {
  CheckState start{begin(workload), {}, {}};
  for (const Action& action : actions) {
    start.budgets.push_back(action.budget);
    if (!action.before_call) continue;
    MTESIM_CHECK(start.looked_at.empty() && is_aligned(action.begin, kGranule));
    start.looked_at.assign(((action.end - action.begin) / kGranule.n + 63) / 64, 0);
    const Machine& machine = start.work.machine;
    for (std::uint64_t page = action.begin; page < action.end; page += machine.page_size.n) {
      const PteState state = machine.spaces[action.space]->pte(machine.page_index(page)).state;
      // A page that is not there yet comes with tags 0, whatever was done before.
      if (state != PteState::present && state != PteState::swapped) {
        mark_looked_at(start.looked_at, action, page, page + machine.page_size.n);
      }
    }
  }
  return start;
}

bool Branch::moved(const CheckState& from, TaskId task) const {
  if (!blocked) return true;
  const Locks::Waiter* before = from.work.machine.locks.waiter(task);
  const Locks::Waiter* now = to.work.machine.locks.waiter(task);
  return now != nullptr && !(before != nullptr && *before == *now);
}

namespace {

/// Whether what it has come to is what this pace is for.
bool keeps_pace(const Branch& branch, TaskId task, Pace pace) {
  if (pace == Pace::whole) return true;
  const Locks::Waiter* waiter = branch.to.work.machine.locks.waiter(task);
  return branch.blocked && waiter != nullptr && !waiter->queued;
}

/// The branches of a step at one pace. Returns: false if it was told to stop.
bool branches_at_pace(const Workload& workload, const CheckState& from, TaskId task, std::span<const Action> actions,
                      const BranchRules& rules, Pace pace, const std::function<bool(Branch&&)>& take,
                      const std::function<void(const Event&)>& observe) {
  SiteSet known;
  // Fewer actions first: of ways that join, the one that is followed has the least, and so has each transition.
  std::deque<Choices> scripts{{}};
  while (!scripts.empty()) {
    Branch branch{from, false, 0, std::move(scripts.front()), {}};
    note_call_begin(branch.to);
    scripts.pop_front();
    Branching environment(branch.to, task, actions, rules.sites, branch.choices);
    std::optional<StepMeter> meter;
    if (rules.costs != nullptr) {
      const TaskState& before = from.work.tasks[task.n];
      const bool enters = !before.in_kernel && !workload.calls[task.n][before.call].in_user_mode();
      meter.emplace(*rules.costs, from.work.machine.locks, task, enters);
    }
    environment.at_site = [&](const Look& look) {
      if (rules.join_histories) {
        Site here = environment.here(branch.to.work.machine);
        if (meter) here.price = meter->price();
        if (!known.insert(std::move(here))) throw Joined{};
      }
      environment.for_each_choice_here(look, [&](const ActionChoice& choice) {
        Choices script;
        script.reserve(branch.choices.size() + 1);
        script = branch.choices;
        script.push_back({environment.site(), choice});
        scripts.push_back(std::move(script));
      });
    };
    LockOrderWatch locks(from.work.machine.locks, task, from.work.tasks[task.n].call);
    environment.watch = [&](const Event& event) {
      branch.reached.note(event);
      if (observe) observe(event);
      if (meter) meter->observe(event);
      locks.observe(event, branch.orders);
      if (const auto* told = std::get_if<Delivered>(&event)) branch.delivered = told->total;
    };
    bool joined = false;
    try {
      const Step result = step(workload, branch.to.work, task, environment, pace);
      branch.blocked = std::holds_alternative<Blocked>(result);
      branch.actions = environment.done();
      if (branch.blocked && branch.actions > 0) environment.do_again(branch.to.work.machine);
      canonicalise(workload, rules, actions, branch.to);
    } catch (const Joined&) {
      joined = true;
    }
    if (joined || environment.fell_short() || !keeps_pace(branch, task, pace)) continue;
    if (meter) branch.price = meter->price();
    if (pace == Pace::to_next_lock) branch.choices.push_back({ChoiceAt::kPauses, {}});
    if (!take(std::move(branch))) return false;
  }
  return true;
}

}  // namespace

void for_each_branch(const Workload& workload, const CheckState& from, TaskId task, std::span<const Action> actions,
                     const BranchRules& rules, const std::function<bool(Branch&&)>& take,
                     const std::function<void(const Event&)>& observe) {
  if (!branches_at_pace(workload, from, task, actions, rules, Pace::whole, take, observe)) return;
  if (from.work.tasks.size() == 1) return;
  branches_at_pace(workload, from, task, actions, rules, Pace::to_next_lock, take, observe);
}

Branch replay_branch(const Workload& workload, const CheckState& from, TaskId task, std::span<const Action> actions,
                     const BranchRules& rules, const Choices& choices, const std::function<void(const Event&)>& observe,
                     const std::function<void(const ActionChoice&)>& acted) {
  Branch branch{from, false, 0, choices, {}};
  note_call_begin(branch.to);
  Branching environment(branch.to, task, actions, rules.sites, branch.choices);
  environment.watch = [&](const Event& event) {
    if (const auto* told = std::get_if<Delivered>(&event)) branch.delivered = told->total;
    if (observe) observe(event);
  };
  environment.acted = acted;
  environment.careful = true;
  const Pace pace = pauses(choices) ? Pace::to_next_lock : Pace::whole;
  const Step result = step(workload, branch.to.work, task, environment, pace);
  branch.blocked = std::holds_alternative<Blocked>(result);
  branch.actions = environment.done();
  if (branch.blocked && branch.actions > 0) environment.do_again(branch.to.work.machine);
  canonicalise(workload, rules, actions, branch.to);
  return branch;
}

}  // namespace mtesim
