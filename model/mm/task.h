#pragma once

#include <cstdint>

#include "model/arch/tag_check_mode.h"
#include "model/base/fingerprint.h"

namespace mtesim {

struct TaskId {
  std::uint32_t n{};
  bool operator==(const TaskId&) const = default;
};

/// Signals by what they do to a system call.
struct PendingSignals {
  bool fatal{};    ///< SIGKILL, or one that kills: fatal_signal_pending()
  bool other{};    ///< one with a handler: signal_pending() only
  bool mteaerr{};  ///< SIGSEGV, SEGV_MTEAERR, for what TFSRE0 had recorded
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

  [[nodiscard]] Fingerprint fingerprint() const {
    return print_of(space, tcf, store_only, tagged_addr_abi, user_tco, kernel_tco, tfsre0, pagefault_disabled,
                    pending.fatal, pending.other, pending.mteaerr);
  }
  bool operator==(const Task&) const = default;
};

}  // namespace mtesim
