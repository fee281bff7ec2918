// A retrying "fault in, then copy without faults" loop as a small transition system, whose counts are known from other
// checkers. It knows nothing of the model: it is what the explorer is measured with.
#pragma once

#include <bit>
#include <cstdint>
#include <vector>

#include "sim/explore/graph.h"

namespace mtesim::test {

/// Tasks: a copier that probes and copies item by item, an evictor, a retagger, and a healer that mends tags once the
/// retagger is done. The copier alone is deterministic; every move of another counts as one action.
/// A state makes progress where an item is committed or the copier is out. An edge into or out of one is a progress
/// edge, so that the cycles without such edges are exactly those without such states.
struct CopyLoop {
  enum Task : explore::Task { kCopier, kEvictor, kRetagger, kHealer };
  static constexpr explore::TaskSet kAllTasks = 0b1111;
  enum Loc : std::uint8_t { kProbe, kCopy, kCommit, kOut };

  struct State {  // the parts in 50 bits of one word, which is its own fingerprint
    std::uint64_t word = 0;
    bool operator==(const State&) const = default;
  };
  struct Parts {
    std::uint32_t bad = 0;  // granules whose tag differs from the pointer's
    std::uint32_t res = 0;  // pages that are mapped
    std::uint32_t ev = 0;   // evictions left
    std::uint32_t rt = 0;   // tag flips left
    std::uint32_t pos = 0;  // granules committed
    std::uint32_t cur = 0;  // cursor of the probe or of the copy
    Loc loc = kProbe;
    [[nodiscard]] bool progress() const { return loc == kCommit || loc == kOut; }
  };
  [[nodiscard]] static State pack(const Parts& p) {
    const auto at = [](std::uint64_t part, int bit) { return part << bit; };
    return {at(p.bad, 0) | at(p.res, 24) | at(p.ev, 28) | at(p.rt, 33) | at(p.pos, 38) | at(p.cur, 43) | at(p.loc, 48)};
  }
  [[nodiscard]] static Parts unpack(State s) {
    const auto part = [&](int bit, int bits) { return static_cast<std::uint32_t>(s.word >> bit) & ((1u << bits) - 1); };
    const auto loc = static_cast<Loc>(part(48, 2));
    return {part(0, 24), part(24, 4), part(28, 5), part(33, 5), part(38, 5), part(43, 5), loc};
  }

  unsigned pages = 2, granules = 4, item = 2;  // granules a page, granules an item; pages * granules <= 24
  unsigned evict = 2, retag = 2;               // budgets
  bool subpage = true, heal = false;           // the probe looks at each granule; there is a healer

  [[nodiscard]] unsigned total() const { return pages * granules; }
  [[nodiscard]] std::vector<State> initial() const { return {pack({0, 0, evict, retag, 0, 0, kProbe})}; }
  [[nodiscard]] std::uint64_t fingerprint(const State& s) const { return s.word; }

  [[nodiscard]] explore::NodeInfo info(const State& state) const {
    const Parts s = unpack(state);
    explore::TaskSet enabled = 0;
    if (s.loc != kOut) enabled |= explore::only(kCopier);
    if (s.ev > 0 && s.res != 0) enabled |= explore::only(kEvictor);
    if (s.rt > 0) enabled |= explore::only(kRetagger);
    if (heal && s.rt == 0 && s.bad != 0) enabled |= explore::only(kHealer);
    return {enabled, s.pos, s.loc == kOut};
  }

  template <class Sink>
  void successors(const State& state, Sink&& sink) const {
    const Parts s = unpack(state);
    std::uint64_t label = 0;
    // What the others do changes a bit and a budget of the word, and never where the copier is.
    const auto act = [&](std::uint64_t word, Task task) {
      sink(State{word}, explore::EdgeInfo{label++, 1, task, s.progress()});
    };
    if (s.loc != kOut) {
      const Parts to = copier(s);
      sink(pack(to), explore::EdgeInfo{label++, 0, kCopier, s.progress() || to.progress()});
    }
    for (std::uint32_t left = s.ev > 0 ? s.res : 0; left != 0; left &= left - 1) {
      act(state.word - kOneEviction - (kPage0 << std::countr_zero(left)), kEvictor);
    }
    for (unsigned g = 0, count = s.rt > 0 ? total() : 0; g < count; ++g) {
      act((state.word ^ (kGranule0 << g)) - kOneFlip, kRetagger);
    }
    for (std::uint32_t left = heal && s.rt == 0 ? s.bad : 0; left != 0; left &= left - 1) {
      act(state.word ^ (kGranule0 << std::countr_zero(left)), kHealer);
    }
  }

 private:
  static constexpr std::uint64_t kGranule0 = 1, kPage0 = 1u << 24, kOneEviction = 1u << 28;
  static constexpr std::uint64_t kOneFlip = std::uint64_t{1} << 33;

  [[nodiscard]] Parts copier(Parts s) const {
    const unsigned page = s.cur / granules;
    const bool matches = (s.bad >> s.cur & 1) == 0;
    if (s.loc == kCommit) {
      const bool more = s.pos + item < total();
      s.pos += item;
      s.cur = more ? s.pos : 0;
      s.loc = more ? kCopy : kOut;
    } else if (s.loc == kCopy) {
      const bool good = matches && (s.res >> page & 1) != 0;
      s.cur = good ? s.cur + 1 : s.pos;
      if (!good) s.loc = kProbe;
      if (good && s.cur == s.pos + item) s.loc = kCommit;
    } else if (s.cur == total()) {
      s.cur = s.pos;
      s.loc = kCopy;
    } else {
      s.res |= 1u << page;
      s.cur = !matches ? 0 : subpage ? s.cur + 1 : (page + 1) * granules;
      if (!matches) s.loc = kOut;
    }
    return s;
  }
};

}  // namespace mtesim::test
