// The reduced search against searches that leave nothing out.
#pragma once

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "sim/check/check.h"
#include "sim/check/reduction.h"
#include "tests/support/workloads.h"

namespace mtesim::test {

/// What a check says about a system; states and transitions are the search's own affair.
struct Answer {
  Verdict verdict{};
  std::set<std::vector<std::int64_t>> results;
  bool killable{};
  std::optional<std::uint64_t> most_rounds;
  std::uint64_t least_actions{};
  std::uint64_t least_rounds{};
  Reached reached;

  friend bool operator==(const Answer& a, const Answer& b) {
    return a.verdict == b.verdict && a.results == b.results && a.killable == b.killable &&
           a.most_rounds == b.most_rounds && a.least_actions * b.least_rounds == b.least_actions * a.least_rounds &&
           a.reached == b.reached;
  }
  [[nodiscard]] std::string told() const {
    std::vector<std::string_view> met;
    for (const ReachedFact& fact : reached_facts()) {
      if (reached.*fact.field) met.push_back(fact.name);
    }
    return fmt::format("{} results {} killable {} most rounds {} least {}/{} reached {}", verdict_name(verdict),
                       results, killable, most_rounds.value_or(0), least_actions, least_rounds, met);
  }
};

[[nodiscard]] inline Answer answer(const SmallSystem& system, const BranchRules& rules, std::uint64_t max_states) {
  CheckOptions options;
  options.actions = system.actions;
  options.rules = rules;
  options.stop_at_livelock = false;
  options.max_states = max_states;
  const CheckResult found = check(system.workload, options);
  Answer said{found.verdict,       found.results,      found.killable, found.most_rounds,
              found.least_actions, found.least_rounds, found.reached};
  // A page fault that is handled shows nowhere, and so its eviction may be left out; what is done to no avail too.
  said.reached.page_fault_handled = false;
  said.reached.environment_acted = false;
  // Of several tasks, rounds include pauses before locks: a fault that is left out may have had one.
  if (system.workload.calls.size() > 1) said.most_rounds.reset();
  if (!found.complete) said = Answer{};  // cut: nothing to compare
  if (!found.complete) said.verdict = Verdict::bound;
  return said;
}

struct Compared {
  std::uint64_t searches{};  ///< that were compared with the reduced one
  std::string difference;    ///< empty: none
  Answer said;               ///< by the reduced search
};

/// Up to which weight of a system a reference search is tried.
struct Patience {
  std::uint64_t lazy_apart{3};
  std::uint64_t everywhere_joined{3};
  std::uint64_t everywhere_apart{2};
  std::uint64_t max_states{4000};
};

[[nodiscard]] inline Compared compare(const std::vector<std::uint8_t>& genes, const Patience& patience) {
  const SmallSystem system = small_system(genes);
  Compared compared;
  if (system.weight() > std::max(patience.lazy_apart, patience.everywhere_joined)) return compared;
  compared.said = answer(system, {}, patience.max_states);
  if (compared.said.verdict == Verdict::bound) return compared;
  for (unsigned off = 1; off < 16; ++off) {  // which reductions are off, a bit each
    BranchRules rules;
    std::string name;
    for (std::size_t r = 0; r < reductions().size(); ++r) {
      if ((off >> r & 1U) == 0) continue;
      reductions()[r].switch_off(rules);
      name += fmt::format("{}{}", name.empty() ? "without " : ",", reductions()[r].name);
    }
    const bool everywhere = rules.sites == SiteRule::everywhere;
    const std::uint64_t patient = everywhere
                                      ? rules.join_histories ? patience.everywhere_joined : patience.everywhere_apart
                                  : rules.join_histories ? ~std::uint64_t{0}
                                                         : patience.lazy_apart;
    if (system.weight() > patient) continue;
    const Answer whole = answer(system, rules, 20 * patience.max_states);
    if (whole.verdict == Verdict::bound) continue;
    ++compared.searches;
    if (whole == compared.said) continue;
    compared.difference =
        fmt::format("{}\n  with all reductions: {}\n  {}: {}", system.told, compared.said.told(), name, whole.told());
    return compared;
  }
  return compared;
}

/// What a series of random systems gave, up to the first that shows a difference.
struct Tried {
  std::uint64_t searches{};
  std::map<Verdict, std::uint64_t> verdicts{{Verdict::returns, 0}, {Verdict::livelock, 0}, {Verdict::starvation, 0}};
  std::string difference;  ///< as it was drawn, and then as plain as it can be made
};

[[nodiscard]] inline Tried try_random_systems(std::uint64_t seed, int systems, const Patience& patience = {}) {
  std::mt19937_64 random(seed);
  Tried tried;
  for (int i = 0; i < systems && tried.difference.empty(); ++i) {
    const std::vector<std::uint8_t> genes = random_genes(random);
    const Compared compared = compare(genes, patience);
    tried.searches += compared.searches;
    if (compared.searches > 0) ++tried.verdicts[compared.said.verdict];
    if (compared.difference.empty()) continue;
    const auto plain = plainest(genes, [&](const auto& g) { return !compare(g, patience).difference.empty(); });
    tried.difference =
        fmt::format("system {}: {}\nor, plainer: {}", i, compared.difference, compare(plain, patience).difference);
  }
  return tried;
}

}  // namespace mtesim::test
