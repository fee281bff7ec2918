#pragma once

#include <span>

#include "sim/check/branching.h"

namespace mtesim {

/// Puts a state's representative in its place: a state with the same futures, in which what cannot matter any more is
/// the same for all. Proof: docs/lazy-environment.md, lemmas 7 and 8.
///
/// Tags:       a granule whose tag is no pointer's has the lowest tag that no pointer has.
/// Untouched:  of private anonymous memory, pages that no trip of no call can come to any more are unmapped, and
/// granules
///             have tag 0; an action that is decided at the first look is decided there.
/// Effects:    none where contents are tracked, as judging bytes and tags looks at all of memory; none on memory where
///             a call does not say what it may come to; no unmapping once a process has forked.
/// Cost:       O(mapped pages), and of pages in part within reach O(granules).
void canonicalise(const Workload& workload, const BranchRules& rules, std::span<const Action> actions,
                  CheckState& state);

/// What a check leaves out, by name, and how to have it all the same: to compare, and to measure.
struct Reduction {
  std::string_view name;
  std::string_view about;
  void (*switch_off)(BranchRules&);
};
[[nodiscard]] std::span<const Reduction> reductions();

/// Sets the bits of [from, to) in CheckState::looked_at.
void mark_looked_at(std::vector<std::uint64_t>& looked_at, const Action& placement, std::uint64_t from,
                    std::uint64_t to);

}  // namespace mtesim
