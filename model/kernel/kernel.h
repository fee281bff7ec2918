#pragma once

#include <cstdint>
#include <optional>
#include <variant>
#include <vector>

#include "model/base/errno.h"
#include "model/kernel/revision.h"
#include "model/mm/fault.h"
#include "model/mm/machine.h"
#include "model/mm/provenance.h"

namespace mtesim {

/// A software walk of the page tables: get_user_pages() and fixup_user_fault() look at one page.
struct PageWalk {
  static constexpr std::uint32_t kOwnSpace = ~std::uint32_t{0};  ///< that of the task which walks

  std::uint64_t address{};
  AccessKind kind{};
  std::uint32_t space{kOwnSpace};  ///< whose page tables
};

/// fatal_signal_pending() or signal_pending().
struct SignalCheck {};

/// A lookup in a file's page cache.
struct CacheLookup {
  FolioRef folio;
};

/// A lock of a file is about to be asked for: what is read under it, the file's size above all, stays so until it is
/// released.
struct FileLook {
  std::uint32_t object{};
};

/// The way into the kernel, where the thread's tag check mode decides what PSTATE.TCO will be.
struct KernelEntry {};

/// What a path is about to look at of what the world outside can change. Each is a *site*: the world may act just
/// before it, and nowhere else (docs/lazy-environment.md says why that is enough).
using Look = std::variant<AccessRun, PageWalk, SignalCheck, CacheLookup, FileLook, KernelEntry>;

/// Accesses that were carried out.
struct Accessed {
  AccessRun run;
  const Provenance* loaded{};  ///< what loads read, where somebody keeps it; valid during observe() only
  bool from_user_mode{};
  OnMismatch checked{OnMismatch::ignored};  ///< what a mismatch would have done; ignored in memory without tags, too
};

enum class PageFaultResult : std::uint8_t { minor, major, failed, disabled };

/// do_page_fault() or a software walk handled a page, or could not.
struct PageFaultTaken {
  std::uint64_t address{};
  AccessKind kind{};
  PageFaultResult result{};
  bool by_software{};  ///< called by fixup_user_fault() or GUP, no exception was taken
};

/// A tag check fault, and where it went: an uaccess goes to its exception table entry, user mode gets a signal.
struct TagFaultTaken {
  UserPtr address;
  AccessKind kind{};
  bool from_user_mode{};
  Tag memory{};  ///< the allocation tag there
};

struct SignalSeen {
  bool pending{};
};

/// What a site without an access found, in the path's own terms: entry usable or not, folio cached or not.
struct Found {
  std::uint64_t value{};
};

/// A page of a file was looked up, and read from its disk if it was not there.
struct CacheRead {
  FolioRef folio;
  bool from_disk{};
};

/// kmap_local_folio() … kunmap_local(): the kernel's side of the copies between lies in a file's page cache, from byte
/// `position` of the file on. Copies outside of such a pair have it in memory of the kernel's own.
struct PageMapped {
  std::uint32_t object{};
  Bytes position;
};
struct PageUnmapped {};

struct LockTaken {
  LockId lock;
  LockMode mode{};
  bool in_passing{};  ///< by a page fault or a walk, which gives it back at once
};
struct LockReleased {
  LockId lock;
  bool in_passing{};
};
struct LockContended {
  LockId lock;
  LockMode mode{};
};

/// A kernel function was entered or left; strictly nested. `name` is a string literal.
struct Entered {
  const char* name;
  UserPtr at;
  Bytes size;
};
struct Left {
  const char* name;
  std::optional<std::int64_t> result;  ///< of a function whose result the trace has
};

/// Bytes that a loop counts as done, so far.
struct Delivered {
  Bytes total;
};

/// One trip of the loop begins.
struct RoundBegins {
  TaskId task;
  bool again{};          ///< it has what it slept for
  std::uint32_t call{};  ///< of the task's
  bool enters_kernel{};  ///< the first one of a system call
};

/// The trip has ended in sleep. What it did counts for nothing, but for the locks that it keeps: it is made again.
struct FellAsleep {
  TaskId task;
  LockRequest wants;
  bool paused{};  ///< it has not asked yet: others are to go on meanwhile
};

using Event =
    std::variant<Accessed, PageFaultTaken, TagFaultTaken, SignalSeen, Found, CacheRead, PageMapped, PageUnmapped,
                 LockTaken, LockReleased, LockContended, Entered, Left, Delivered, RoundBegins, FellAsleep>;

/// What lies outside the path: other threads, reclaim, the clock, whoever watches.
class Environment {
 public:
  virtual ~Environment() = default;
  /// May change what `next` looks at: retag, evict, unmap, kill. For an access run it says how many accesses may go
  /// ahead before it wants to be asked again, at least one; for any other look the answer means nothing.
  virtual std::uint64_t before(const Look& next, Machine& machine) = 0;
  /// May count, cost or print; changes nothing.
  virtual void observe(const Event& event) = 0;
};

/// The world holds still and nobody watches.
class StillEnvironment final : public Environment {
 public:
  std::uint64_t before(const Look& next, Machine&) override {
    const auto* run = std::get_if<AccessRun>(&next);
    return run != nullptr ? run->count : 1;
  }
  void observe(const Event&) override {}
};

/// The locks that one step asks for, where tasks share a machine. A task may have to sleep in the midst of a step: then
/// it keeps what it has taken, and the step is made again, from its begin, once the lock can be had. What the step got
/// before, it gets again without asking.
struct LockTrail {
  std::vector<LockRequest> known;   ///< of a step that is made again: what it got, and behind that what it slept for
  std::vector<LockRequest> passed;  ///< got so far
  std::optional<LockRequest> wants;
  std::vector<LockRequest> held;  ///< by the task when it had to sleep
  /// The step is to pause as soon as it asks for a lock with others in hand, or others released, than at its begin: so
  /// that a check sees what tasks can do to each other between two locks that one step takes.
  bool pauses{};
  bool paused{};
  std::vector<LockRequest> at_begin{};  ///< held then
  std::size_t pauses_from{};            ///< only at this request or later ones: it has paused before

