#include "model/mm/machine.h"

#include <algorithm>

namespace mtesim {

namespace {

template <class PrintPart>
Fingerprint sum_of_parts(const Machine& machine, PrintPart&& print) {
  Fingerprint sum = print_of(machine.page_size.n) + slot_print(1, print(machine.locks));
  std::uint64_t part = 2;
  for (const auto& space : machine.spaces) sum += slot_print(part++, print(*space));
  part = std::uint64_t{1} << 32;
  for (const auto& object : machine.objects) sum += slot_print(part++, print(*object));
  part = std::uint64_t{2} << 32;
  for (const auto& pipe : machine.pipes) sum += slot_print(part++, print(*pipe));
  part = std::uint64_t{3} << 32;
  for (const Task& task : machine.tasks) sum += slot_print(part++, print(task));
  part = std::uint64_t{4} << 32;
  for (const auto& socket : machine.sockets) sum += slot_print(part++, print(*socket));
  part = std::uint64_t{5} << 32;
  for (const std::uint64_t counter : machine.eventfds) sum += slot_print(part++, counter);
  return sum;
}

template <class T>
concept Recomputable = requires(const T& part) {
  part.recomputed_fingerprint();
};

/// The smallest index of an access that touches `address` or lies behind it.
std::uint64_t access_touching(const AccessRun& run, std::uint64_t address) {
  const std::uint64_t first_end = run.first.address() + run.width;
  return address < first_end ? 0 : (address - first_end) / run.stride + 1;
}

/// The page-level part: why an access of this kind to `address` would fault, if it would.
std::optional<FaultKind> page_fault_at(const Machine& machine, const AddressSpace& space, std::uint64_t address,
                                       AccessKind kind) {
  if (address < AddressSpace::kBaseAddress || address >= kUserEnd) return FaultKind::translation;
  const Pte& pte = space.pte(machine.page_index(address));
  const Vma* vma = space.find(address);
  if (!pte.usable() || vma == nullptr) return FaultKind::translation;
  return pte.permits(kind, vma->prot) ? std::nullopt : std::optional(FaultKind::permission);
}

const PageTags& tags_of_zero_page() {
  static const PageTags kTags{};
  return kTags;
}

inline const PageTags& tags_of(const Machine& machine, const Pte& pte) {
  return pte.state == PteState::zero ? tags_of_zero_page() : machine.folio(pte.folio).tags;
}

AccessCheck check_one_by_one(const Machine& machine, const AddressSpace& space, const AccessRun& run,
                             OnMismatch on_mismatch);
/// The same as check_access() of a run that leaves no granule out, whose pages before the one of `from` pass.
AccessCheck look_closer(const Machine& machine, const AddressSpace& space, const AccessRun& run, OnMismatch on_mismatch,
                        std::uint64_t from);

}  // namespace

Fingerprint Machine::fingerprint() const {
  return sum_of_parts(*this, [](const auto& part) { return part.fingerprint(); });
}

Fingerprint Machine::recomputed_fingerprint() const {
  return sum_of_parts(*this, [this](const auto& part) {
    using Part = std::decay_t<decltype(part)>;
    if constexpr (std::is_same_v<Part, MemoryObject>) {
      // From the bytes and tags up.
      MemoryObject fresh = part;
      fresh.folios = {};
      for (std::size_t i = 0; i < part.folios.extent(); ++i) {
        const Folio& folio = part.folios.at(i).folio();
        MTESIM_CHECK(folio.contents.recomputed_fingerprint() == folio.contents.fingerprint());
        MTESIM_CHECK(folio.tags.recomputed_fingerprint(granules_per_page()) == folio.tags.fingerprint());
        if (!(folio == Folio{})) fresh.folios.edit(i, [&](FolioSlot& slot) { slot = part.folios.at(i); });
      }
      return fresh.fingerprint();
    } else if constexpr (Recomputable<Part>) {
      return part.recomputed_fingerprint();
    } else {
      return part.fingerprint();
    }
  });
}

bool operator==(const Machine& a, const Machine& b) {
  return a.page_size == b.page_size && a.scheme == b.scheme && a.track_contents == b.track_contents &&
         a.swap_in_writable == b.swap_in_writable && a.preferred_tcf == b.preferred_tcf && a.tasks == b.tasks &&
         a.locks == b.locks && a.spaces == b.spaces && a.objects == b.objects && a.pipes == b.pipes &&
         a.sockets == b.sockets && a.eventfds == b.eventfds;
}

AccessCheck check_access_closely(const Machine& machine, const AddressSpace& space, const AccessRun& run,
                                 OnMismatch on_mismatch) {
  // A run that leaves no granule out is checked a page at a time, any other an access at a time.
  const Bytes granule = machine.scheme->granule;
  const bool dense = granule.n == 0 ? run.stride <= machine.page_size.n : run.stride <= granule.n;
  if (!dense && run.count > 1) return check_one_by_one(machine, space, run, on_mismatch);

  // Pages where nothing can fault, whatever of them is touched.
  const bool checked = on_mismatch != OnMismatch::ignored && granule.n != 0;
  std::uint64_t at = run.first.address();
  const std::uint64_t end = at + run.span().n;
  const AddressSpace::Mapping* mapping = nullptr;
  while (at < end) {
    if (at < AddressSpace::kBaseAddress || at >= kUserEnd) break;
    const Pte& pte = space.pte(machine.page_index(at));
    if (!pte.usable()) break;
    if (mapping == nullptr || at >= mapping->end) mapping = space.mapping_at(at);
    if (mapping == nullptr || !pte.permits(run.kind, mapping->vma.prot)) break;
    if (checked && tags_of(machine, pte).one_tag() != run.first.tag()) break;
    at = round_down(at, machine.page_size) + machine.page_size.n;
  }
  if (at < end) return look_closer(machine, space, run, on_mismatch, at);
  return {};
}

namespace {

AccessCheck check_one_by_one(const Machine& machine, const AddressSpace& space, const AccessRun& run,
                             OnMismatch on_mismatch) {
  AccessCheck result;
  for (std::uint64_t i = 0; i < run.count; ++i) {
    const AccessCheck one = check_access(machine, space, run.from(i).upto(1), on_mismatch);
    result.mismatch_recorded |= one.mismatch_recorded;
    if (one.fault) {
      result.fault = AccessFault{i, one.fault->address, one.fault->kind};
      return result;
    }
  }
  return result;
}

AccessCheck look_closer(const Machine& machine, const AddressSpace& space, const AccessRun& run, OnMismatch on_mismatch,
                        std::uint64_t from) {
  AccessCheck result;
  const Bytes granule = machine.scheme->granule;
  const std::uint64_t begin = run.first.address();
  const std::uint64_t end = begin + run.span().n;
  for (std::uint64_t at = from; at < end;) {
    const std::uint64_t page_end = std::min(round_down(at, machine.page_size) + machine.page_size.n, end);
    if (const auto kind = page_fault_at(machine, space, at, run.kind)) {
      const std::uint64_t access = access_touching(run, at);
      if (access < run.count) {
        const std::uint64_t fails_at = std::max(at, run.at(access).address());
        result.fault = AccessFault{access, run.first + Bytes{fails_at - begin}, *kind};
      }
      return result;
    }
    if (on_mismatch != OnMismatch::ignored && granule.n != 0) {
      const PageTags& tags = tags_of(machine, space.pte(machine.page_index(at)));
      const std::uint64_t page = round_down(at, machine.page_size);
      const SubpageAccess part{run.first, run.kind, static_cast<std::uint32_t>(at - page),
                               static_cast<std::uint32_t>(page_end - page), space.find(at)->prot.mte};
      if (const auto offset = machine.scheme->first_mismatch(part, tags)) {
        const std::uint64_t address = page + *offset;
        const std::uint64_t access = access_touching(run, address);
        if (access < run.count) {
          // The access may reach into a page that is not there, and that comes first.
          const std::uint64_t last = run.at(access).address() + run.width - 1;
          const auto kind =
              last >= page + machine.page_size.n ? page_fault_at(machine, space, last, run.kind) : std::nullopt;
          if (on_mismatch == OnMismatch::recorded) {
            result.mismatch_recorded |= !kind;
            at = page_end;
            continue;
          }
          const std::uint64_t fails_at =
              kind ? round_down(last, machine.page_size) : std::max(address, run.at(access).address());
          result.fault = AccessFault{access, run.first + Bytes{fails_at - begin}, kind.value_or(FaultKind::tag)};
          return result;
        }
      }
    }
    at = page_end;
  }
  return result;
}

}  // namespace

}  // namespace mtesim
