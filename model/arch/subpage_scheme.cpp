#include "model/arch/subpage_scheme.h"

#include <array>

namespace mtesim {

namespace {

/// Every granule that the access touches is compared; one that differs fails the access at its own first byte, or at
/// the access's first granule, and pages without PROT_MTE pass. Source: [arm-mte].
std::optional<std::uint32_t> mte_first_mismatch(const SubpageAccess& access, const PageTags& tags) {
  if (!access.page_is_tagged) return std::nullopt;
  const std::size_t first = access.begin / kGranule.n;
  const std::size_t end = (access.end + kGranule.n - 1) / kGranule.n;
  const std::size_t bad = tags.first_unlike(access.pointer.tag(), first, end);
  if (bad == end) return std::nullopt;
  return bad == first ? access.begin : static_cast<std::uint32_t>(bad * kGranule.n);
}

std::optional<std::uint32_t> never(const SubpageAccess&, const PageTags&) { return std::nullopt; }

constexpr std::array<SubpageScheme, 2> kSchemes{{
    {"mte", "arm64 Memory Tagging Extension: a 4-bit tag for every 16 bytes", kGranule, mte_first_mismatch},
    {"page", "no protection finer than a page", Bytes{0}, never},
}};

}  // namespace

std::span<const SubpageScheme> subpage_schemes() { return kSchemes; }

const SubpageScheme* find_subpage_scheme(std::string_view name) {
  for (const SubpageScheme& scheme : kSchemes) {
    if (scheme.name == name) return &scheme;
  }
  return nullptr;
}

}  // namespace mtesim
