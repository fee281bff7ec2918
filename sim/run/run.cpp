#include "sim/run/run.h"

namespace mtesim {

namespace {

class Watched final : public Environment {
 public:
  Watched(std::span<Observer* const> observers, PropertyWatch* properties)
      : observers_(observers), properties_(properties) {}
  std::uint64_t before(const Look& next, Machine& machine) override { return still_.before(next, machine); }
  void observe(const Event& event) override {
    for (Observer* observer : observers_) observer->observe(event);
    if (properties_ != nullptr) properties_->observe(event);
  }

 private:
  StillEnvironment still_;
  std::span<Observer* const> observers_;
  PropertyWatch* properties_;
};

struct Turning {
  WorkState state;
  std::uint32_t turn{};
  [[nodiscard]] bool same_as(const Turning& other) const {
    return turn == other.turn && state.fingerprint() == other.state.fingerprint() && state == other.state;
  }
};

/// One step of the next task that can make one. False: nobody can.
bool step_someone(const Workload& workload, Turning& now, Environment& environment) {
  const auto tasks = static_cast<std::uint32_t>(now.state.tasks.size());
  for (std::uint32_t i = 0; i < tasks; ++i) {
    const TaskId task{(now.turn + i) % tasks};
    if (!can_step(workload, now.state, task)) continue;
    const Step made = step(workload, now.state, task, environment);
    if (tasks == 1) return !std::holds_alternative<Blocked>(made);
    now.turn = (task.n + 1) % tasks;  // lying down to sleep is a step, too
    return true;
  }
  return false;
}

struct Walk {
  RunEnd end{};
  std::uint64_t rounds{};
  std::uint64_t cycle_rounds{};
  Turning now;
};

/// Brent's cycle search: a state is kept, and replaced by the present one each time twice as many steps have passed.
Walk walk(const Workload& workload, Turning start, Environment& environment, std::uint64_t max_rounds,
          PropertyWatch* properties = nullptr) {
  Walk walk{RunEnd::returned, 0, 0, std::move(start)};
  Turning saved = walk.now;
  std::uint64_t power = 1;
  std::uint64_t since_saved = 0;
  while (!is_done(workload, walk.now.state)) {
    if (walk.rounds == max_rounds) return walk.end = RunEnd::cut, walk;
    if (properties != nullptr) properties->before_step(walk.now.state);
    if (!step_someone(workload, walk.now, environment)) return walk.end = RunEnd::deadlock, walk;
    if (properties != nullptr) properties->after_step(walk.now.state);
    ++walk.rounds;
    ++since_saved;
    if (walk.now.same_as(saved)) {
      walk.end = RunEnd::livelock;
      walk.cycle_rounds = since_saved;
      return walk;
    }
    if (since_saved == power) {
      saved = walk.now;
      power *= 2;
      since_saved = 0;
    }
  }
  return walk;
}

/// The state behind so many rounds. Of a task that is alone, a run's last state has what it did before it blocked.
WorkState state_after(const Workload& workload, std::uint64_t rounds) {
  StillEnvironment still;
  Turning now{begin(workload)};
  for (std::uint64_t i = 0; i < rounds; ++i) step_someone(workload, now, still);
  return std::move(now.state);
}

/// How long the way into the cycle is: two walkers, `cycle` steps apart, meet where it begins.
std::uint64_t length_of_stem(const Workload& workload, std::uint64_t cycle) {
  StillEnvironment still;
  Turning behind{begin(workload)};
  Turning ahead = behind;
  for (std::uint64_t i = 0; i < cycle; ++i) step_someone(workload, ahead, still);
  std::uint64_t stem = 0;
  for (; !behind.same_as(ahead); ++stem) {
    step_someone(workload, behind, still);
    step_someone(workload, ahead, still);
  }
  return stem;
}

}  // namespace

std::vector<std::int64_t> RunResult::all_results() const {
  std::vector<std::int64_t> all;
  for (const auto& task : results) all.insert(all.end(), task.begin(), task.end());
  return all;
}

bool ends_when_killed(const Workload& workload, const WorkState& state, std::uint64_t max_rounds) {
  Turning now{state};
  for (Task& task : now.state.machine.tasks) task.pending.fatal = true;
  StillEnvironment still;
  return walk(workload, std::move(now), still, max_rounds).end == RunEnd::returned;
}

RunResult run(const Workload& workload, std::span<Observer* const> observers, std::uint64_t max_rounds, bool judge) {
  PropertyWatch properties(workload);
  PropertyWatch* const watch = judge && has_properties(workload) ? &properties : nullptr;
  Watched watched(observers, watch);
  Walk done = walk(workload, Turning{begin(workload)}, watched, max_rounds, watch);
  RunResult result;
  result.properties = properties.judged();
  result.end = done.end;
  result.rounds = done.rounds;
  if (done.end == RunEnd::livelock) {
    result.cycle_rounds = done.cycle_rounds;
    result.stem_rounds = length_of_stem(workload, done.cycle_rounds);
    result.killable = ends_when_killed(workload, done.now.state, max_rounds);
  }
  if (done.end == RunEnd::deadlock) result.deadlock = deadlock_of(workload, state_after(workload, done.rounds));
  for (const TaskState& task : done.now.state.tasks) result.results.push_back(task.results);
  result.final_state = std::move(done.now.state);
  return result;
}

}  // namespace mtesim
