#include "sim/scenario/difference.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <optional>

#include "sim/scenario/result.h"

namespace mtesim {

namespace {

std::string hex(Fingerprint print) { return fmt::format("{:08x}", print.bits >> 32); }

std::string mode_word(std::uint64_t mode) {
  static constexpr std::array<std::string_view, 4> kModes{"none", "sync", "async", "asymm"};
  return mode < kModes.size() ? std::string(kModes[mode]) : std::to_string(mode);
}

std::string prot_word(const Prot& prot) {
  std::string word;
  if (prot.read) word += 'r';
  if (prot.write) word += 'w';
  if (prot.mte) word += 't';
  return word.empty() ? "none" : word;
}

/// The page that an address leads to, if there is one, in memory or in swap.
std::optional<FolioRef> page_of(const Machine& machine, const Vma* vma, std::uint64_t index, const Pte& pte) {
  if (pte.state == PteState::present || pte.state == PteState::swapped) return pte.folio;
  if (vma == nullptr || !vma->shared) return std::nullopt;
  const FolioRef own{vma->object, static_cast<std::uint32_t>(index + vma->page_delta)};
  return machine.folio(own).allocated ? std::optional(own) : std::nullopt;
}

std::string page_word(const Vma* vma, const Pte& pte) {
  if (vma == nullptr) return "unmapped";
  std::string word;
  switch (pte.state) {
    case PteState::none:
      word = "not present";
      break;
    case PteState::zero:
      word = "zero page";
      break;
    case PteState::present:
      word = pte.writable || !vma->prot.write ? "present" : "present, not writable yet";
      break;
    case PteState::swapped:
      word = "swapped";
      break;
  }
  return word;
}

std::string folio_word(const Folio& folio) {
  if (!folio.allocated && !folio.in_cache) return "none";
  std::vector<std::string> words;
  if (folio.in_cache) words.emplace_back(folio.in_swap ? "cached, in swap" : "cached");
  if (folio.dirty) words.emplace_back("dirty");
  if (folio.uptodate) words.emplace_back("uptodate");
  if (folio.stored) words.emplace_back("stored");
  if (folio.mte_tagged) words.emplace_back("tagged");
  if (folio.maps != 1) words.push_back(fmt::format("mapped {} times", folio.maps));
  return words.empty() ? "plain" : fmt::format("{}", fmt::join(words, ", "));
}

std::string pending_word(const PendingSignals& pending) {
  std::vector<std::string> words;
  if (pending.fatal) words.emplace_back("SIGKILL");
  if (pending.other) words.emplace_back("a signal with a handler");
  if (pending.mteaerr) words.emplace_back("SIGSEGV SEGV_MTEAERR");
  if (pending.fault.signal != 0) words.push_back(signal_name(pending.fault));
  return words.empty() ? "none" : fmt::format("{}", fmt::join(words, ", "));
}

std::string results_word(const TaskState& task) { return task.results.empty() ? "none" : result_words(task.results); }

std::string queue_word(const Pipe& pipe) {
  std::uint64_t bytes = 0;
  for (const Pipe::Buffer& buffer : pipe.buffers) bytes += buffer.bytes.size().n;
  return fmt::format("{} buffers, {} bytes", pipe.buffers.size(), bytes);
}

std::string queue_word(const Socket& socket) {
  std::uint64_t bytes = 0;
  for (const Socket::Skb& skb : socket.queue) bytes += skb.bytes.size().n - skb.consumed.n;
  return fmt::format("{} buffers, {} bytes", socket.queue.size(), bytes);
}

std::uint64_t bits_set(const std::vector<std::uint64_t>& words) {
  std::uint64_t bits = 0;
  for (const std::uint64_t word : words) bits += static_cast<std::uint64_t>(std::popcount(word));
  return bits;
}

/// One comparison on its way.
class Comparison {
 public:
  Comparison(const Built& built, const CheckState& a, const CheckState& b, bool also_equal)
      : built_(built), a_(a), b_(b), also_equal_(also_equal) {}

