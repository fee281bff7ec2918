#include "model/kernel/prctl.h"

#include <optional>

#include "model/kernel/tcf_request.h"

namespace mtesim {

Errno set_tagged_addr_ctrl(Kernel& k, const PrctlArguments& arguments) {
  const auto [ctrl, arg3, arg4, arg5] = arguments;
  if (arg3 != 0 || arg4 != 0 || arg5 != 0) return Errno::einval;
  std::uint64_t valid = kPrTaggedAddrEnable | kPrMteTcfSync | kPrMteTcfAsync | kPrMteTagMask;
  if (k.revision.has_store_only) valid |= kPrMteStoreOnly;
  if ((ctrl & ~valid) != 0) return Errno::einval;
  const bool sync = (ctrl & kPrMteTcfSync) != 0;
  const bool async = (ctrl & kPrMteTcfAsync) != 0;
  Task& task = k.task();
  const TcfMode preferred = task.moved_to == TcfMode::none ? k.machine.preferred_tcf : task.moved_to;
  const std::optional<TcfMode> mode = resolve_tcf(k.revision, {sync, async}, preferred);
  if (!mode) return Errno::einval;
  task.tagged_addr_abi = (ctrl & kPrTaggedAddrEnable) != 0;
  task.store_only = (ctrl & kPrMteStoreOnly) != 0;
  task.tcf_sync_asked = sync;
  task.tcf_async_asked = async;
  task.tcf = *mode;
  task.tag_mask = static_cast<std::uint16_t>((ctrl & kPrMteTagMask) >> kPrMteTagShift);
  return Errno::ok;
}

std::int64_t get_tagged_addr_ctrl(const Kernel& k, const PrctlArguments& arguments) {
  if (arguments != PrctlArguments{}) return -static_cast<std::int64_t>(Errno::einval);
  const Task& task = k.task();
  std::uint64_t ctrl = std::uint64_t{task.tag_mask} << kPrMteTagShift;
  if (task.tagged_addr_abi) ctrl |= kPrTaggedAddrEnable;
  if (task.tcf_sync_asked) ctrl |= kPrMteTcfSync;
  if (task.tcf_async_asked) ctrl |= kPrMteTcfAsync;
  if (task.store_only) ctrl |= kPrMteStoreOnly;
  return static_cast<std::int64_t>(ctrl);
}

}  // namespace mtesim
