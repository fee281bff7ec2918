#include "sim/property/property.h"

#include <algorithm>

#include "sim/property/flow.h"
#include "sim/property/views.h"

namespace mtesim {

namespace {

constexpr std::array<PropertyInfo, kProperties> kInfos{{
    {Property::count_exact, "count_exact", "the bytes counted arrived, in order", false},
    {Property::no_overrun, "no_overrun", "nothing was written but what was counted", true},
    {Property::no_stale, "no_stale", "what was written comes from the source, and stands in its place", false},
    {Property::tags_kept, "tags_kept", "no allocation tag was changed", false},
}};

/// One property of one return, as its violations are met.
class Finding {
 public:
  void applies() { standing_ = std::max(standing_, Standing::holds); }
  void violated(ByteAt::In in, std::uint64_t at, std::uint64_t bytes) {
    if (bytes == 0) return;
    if (bytes_ == 0) first_ = {in, at};
    bytes_ += bytes;
    standing_ = Standing::violated;
  }
  [[nodiscard]] Judgement judgement(const Return& what) const {
    return {standing_, Bytes{bytes_}, first_, what.call, what.result};
  }

 private:
  Standing standing_{Standing::not_applicable};
  std::uint64_t bytes_{};
  ByteAt first_;
};

class Judge {
 public:
  Judge(const Return& what, const CallBegin& begin, const Machine& end)
      : what_(what), begin_(begin), end_(end), flow_(flow_of(what, begin)) {}

  Judgements judge() {
    if (what_.system_call != nullptr) {
      tags();
      switch (flow_.to) {
        case Flow::To::nowhere:
          break;
        case Flow::To::memory:
          memory();
          break;
        case Flow::To::file:
          file();
          break;
        case Flow::To::queue:
          queue();
          break;
      }
      if (flow_.reads_queue) consumed();
    }
    Judgements all;
    for (std::size_t p = 0; p < kProperties; ++p) all[p] = findings_[p].judgement(what_);
    return all;
  }

 private:
  Finding& of(Property property) { return findings_[static_cast<std::size_t>(property)]; }
  void apply_all() {
    of(Property::no_overrun).applies();
    if (!flow_.exact) return;
    of(Property::count_exact).applies();
    of(Property::no_stale).applies();
  }

  /// A run of bytes that are all alike in each of three strings.
  struct Run {
    Origin now;
    Origin old;
    Origin source;
    [[nodiscard]] bool changed() const { return !(now == old) && is_known(now); }
    [[nodiscard]] bool arrived() const { return now == source || !is_known(now) || !is_known(source); }
  };

  void memory() {
    apply_all();
    const Provenance now = user_bytes(end_, what_.space, flow_.into, begin_.dropped);
    const Provenance old = user_bytes(begin_.machine, what_.space, flow_.into, begin_.dropped);
    const std::uint64_t count = std::min(flow_.count, now.size().n);
    for_each_run<3>({&now, &old, &flow_.source}, {count, flow_.available},
                    [&](std::uint64_t at, std::uint64_t n, const auto& origins) {
                      const Run run{origins[0], origins[1], origins[2]};
                      const std::uint64_t address = address_in(flow_.into, at);
                      if (at < count) {
                        const bool due = flow_.exact && at < flow_.available;
                        if (due && !run.arrived()) of(Property::count_exact).violated(ByteAt::In::memory, address, n);
                      } else if (run.changed()) {
                        of(Property::no_overrun).violated(ByteAt::In::memory, address, n);
                      }
                      const bool stale = run.changed() && !run.arrived() && !(run.now.source == kZeroSource);
                      if (flow_.exact && stale) of(Property::no_stale).violated(ByteAt::In::memory, address, n);
                    });
    const std::uint64_t most = std::min(flow_.available, now.size().n);
    if (flow_.exact && flow_.count > most) {
      of(Property::count_exact).violated(ByteAt::In::memory, address_in(flow_.into, most), flow_.count - most);
    }
    beside();
  }