  /// Whether the step got this when it was made before; asking is taking.
  bool got_before(const LockRequest& request);
  /// What it got next then, should it go the same way again, is of this lock.
  [[nodiscard]] bool expects(const LockId& lock) const {
    return passed.size() < known.size() && known[passed.size()].lock == lock;
  }
  void got(const LockRequest& request) { passed.push_back(request); }
  void sleeps_for(const LockRequest& request, const Locks& locks, TaskId task) {
    wants = request;
    held = locks.held_by(task);
  }
};

/// What every kernel path is handed: the machine, the world, whose call it is and which kernel.
/// Values a path holds across a look may only come from what looks returned (Accessed, Found, SignalSeen), from its
/// loop's State and from constants; the checker joins histories that saw the same.
struct Kernel {
  Machine& machine;
  Environment& environment;
  const Revision& revision;
  TaskId current{};
  LockTrail* trail{};  ///< nullptr: the task is alone, and locks that are given back at once are not looked at

  [[nodiscard]] const Task& task() const { return static_cast<const Machine&>(machine).task(current); }
  [[nodiscard]] Task& task() { return machine.task(current); }
  void emit(const Event& event) const { environment.observe(event); }
};

/// A kernel function in the trace, from entry to return.
class Traced {
 public:
  Traced(Kernel& k, const char* name, UserPtr at = {}, Bytes size = {}) : k_(k), name_(name) {
    k.emit(Entered{name, at, size});
  }
  ~Traced() { k_.emit(Left{name_, result_}); }
  Traced(const Traced&) = delete;
  Traced& operator=(const Traced&) = delete;
  /// Passes the result through, and puts it into the trace.
  Bytes returns(Bytes n) {
    result_ = static_cast<std::int64_t>(n.n);
    return n;
  }
  Errno returns(Errno e) {
    result_ = -static_cast<std::int64_t>(e);
    return e;
  }

 private:
  Kernel& k_;
  const char* name_;
  std::optional<std::int64_t> result_;
};

/// kmap_local_folio() … kunmap_local() around copies.
class MappedPage {
 public:
  MappedPage(Kernel& k, FolioRef folio, Bytes offset) : k_(k) {
    k.emit(PageMapped{folio.object, k.machine.page_size * folio.index + offset});
  }
  ~MappedPage() { k_.emit(PageUnmapped{}); }
  MappedPage(const MappedPage&) = delete;
  MappedPage& operator=(const MappedPage&) = delete;

