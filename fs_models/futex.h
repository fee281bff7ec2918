#pragma once

#include "fs_models/copy_loop.h"
#include "fs_models/system_call.h"

namespace mtesim {

/// futex(2) on words that nobody waits at.
///
/// Rounds:    one try each: the word is looked at with page faults disabled; if that fails, the page is faulted in with
///            the locks dropped, and it is tried again.
/// Progress:  wait and cmp_requeue fault in by get_user(), which sees what the first look saw: they end. lock_pi and
///            cmp_requeue_pi fault in by fixup_user_fault(), which makes no access and sees no tag, while the look was
///            tag checked: A2 fails, and nobody looks for signals or counts rounds: a livelock that SIGKILL cannot end.
///            wake_op's exclusive accesses are privileged and not checked, so that it ends; the unprivileged ones of
///            FEAT_LSUI are checked, and then it does not.
/// Source:    [linux-futex], [linux-futex-arm64].
struct Futex {
  static constexpr std::string_view kName = "futex";

  struct State {
    std::uint64_t none{};
  };

  FutexOp op{};
  bool shared{};
  UserPtr first;
  UserPtr second;
  std::uint32_t value{};

  explicit Futex(const SystemCall& call);
  [[nodiscard]] State begin() const { return {}; }
  [[nodiscard]] Step step(State&, Kernel& k) const;
  [[nodiscard]] Bytes progress(const State&) const { return {}; }
};

/// What reports call it: "futex FUTEX_WAIT".
[[nodiscard]] std::string_view futex_call_name(FutexOp op);

}  // namespace mtesim
