#include "model/mm/contents.h"

#include <algorithm>

namespace mtesim {

// Telescopes: the print of [a,c) is that of [a,b) plus that of [b,c), so runs may be split and joined at will.
Fingerprint Contents::run_print(std::uint32_t begin, std::uint32_t end, Origin rebased_origin) {
  const std::uint64_t of_origin = print_of(rebased_origin.source.n, rebased_origin.position).bits | 1;
  return {of_origin * (mix(end) - mix(begin))};
}

void Contents::append_to(Provenance& out, std::uint32_t begin, std::uint32_t end) const {
  std::uint32_t at = begin;
  if (!written_.empty()) {
    const auto window = Written::interval_type(begin, end);
    if (const auto& only = *written_.begin(); only.first == window) {  // most pages are written whole
      out.append(only.second.after(begin), end - begin);
      return;
    }
    const auto [first, last] = written_.equal_range(window);
    for (auto run = first; run != last; ++run) {
      const std::uint32_t lower = std::max(run->first.lower(), begin);
      const std::uint32_t upper = std::min(run->first.upper(), end);
      if (at < lower) out.append(base_.after(at), lower - at);
      out.append(run->second.after(lower), upper - lower);
      at = upper;
    }
  }
  if (at < end) out.append(base_.after(at), end - at);
}

void Contents::write(std::uint32_t begin, const Provenance& bytes) {
  std::uint32_t at = begin;
  for (const Provenance::Piece& piece : bytes.pieces()) {
    const auto end = static_cast<std::uint32_t>(at + piece.length);
    const auto window = Written::interval_type(at, end);
    const Origin origin = rebased(piece.origin, at);
    if (written_.iterative_size() == 1 && written_.begin()->first == window && !(origin == base_)) {
      // A page written whole once more has no neighbours to be joined with or split from.
      Origin& held = written_.begin()->second;
      print_ += run_print(at, end, origin) - run_print(at, end, held);
      held = origin;
      at = end;
      continue;
    }
    const auto [first, last] = written_.equal_range(window);
    for (auto run = first; run != last; ++run) {
      print_ -= run_print(std::max(run->first.lower(), at), std::min(run->first.upper(), end), run->second);
    }
    if (origin == base_) {
      written_.erase(window);
    } else {
      written_.set({window, origin});
      print_ += run_print(at, end, origin);
    }
    at = end;
  }
}

Fingerprint Contents::recomputed_fingerprint() const {
  Contents fresh(base_);
  for (const auto& run : written_) fresh.print_ += run_print(run.first.lower(), run.first.upper(), run.second);
  return fresh.fingerprint();
}

}  // namespace mtesim
