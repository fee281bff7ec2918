// Random histories of a machine, for properties: memory calls, faults, stores and tag changes by up to three processes.
#pragma once

#include <rapidcheck.h>

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <ostream>
#include <vector>

#include "tests/support/bench.h"
#include "tests/support/calls.h"

namespace mtesim::test {

/// One operation; how its numbers are read depends on the kind, and every number is valid.
struct Op {
  enum class Kind : std::uint8_t {
    map,
    unmap,
    protect,
    dontneed,
    fork,
    evict,
    fault,
    store,
    retag,
    lock,
    task,
    kKinds
  };
  Kind kind{};
  std::uint32_t space{};
  std::uint32_t page{};
  std::uint32_t pages{1};
  std::uint32_t detail{};

  friend std::ostream& operator<<(std::ostream& out, const Op& op) {
    static constexpr const char* kNames[] = {"map",   "unmap", "protect", "dontneed", "fork", "evict",
                                             "fault", "store", "retag",   "lock",     "task"};
    return out << kNames[static_cast<std::size_t>(op.kind)] << "(space " << op.space << ", page " << op.page << '+'
               << op.pages << ", " << op.detail << ')';
  }
};

/// Memory of six pages that operations act on: private and shared anonymous memory, a tmpfs file and an ext4 file.
struct Playground {
  static constexpr std::uint64_t kPages = 6;
  static constexpr std::size_t kMostSpaces = 3;
  static constexpr std::uint32_t kShared = 64;  ///< bit of a map's `detail`

  Bench bench{{.pages = kPages}};
  std::uint32_t shared = add_anonymous();
  std::uint32_t shmem = add_file(bench.machine(), "tmpfs", Bytes{kPages * 4096}, false);
  std::uint32_t file = add_file(bench.machine(), "ext4", Bytes{4 * 4096}, false);

  [[nodiscard]] Machine& machine() { return bench.machine(); }

  void apply(const Op& op) {
    Machine& m = machine();
    const auto space = static_cast<std::uint32_t>(op.space % m.spaces.size());
    const std::uint64_t first = op.page % kPages;
    const std::uint64_t last = std::min(first + 1 + op.pages % 3, kPages);
    const std::uint64_t begin = bench.address(m.page_size * first);
    const std::uint64_t end = bench.address(m.page_size * last);
    const AccessKind kind = op.detail % 2 == 0 ? AccessKind::load : AccessKind::store;
    switch (op.kind) {
      case Op::Kind::map:
        map(space, begin, end, static_cast<std::uint32_t>(first), op.detail);
        break;
      case Op::Kind::unmap:
        unmap_memory(m, space, begin, end);
        break;
      case Op::Kind::protect:
        static_cast<void>(protect_memory(m, space, begin, end, prot(op.detail)));
        break;
      case Op::Kind::dontneed:
        dontneed(m, space, begin, end);
        break;
      case Op::Kind::fork:
        if (m.spaces.size() < kMostSpaces) fork_space(m, space);
        break;
      case Op::Kind::evict:
        evict(m, space, Bench::kFirstPage + first);
        break;
      case Op::Kind::fault:
        handle_mm_fault(m, space, begin, kind);
        break;
      case Op::Kind::store:
        store(space, begin + op.detail % 4090, op.detail);
        break;
      case Op::Kind::retag:
        store_tag(m, space, begin + op.detail % 4096, Tag{static_cast<std::uint8_t>(op.detail / 4096 % 16)});
        break;
      case Op::Kind::lock:
        toggle({LockKind::folio, shmem, static_cast<std::uint32_t>(first)}, TaskId{op.detail % 2});
        break;
      case Op::Kind::task:
        m.tasks[0].pending.other = op.detail % 2 != 0;
        break;
      case Op::Kind::kKinds:
        break;
    }
  }

 private:
  std::uint32_t add_anonymous() {
    machine().objects.emplace_back(MemoryObject{ObjectKind::anonymous, Bytes{kPages * 4096}});
    return static_cast<std::uint32_t>(machine().objects.size() - 1);
  }
  static Prot prot(std::uint32_t detail) { return {detail % 7 != 0, detail % 3 != 0, detail % 2 != 0}; }

  void map(std::uint32_t space, std::uint64_t begin, std::uint64_t end, std::uint32_t first, std::uint32_t detail) {
    const std::uint32_t object = std::vector{Bench::kBufferObject, shared, shmem, file}[detail / 16 % 4];
    const bool is_shared = object == shared || (object != Bench::kBufferObject && (detail & kShared) != 0);
    static_cast<void>(map_memory(machine(), space, {begin, end, prot(detail), is_shared, object, first}));
  }
  /// As touch() would: page faults first, then the bytes.
  void store(std::uint32_t space, std::uint64_t address, std::uint32_t detail) {
    if (failed(handle_mm_fault(machine(), space, address, AccessKind::store))) return;
    const Pte pte = machine().spaces[space]->pte(machine().page_index(address));
    const auto offset = static_cast<std::uint32_t>(address % 4096);
    const Provenance bytes = detail % 5 == 0 ? zeroes(6) : kernel_made(detail % 4096, 6);
    machine().edit_folio(pte.folio, [&](Folio& f) { f.contents.write(std::min(offset, 4090u), bytes); });
  }
  void toggle(const LockId& lock, TaskId task) {
    if (machine().locks.holds(lock, task)) {
      machine().locks.unlock(lock, task);
    } else {
      static_cast<void>(machine().locks.try_lock(lock, task, LockMode::shared));
    }
  }
};

[[nodiscard]] inline rc::Gen<Op> any_op() {
  using rc::gen::inRange;
  return rc::gen::map(rc::gen::tuple(inRange(0, static_cast<int>(Op::Kind::kKinds)), inRange(0, 3), inRange(0, 6),
                                     inRange(0, 3), inRange<std::uint32_t>(0, 1u << 16)),
                      [](const auto& t) {
                        return Op{static_cast<Op::Kind>(std::get<0>(t)), static_cast<std::uint32_t>(std::get<1>(t)),
                                  static_cast<std::uint32_t>(std::get<2>(t)),
                                  static_cast<std::uint32_t>(std::get<3>(t)), std::get<4>(t)};
                      });
}
[[nodiscard]] inline rc::Gen<std::vector<Op>> any_history() { return rc::gen::container<std::vector<Op>>(any_op()); }

/// Any of these.
template <class T>
[[nodiscard]] T any_of(const std::vector<T>& values) {
  return values[*rc::gen::inRange<std::size_t>(0, values.size())];
}
/// A number of [from, to).
[[nodiscard]] inline std::uint64_t any_below(std::uint64_t from, std::uint64_t to) {
  return *rc::gen::inRange<std::uint64_t>(from, to);
}
[[nodiscard]] inline std::string_view any_revision() { return revisions()[any_below(0, revisions().size())].name; }

}  // namespace mtesim::test
