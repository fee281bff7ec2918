#pragma once

#include <cstdint>
#include <optional>
#include <variant>

#include "model/base/errno.h"
#include "model/kernel/revision.h"
#include "model/mm/fault.h"
#include "model/mm/machine.h"
#include "model/mm/provenance.h"

namespace mtesim {

/// A software walk of the page tables: get_user_pages() and fixup_user_fault() look at one page.
struct PageWalk {
  std::uint64_t address{};
  AccessKind kind{};
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

struct LockTaken {
  LockId lock;
  LockMode mode{};
};
struct LockReleased {
  LockId lock;
};
struct LockContended {
  LockId lock;
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
struct RoundBegins {};

using Event = std::variant<Accessed, PageFaultTaken, TagFaultTaken, SignalSeen, Found, CacheRead, LockTaken,
                           LockReleased, LockContended, Entered, Left, Delivered, RoundBegins>;

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

/// What every kernel path is handed: the machine, the world, whose call it is and which kernel.
/// Values a path holds across a look may only come from what looks returned (Accessed, Found, SignalSeen), from its
/// loop's State and from constants; the checker joins histories that saw the same.
struct Kernel {
  Machine& machine;
  Environment& environment;
  const Revision& revision;
  TaskId current{};

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

/// Takes the lock, or says so in the trace and returns false: the loop returns Blocked.
/// Sites:   before the lock of a file, or of a part of one.
[[nodiscard]] bool lock(Kernel& k, const LockId& id, LockMode mode);
void unlock(Kernel& k, const LockId& id);

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
