#pragma once

#include <optional>

#include "model/arch/tag_check_mode.h"
#include "model/kernel/revision.h"

namespace mtesim {

/// The modes that PR_SET_TAGGED_ADDR_CTRL allows the kernel to choose from: PR_MTE_TCF_SYNC and PR_MTE_TCF_ASYNC.
struct TcfRequest {
  bool sync{};
  bool async{};
};

/// Which mode the thread gets on a CPU with this preference (mte_tcf_preferred); nullopt: the prctl is refused.
/// Asking for both adds ASYMM where the CPU has it. Source: [linux-mte-doc], [linux-mte-c].
[[nodiscard]] constexpr std::optional<TcfMode> resolve_tcf(const Revision& revision, TcfRequest asked,
                                                           TcfMode preferred) {
  if (!asked.sync || !asked.async) {
    return asked.sync ? TcfMode::sync : asked.async ? TcfMode::async : TcfMode::none;
  }
  if (!revision.tcf_is_a_set) return std::nullopt;
  if (preferred == TcfMode::asymm && !revision.has_asymm) return TcfMode::async;
  return preferred == TcfMode::none ? TcfMode::async : preferred;
}

}  // namespace mtesim
