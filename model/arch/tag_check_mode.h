#pragma once

#include <cstdint>

namespace mtesim {

/// What a thread asked the CPU to do about tag check faults: SCTLR_EL1.TCF0, and the store-only extension.
/// Source: [arm-mte], [linux-mte-doc].
enum class TcfMode : std::uint8_t { none, sync, async, asymm };

enum class AccessKind : std::uint8_t { load, store };

/// What becomes of a mismatch of one access.
enum class OnMismatch : std::uint8_t {
  ignored,   ///< the access is not checked
  fault,     ///< synchronous tag check fault; the access is not carried out
  recorded,  ///< the access is carried out; TFSRE0_EL1.TF0 remembers
};

/// `tco`: PSTATE.TCO, which switches checking off for the time being.
constexpr OnMismatch on_mismatch(TcfMode mode, bool store_only, bool tco, AccessKind kind) {
  if (tco || (store_only && kind == AccessKind::load)) return OnMismatch::ignored;
  switch (mode) {
    case TcfMode::none:
      return OnMismatch::ignored;
    case TcfMode::sync:
      return OnMismatch::fault;
    case TcfMode::async:
      return OnMismatch::recorded;
    case TcfMode::asymm:
      return kind == AccessKind::load ? OnMismatch::fault : OnMismatch::recorded;
  }
  return OnMismatch::ignored;
}

}  // namespace mtesim
