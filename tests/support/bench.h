// A small machine to try one kernel function on: one process, one buffer, and an environment that notes what happens.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <ostream>
#include <string_view>
#include <utility>
#include <vector>

#include "model/kernel/kernel.h"
#include "model/kernel/uaccess.h"
#include "model/mm/mmap.h"

namespace mtesim {

inline std::ostream& operator<<(std::ostream& out, Bytes b) { return out << b.n << " B"; }
inline std::ostream& operator<<(std::ostream& out, Tag t) { return out << "tag " << int{t.bits}; }
inline std::ostream& operator<<(std::ostream& out, UserPtr p) {
  return out << std::hex << "0x" << p.bits() << std::dec;
}
inline std::ostream& operator<<(std::ostream& out, Fingerprint f) { return out << f.bits; }
inline std::ostream& operator<<(std::ostream& out, Errno e) { return out << errno_name(e); }
inline std::ostream& operator<<(std::ostream& out, AccessKind k) {
  return out << (k == AccessKind::load ? "load" : "store");
}
inline std::ostream& operator<<(std::ostream& out, const Provenance& p) {
  for (const Provenance::Piece& piece : p.pieces()) {
    out << '[' << piece.length << " of " << piece.origin.source.n << '+' << piece.origin.position << ']';
  }
  return out;
}

}  // namespace mtesim

namespace mtesim::test {

/// One access, at an offset in the bench's buffer. Positions before the buffer count down from 2^64.
struct Touch {
  std::uint64_t offset{};
  std::uint32_t width{};
  AccessKind kind{};
  bool operator==(const Touch&) const = default;
  friend std::ostream& operator<<(std::ostream& out, const Touch& t) {
    return out << t.kind << ' ' << t.width << "@" << t.offset;
  }
};

/// A tag check fault, at an offset in the bench's buffer.
struct TagFault {
  std::uint64_t offset{};
  AccessKind kind{};
  bool operator==(const TagFault&) const = default;
  friend std::ostream& operator<<(std::ostream& out, const TagFault& f) { return out << f.kind << "@" << f.offset; }
};

/// The world holds still unless `act` says otherwise; what happened is kept.
class Recorder final : public Environment {
 public:
  explicit Recorder(std::uint64_t base) : base_(base) {}

  /// Called at every site; returns how many accesses of a run may go ahead (0: all of them).
  std::function<std::uint64_t(const Look&, Machine&)> act;

  std::vector<Touch> touches;  ///< accesses that were carried out
  std::vector<TagFault> tag_faults;
  std::optional<TagFaultTaken> last_tag_fault;
  std::vector<PageFaultTaken> page_faults;
  std::vector<const char*> entered;  ///< kernel functions, in order
  std::uint64_t looks{};             ///< sites met
  Bytes delivered{};                 ///< what a loop counted last

  void forget() {
    touches.clear();
    tag_faults.clear();
    page_faults.clear();
    entered.clear();
    looks = 0;
  }

  std::uint64_t before(const Look& next, Machine& machine) override {
    ++looks;
    const auto* run = std::get_if<AccessRun>(&next);
    const std::uint64_t whole = run != nullptr ? run->count : 1;
    const std::uint64_t asked = act ? act(next, machine) : 0;
    return asked == 0 ? whole : asked;
  }

  void observe(const Event& event) override {
    if (const auto* done = std::get_if<Accessed>(&event)) {
      for (std::uint64_t i = 0; i < done->run.count; ++i) {
        touches.push_back({done->run.at(i).address() - base_, done->run.width, done->run.kind});
      }
    } else if (const auto* tag = std::get_if<TagFaultTaken>(&event)) {
      tag_faults.push_back({tag->address.address() - base_, tag->kind});
      last_tag_fault = *tag;
    } else if (const auto* page = std::get_if<PageFaultTaken>(&event)) {
      page_faults.push_back(*page);
    } else if (const auto* function = std::get_if<Entered>(&event)) {
      entered.push_back(function->name);
    } else if (const auto* counted = std::get_if<Delivered>(&event)) {
      delivered = counted->total;
    }
  }

