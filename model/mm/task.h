#pragma once

#include <cstdint>

#include "model/arch/random_tag.h"
#include "model/arch/tag_check_mode.h"
#include "model/base/fingerprint.h"

namespace mtesim {

struct TaskId {
  std::uint32_t n{};
  bool operator==(const TaskId&) const = default;
};

/// SIGSEGV or SIGBUS, as a handler sees it.
struct SigInfo {
  std::uint64_t address{};  ///< si_addr: untagged; 0 for SEGV_MTEAERR
  std::uint8_t signal{};    ///< 0: none
  std::uint8_t code{};      ///< si_code
  bool operator==(const SigInfo&) const = default;
};
constexpr std::uint8_t kSigbus = 7;
constexpr std::uint8_t kSigsegv = 11;
constexpr std::uint8_t kSegvMaperr = 1;   ///< nothing mapped there
constexpr std::uint8_t kSegvAccerr = 2;   ///< not allowed there
constexpr std::uint8_t kSegvMteaerr = 8;  ///< an asynchronous tag mismatch, noticed later
constexpr std::uint8_t kSegvMteserr = 9;  ///< a synchronous tag check fault
constexpr std::uint8_t kBusAdrerr = 2;    ///< behind the end of a file

/// Signals by what they do to a system call.
struct PendingSignals {
  bool fatal{};     ///< SIGKILL, or one that kills: fatal_signal_pending()
  bool other{};     ///< one with a handler: signal_pending() only
  bool mteaerr{};   ///< SIGSEGV, SEGV_MTEAERR, for what TFSRE0 had recorded
  SigInfo fault{};  ///< what an access of the program itself has just brought upon it
  bool operator==(const PendingSignals&) const = default;
};

/// What the kernel and the CPU keep for one thread.
struct Task {
  std::uint32_t space{};  ///< its address space
  TcfMode tcf{TcfMode::none};
  bool store_only{};                  ///< FEAT_MTE_STORE_ONLY asked for with tcf
  bool tagged_addr_abi{};             ///< PR_TAGGED_ADDR_ENABLE
  bool user_tco{};                    ///< PSTATE.TCO as user space left it
  bool kernel_tco{};                  ///< PSTATE.TCO while in the kernel
  bool tfsre0{};                      ///< TFSRE0_EL1.TF0: a recorded mismatch that nobody has looked at yet
  std::uint8_t pagefault_disabled{};  ///< depth of pagefault_disable()
  PendingSignals pending{};
  bool handles_faults{};     ///< it has handlers for SIGSEGV and SIGBUS, which give the access up
  bool tcf_sync_asked{};     ///< PR_MTE_TCF_SYNC; what `tcf` is comes of both, and of what the CPU prefers
  bool tcf_async_asked{};    ///< PR_MTE_TCF_ASYNC
  std::uint16_t tag_mask{};  ///< PR_MTE_TAG: which tags IRG may give, a bit each
  RandomTagRegister rgsr{};  ///< RGSR_EL1
  std::uint32_t child{};     ///< whom it forked last; 0: nobody
  /// mte_tcf_preferred of the CPU that it was moved to; none: it is where it began (Machine::preferred_tcf).
  TcfMode moved_to{TcfMode::none};

  [[nodiscard]] Fingerprint fingerprint() const {
    return print_of(space, tcf, store_only, tagged_addr_abi, user_tco, kernel_tco, tfsre0, pagefault_disabled,
                    pending.fatal, pending.other, pending.mteaerr) +
           slot_print(1,
                      print_of(pending.fault.address, pending.fault.signal, pending.fault.code, handles_faults,
                               tcf_sync_asked, tcf_async_asked, tag_mask, rgsr.seed, rgsr.tag.bits, child, moved_to));
  }
  bool operator==(const Task&) const = default;
};

}  // namespace mtesim
