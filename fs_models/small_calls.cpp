#include "fs_models/small_calls.h"

#include <array>

namespace mtesim {

namespace {

constexpr std::uint64_t kPathMax = 4096;

std::int64_t result_of(Errno e) { return -static_cast<std::int64_t>(e); }

/// One copy_to_user() of what the kernel made; EFAULT unless all of it arrives.
Errno answer(Kernel& k, UserPtr to, Bytes size, std::uint32_t alignment, Bytes from = {}) {
  const Provenance made(Origin{kKernelSource, from.n}, size);
  return copy_to_user(k, to, {made, alignment}).n == 0 ? Errno::ok : Errno::efault;
}

/// struct new_utsname: six texts of 65 bytes. The copy on the stack, of bytes only, begins 9 bytes past a multiple of
/// 16: seen in what short copies leave behind, 5.10 to 6.12. Source: [linux-sys].
std::int64_t newuname(Kernel& k, const SmallCallArguments& a) { return result_of(answer(k, a.buffer, Bytes{390}, 9)); }

std::int64_t newfstat(Kernel& k, const SmallCallArguments& a) { return result_of(answer(k, a.buffer, Bytes{128}, 0)); }

std::int64_t clock_gettime(Kernel& k, const SmallCallArguments& a) {
  return result_of(answer(k, a.buffer, Bytes{16}, 0));
}

std::int64_t pipe2(Kernel& k, const SmallCallArguments& a) { return result_of(answer(k, a.buffer, Bytes{8}, 0)); }

std::int64_t rt_sigprocmask(Kernel& k, const SmallCallArguments& a) {
  return result_of(answer(k, a.buffer, Bytes{8}, 0));
}

/// The link's text, cut to the buffer, without a NUL. Source: [linux-namei].
std::int64_t readlink(Kernel& k, const SmallCallArguments& a) {
  if (a.size.n == 0) return result_of(Errno::einval);
  const Bytes size = min(a.size, a.length);
  return answer(k, a.buffer, size, 0) == Errno::ok ? static_cast<std::int64_t>(size.n) : result_of(Errno::efault);
}

/// The path is built from behind in a page, its NUL the last byte. Source: [linux-dcache].
std::int64_t getcwd(Kernel& k, const SmallCallArguments& a) {
  const Bytes size = a.length + Bytes{1};
  if (size.n > kPathMax) return result_of(Errno::enametoolong);
  if (size > a.size) return result_of(Errno::erange);
  const auto alignment = static_cast<std::uint32_t>((kPathMax - size.n) % 16);
  return answer(k, a.buffer, size, alignment) == Errno::ok ? static_cast<std::int64_t>(size.n)
                                                           : result_of(Errno::efault);
}

/// openat() of a path that leads nowhere. The path goes behind the header of a struct filename; one that fills this is
/// read anew into a page of its own. Source: [linux-namei].
std::int64_t openat(Kernel& k, const SmallCallArguments& a) {
  constexpr Bytes kEmbedded{kPathMax - 32};  // EMBEDDED_NAME_MAX
  StringCopied path = strncpy_from_user(k, a.buffer, a.length, kEmbedded);
  if (path.error == Errno::ok && path.length == kEmbedded) {
    path = strncpy_from_user(k, a.buffer, a.length, Bytes{kPathMax});
    if (path.error == Errno::ok && path.length.n == kPathMax) return result_of(Errno::enametoolong);
  }
  return result_of(path.error == Errno::ok ? Errno::enoent : path.error);
}

/// ppoll() of descriptors that are all ready, without waiting: the array is read piece by piece, 30 on the stack and
/// then 510 a page; each revents is stored by itself. Source: [linux-select].
std::int64_t ppoll(Kernel& k, const SmallCallArguments& a) {
  constexpr std::uint64_t kEntry = 8;  // struct pollfd
  constexpr std::uint64_t kRevents = 6;
  const std::uint64_t number = a.size.n / kEntry;
  const std::uint64_t on_page = (k.machine.page_size.n - 16) / kEntry;
  for (std::uint64_t read = 0, most = 30; read < number; most = on_page) {
    const std::uint64_t piece = std::min(most, number - read);
    Provenance entries;
    if (copy_from_user(k, entries, a.buffer + Bytes{read * kEntry}, Bytes{piece * kEntry}).n > 0) {
      return result_of(Errno::efault);
    }
    read += piece;
  }
  for (std::uint64_t i = 0; i < number; ++i) {
    const Provenance revents(Origin{kKernelSource, i * 2}, Bytes{2});
    if (put_user(k, a.buffer + Bytes{i * kEntry + kRevents}, revents) != Errno::ok) return result_of(Errno::efault);
  }
  return static_cast<std::int64_t>(number);
}

/// mincore() over the first `size` pages of the mapping's address space: a byte a page, mapping by mapping; ENOMEM at
/// a hole. Source: [linux-mincore].
std::int64_t mincore(Kernel& k, const SmallCallArguments& a) {
  const Bytes page = k.machine.page_size;
  std::uint64_t address = AddressSpace::kBaseAddress;
  for (std::uint64_t told = 0; told < a.size.n;) {
    std::uint64_t end = 0;  // of the mapping
    k.machine.space_of(k.current).for_each_vma([&](std::uint64_t lower, std::uint64_t upper, const Vma&) {
      if (address >= lower && address < upper) end = upper;
    });
    if (end == 0) return result_of(Errno::enomem);
    const std::uint64_t pages = std::min({(end - address) / page.n, a.size.n - told, page.n});
    if (answer(k, a.buffer + Bytes{told}, Bytes{pages}, 0, Bytes{told}) != Errno::ok) return result_of(Errno::efault);
    told += pages;
    address += pages * page.n;
  }
  return 0;
}

/// getdents64(): entry by entry, each by single stores; the offset of an entry is known, and stored, when the next one
/// is written, and at the end. Source: [linux-readdir].
std::int64_t getdents64(Kernel& k, const SmallCallArguments& a) {
  constexpr Bytes kOffset{8};   // d_off; d_ino is at 0
  constexpr Bytes kLength{16};  // d_reclen
  constexpr Bytes kType{18};
  constexpr Bytes kName{19};
  std::uint64_t made = 0;  // kernel bytes so far, so that each has an origin of its own
  const auto store = [&](UserPtr at, std::uint64_t width) {
    const Provenance value(Origin{kKernelSource, made}, Bytes{width});
    made += width;
    return put_user(k, at, value) == Errno::ok;
  };
  Bytes used;
  std::optional<UserPtr> last;
  bool faulted = false;
  for (const Bytes length : a.names) {
    const Bytes reclen{round_up((kName + length + Bytes{1}).n, Bytes{8})};
    if (used + reclen > a.size) {
      if (!last) return result_of(Errno::einval);
      break;
    }
    if (last && signal_pending(k)) break;
    const UserPtr entry = a.buffer + used;
    const auto store_name = [&] {
      if (!store(entry + kName + length, 1)) return false;  // the NUL first
      Bytes at;
      for (const std::uint64_t width : {8U, 4U, 2U, 1U}) {
        while (at + Bytes{width} <= length) {
          if (!store(entry + kName + at, width)) return false;
          at += Bytes{width};
        }
      }
      return true;
    };
    if (!store(last.value_or(entry) + kOffset, 8) || !store(entry, 8) || !store(entry + kLength, 2) ||
        !store(entry + kType, 1) || !store_name()) {
      faulted = true;
      break;
    }
    last = entry;
    used += reclen;
  }
  if (!last) return result_of(faulted ? Errno::efault : Errno::ok);
  return store(*last + kOffset, 8) ? static_cast<std::int64_t>(used.n) : result_of(Errno::efault);
}

constexpr std::array<SmallCallEntry, 11> kSmallCalls{{
    {"uname", "struct new_utsname, 390 bytes", newuname},
    {"fstat", "struct stat, 128 bytes", newfstat},
    {"clock_gettime", "struct timespec, 16 bytes", clock_gettime},
    {"pipe2", "two descriptors, 8 bytes", pipe2},
    {"rt_sigprocmask", "the old signal mask, 8 bytes", rt_sigprocmask},
    {"readlink", "a link's text of `length_bytes`", readlink},
    {"getcwd", "a path of `length_bytes`, and its NUL", getcwd},
    {"openat", "opens a path of `length_bytes` that does not exist", openat},
    {"ppoll", "asks for `size_bytes` / 8 descriptors that are all ready", ppoll},
    {"mincore", "which of the first `size_bytes` pages of the address space are in memory", mincore},
    {"getdents64", "reads a directory whose names are as long as `names_bytes` says", getdents64},
}};

}  // namespace

std::span<const SmallCallEntry> small_calls() { return kSmallCalls; }

const SmallCallEntry* find_small_call(std::string_view name) {
  for (const SmallCallEntry& entry : kSmallCalls) {
    if (entry.name == name) return &entry;
  }
  return nullptr;
}

SmallCall::SmallCall(const SystemCall& call)
    : entry(call.small), arguments{call.segments.front().base, call.segments.front().length, call.length, call.names} {}

}  // namespace mtesim
