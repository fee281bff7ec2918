#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "fs_models/workload.h"
#include "model/kernel/action.h"

// What must hold of a call's bytes and tags when it returns, beside that it does (docs/adr/0011).

namespace mtesim {

/// A call has a *source* of bytes, in order, and a *destination*, a place for each. The *count* is what it returns; 0
/// for an error; of a tree search, the bytes of the items that it reports. "Old" is what a place held when the call
/// began.
///   memory: read(2), its relatives, getrandom, process_vm_readv and _writev, /proc/PID/mem, the tree search
///   file:   write(2) and writev(2) of a regular file
///   queue:  the same of a pipe or socket, and vmsplice
enum class Property : std::uint8_t {
  /// The first `count` places hold the first `count` bytes of the source; a queue that was read has lost just these (a
  /// datagram: its message).
  count_exact,
  /// Nothing else has changed: no other place of the destination, nor the rest of the process's memory, of the file
  /// (its size is that of the old bytes and the counted ones) or of the queue. Measure: bytes that have.
  no_overrun,
  /// Whatever has changed is the source's byte for its place. In memory a zero may stand there as well: it tells
  /// nothing. In a file it may not, as it would have taken the place of data.
  no_stale,
  /// Every granule that was tagged has its old tag, unless the world gave it another. Measure: bytes of granules.
  tags_kept,
};
constexpr std::size_t kProperties = 4;

struct PropertyInfo {
  Property property{};
  std::string_view name;
  std::string_view about;
  bool tolerated{};  ///< real kernels violate it by design: told, but no failure unless a scenario expects otherwise
};
[[nodiscard]] std::span<const PropertyInfo, kProperties> properties();

enum class Standing : std::uint8_t {
  not_judged,      ///< no call has returned
  not_applicable,  ///< the call has no source, or one that its own destination overlaps
  holds,
  violated,
};
[[nodiscard]] std::string_view standing_name(Standing standing);

/// The first byte that is not as it should be.
struct ByteAt {
  enum class In : std::uint8_t { memory, file, queue };
  In in{};
  std::uint64_t at{};  ///< user address, or offset
  bool operator==(const ByteAt&) const = default;
};

struct Judgement {
  Standing standing{};
  Bytes bytes;  ///< violated: how many
  ByteAt first;
  std::uint32_t call{};
  std::int64_t result{};
  bool operator==(const Judgement&) const = default;
};
/// By property.
using Judgements = std::array<Judgement, kProperties>;

[[nodiscard]] bool graver(const Judgement& one, const Judgement& than);
/// Keeps the graver of both, each.
void add(Judgements& all, const Judgements& more);

/// What a call's return is compared with: the machine as it began, and what the world has done since, for which nobody
/// blames the call. Only pages that the world took from the process and tags that it changed matter: all else that it
/// may do leaves bytes and tags alone.
/// Value:   copied, compared; equal histories make it equal.
struct CallBegin {
  Machine machine;
  std::vector<std::uint64_t> dropped;                ///< addresses of pages; nothing is said of them any more
  std::vector<std::pair<std::uint32_t, Bytes>> cut;  ///< files that the world has made shorter: to which size at least
  std::vector<std::pair<std::uint64_t, Tag>> retagged;  ///< granules that the world left with a tag not their old one

  /// `now`: the machine in which it was just carried out.
  void note(const ActionChoice& choice, std::span<const Action> actions, const Machine& now);
  [[nodiscard]] Fingerprint fingerprint() const;
  friend bool operator==(const CallBegin& a, const CallBegin& b) {
    return a.dropped == b.dropped && a.cut == b.cut && a.retagged == b.retagged && a.machine == b.machine;
  }
};

/// A call that has returned.
struct Return {
  const SystemCall* system_call{};  ///< nullptr: none that moves bytes; nothing applies
  std::uint32_t space{};            ///< the caller's
  std::uint32_t call{};
  std::int64_t result{};
  Bytes delivered;  ///< what its loop said last that it had done
};
[[nodiscard]] Judgements judge(const Return& what, const CallBegin& begin, const Machine& end);

/// The call that a workload's one task has just returned from by a step that led to `after`; nullopt if it is in one
/// still. `before`: which call it was in, with how much done; `delivered`: as told on the step.
[[nodiscard]] std::optional<Return> return_of(const Workload& workload, const WorkState& after, std::uint32_t call,
                                              Bytes done_before, Bytes delivered);
/// There is something to judge: one task (another one's doings would be blamed on it), with a system call.
[[nodiscard]] bool has_properties(const Workload& workload);

/// Judges all returns on one way of a workload: told of each step before and after, and of the events within.
class PropertyWatch {
 public:
  explicit PropertyWatch(const Workload& workload) : workload_(workload), on_(has_properties(workload)) {}
  void before_step(const WorkState& state);
  void observe(const Event& event);
  void after_step(const WorkState& state) { after_step(state, begin_); }
  /// With a begin that somebody else has kept, who knows what the world did.
  void after_step(const WorkState& state, const CallBegin& begin);
  [[nodiscard]] const Judgements& judged() const { return judged_; }

 private:
  const Workload& workload_;
  bool on_{};
  CallBegin begin_;
  std::uint32_t call_{};
  Bytes done_;
  Bytes delivered_;
  Judgements judged_{};
};

}  // namespace mtesim
