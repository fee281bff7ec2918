#include "fs_models/copy_loop.h"

namespace mtesim {

namespace {

constexpr std::int64_t kNoSignal = -(std::int64_t{1} << 16);  // -errno stays above
constexpr std::int64_t kCodes = 256;

}  // namespace

std::int64_t signal_result(const SigInfo& signal) { return kNoSignal - (signal.signal * kCodes + signal.code); }

std::optional<SigInfo> signal_of(std::int64_t result) {
  if (result >= kNoSignal || result == kKernelBugResult) return std::nullopt;
  const std::int64_t both = kNoSignal - result;
  return SigInfo{0, static_cast<std::uint8_t>(both / kCodes), static_cast<std::uint8_t>(both % kCodes)};
}

std::string signal_name(const SigInfo& signal) {
  if (signal.signal == kSigbus) return "SIGBUS BUS_ADRERR";
  switch (signal.code) {
    case kSegvMaperr:
      return "SIGSEGV SEGV_MAPERR";
    case kSegvAccerr:
      return "SIGSEGV SEGV_ACCERR";
    case kSegvMteaerr:
      return "SIGSEGV SEGV_MTEAERR";
    case kSegvMteserr:
      return "SIGSEGV SEGV_MTESERR";
    default:
      return "SIGSEGV";
  }
}

}  // namespace mtesim
