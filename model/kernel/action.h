#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <span>
#include <string_view>

#include "model/kernel/kernel.h"

namespace mtesim {

/// What the world outside a system call may do to it.
enum class ActionKind : std::uint8_t {
  evict,            ///< reclaim takes a page of the range: to swap with its tags, or dropped
  evict_file_page,  ///< reclaim takes a clean page of a file's page cache
  retag,            ///< another thread gives a granule of the range another tag, or the right one back; the page stays
                    ///< where it is, in memory or in swap
  protect,          ///< another thread takes the right to write from a page of the range
  unmap,            ///< another thread unmaps a page of the range
  dontneed,         ///< another thread calls madvise(MADV_DONTNEED) on a page of the range
  truncate,         ///< another thread makes a file shorter: what lies behind its new end is gone from the page cache
                    ///< and from everybody who maps it
  migrate_cpu,      ///< the scheduler moves the task to a CPU that prefers another tag check mode
  short_copy,       ///< the next access to a page of the range needs a fault that has nothing to do with tags: a copy
                    ///< with page faults disabled comes back short, though the page is there
  signal,           ///< a signal with a handler becomes pending
  sigkill,          ///< SIGKILL becomes pending
};

struct ActionInfo {
  ActionKind kind;
  std::string_view name;
  std::string_view about;
  bool has_range;          ///< it takes a range of user memory
  bool has_object;         ///< it takes a file
  std::string_view sites;  ///< before which looks it may be done
};
[[nodiscard]] std::span<const ActionInfo> action_infos();
[[nodiscard]] const ActionInfo& info_of(ActionKind kind);

/// One kind of action that a scenario allows, with where and how often.
struct Action {
  static constexpr std::uint8_t kUnbounded = std::numeric_limits<std::uint8_t>::max();

  ActionKind kind{};
  std::uint32_t space{};
  std::uint64_t begin{};  ///< user addresses [begin, end), untagged, where the kind takes a range
  std::uint64_t end{};
  std::uint32_t object{};           ///< where the kind takes a file
  std::uint8_t budget{kUnbounded};  ///< how often at the most
  TaskId task{};                    ///< whom a signal is for, or who is moved
  std::optional<Bytes> size{};      ///< truncate: to which size; nothing: to any multiple of the page size
  std::uint8_t modes{};  ///< migrate_cpu: what the CPUs prefer that the task may go to, a bit each by TcfMode
  /// It was done before the call began, and what was done is left open: it is decided when an access first looks at the
  /// granule. One check then answers for every placement.
  bool before_call{};
  /// What a granule is retagged to when its tag is that of the pointer that looks at it; one that differs is given the
  /// pointer's. Only like and unlike matter to the check.
  Tag unlike(Tag pointer) const { return {static_cast<std::uint8_t>(pointer.bits ^ 8)}; }
  [[nodiscard]] bool allows(TcfMode mode) const { return (modes >> static_cast<unsigned>(mode) & 1U) != 0; }
  void allow(TcfMode mode) { modes = static_cast<std::uint8_t>(modes | 1U << static_cast<unsigned>(mode)); }
};

/// One thing that may be done at a site: by which action, to what, and just before which access of the run.
struct ActionChoice {
  std::uint32_t action{};  ///< index in the list of actions
  std::uint64_t access{};  ///< of the run about to be made; 0 for other looks
  /// Address of the granule or page, page index of a file page, size of a file, TcfMode of a CPU; 0 for signals.
  std::uint64_t target{};
  Tag pointer{};  ///< tag of the pointer that looks
  bool operator==(const ActionChoice&) const = default;
};

/// Which accesses of a run are worth acting before.
enum class SiteRule : std::uint8_t {
  /// Every access that looks at the target. An eviction whose page the access itself brings back as it was is left out:
  /// nothing is different but that one eviction less may follow.
  lazy,
  /// Every access of the run, whatever the target: the reference that the reduced search is compared with.
  everywhere,
};

/// Visits what action number `index` can do just before, or during, `look`, in a fixed order, leaving out what would
/// change nothing. `visit` says whether to go on.
/// Returns: false if it was told to stop.
bool for_each_choice(const Look& look, const Machine& machine, TaskId current, std::span<const Action> actions,
                     std::uint32_t index, SiteRule rule, const std::function<bool(const ActionChoice&)>& visit);

/// Carries it out.
void apply(const ActionChoice& choice, std::span<const Action> actions, Machine& machine);

}  // namespace mtesim
