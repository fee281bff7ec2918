#include <rapidcheck/catch.h>

#include <map>
#include <utility>

#include "tests/support/random_ops.h"

namespace mtesim::test {
namespace {

/// What must hold of page tables and pages at any time.
void is_consistent(const Machine& machine) {
  std::map<std::pair<std::uint32_t, std::uint32_t>, std::uint32_t> named;
  for (const auto& space : machine.spaces) {
    for (std::uint64_t page = 0; page < Bench::kFirstPage + Playground::kPages + 2; ++page) {
      const Pte& pte = space->pte(page);
      if (pte.state == PteState::none) continue;
      const Vma* vma = space->find(machine.page_address(page));
      RC_ASSERT(vma != nullptr);  // no entry outlives its mapping
      if (pte.state == PteState::zero) continue;
      const Folio& folio = machine.folio(pte.folio);
      ++named[{pte.folio.object, pte.folio.index}];
      RC_ASSERT(folio.allocated);
      if (!pte.writable) continue;
      RC_ASSERT(pte.state == PteState::present);
      RC_ASSERT(vma->prot.write);
      RC_ASSERT(vma->shared || folio.maps == 1);  // copy-on-write keeps processes apart
    }
  }
  for (std::uint32_t object = 0; object < machine.objects.size(); ++object) {
    for (std::uint32_t index = 0; index < machine.objects[object]->folios.extent(); ++index) {
      const Folio& folio = machine.folio({object, index});
      const auto found = named.find({object, index});
      RC_ASSERT(folio.maps == (found == named.end() ? 0 : found->second));
      RC_ASSERT(folio == Folio{} || folio.maps > 0 || folio.in_cache);  // nothing leaks
      RC_ASSERT(folio.mte_tagged || folio.tags == PageTags{});
    }
  }
}

TEST_CASE("a fingerprint kept up to date is the one worked out from the parts", "[property][machine]") {
  rc::prop("after any history, and after each step of it", [] {
    Playground playground;
    for (const Op& op : *any_history()) {
      playground.apply(op);
      RC_ASSERT(playground.machine().fingerprint() == playground.machine().recomputed_fingerprint());
    }
  });
}

TEST_CASE("page tables and pages agree at any time", "[property][machine]") {
  rc::prop("after each step of any history", [] {
    Playground playground;
    for (const Op& op : *any_history()) {
      playground.apply(op);
      is_consistent(playground.machine());
    }
  });
}

TEST_CASE("a copied machine is a value of its own", "[property][machine]") {
  rc::prop("what is done to the original leaves the copy as it was", [] {
    Playground playground;
    for (const Op& op : *any_history()) playground.apply(op);
    const Machine copy = playground.machine();
    const Fingerprint print = copy.recomputed_fingerprint();
    for (const Op& op : *any_history()) playground.apply(op);
    RC_ASSERT(copy.fingerprint() == print);
    RC_ASSERT(copy.recomputed_fingerprint() == print);
    is_consistent(copy);
  });

  rc::prop("and what is done to the copy leaves the original, also when both do the same", [] {
    Playground one;
    const auto history = *any_history();
    for (const Op& op : history) one.apply(op);
    const Machine kept = one.machine();
    Playground other;
    other.machine() = one.machine();
    const auto more = *any_history();
    for (const Op& op : more) other.apply(op);
    RC_ASSERT(one.machine() == kept);
    for (const Op& op : more) one.apply(op);
    RC_ASSERT(one.machine() == other.machine());
    RC_ASSERT(one.machine().fingerprint() == other.machine().fingerprint());
  });
}

/// Operations of one process on one page, which leave all other pages alone. Files are mapped shared: names of private
/// copies are handed out in order.
std::vector<Op> on_page(std::uint32_t page) {
  std::vector<Op> ops = *any_history();
  ops.erase(std::remove_if(ops.begin(), ops.end(), [](const Op& op) { return op.kind == Op::Kind::fork; }), ops.end());
  for (Op& op : ops) {
    op.page = page;
    op.pages = 0;
    if (op.kind == Op::Kind::task) op.kind = Op::Kind::fault;
    if (op.kind == Op::Kind::map) op.detail |= Playground::kShared;
  }
  return ops;
}

/// The lists merged in a random order that keeps each list's own.
std::vector<Op> merged(const std::vector<std::vector<Op>>& lists) {
  std::vector<Op> all;
  std::vector<std::size_t> next(lists.size());
  for (;;) {
    std::vector<std::size_t> open;
    for (std::size_t i = 0; i < lists.size(); ++i) {
      if (next[i] < lists[i].size()) open.push_back(i);
    }
    if (open.empty()) return all;
    const std::size_t i = any_of(open);
    all.push_back(lists[i][next[i]++]);
  }
}

TEST_CASE("operations on different pages commute, and leave equal machines", "[property][machine]") {
  rc::prop("whatever the order, machines and prints are equal", [] {
    std::vector<std::vector<Op>> lists;
    for (std::uint32_t page = 0; page < Playground::kPages; page += 2) lists.push_back(on_page(page));
    Playground one;
    for (const Op& op : merged(lists)) one.apply(op);
    Playground other;
    for (const Op& op : merged(lists)) other.apply(op);
    RC_ASSERT(one.machine() == other.machine());
    RC_ASSERT(one.machine().fingerprint() == other.machine().fingerprint());
  });
}

TEST_CASE("machines that differ print differently", "[property][machine]") {
  int changed = 0;
  int unchanged = 0;
  rc::prop("one step away is another machine with another print, or the same", [&] {
    Playground playground;
    for (const Op& op : *any_history()) playground.apply(op);
    const Machine before = playground.machine();
    playground.apply(*any_op());
    const bool same = playground.machine() == before;
    ++(same ? unchanged : changed);
    RC_ASSERT(same == (playground.machine().fingerprint() == before.fingerprint()));
  });
  CHECK(changed > 0);
  CHECK(unchanged > 0);
}

TEST_CASE("known_gap_copies_made_in_another_order_have_other_names", "[property][machine]") {
  const auto stores = [](std::initializer_list<std::uint64_t> pages) {
    Bench bench{{.pages = 2}};
    const std::uint32_t child = fork_space(bench.machine(), 0);
    for (const std::uint64_t page : pages) {
      handle_mm_fault(bench.machine(), child, bench.address(Bytes{page * 4096}), AccessKind::store);
    }
    return bench.machine();
  };
  CHECK_FALSE(stores({0, 1}) == stores({1, 0}));  // two states where one would do
}

}  // namespace
}  // namespace mtesim::test