  void tasks() {
    for (std::uint32_t t = 0; t < a_.work.tasks.size(); ++t) task(TaskId{t});
    const std::size_t threads = std::max(machine_a().tasks.size(), machine_b().tasks.size());
    for (std::uint32_t t = 0; t < threads; ++t) thread(t);
  }
  void memory() {
    const std::size_t spaces = std::min(machine_a().spaces.size(), machine_b().spaces.size());
    if (machine_a().objects == machine_b().objects && machine_a().spaces == machine_b().spaces) return;
    for (std::uint32_t s = 0; s < spaces; ++s) {
      for (const Names::Mapping& mapping : built_.names.mappings) map(s, mapping);
    }
    for (std::uint32_t o = 0; o < std::min(machine_a().objects.size(), machine_b().objects.size()); ++o) file(o);
  }
  void queues() {
    for (std::size_t i = 0; i < std::min(machine_a().pipes.size(), machine_b().pipes.size()); ++i) {
      const std::string name = i < built_.names.pipes.size() ? built_.names.pipes[i] : std::to_string(i);
      queue(*machine_a().pipes[i], *machine_b().pipes[i], "pipe " + name);
    }
    for (std::size_t i = 0; i < std::min(machine_a().sockets.size(), machine_b().sockets.size()); ++i) {
      queue(*machine_a().sockets[i], *machine_b().sockets[i], fmt::format("socket {}", i));
    }
    for (std::size_t i = 0; i < std::min(machine_a().eventfds.size(), machine_b().eventfds.size()); ++i) {
      const std::string name = fmt::format("eventfd {}", i);
      add("queues", name, name, number(machine_a().eventfds[i]), number(machine_b().eventfds[i]));
    }
  }
  void locks() {
    std::vector<LockId> all;
    for (const Machine* machine : {&machine_a(), &machine_b()}) {
      for (const Locks::Held& held : machine->locks.held()) {
        if (std::find(all.begin(), all.end(), held.lock) == all.end()) all.push_back(held.lock);
      }
    }
    for (const LockId& lock : all) {
      const std::string name = built_.names.of(lock);
      add("locks", name, name, holders(machine_a(), lock), holders(machine_b(), lock));
    }
  }
  void budgets() {
    for (std::size_t i = 0; i < std::min(a_.budgets.size(), b_.budgets.size()); ++i) {
      if (a_.budgets[i] == Action::kUnbounded && b_.budgets[i] == Action::kUnbounded) continue;
      const std::string name = action_name(built_, i);
      add("budgets", name, "budget of " + name, number(a_.budgets[i]), number(b_.budgets[i]));
    }
    if (a_.looked_at != b_.looked_at) {
      add("budgets", "granules past their first look", "granules past their first look", number(bits_set(a_.looked_at)),
          number(bits_set(b_.looked_at)));
    }
  }
  void rest() {
    if (!found_.empty() || a_ == b_) return;
    found_.push_back(
        {"rest", "fingerprint", "other parts of the state", hex(a_.fingerprint()), hex(b_.fingerprint()), true});
  }
  std::vector<StateDifference> take() { return std::move(found_); }

 private:
  [[nodiscard]] const Machine& machine_a() const { return a_.work.machine; }
  [[nodiscard]] const Machine& machine_b() const { return b_.work.machine; }
  [[nodiscard]] static StateValue number(std::uint64_t n) { return static_cast<std::int64_t>(n); }

  void add(const std::string& group, const std::string& key, const std::string& what, StateValue from, StateValue to) {
    if (from == to && !also_equal_) return;
    found_.push_back({group, key, what, std::move(from), std::move(to)});
  }
  void add_print(const std::string& group, const std::string& key, const std::string& what, Fingerprint from,
                 Fingerprint to) {
    if (!(from == to)) found_.push_back({group, key, what, hex(from), hex(to), true});
  }
  [[nodiscard]] std::string group_of(std::uint32_t task) const {
    return built_.workload.calls.size() > 1 ? fmt::format("task {}", task) : "task";
  }

  void task(TaskId id) {
    const TaskState& a = a_.work.tasks[id.n];
    const TaskState& b = b_.work.tasks[id.n];
    const bool several = built_.workload.calls.size() > 1;
    const std::string group = group_of(id.n);
    const std::string of = several ? group + " " : "";
    add(group, "place", several ? group : "the task", where_task_is(built_, a_.work, id),
        where_task_is(built_, b_.work, id));
    add(group, "progress", of + "progress", number(progress(built_.workload, a_.work, id).n),
        number(progress(built_.workload, b_.work, id).n));
    if (a.results != b.results) add(group, "results", of + "results", results_word(a), results_word(b));
    add_print(group, "carried", of + "what the loop carries round", a.loop.fingerprint(), b.loop.fingerprint());
    if (a.signals != b.signals) {
      add(group, "signals", of + "signals taken", number(a.signals.size()), number(b.signals.size()));
    }
  }

