#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "fs_models/deadlock.h"
#include "sim/check/branching.h"

namespace mtesim {

/// The exact meanings are docs/verdicts.md's.
enum class Verdict : std::uint8_t {
  returns,     ///< every path ends
  livelock,    ///< a reachable cycle in which the environment does nothing
  starvation,  ///< no livelock, but a cycle that the environment keeps alive
  deadlock,    ///< nobody can step, and not all are done
  bound,       ///< the search was cut: unknown
};
[[nodiscard]] std::string_view verdict_name(Verdict verdict);

/// One step of a witness: whose, what the environment did on it, and how the bytes done changed.
struct WitnessStep {
  TaskId task;
  Choices choices;
  Bytes progress_before{};
  Bytes progress_after{};
  bool operator==(const WitnessStep&) const = default;
};

/// A stem from the start, and a loop that comes back to where it begins; a deadlock has no loop.
struct Witness {
  std::vector<WitnessStep> stem;
  std::vector<WitnessStep> loop;
  std::optional<Property> violates{};  ///< with its last step
  bool operator==(const Witness&) const = default;
};

/// Bounds over all paths of a check that returns, in cycles of a price list. Caches are taken to be cold where a step
/// begins.
struct Dearest {
  std::uint64_t cycles{};  ///< of the dearest path
  /// By kind: the longest that one task holds a lock of it at a stretch.
  std::vector<std::pair<LockKind, std::uint64_t>> under_lock;
  bool operator==(const Dearest&) const = default;
};

/// Whether to look for these bounds. That is a second search, as ways that cost otherwise are told apart.
enum class Pricing : std::uint8_t { if_small, always };

struct SearchImage;

struct CheckOptions {
  std::vector<Action> actions;
  BranchRules rules;
  /// Whether bytes are known by where they came from. Control never depends on that, so a check of progress leaves it
  /// out and has fewer states.
  bool track_contents{false};
  /// Whether to end the search at the first state that the world can hold still in for ever. The verdict is the same,
  /// the counts are of what was seen until then.
  bool stop_at_livelock{true};
  /// Whether to judge what sim/property says of each return. As a search that tracks contents can have many times the
  /// states, it is a second one, and only of a check with few: see PropertyCheck.
  bool judge_properties{true};
  std::optional<CostTable> costs;  ///< the price list; without, nothing is priced
  Pricing pricing{Pricing::if_small};
  /// How many witnesses of the verdict are wanted, as far as there are so many: docs/witnesses.md says what makes two
  /// of them different. More than one is of use only without `stop_at_livelock`.
  std::size_t witnesses{1};
  std::uint64_t max_states{20'000'000};
  std::uint64_t max_bytes{std::uint64_t{8} << 30};
  std::optional<std::chrono::steady_clock::time_point> deadline;
  const std::atomic<bool>* interrupt{};
  unsigned threads{1};  ///< that search; what is found does not depend on how many
  /// Told now and then: states, transitions, depth, queue.
  struct Progress {
    std::uint64_t states{};
    std::uint64_t transitions{};
    std::uint64_t depth{};
    std::uint64_t queue{};
    std::uint64_t bytes{};
  };
  std::function<void(const Progress&)> progress;
  /// Given the search as it is, so often and when a limit or an interrupt cuts it: what `resume` takes.
  std::function<void(const SearchImage&)> keep;
  std::chrono::steady_clock::duration keep_every{std::chrono::minutes(1)};
  /// Where a search was that goes on. Of the same workload and options but for limits: WrongImage otherwise.
  const SearchImage* resume{};
};

/// Which properties hold when calls return.
struct PropertyCheck {
  Judgements judged{};
  /// Every return on every path was judged. Otherwise `ways` were: a shortest one to each result of each call, but for
  /// `ways_left` that are too long.
  bool every_future{};
  std::uint64_t ways{};
  std::uint64_t ways_left{};
  std::array<std::optional<std::size_t>, kProperties> witness{};  ///< violated: index in CheckResult::witnesses
};

/// User memory [begin, end), untagged.
struct UserRange {
  std::uint64_t begin{};
  std::uint64_t end{};
  bool operator==(const UserRange&) const = default;
};

struct CheckResult {
  Verdict verdict{Verdict::bound};
  std::string cut_by;  ///< bound: which limit
  bool complete{};     ///< every state was seen
  std::uint64_t states{};
  std::uint64_t transitions{};
  std::uint64_t levels{};
  /// returns: the most rounds that any path takes. Without the time the environment takes, which is none.
  std::optional<std::uint64_t> most_rounds;
  std::optional<Dearest> dearest;               ///< returns, priced: the dearest path
  std::set<std::vector<std::int64_t>> results;  ///< every set of results that a path ends with, tasks after each other
  /// The same, by task.
  std::set<std::vector<std::vector<std::int64_t>>> results_by_task;
  bool killable{};                        ///< livelock: a SIGKILL ends every such cycle that was found
  std::vector<LockId> locks_held;         ///< livelock: on its cycle, between rounds
  std::vector<LockKind> locks_taken;      ///< livelock: on its cycle, at any time
  std::optional<Deadlock> deadlock;       ///< deadlock: who waits for whom
  std::vector<LockOrder> lock_orders;     ///< on all paths: which lock was wanted while which was held
  std::vector<LockInversion> inversions;  ///< circles of these
  std::uint64_t least_actions{};          ///< starvation: this many actions …
  std::uint64_t least_rounds{};           ///< … in this many rounds keep it going
  bool least_is_exact{true};              ///< false: of several tasks, as many on the cycle of the witness
  /// States from which no path ends any more, whatever the environment does; of a search that was cut, those known.
  std::uint64_t trapped_states{};
  std::uint64_t rounds_to_trap{};  ///< how many rounds to the nearest
  std::vector<Witness> witnesses;
  Reached reached;
  std::vector<UserRange> accessed;  ///< what any access on any path looked at, rising; of the first address space
  PropertyCheck properties;
};

/// Explores every future of the workload under the environment.
[[nodiscard]] CheckResult check(const Workload& workload, const CheckOptions& options);

/// Carries a witness out again, step by step, and tells who asks.
/// Returns: false if it does not lead where it says: a stem that ends early, a loop that does not come back.
[[nodiscard]] bool replay(const Workload& workload, const CheckOptions& options, const Witness& witness,
                          const std::function<void(const Event&)>& observe,
                          const std::function<void(const ActionChoice&)>& acted);

}  // namespace mtesim
