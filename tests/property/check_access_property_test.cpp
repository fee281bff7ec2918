#include <rapidcheck/catch.h>

#include <map>

#include "tests/support/random_ops.h"

namespace mtesim::test {
namespace {

constexpr std::uint64_t kPages = 3;
constexpr std::uint64_t kPage = 4096;

/// Some of the buffer's pages go away or lose rights, and a few granules turn bad, most of them near `first`.
void disturb(Bench& bench, UserPtr first) {
  const std::uint64_t granule = (first - bench.user()) / kGranule;
  for (std::uint64_t n = any_below(0, 6); n > 0; --n) {
    bench.spoil_granule(
        std::min(granule + any_of<std::uint64_t>({any_below(0, 20), any_below(0, 512)}), kPages * 256 - 1));
  }
  const std::uint64_t near = any_below(1, kPages) * 256;  // around a page boundary, where it matters
  if (any_below(0, 2) == 0) bench.spoil_granule(near - any_below(0, 2));
  for (std::uint64_t page = 0; page < kPages; ++page) {
    switch (any_below(0, 20)) {
      case 0:
        bench.unmap_page(page);
        break;
      case 1:
        bench.evict_page(page);
        break;
      case 2:
        bench.protect_page(page, {true, false, false});
        break;
      case 3:
        bench.protect_page(page, {false, false, false});
        break;
      default:
        break;
    }
  }
}

AccessRun any_run(const Bench& bench) {
  const auto width = any_of<std::uint32_t>({1, 2, 4, 8});
  const auto stride = any_of<std::uint32_t>({width, 8, 12, 16, 16, 17, 32, 64, 4096});
  const std::uint64_t begin =
      any_of<std::uint64_t>({0, any_below(0, kPage), kPage - any_below(1, 20), any_below(0, 3 * kPage)});
  const std::uint64_t most = std::min<std::uint64_t>((3 * kPage - begin) / stride + 2, 600);
  return {bench.user(begin), width, std::max(stride, width), any_below(0, most),
          any_of<AccessKind>({AccessKind::load, AccessKind::store})};
}

bool same(const AccessCheck& a, const AccessCheck& b) {
  if (a.fault.has_value() != b.fault.has_value() || a.mismatch_recorded != b.mismatch_recorded) return false;
  return !a.fault ||
         (a.fault->access == b.fault->access && a.fault->address == b.fault->address && a.fault->kind == b.fault->kind);
}

/// One access, looked at byte by byte: first that all of them translate and may be touched, then their tags.
AccessCheck one_access(const Bench& bench, const Machine& machine, const AccessRun& run, std::uint64_t i,
                       OnMismatch policy) {
  AccessCheck result;
  const AddressSpace& space = *machine.spaces[0];
  for (std::uint32_t b = 0; b < run.width; ++b) {
    const UserPtr at = run.at(i) + Bytes{b};
    const Vma* vma = space.find(at.address());
    const Pte& pte = space.pte(machine.page_index(at.address()));
    const bool there = vma != nullptr && (pte.state == PteState::present || pte.state == PteState::zero);
    const bool allowed = there && vma->prot.read && (run.kind == AccessKind::load || (vma->prot.write && pte.writable));
    if (allowed) continue;
    result.fault = AccessFault{i, at, there ? FaultKind::permission : FaultKind::translation};
    return result;
  }
  if (policy == OnMismatch::ignored) return result;
  for (std::uint32_t b = 0; b < run.width; ++b) {
    const UserPtr at = run.at(i) + Bytes{b};
    const Pte& pte = space.pte(machine.page_index(at.address()));
    const Tag memory = machine.folio(pte.folio).tags.at(at.address() % kPage / 16);
    if (!space.find(at.address())->prot.mte || memory == bench.user().tag()) continue;
    if (policy == OnMismatch::recorded) {
      result.mismatch_recorded = true;
    } else {
      result.fault = AccessFault{i, at, FaultKind::tag};
      return result;
    }
  }
  return result;
}

TEST_CASE("a run of accesses is its accesses one by one", "[property][access]") {
  std::map<FaultKind, int> faults;
  rc::prop("with the same fault, at the same byte, and the same record", [&] {
    const bool tagged = any_below(0, 4) != 0;
    Bench bench{{.pages = kPages, .prot = {true, true, tagged}}};
    const AccessRun run = any_run(bench);
    disturb(bench, run.first);
    const auto policy = any_of<OnMismatch>(
        {OnMismatch::ignored, OnMismatch::fault, OnMismatch::fault, OnMismatch::fault, OnMismatch::recorded});
    AccessCheck wanted;
    for (std::uint64_t i = 0; i < run.count && !wanted.fault; ++i) {
      const AccessCheck one = one_access(bench, bench.machine(), run, i, policy);
      wanted.mismatch_recorded |= one.mismatch_recorded;
      wanted.fault = one.fault;
    }
    const AccessCheck got = check_access(bench.machine(), *bench.machine().spaces[0], run, policy);
    if (wanted.fault) ++faults[wanted.fault->kind];
    RC_ASSERT(same(got, wanted));
    const AccessCheck closely = check_access_closely(bench.machine(), *bench.machine().spaces[0], run, policy);
    RC_ASSERT(same(closely, wanted));
  });
  for (const FaultKind kind : {FaultKind::translation, FaultKind::permission, FaultKind::tag}) CHECK(faults[kind] > 0);
}

}  // namespace
}  // namespace mtesim::test