  void thread(std::uint32_t t) {
    if (t >= machine_a().tasks.size() || t >= machine_b().tasks.size()) {
      return add(group_of(t), "thread", fmt::format("thread {}", t), t < machine_a().tasks.size() ? "there" : "none",
                 t < machine_b().tasks.size() ? "there" : "none");
    }
    Task a = machine_a().tasks[t];
    Task b = machine_b().tasks[t];
    if (a == b) return;
    const bool child = t >= a_.work.tasks.size();
    const std::string group = child ? fmt::format("child {}", t) : group_of(t);
    const std::string of = child || built_.workload.calls.size() > 1 ? group + " " : "";
    add(group, "pending", of + "signals pending", pending_word(a.pending), pending_word(b.pending));
    add(group, "tfsre0", of + "mismatches recorded in TFSRE0", number(a.tfsre0 ? 1 : 0), number(b.tfsre0 ? 1 : 0));
    add(group, "tcf", of + "TCF mode", mode_word(static_cast<std::uint64_t>(a.tcf)),
        mode_word(static_cast<std::uint64_t>(b.tcf)));
    a.tcf = b.tcf = TcfMode::none;
    a.pending = b.pending = {};
    a.tfsre0 = b.tfsre0 = false;
    add_print(group, "registers", of + "registers", a.fingerprint(), b.fingerprint());
  }

  void map(std::uint32_t s, const Names::Mapping& mapping) {
    const AddressSpace& a = *machine_a().spaces[s];
    const AddressSpace& b = *machine_b().spaces[s];
    const std::string name = s == 0 ? mapping.name : fmt::format("{} of space {}", mapping.name, s);
    const std::uint64_t size = machine_a().page_size.n;
    std::vector<StateDifference> tags;
    for (std::uint64_t at = mapping.begin; at < mapping.end; at += size) {
      const std::uint64_t index = machine_a().page_index(at);
      const std::uint64_t page = (at - mapping.begin) / size;
      const Vma* vma_a = a.find(at);
      const Vma* vma_b = b.find(at);
      const Pte& pte_a = a.pte(index);
      const Pte& pte_b = b.pte(index);
      add(name + " pages", std::to_string(page), fmt::format("page {} of {}", page, name), page_word(vma_a, pte_a),
          page_word(vma_b, pte_b));
      if (vma_a != nullptr && vma_b != nullptr) {
        add(name + " prot", std::to_string(page), fmt::format("prot of page {} of {}", page, name),
            prot_word(vma_a->prot), prot_word(vma_b->prot));
      }
      const auto folio_a = page_of(machine_a(), vma_a, index, pte_a);
      const auto folio_b = page_of(machine_b(), vma_b, index, pte_b);
      if (!folio_a || !folio_b) continue;
      const Folio& held_a = machine_a().folio(*folio_a);
      const Folio& held_b = machine_b().folio(*folio_b);
      if (held_a == held_b) continue;
      add(name + " flags", std::to_string(page), fmt::format("page {} of {} as such", page, name), folio_word(held_a),
          folio_word(held_b));
      add_print(name + " bytes", std::to_string(page), fmt::format("bytes of page {} of {}", page, name),
                held_a.contents.fingerprint(), held_b.contents.fingerprint());
      if (held_a.tags == held_b.tags) continue;
      const std::size_t granules = machine_a().granules_per_page();
      for (std::size_t g = 0; g < granules; ++g) {
        const std::uint64_t number_of = page * granules + g;
        add(name + " tags", std::to_string(number_of), fmt::format("tag {} of {}", number_of, name),
            number(held_a.tags.at(g).bits), number(held_b.tags.at(g).bits));
      }
    }
  }

  void file(std::uint32_t o) {
    const std::string name = o < built_.names.objects.size() ? built_.names.objects[o] : "";
    const MemoryObject& a = *machine_a().objects[o];
    const MemoryObject& b = *machine_b().objects[o];
    if (name.empty() || a == b) return;
    for (const Names::Mapping& mapping : built_.names.mappings) {
      if (mapping.name == name) return;  // an anonymous one, told as a mapping
    }
    add(name + " size", "bytes", "size of " + name, number(a.size.n), number(b.size.n));
    for (std::size_t i = 0; i < std::max(a.folios.extent(), b.folios.extent()); ++i) {
      const Folio& held_a = a.folios.at(i).folio();
      const Folio& held_b = b.folios.at(i).folio();
      if (held_a == held_b) continue;
      add(name + " pages", std::to_string(i), fmt::format("page {} of {}", i, name), folio_word(held_a),
          folio_word(held_b));
      add_print(name + " bytes", std::to_string(i), fmt::format("bytes of page {} of {}", i, name),
                held_a.contents.fingerprint(), held_b.contents.fingerprint());
    }
  }