  /// The rest of the process's memory.
  void beside() {
    std::vector<FolioRef> known;  // pages of the destination, which may be mapped a second time
    for (const UserSegment& segment : flow_.into) {
      for_each_page(end_, segment, [&](std::uint64_t page) {
        const Pte& pte = end_.spaces[what_.space]->pte(end_.page_index(page));
        if (pte.state == PteState::present) known.push_back(pte.folio);
      });
    }
    for_each_changed_page(what_.space, begin_.machine, end_, [&](std::uint64_t page) {
      if (was_dropped(begin_.dropped, page)) return;
      const Pte& pte = end_.spaces[what_.space]->pte(end_.page_index(page));
      std::vector<std::pair<std::uint64_t, std::uint64_t>> parts{{page, page + end_.page_size.n}};
      for (const UserSegment& segment : flow_.into) leave_out(parts, segment);
      for (const UserSegment& segment : flow_.answers) leave_out(parts, segment);
      const bool whole = parts.size() == 1 && parts.front().second - parts.front().first == end_.page_size.n;
      const bool alias =
          pte.state == PteState::present && std::find(known.begin(), known.end(), pte.folio) != known.end();
      if (whole && alias) return;
      for (const auto& [from, to] : parts) {
        const UserSegments part{{UserPtr(from), Bytes{to - from}}};
        const Provenance now = user_bytes(end_, what_.space, part, {});
        const Provenance old = user_bytes(begin_.machine, what_.space, part, {});
        for_each_run<2>({&now, &old}, {}, [&, from = from](std::uint64_t at, std::uint64_t n, const auto& origins) {
          if (!(origins[0] == origins[1])) of(Property::no_overrun).violated(ByteAt::In::memory, from + at, n);
        });
      }
    });
  }

  void file() {
    apply_all();
    const std::uint32_t object = what_.system_call->object;
    const std::uint64_t old_size = begin_.machine.objects[object]->size.n;
    const std::uint64_t size = end_.objects[object]->size.n;
    const std::uint64_t position = what_.system_call->position.n;
    const std::uint64_t counted = position + flow_.count;
    const std::uint64_t wanted = position + flow_.source.size().n;
    const std::uint64_t due_size = flow_.count > 0 ? std::max(old_size, counted) : old_size;
    const auto cut =
        std::find_if(begin_.cut.begin(), begin_.cut.end(), [&](const auto& c) { return c.first == object; });
    const std::uint64_t judged = cut == begin_.cut.end() ? ~std::uint64_t{0} : cut->second.n;
    const std::uint64_t page_size = end_.page_size.n;
    for (std::uint64_t page = 0; page * page_size < std::max(size, old_size); ++page) {
      const std::uint64_t from = page * page_size;
      const std::uint64_t to = std::min({from + page_size, size, judged});
      const FolioRef ref{object, static_cast<std::uint32_t>(page)};
      const bool touched = from < counted && position < from + page_size;
      const bool same = &begin_.machine.folio(ref) == &end_.folio(ref) && to <= old_size;
      if (from >= to || (same && !touched)) continue;
      const Provenance now = file_bytes(end_, object, from, to - from);
      const Provenance old = file_bytes(begin_.machine, object, from, to - from);
      Provenance source;
      const std::uint64_t source_from = std::clamp(position, from, to);
      const std::uint64_t source_to = std::clamp(wanted, source_from, to);
      source.append(Origin{kNothing, 0}, source_from - from);
      if (source_to > source_from) {
        source.append(flow_.source.slice(source_from - position, source_to - source_from));
      }
      source.append(Origin{kNothing, 0}, to - source_to);
      const auto mark = [&](std::uint64_t at) { return std::clamp(at, from, to) - from; };
      for_each_run<3>({&now, &old, &source}, {mark(position), mark(counted), mark(due_size), mark(old_size)},
                      [&](std::uint64_t at, std::uint64_t n, const auto& origins) {
                        const Run run{origins[0], origins[1], origins[2]};
                        const std::uint64_t offset = from + at;
                        // Behind its old end the file had zeroes, or the rest of its last block.
                        const bool blank = offset >= old_size && run.now.source == kZeroSource;
                        const bool changed = run.changed() && !blank;
                        if (offset >= position && offset < counted) {
                          if (flow_.exact && !run.arrived())
                            of(Property::count_exact).violated(ByteAt::In::file, offset, n);
                        } else if (changed || offset >= due_size) {
                          of(Property::no_overrun).violated(ByteAt::In::file, offset, n);
                        }
                        if (flow_.exact && changed && !run.arrived())
                          of(Property::no_stale).violated(ByteAt::In::file, offset, n);
                      });
    }
    if (size < std::min(due_size, judged)) of(Property::count_exact).violated(ByteAt::In::file, size, due_size - size);
  }

