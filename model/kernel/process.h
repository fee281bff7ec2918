#pragma once

#include <cstdint>
#include <vector>

#include "model/kernel/kernel.h"

namespace mtesim {

/// fork(): a child with a copy of the memory and of all that prctl() set; nothing is pending for it.
/// Returns: the child.
TaskId fork_task(Kernel& k);

/// execve(): the memory goes, and so do the tagged-address control, the TCF mode and the handlers.
/// Source: [linux-mte-doc].
void exec_task(Kernel& k);

/// ptrace(PTRACE_PEEKMTETAGS): the allocation tags of `count` granules of the tracee from the one of `at` on, by GUP
/// with its rights overridden: no tag is checked, a page that was never touched has tags 0. A hole, or memory without
/// PROT_MTE, ends it.
/// Returns: the tags; none is EIO to the caller. Source: [linux-mte-ptrace].
[[nodiscard]] std::vector<Tag> peek_tags(Kernel& k, TaskId tracee, UserPtr at, std::uint64_t count);

/// ptrace(PTRACE_POKEMTETAGS): stores tags, bits 3:0 of each byte, and breaks copy-on-write before.
/// Returns: how many were stored; 0 is EIO to the caller. Source: [linux-mte-ptrace].
[[nodiscard]] std::uint64_t poke_tags(Kernel& k, TaskId tracee, UserPtr at, const std::vector<std::uint8_t>& bytes);

}  // namespace mtesim
