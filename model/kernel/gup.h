#pragma once

#include <vector>

#include "model/kernel/kernel.h"

namespace mtesim {

/// FOLL_* of get_user_pages(), as far as they matter here.
struct GupFlags {
  bool write{};    ///< FOLL_WRITE: the entry must allow writing now
  bool nofault{};  ///< FOLL_NOFAULT: only what is mapped suitably already
  bool force{};    ///< FOLL_FORCE: a debugger's rights, whatever the mapping's: a private page is copied and written
  std::uint32_t space{PageWalk::kOwnSpace};  ///< of another process
};

/// One page by software walk. The address is untagged first: no tag is looked at, no access made.
struct GotPage {
  Errno error{Errno::ok};
  bool zero_page{};
  FolioRef folio;
};
[[nodiscard]] GotPage get_user_page(Kernel& k, UserPtr at, GupFlags flags);

/// The bytes of a page that was got, and a store to them, through the kernel's own mapping: unchecked.
[[nodiscard]] Provenance read_page(const Machine& machine, const GotPage& page, Bytes offset, Bytes size);
void write_page(Machine& machine, const GotPage& page, Bytes offset, const Provenance& bytes);

/// get_user_pages() and pin_user_pages(): the pages of [at, at + size), as far as they can be had. A pin or a
/// reference is dropped before the step ends, so that which of the two it was is only a name in the trace.
/// Returns: the pages, or the error if there is not even one. A fatal signal ends it with EINTR.
/// Source:  [linux-gup-7.3]
struct GotPages {
  Errno error{Errno::ok};
  std::vector<GotPage> pages;
};
[[nodiscard]] GotPages get_user_pages(Kernel& k, UserPtr at, Bytes size, GupFlags flags);
[[nodiscard]] GotPages pin_user_pages(Kernel& k, UserPtr at, Bytes size, GupFlags flags);

}  // namespace mtesim
