#include "sim/check/workload_system.h"

#include <unordered_map>

#include "sim/check/reduction.h"

namespace mtesim {

CheckState start_of(const Workload& workload, const CheckOptions& options) {
  CheckState start = start_of_check(workload, options.actions);
  start.work.machine.track_contents = options.track_contents;
  canonicalise(workload, options.rules, options.actions, start);
  return start;
}

Fingerprint StepNote::fingerprint() const {
  Fingerprint print;
  for (const ChoiceAt& at : choices) {
    print = print_of(print.bits, at.site, at.choice.action, at.choice.access, at.choice.target, at.choice.pointer.bits);
  }
  for (const ReachedFact& fact : reached_facts()) print = print_of(print.bits, reached.*fact.field);
  print = print_of(print.bits, price.cycles);
  if (returned) print = print_of(print.bits, returned->call, returned->result);
  for (const Judgement& one : judged) print = print_of(print.bits, one.standing, one.bytes.n, one.first.at);
  return print;
}

void StepNote::add_orders(const std::vector<LockOrder>& more) {
  LockOrders all;
  for (const LockOrder& order : orders) all.add(order);
  for (const LockOrder& order : more) all.add(order);
  orders = all.all();
}

std::array<WorkloadSystem::State, 1> WorkloadSystem::initial() const {
  return {states_.number(start_of(workload_, options_))};
}

explore::NodeInfo WorkloadSystem::info(State number) const {
  const CheckState state = states_[number];
  explore::NodeInfo info;
  info.ended = is_done(workload_, state.work);
  for (std::uint32_t t = 0; t < state.work.tasks.size(); ++t) {
    if (can_step(workload_, state.work, TaskId{t})) info.enabled |= explore::only(static_cast<explore::Task>(t));
  }
  return info;
}

std::vector<UserRange> WorkloadSystem::accessed() const {
  const std::lock_guard lock(accessed_mutex_);
  return accessed_.all();
}

void WorkloadSystem::add_accessed(const std::vector<UserRange>& ranges) const {
  const std::lock_guard lock(accessed_mutex_);
  for (const UserRange& range : ranges) accessed_.add(range);
}

WorkloadSystem::State WorkloadSystem::step_of(State from, TaskId task, const Choices& choices) const {
  const CheckState state = states_[from];
  if (is_done(workload_, state.work, task)) return from;
  return number_of(replay_branch(workload_, state, task, options_.actions, options_.rules, choices, {}, {}).to);
}

std::vector<WorkloadSystem::Successor> WorkloadSystem::successors_of(State number) const {
  const CheckState from = states_[number];
  UserRanges accessed;
  const auto look_at = [&](std::uint64_t begin, std::uint64_t end) {
    if (!accessed.contains({begin, end})) accessed.add({begin, end});
  };
  std::vector<Successor> all;
  std::vector<StepNote> notes;
  for (std::uint32_t t = 0; t < from.work.tasks.size(); ++t) {
    const TaskId task{t};
    if (!can_step(workload_, from.work, task)) continue;
    const std::uint32_t space = from.work.machine.task(task).space;
    const auto observe = [&](const Event& event) {
      if (space != 0) return;
      if (const auto* done = std::get_if<Accessed>(&event)) {
        const std::uint64_t begin = done->run.first.address();
        if (done->run.count > 0) look_at(begin, begin + done->run.span().n);
      } else if (const auto* fault = std::get_if<TagFaultTaken>(&event)) {
        look_at(fault->address.address(), fault->address.address() + 1);
      }
    };
    // Ways that differ only in how they got there are one transition, the first of them.
    std::unordered_multimap<std::uint64_t, std::size_t> met;
    for_each_branch(
        workload_, from, task, options_.actions, options_.rules,
        [&](Branch&& branch) {
          if (!branch.moved(from, task)) return true;  // who sleeps does not step
          StepNote note = note_of(from, branch, task);
          const State to = number_of(std::move(branch.to));
          const auto [first, last] = met.equal_range(std::uint64_t{to} << 32 | branch.actions);
          for (auto same = first; same != last; ++same) {
            StepNote& known = notes[same->second];
            if (known.judged != note.judged) continue;
            known.reached |= note.reached;
            known.add_orders(note.orders);
            known.price.raise_to(note.price);
            return true;
          }
          met.emplace(std::uint64_t{to} << 32 | branch.actions, all.size());
          explore::EdgeInfo edge;
          edge.task = static_cast<explore::Task>(t);
          edge.actions = branch.actions;
          all.push_back({to, edge});
          notes.push_back(std::move(note));
          return true;
        },
        observe);
  }
  if (!accessed.empty()) add_accessed(accessed.all());
  for (std::size_t i = 0; i < all.size(); ++i) all[i].edge.label = label_of(notes[i]);
  return all;
}

StepNote WorkloadSystem::note_of(const CheckState& from, const Branch& branch, TaskId task) const {
  StepNote note{branch.choices, branch.reached, branch.orders.all()};
  note.reached.environment_acted |= branch.actions > 0;
  note.price = branch.price;
  const std::uint32_t call = from.work.tasks[task.n].call;
  const TaskState& now = branch.to.work.tasks[task.n];
  if (now.call == call) {
    note.reached.retried |=
        !branch.blocked && progress(workload_, branch.to.work, task) <= progress(workload_, from.work, task);
    return note;
  }
  (now.results.back() < 0 ? note.reached.returned_error : note.reached.returned_success) = true;
  if (!has_properties(workload_)) return note;
  note.returned = StepNote::Returned{call, now.results.back()};
  if (branch.to.work.machine.track_contents) {
    const auto what =
        return_of(workload_, branch.to.work, call, progress(workload_, from.work, task), branch.delivered);
    note.judged = judge(*what, *branch.to.call_begin, branch.to.work.machine);
  }
  return note;
}

/// Behind the last call only the results count: a path that has ended has ended, be it by the last call's return or
/// by a signal before that.
WorkloadSystem::State WorkloadSystem::number_of(CheckState&& state) const {
  if (!state.work.tasks.front().in_kernel) state.call_begin.reset();
  if (is_done(workload_, state.work)) {
    state.work.machine = Machine{};
    for (std::size_t t = 0; t < state.work.tasks.size(); ++t) {
      TaskState& task = state.work.tasks[t];
      const auto made = static_cast<std::uint32_t>(workload_.calls[t].size());
      task = {made, false, false, {}, std::move(task.results)};
    }
    state.budgets.clear();
    state.looked_at.clear();
    state.call_begin.reset();
  }
  return states_.number(std::move(state));
}

}  // namespace mtesim