 private:
  std::uint64_t base_;
};

/// What a bench is set up with.
struct Setup {
  std::string_view revision{"6.12"};
  std::vector<std::pair<std::string_view, std::string_view>> change{};  ///< knobs, by name
  std::uint64_t pages{1};
  TcfMode tcf{TcfMode::sync};
  bool store_only{};
  Tag tag{3};  ///< of the buffer's granules, and of the pointer
  Prot prot{true, true, true};
  bool present{true};  ///< the pages are in memory, with contents of their own
  bool tagged_addr_abi{true};
};

/// `length` bytes that the kernel made, from position `from` on.
[[nodiscard]] inline Provenance kernel_made(std::uint64_t from, std::uint64_t length) {
  return Provenance(Origin{kKernelSource, from}, Bytes{length});
}
[[nodiscard]] inline Provenance zeroes(std::uint64_t length) { return Provenance(Origin{}, Bytes{length}); }

/// How many leading bytes of the two are the same.
[[nodiscard]] inline std::uint64_t common_prefix(const Provenance& a, const Provenance& b) {
  std::uint64_t same = 0;
  std::uint64_t most = min(a.size(), b.size()).n;
  while (same < most) {  // bisect: slices compare as a whole
    const std::uint64_t half = (most - same + 1) / 2;
    if (a.slice(same, half) == b.slice(same, half)) {
      same += half;
    } else {
      most = same + half - 1;
    }
  }
  return same;
}

/// One process with one buffer, mapped with nothing around it, in a system call that has just entered the kernel.
class Bench {
 public:
  static constexpr std::uint64_t kFirstPage = 16;  // of the buffer
  static constexpr std::uint32_t kBufferObject = 1;

  explicit Bench(const Setup& setup = {})
      : revision_(revision_of(setup)),
        pages_(setup.pages),
        tag_(setup.tag),
        recorder_(address(Bytes{0})),
        kernel_{machine_, recorder_, revision_, TaskId{0}} {
    machine_.swap_in_writable = revision_.swap_in_writable;
    machine_.spaces.emplace_back(AddressSpace{});
    machine_.objects.emplace_back(MemoryObject{ObjectKind::anonymous, machine_.page_size * pages_});
    Task& thread = machine_.tasks.emplace_back();
    thread.tcf = setup.tcf;
    thread.store_only = setup.store_only;
    thread.tagged_addr_abi = setup.tagged_addr_abi;
    const Errno mapped = map_memory(machine_, 0, {address(Bytes{0}), end(), setup.prot, false, kBufferObject, 0});
    MTESIM_CHECK(mapped == Errno::ok);
    if (setup.present) fill();
    enter_kernel(kernel_);
    seen().forget();
  }
  Bench(const Bench&) = delete;
  Bench& operator=(const Bench&) = delete;

  [[nodiscard]] Kernel& kernel() { return kernel_; }
  [[nodiscard]] Machine& machine() { return machine_; }
  [[nodiscard]] Recorder& seen() { return recorder_; }
  [[nodiscard]] Task& task() { return machine_.tasks[0]; }

  [[nodiscard]] std::uint64_t address(Bytes offset) const { return machine_.page_address(kFirstPage) + offset.n; }
  /// A pointer into the buffer, with the buffer's tag.
  [[nodiscard]] UserPtr user(Bytes offset = {}) const { return {address(offset), tag_}; }
  [[nodiscard]] UserPtr user(std::uint64_t offset) const { return user(Bytes{offset}); }

