#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "model/arch/access.h"
#include "model/arch/page_tags.h"

namespace mtesim {

/// One access to bytes that are mapped and permitted, as a scheme sees it: the part of it that lies in one page.
struct SubpageAccess {
  UserPtr pointer;  ///< the pointer as passed, with whatever the scheme keeps in it
  AccessKind kind{};
  std::uint32_t begin{};  ///< offsets in the page: [begin, end)
  std::uint32_t end{};
  bool page_is_tagged{};  ///< the page was mapped with the scheme's protection bit (PROT_MTE, PROT_ADI)
};

/// A protection finer than a page. This is the one place where the machine asks whether an access faults, and at
/// which byte; a new scheme is one more row of subpage_schemes().
struct SubpageScheme {
  std::string_view name;
  std::string_view about;
  Bytes granule;  ///< what one tag or permission covers; 0: there is none
  /// Offset in the page of the first byte that the scheme forbids; nullopt: none. Whether that mismatch becomes a
  /// fault is for on_mismatch() to say. Whatever the scheme, a page whose tags are all the pointer's forbids nothing:
  /// nobody asks then.
  std::optional<std::uint32_t> (*first_mismatch)(const SubpageAccess&, const PageTags&);
};

[[nodiscard]] std::span<const SubpageScheme> subpage_schemes();
/// nullptr: no such scheme.
[[nodiscard]] const SubpageScheme* find_subpage_scheme(std::string_view name);

}  // namespace mtesim