 private:
  Kernel& k_;
};

/// pagefault_disable() … pagefault_enable().
class PagefaultDisabled {
 public:
  explicit PagefaultDisabled(Kernel& k) : k_(k) { ++k_.task().pagefault_disabled; }
  ~PagefaultDisabled() { --k_.task().pagefault_disabled; }
  PagefaultDisabled(const PagefaultDisabled&) = delete;
  PagefaultDisabled& operator=(const PagefaultDisabled&) = delete;

 private:
  Kernel& k_;
};

/// fatal_signal_pending(current).
[[nodiscard]] bool fatal_signal_pending(Kernel& k);
/// signal_pending(current): a fatal one counts.
[[nodiscard]] bool signal_pending(Kernel& k);

/// Whether the lock can be had now; the caller takes it then, or does not hold it for longer than it takes to ask.
/// Notes in the trail what came of it.
[[nodiscard]] bool ask_for(Kernel& k, const LockRequest& request);
/// Takes the lock, or says so in the trace and returns false: the loop returns Blocked.
/// Sites:   before the lock of a file, or of a part of one.
[[nodiscard]] bool lock(Kernel& k, const LockId& id, LockMode mode);
void unlock(Kernel& k, const LockId& id);

/// Thrown where a path has to sleep for a lock deeper than where its loop could say so: in a page fault, say. Whoever
/// makes steps takes it for Blocked.
struct SleepsForLock {
  LockId lock;
};

/// A lock that a page fault, a walk or a short call takes and gives back before the step ends: of no account to a task
/// that is alone. Constructing it throws SleepsForLock if the lock cannot be had.
class InPassing {
 public:
  InPassing(Kernel& k, const LockId& id, LockMode mode);
  /// A path that is left by an exception keeps it: that of a task which sleeps, or which a BUG() has ended.
  ~InPassing();
  InPassing(const InPassing&) = delete;
  InPassing& operator=(const InPassing&) = delete;

 private:
  Kernel& k_;
  LockId id_;
  int exceptions_;
};
/// The same where nothing is done under the lock that could matter to it: it is asked for, and not held.
void pass_lock(Kernel& k, const LockId& id, LockMode mode);

/// Entry to and return from the kernel: PSTATE.TCO for the way through, TFSRE0_EL1 looked at and cleared.
/// A recorded mismatch of user mode becomes SEGV_MTEAERR; what uaccess recorded is dropped on the way out.
/// Source: [linux-entry], [linux-mte-doc].
void enter_kernel(Kernel& k);
void leave_kernel(Kernel& k);

/// The accesses that a user program makes itself, between system calls, with the tag check mode and TCO of user space.
/// Returns: accesses carried out; the fault that stopped it becomes the caller's signal.
/// Effects: page faults are handled; asynchronous mismatches accumulate in TFSRE0.
struct UserAccess {
  std::uint64_t done{};
  bool faulted{};
  AccessFault fault{};
};
/// `stored`: what stores write, exactly run.span() bytes of a run without gaps; nullptr: bytes that nobody knows.
UserAccess access_from_user(Kernel& k, const AccessRun& run, const Provenance* stored = nullptr);

/// STG: gives the granules [at, at + granules) the tags `first`, `first` + `step`, … (mod 16). A page without PROT_MTE
/// takes the store and ignores the tag.
/// Returns: granules done; a page that may not be written stops it. No tag is checked.
/// Source:  [arm-mte].
UserAccess store_tags_from_user(Kernel& k, UserPtr at, std::uint64_t granules, Tag first, unsigned step);

/// LDG: the allocation tag of the granule at `at`, 0 without PROT_MTE. No tag is checked.
/// Source:  [arm-mte].
UserAccess load_tag_from_user(Kernel& k, UserPtr at, Tag& tag);

/// What an access of user mode that could not be cured brings upon its thread: SIGSEGV, or SIGBUS behind the end of a
/// file. Source: [linux-fault].
[[nodiscard]] SigInfo signal_for(const Machine& machine, std::uint32_t space, const AccessFault& fault);

}  // namespace mtesim
