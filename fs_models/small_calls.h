#pragma once

#include <span>

#include "fs_models/copy_loop.h"
#include "fs_models/system_call.h"

namespace mtesim {

/// What a small call is given.
struct SmallCallArguments {
  UserPtr buffer;
  Bytes size;                ///< its size argument, where it has one
  Bytes length;              ///< of the text that the kernel has, or that lies in the buffer
  std::vector<Bytes> names;  ///< getdents64: how long each name of the directory is
};

/// A system call without a loop: it fills in or reads one structure or text.
struct SmallCallEntry {
  std::string_view name;
  std::string_view about;
  std::int64_t (*carry_out)(Kernel&, const SmallCallArguments&);
};
[[nodiscard]] std::span<const SmallCallEntry> small_calls();
/// nullptr: no such call.
[[nodiscard]] const SmallCallEntry* find_small_call(std::string_view name);

/// Any of them: one step.
struct SmallCall {
  static constexpr std::string_view kName = "small_call";

  struct State {
    std::uint64_t none{};
  };

  const SmallCallEntry* entry{};
  SmallCallArguments arguments;

  explicit SmallCall(const SystemCall& call);
  [[nodiscard]] State begin() const { return {}; }
  [[nodiscard]] Step step(State&, Kernel& k) const { return Finished{entry->carry_out(k, arguments)}; }
  [[nodiscard]] Bytes progress(const State&) const { return {}; }
};

}  // namespace mtesim
