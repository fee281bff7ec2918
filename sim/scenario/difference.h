#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "sim/check/check.h"
#include "sim/scenario/build.h"

// What one state of a check has otherwise than another, in a reader's words: for text, for witness documents and for
// ITF traces.

namespace mtesim {

using StateValue = std::variant<std::int64_t, std::string>;
[[nodiscard]] std::string to_word(const StateValue& value);

/// One thing of a state, and what it is worth in both.
struct StateDifference {
  std::string group;  ///< things of one kind at one place: "task", "buf pages", "buf tags", "locks", "budgets"
  std::string key;    ///< which of them: "progress", "4", "glock of f"
  std::string what;   ///< both, as one says it: "tag 4 of buf"
  StateValue from;
  StateValue to;
  bool is_print{};  ///< `from` and `to` are fingerprints, and tell only that something has changed
  bool operator==(const StateDifference&) const = default;
};

/// "tag 4 of buf: 5 -> 13"; "bytes of page 0 of buf change".
[[nodiscard]] std::string to_line(const StateDifference& difference);

/// Compares states of one scenario.
/// Shape:   in the order of tasks, pages and tags of each mapping, files, queues, locks, budgets.
/// Exact:   states that are not equal differ in something: what has no name of its own is "other parts of the state".
///          Tags are those of pages that both states have; what a page that is gone had is not told.
class StateComparison {
 public:
  explicit StateComparison(const Built& built) : built_(built) {}
  [[nodiscard]] std::vector<StateDifference> between(const CheckState& a, const CheckState& b) const;
  /// What is of interest in any state: where the tasks are, locks that are held, what the environment may still do.
  /// `from` and `to` are alike.
  [[nodiscard]] std::vector<StateDifference> always_shown(const CheckState& state) const;

 private:
  const Built& built_;
};

/// "retag buf", "evict_file_page f", "sigkill".
[[nodiscard]] std::string action_name(const Built& built, std::size_t action);
/// "retag buf+128", "evict_file_page 3 of f", "sigkill".
[[nodiscard]] std::string choice_name(const Built& built, const ActionChoice& choice);
/// "in call 1, read on f"; of one call, "in the call".
[[nodiscard]] std::string where_task_is(const Built& built, const WorkState& state, TaskId task);
/// "read on f": the call that a task is in or about to make; empty if it makes no more.
[[nodiscard]] std::string call_words(const Built& built, const WorkState& state, TaskId task);

}  // namespace mtesim