  void queue() {
    apply_all();
    const Provenance old = queued(begin_.machine, *what_.system_call);
    const Provenance now = queued(end_, *what_.system_call);
    const std::uint64_t kept = std::min(old.size().n, now.size().n);
    if (!(now.slice(0, kept) == old.slice(0, kept))) of(Property::no_stale).violated(ByteAt::In::queue, 0, kept);
    const Provenance added = now.slice(kept, now.size().n - kept);
    const std::uint64_t n = std::min(added.size().n, flow_.source.size().n);
    const Provenance arrived = added.slice(0, n);
    const Provenance source = flow_.source.slice(0, n);
    for_each_run<2>({&arrived, &source}, {std::min(flow_.count, n)},
                    [&](std::uint64_t at, std::uint64_t length, const auto& origins) {
                      if (origins[0] == origins[1] || !is_known(origins[1]) || !flow_.exact) return;
                      if (at < flow_.count) of(Property::count_exact).violated(ByteAt::In::queue, kept + at, length);
                      of(Property::no_stale).violated(ByteAt::In::queue, kept + at, length);
                    });
    if (added.size().n > flow_.count) {
      of(Property::no_overrun).violated(ByteAt::In::queue, kept + flow_.count, added.size().n - flow_.count);
    } else {
      of(Property::count_exact).violated(ByteAt::In::queue, now.size().n, flow_.count - added.size().n);
    }
  }

  /// What is left of a queue that was read.
  void consumed() {
    const std::uint64_t old = queued(begin_.machine, *what_.system_call).size().n;
    const std::uint64_t now = queued(end_, *what_.system_call).size().n;
    const bool datagram = what_.system_call->fs->kind == FileKind::unix_datagram;
    const std::uint64_t taken = !datagram ? flow_.count : what_.result >= 0 ? flow_.available : 0;
    const std::uint64_t due = old - std::min(old, taken);
    of(Property::count_exact).violated(ByteAt::In::queue, 0, std::max(due, now) - std::min(due, now));
  }

  void tags() {
    of(Property::tags_kept).applies();
    const auto tag_now = [&](std::uint64_t granule, Tag old) {
      const auto found = std::find_if(begin_.retagged.begin(), begin_.retagged.end(),
                                      [&](const auto& changed) { return changed.first == granule; });
      return found == begin_.retagged.end() ? old : found->second;
    };
    for_each_changed_page(what_.space, begin_.machine, end_, [&](std::uint64_t page) {
      if (was_dropped(begin_.dropped, page) || !is_tagged(end_, what_.space, page)) return;
      const PageTags old = page_tags(begin_.machine, what_.space, page);
      const PageTags now = page_tags(end_, what_.space, page);
      if (old == now && begin_.retagged.empty()) return;
      for (std::size_t g = 0; g < end_.granules_per_page(); ++g) {
        const std::uint64_t granule = page + g * kGranule.n;
        if (now.at(g) == tag_now(granule, old.at(g))) continue;
        of(Property::tags_kept).violated(ByteAt::In::memory, granule, kGranule.n);
      }
    });
  }

