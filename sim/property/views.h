#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <initializer_list>
#include <utility>
#include <vector>

#include "fs_models/system_call.h"
#include "model/mm/machine.h"

// The bytes and tags of a machine as a program or a file's reader would find them, without touching anything.

namespace mtesim {

constexpr SourceId kNobody{kFirstValueSource};       ///< no byte is there, or nothing can be said of it
constexpr SourceId kNothing{kFirstValueSource - 1};  ///< a source that has no byte for a place: like no other
[[nodiscard]] inline bool is_known(const Origin& origin) { return !(origin.source == kNobody); }

/// Visits the longest runs on which each string is one piece, cut at `marks` as well: f(begin, length, origins).
/// All strings have the length of the first.
template <std::size_t kStrings, class F>
void for_each_run(std::array<const Provenance*, kStrings> strings, std::initializer_list<std::uint64_t> marks, F&& f) {
  std::array<std::size_t, kStrings> piece{};
  std::array<std::uint64_t, kStrings> in_piece{};
  const std::uint64_t size = strings[0]->size().n;
  for (std::uint64_t at = 0; at < size;) {
    std::uint64_t n = size - at;
    for (const std::uint64_t mark : marks) {
      if (mark > at) n = std::min(n, mark - at);
    }
    std::array<Origin, kStrings> origins;
    for (std::size_t s = 0; s < kStrings; ++s) {
      const Provenance::Piece& now = strings[s]->pieces()[piece[s]];
      origins[s] = now.origin.after(in_piece[s]);
      n = std::min(n, now.length - in_piece[s]);
    }
    f(at, n, origins);
    for (std::size_t s = 0; s < kStrings; ++s) {
      in_piece[s] += n;
      if (in_piece[s] < strings[s]->pieces()[piece[s]].length) continue;
      ++piece[s];
      in_piece[s] = 0;
    }
    at += n;
  }
}

[[nodiscard]] inline bool was_dropped(const std::vector<std::uint64_t>& dropped, std::uint64_t page) {
  return std::binary_search(dropped.begin(), dropped.end(), page);
}

/// f(address) of each page that the segment lies in.
template <class F>
void for_each_page(const Machine& machine, const UserSegment& segment, F&& f) {
  const std::uint64_t end = segment.base.address() + segment.length.n;
  for (std::uint64_t page = round_down(segment.base.address(), machine.page_size); page < end;
       page += machine.page_size.n)
    f(page);
}

/// f(address) of each page of the address space that has another entry or another folio now, mapped before and after.
template <class F>
void for_each_changed_page(std::uint32_t space, const Machine& before, const Machine& after, F&& f) {
  if (space >= before.spaces.size()) return;
  after.spaces[space]->for_each_vma([&](std::uint64_t begin, std::uint64_t end, const Vma& vma) {
    for (std::uint64_t page = begin; page < end; page += after.page_size.n) {
      const std::uint64_t index = after.page_index(page);
      const Pte& now = after.spaces[space]->pte(index);
      const Pte& old = before.spaces[space]->pte(index);
      const bool named = now.state == PteState::present || now.state == PteState::swapped;
      const FolioRef ref = named ? now.folio : FolioRef{vma.object, static_cast<std::uint32_t>(index + vma.page_delta)};
      if (now == old && &before.folio(ref) == &after.folio(ref)) continue;
      if (before.spaces[space]->find(page) != nullptr) f(page);
    }
  });
}

/// Of the segments, one behind the other; kNobody where nothing is mapped or the page is one of `dropped`.
[[nodiscard]] Provenance user_bytes(const Machine& machine, std::uint32_t space, const UserSegments& segments,
                                    const std::vector<std::uint64_t>& dropped);
/// What a reader of the file would get, without regard to where it ends.
[[nodiscard]] Provenance file_bytes(const Machine& machine, std::uint32_t object, std::uint64_t begin,
                                    std::uint64_t length);
/// All that is queued in the pipe or socket that the call is on, oldest first.
[[nodiscard]] Provenance queued(const Machine& machine, const SystemCall& call);
/// The tags that the process would find; 0 where no page is yet.
[[nodiscard]] PageTags page_tags(const Machine& machine, std::uint32_t space, std::uint64_t page);
[[nodiscard]] bool is_tagged(const Machine& machine, std::uint32_t space, std::uint64_t page);  ///< PROT_MTE

/// Where byte `at` of the segments is; behind the last, its end.
[[nodiscard]] std::uint64_t address_in(const UserSegments& segments, std::uint64_t at);
/// Takes what the segment covers out of rising, disjoint intervals of addresses.
void leave_out(std::vector<std::pair<std::uint64_t, std::uint64_t>>& intervals, const UserSegment& segment);
[[nodiscard]] bool overlap(const UserSegments& a, const UserSegments& b);
[[nodiscard]] bool overlap_each_other(const UserSegments& segments);
/// Whether a segment lies in a mapping of [begin, begin + length) of the file.
[[nodiscard]] bool maps_file(const Machine& machine, std::uint32_t space, const UserSegments& segments,
                             std::uint32_t object, std::uint64_t begin, std::uint64_t length);

}  // namespace mtesim