  /// Another thread gives granule `index` of the buffer this tag; its page is in memory or in swap.
  void retag_granule(std::uint64_t index, Tag tag) {
    const std::uint64_t per_page = machine_.granules_per_page();
    const Pte& held = pte(index / per_page);
    MTESIM_CHECK(held.state == PteState::present || held.state == PteState::swapped);
    machine_.edit_folio(held.folio, [&](Folio& f) { f.tags.set(index % per_page, tag, per_page); });
  }
  /// The granule gets a tag that is not the buffer's.
  void spoil_granule(std::uint64_t index) { retag_granule(index, Tag{static_cast<std::uint8_t>(tag_.bits ^ 8)}); }
  void evict_page(std::uint64_t page) { MTESIM_CHECK(evict(machine_, 0, kFirstPage + page)); }
  void unmap_page(std::uint64_t page) { unmap_memory(machine_, 0, page_begin(page), page_begin(page + 1)); }
  void protect_page(std::uint64_t page, Prot prot) {
    MTESIM_CHECK(protect_memory(machine_, 0, page_begin(page), page_begin(page + 1), prot) == Errno::ok);
  }

  [[nodiscard]] const Pte& pte(std::uint64_t page) const { return machine_.spaces[0]->pte(kFirstPage + page); }
  [[nodiscard]] const Folio& folio(std::uint64_t page) const { return machine_.folio(pte(page).folio); }
  [[nodiscard]] Tag tag_at(std::uint64_t granule) const { return load_tag(machine_, 0, address(kGranule * granule)); }

  /// What the buffer holds; pages that are not there read as zeroes.
  [[nodiscard]] Provenance in_user(std::uint64_t offset, std::uint64_t length) const {
    Provenance bytes;
    while (length > 0) {
      const std::uint64_t in_page = offset % machine_.page_size.n;
      const std::uint64_t part = min(machine_.page_size - Bytes{in_page}, Bytes{length}).n;
      const Pte& held = pte(offset / machine_.page_size.n);
      const bool there = held.state == PteState::present || held.state == PteState::swapped;
      const auto begin = static_cast<std::uint32_t>(in_page);
      bytes.append(there ? machine_.folio(held.folio).contents.read(begin, static_cast<std::uint32_t>(begin + part))
                         : zeroes(part));
      offset += part;
      length -= part;
    }
    return bytes;
  }
  /// What a present buffer holds from the start.
  [[nodiscard]] static Provenance untouched(std::uint64_t offset, std::uint64_t length) {
    return Provenance(Origin{source_of_object(kBufferObject), offset}, Bytes{length});
  }
  /// How many leading bytes from `offset` on are no longer what they were at the start; the rest must be.
  [[nodiscard]] std::uint64_t changed_prefix(std::uint64_t offset) const {
    const std::uint64_t whole = pages_ * machine_.page_size.n;
    std::uint64_t changed = 0;
    while (offset + changed < whole && in_user(offset + changed, 1) != untouched(offset + changed, 1)) ++changed;
    MTESIM_CHECK(in_user(0, offset) == untouched(0, offset));
    const std::uint64_t behind = offset + changed;
    MTESIM_CHECK(in_user(behind, whole - behind) == untouched(behind, whole - behind));
    return changed;
  }

 private:
  static Revision revision_of(const Setup& setup) {
    const Revision* row = find_revision(setup.revision);
    MTESIM_CHECK(row != nullptr);
    Revision revision = *row;
    for (const auto& [name, word] : setup.change) {
      const Knob* knob = find_knob(name);
      MTESIM_CHECK(knob != nullptr);
      knob->set(revision, word);
    }
    return revision;
  }
  [[nodiscard]] std::uint64_t page_begin(std::uint64_t page) const { return address(machine_.page_size * page); }
  [[nodiscard]] std::uint64_t end() const { return page_begin(pages_); }

  void fill() {
    for (std::uint64_t page = 0; page < pages_; ++page) {
      const VmFault done = handle_mm_fault(machine_, 0, page_begin(page), AccessKind::store);
      MTESIM_CHECK(!failed(done));
      machine_.edit_folio(pte(page).folio, [&](Folio& f) {
        f.contents = Contents(Origin{source_of_object(kBufferObject), page * machine_.page_size.n});
        f.tags.set_all(tag_, machine_.granules_per_page());
      });
    }
  }

  Machine machine_;
  Revision revision_;
  std::uint64_t pages_;
  Tag tag_;
  Recorder recorder_;
  Kernel kernel_;
};

}  // namespace mtesim::test