  const Return& what_;
  const CallBegin& begin_;
  const Machine& end_;
  Flow flow_;
  std::array<Finding, kProperties> findings_;
};

}  // namespace

std::span<const PropertyInfo, kProperties> properties() { return kInfos; }

std::string_view standing_name(Standing standing) {
  static constexpr std::array<std::string_view, 4> kNames{"not_judged", "not_applicable", "holds", "violated"};
  return kNames[static_cast<std::size_t>(standing)];
}

bool graver(const Judgement& one, const Judgement& than) {
  if (one.standing != than.standing) return one.standing > than.standing;
  return one.bytes > than.bytes;
}

void add(Judgements& all, const Judgements& more) {
  for (std::size_t p = 0; p < kProperties; ++p) {
    if (graver(more[p], all[p])) all[p] = more[p];
  }
}

Judgements judge(const Return& what, const CallBegin& begin, const Machine& end) {
  return Judge(what, begin, end).judge();
}

void CallBegin::note(const ActionChoice& choice, std::span<const Action> actions, const Machine& now) {
  const Action& action = actions[choice.action];
  const auto drop = [&](std::uint64_t page) {
    const auto at = std::lower_bound(dropped.begin(), dropped.end(), page);
    if (at == dropped.end() || *at != page) dropped.insert(at, page);
  };
  if (action.kind == ActionKind::dontneed || action.kind == ActionKind::unmap) {
    drop(choice.target);
  } else if (action.kind == ActionKind::truncate) {
    const Bytes size{choice.target};
    const auto known = std::find_if(cut.begin(), cut.end(), [&](const auto& c) { return c.first == action.object; });
    if (known != cut.end()) {
      known->second = min(known->second, size);
    } else {
      cut.emplace_back(action.object, size);
    }
    now.spaces[action.space]->for_each_vma([&](std::uint64_t begin, std::uint64_t end, const Vma& vma) {
      if (vma.object != action.object) return;
      for (std::uint64_t page = begin; page < end; page += now.page_size.n) {  // the last one's rest is zeroed
        const auto index = static_cast<std::uint32_t>(now.page_index(page) + vma.page_delta);
        if (now.page_size * (std::uint64_t{index} + 1) > size) drop(page);
      }
    });
  } else if (action.kind == ActionKind::retag) {
    const std::uint64_t page = round_down(choice.target, now.page_size);
    const std::size_t granule = (choice.target - page) / kGranule.n;
    const Tag tag = page_tags(now, action.space, page).at(granule);
    const Tag old = page_tags(machine, action.space, page).at(granule);
    const auto at =
        std::lower_bound(retagged.begin(), retagged.end(), choice.target,
                         [](const auto& changed, std::uint64_t address) { return changed.first < address; });
    const bool known = at != retagged.end() && at->first == choice.target;
    if (known && tag == old) {
      retagged.erase(at);
    } else if (known) {
      at->second = tag;
    } else if (!(tag == old)) {
      retagged.insert(at, {choice.target, tag});
    }
  }
}

Fingerprint CallBegin::fingerprint() const {
  Fingerprint print = machine.fingerprint();
  for (const std::uint64_t page : dropped) print += slot_print(page, print_of(1));
  for (const auto& [object, size] : cut) print += slot_print(object, print_of(3, size.n));
  for (const auto& [granule, tag] : retagged) print += slot_print(granule, print_of(2, tag.bits));
  return print;
}

bool has_properties(const Workload& workload) {
  if (workload.calls.size() != 1 || workload.system_calls.size() != 1) return false;
  const auto& all = workload.system_calls.front();
  return std::any_of(all.begin(), all.end(), [](const auto& call) { return call.has_value(); });
}

std::optional<Return> return_of(const Workload& workload, const WorkState& after, std::uint32_t call, Bytes done_before,
                                Bytes delivered) {
  const TaskState& task = after.tasks.front();
  if (task.call <= call) return std::nullopt;
  Return what;
  const auto& known = workload.system_calls.front();
  if (call < known.size() && known[call]) what.system_call = &*known[call];
  const TaskId process{0};
  const bool child = workload.calls.front()[call].is_by_child();
  what.space = after.machine.task(child ? TaskId{after.machine.task(process).child} : process).space;
  what.call = call;
  what.result = task.results.back();
  what.delivered = max(done_before, delivered);
  return what;
}

void PropertyWatch::before_step(const WorkState& state) {
  if (!on_) return;
  const TaskState& task = state.tasks.front();
  if (!task.in_kernel) begin_ = {state.machine, {}, {}};
  call_ = task.call;
  done_ = progress(workload_, state, TaskId{0});
  delivered_ = Bytes{};
}

void PropertyWatch::observe(const Event& event) {
  if (const auto* told = std::get_if<Delivered>(&event)) delivered_ = told->total;
}

void PropertyWatch::after_step(const WorkState& state, const CallBegin& begin) {
  if (!on_) return;
  if (const auto what = return_of(workload_, state, call_, done_, delivered_))
    add(judged_, judge(*what, begin, state.machine));
}

}  // namespace mtesim
