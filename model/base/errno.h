#pragma once

#include <cstdint>

namespace mtesim {

// What the kernel returns as -errno: our name, Linux's number, Linux's name.
#define MTESIM_ERRNOS(X)              \
  X(ok, 0, "OK")                      \
  X(eperm, 1, "EPERM")                \
  X(enoent, 2, "ENOENT")              \
  X(esrch, 3, "ESRCH")                \
  X(eintr, 4, "EINTR")                \
  X(eio, 5, "EIO")                    \
  X(eagain, 11, "EAGAIN")             \
  X(enomem, 12, "ENOMEM")             \
  X(eacces, 13, "EACCES")             \
  X(efault, 14, "EFAULT")             \
  X(ebusy, 16, "EBUSY")               \
  X(eexist, 17, "EEXIST")             \
  X(einval, 22, "EINVAL")             \
  X(enospc, 28, "ENOSPC")             \
  X(epipe, 32, "EPIPE")               \
  X(erange, 34, "ERANGE")             \
  X(enametoolong, 36, "ENAMETOOLONG") \
  X(eoverflow, 75, "EOVERFLOW")       \
  X(emsgsize, 90, "EMSGSIZE")         \
  X(etimedout, 110, "ETIMEDOUT")

enum class Errno : std::uint8_t {
#define MTESIM_ERRNO(name, number, word) name = (number),
  MTESIM_ERRNOS(MTESIM_ERRNO)
#undef MTESIM_ERRNO
};

/// "EFAULT"; "OK" for ok.
[[nodiscard]] constexpr const char* errno_name(Errno e) {
  switch (e) {
#define MTESIM_ERRNO(name, number, word) \
  case Errno::name:                      \
    return word;
    MTESIM_ERRNOS(MTESIM_ERRNO)
#undef MTESIM_ERRNO
  }
  return "?";
}
#undef MTESIM_ERRNOS

}  // namespace mtesim
