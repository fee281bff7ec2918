#pragma once

#include "model/kernel/kernel.h"
#include "model/mm/provenance.h"

namespace mtesim {

/// Kernel bytes that are to go to user space, and how the kernel address of the first one is aligned: the copy
/// routines align the source.
struct KernelBytes {
  Provenance bytes;
  std::uint32_t alignment{};  ///< kernel address modulo 16

  [[nodiscard]] KernelBytes from(Bytes offset) const {
    return {bytes.slice(offset.n, (bytes.size() - offset).n), static_cast<std::uint32_t>((alignment + offset.n) % 16)};
  }
  [[nodiscard]] Bytes size() const { return bytes.size(); }
};

/// access_ok(): the range lies in user space; a pointer with a tag passes only under the tagged-address ABI.
[[nodiscard]] bool access_ok(Kernel& k, UserPtr at, Bytes size);

/// copy_to_user() as a sequence of accesses, unprivileged stores of 1, 2, 4 or 8 bytes.
/// Returns: bytes NOT copied. Up to 8 bytes more than reported may have been stored.
/// Faults:  page faults are handled unless disabled; a tag check fault always ends it.
/// Source:  [linux-uaccess-copy]; docs/sources.md lists the golden vectors.
[[nodiscard]] Bytes copy_to_user(Kernel& k, UserPtr to, const KernelBytes& from);

/// copy_from_user(): as above with unprivileged loads. The source is the user's side, so it is the user's address
/// that gets aligned. `to` receives what was copied, and only that.
[[nodiscard]] Bytes copy_from_user(Kernel& k, Provenance& to, UserPtr from, Bytes size);

/// clear_user(): zeroes stored by the user's pointer. There is no one-byte retry in any revision.
[[nodiscard]] Bytes clear_user(Kernel& k, UserPtr to, Bytes size);

/// get_user() and put_user() of 1, 2, 4 or 8 bytes; EFAULT or ok. get_user's value is what it came from.
[[nodiscard]] Errno get_user(Kernel& k, Provenance& value, UserPtr from, Bytes size);
[[nodiscard]] Errno put_user(Kernel& k, UserPtr to, const Provenance& value);

/// With page faults disabled, all or nothing: any shortfall is EFAULT, and the partial count is thrown away.
[[nodiscard]] Errno copy_to_user_nofault(Kernel& k, UserPtr to, const KernelBytes& from);
[[nodiscard]] Errno copy_from_user_nofault(Kernel& k, Provenance& to, UserPtr from, Bytes size);

/// strncpy_from_user(): eight bytes at a time, byte by byte from where that faults, until the NUL at `length` or
/// `max` bytes.
/// Returns: bytes before the NUL, `max` if it was not reached, or EFAULT.
struct StringCopied {
  Errno error{Errno::ok};
  Bytes length{};
};
[[nodiscard]] StringCopied strncpy_from_user(Kernel& k, UserPtr from, Bytes length, Bytes max);

}  // namespace mtesim
