#pragma once

#include <cstdint>

namespace mtesim {

/// What the kernel returns as -errno, by Linux's numbers.
enum class Errno : std::uint8_t {
  ok = 0,
  eintr = 4,
  eio = 5,
  eagain = 11,
  enomem = 12,
  eacces = 13,
  efault = 14,
  einval = 22,
  enospc = 28,
  epipe = 32,
  eoverflow = 75,
};

/// "EFAULT"; "OK" for ok.
[[nodiscard]] constexpr const char* errno_name(Errno e) {
  switch (e) {
    case Errno::ok:
      return "OK";
    case Errno::eintr:
      return "EINTR";
    case Errno::eio:
      return "EIO";
    case Errno::eagain:
      return "EAGAIN";
    case Errno::enomem:
      return "ENOMEM";
    case Errno::eacces:
      return "EACCES";
    case Errno::efault:
      return "EFAULT";
    case Errno::einval:
      return "EINVAL";
    case Errno::enospc:
      return "ENOSPC";
    case Errno::epipe:
      return "EPIPE";
    case Errno::eoverflow:
      return "EOVERFLOW";
  }
  return "?";
}

}  // namespace mtesim