  template <class Queue>
  void queue(const Queue& a, const Queue& b, const std::string& name) {
    if (a == b) return;
    std::string from = queue_word(a);
    std::string to = queue_word(b);
    if (from == to) to += ", others";
    add("queues", name, name, std::move(from), std::move(to));
  }

  [[nodiscard]] std::string holders(const Machine& machine, const LockId& lock) const {
    std::vector<std::string> words;
    for (const Locks::Held& held : machine.locks.held()) {
      if (!(held.lock == lock)) continue;
      const std::string mode = held.mode == LockMode::shared ? "held shared" : "held";
      words.push_back(built_.workload.calls.size() > 1 ? fmt::format("{} by task {}", mode, held.task.n) : mode);
    }
    return words.empty() ? "free" : fmt::format("{}", fmt::join(words, ", "));
  }

  const Built& built_;
  const CheckState& a_;
  const CheckState& b_;
  bool also_equal_;
  std::vector<StateDifference> found_;
};

}  // namespace

std::string to_word(const StateValue& value) {
  const auto* number = std::get_if<std::int64_t>(&value);
  return number != nullptr ? std::to_string(*number) : std::get<std::string>(value);
}

std::string to_line(const StateDifference& difference) {
  if (difference.is_print) return difference.what + " change";
  return fmt::format("{}: {} -> {}", difference.what, to_word(difference.from), to_word(difference.to));
}

std::vector<StateDifference> StateComparison::between(const CheckState& a, const CheckState& b) const {
  Comparison comparison(built_, a, b, false);
  comparison.tasks();
  comparison.memory();
  comparison.queues();
  comparison.locks();
  comparison.budgets();
  comparison.rest();
  return comparison.take();
}

std::vector<StateDifference> StateComparison::always_shown(const CheckState& state) const {
  Comparison comparison(built_, state, state, true);
  comparison.tasks();
  comparison.locks();
  comparison.budgets();
  return comparison.take();
}

std::string action_name(const Built& built, std::size_t action) {
  const auto plain = [&](const Action& a) {
    const ActionInfo& info = info_of(a.kind);
    std::string name(info.name);
    if (info.has_range) {
      const Names::Mapping* mapping = built.names.find(a.begin);
      name += " " + (mapping != nullptr ? mapping->name : fmt::format("0x{:x}", a.begin));
    } else if (info.has_object) {
      name += " " + (a.object < built.names.objects.size() ? built.names.objects[a.object] : std::to_string(a.object));
    } else if (built.workload.calls.size() > 1) {
      name += fmt::format(" to task {}", a.task.n);
    }
    return name;
  };
  const std::vector<Action>& all = built.check.actions;
  const std::string name = plain(all[action]);
  const auto alike = std::count_if(all.begin(), all.end(), [&](const Action& a) { return plain(a) == name; });
  return alike > 1 ? fmt::format("{} (entry {})", name, action) : name;
}

std::string choice_name(const Built& built, const ActionChoice& choice) {
  const Action& action = built.check.actions[choice.action];
  const ActionInfo& info = info_of(action.kind);
  if (info.has_range) return fmt::format("{} {}", info.name, built.names.of(UserPtr(choice.target)));
  if (action.kind == ActionKind::migrate_cpu) {
    return fmt::format("{} to one that prefers {}", info.name, mode_word(choice.target));
  }
  if (!info.has_object) return action_name(built, choice.action);
  const std::string file =
      action.object < built.names.objects.size() ? built.names.objects[action.object] : std::to_string(action.object);
  if (action.kind == ActionKind::truncate) return fmt::format("{} {} to {} bytes", info.name, file, choice.target);
  return fmt::format("{} {} of {}", info.name, choice.target, file);
}

std::string call_words(const Built& built, const WorkState& state, TaskId task) {
  if (is_done(built.workload, state, task)) return "";
  std::size_t at = state.tasks[task.n].call;
  for (std::size_t t = 0; t < task.n; ++t) at += built.workload.calls[t].size();
  return at < built.calls.size() ? built.calls[at] : "";
}

std::string where_task_is(const Built& built, const WorkState& state, TaskId task) {
  const TaskState& now = state.tasks[task.n];
  if (now.killed) return "killed";
  const std::size_t calls = built.workload.calls[task.n].size();
  if (now.call >= calls) return "done";
  const std::string_view in = now.in_kernel ? "in" : "before";
  if (calls == 1) return fmt::format("{} the call", in);
  return fmt::format("{} call {} of {}, {}", in, now.call + 1, calls, call_words(built, state, task));
}

}  // namespace mtesim
