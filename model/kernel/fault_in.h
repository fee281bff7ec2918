#pragma once

#include "model/kernel/kernel.h"

namespace mtesim {

/// fault_in_pages_readable() and fault_in_pages_writeable(), up to 5.15: one byte at `at`, at the same offset in each
/// following page, and the last byte if that lies in one more page.
/// Returns: EFAULT if any of them fails. The write probe stores zeroes.
/// Source:  [linux-pagemap-5.15]
[[nodiscard]] Errno fault_in_pages_readable(Kernel& k, UserPtr at, Bytes size);
[[nodiscard]] Errno fault_in_pages_writeable(Kernel& k, UserPtr at, Bytes size);

/// fault_in_readable() and fault_in_writeable(), 5.16: one byte at `at`, then the first byte of every later page.
/// Returns: bytes NOT faulted in; 0 is complete success.
/// Sites:   each load or store. The touch is made with the caller's pointer, so it checks that one granule's tag.
/// Source:  [linux-gup-5.16]
[[nodiscard]] Bytes fault_in_readable(Kernel& k, UserPtr at, Bytes size);
[[nodiscard]] Bytes fault_in_writeable(Kernel& k, UserPtr at, Bytes size);

/// fault_in_safe_writeable(), 5.16: runs the page-fault code in software, page by page, under the mmap lock. It makes
/// no access, so it cannot see a tag.
/// Returns: bytes NOT faulted in, with the mistakes that the revision's form makes (SafeWriteable).
/// Source:  [linux-gup-5.17]
[[nodiscard]] Bytes fault_in_safe_writeable(Kernel& k, UserPtr at, Bytes size);

/// probe_subpage_writeable(), arm64's hook: a load at `at` and at every granule behind it.
/// Returns: bytes NOT probed.
/// Source:  [linux-da32b5817253]
[[nodiscard]] Bytes probe_subpage_writeable(Kernel& k, UserPtr at, Bytes size);

/// fault_in_subpage_writeable(), 5.19: fault_in_writeable() page by page, then probe_subpage_writeable() over what
/// passed. Source:  [linux-da32b5817253]
[[nodiscard]] Bytes fault_in_subpage_writeable(Kernel& k, UserPtr at, Bytes size);

/// Whichever probe a revision or a scenario's change names, in the 5.16 convention: bytes NOT faulted in. An
/// all-or-nothing probe answers 0 or `size`.
[[nodiscard]] Bytes fault_in(Kernel& k, const Probe& probe, UserPtr at, Bytes size);

/// fixup_user_fault(): handle_mm_fault() without an access, tag stripped.
/// `may_retry`: the caller passed an "unlocked" flag, so a fatal signal ends it with EINTR.
/// Source:  [linux-gup-7.3]
[[nodiscard]] Errno fixup_user_fault(Kernel& k, UserPtr at, AccessKind kind, bool may_retry);

}  // namespace mtesim
