// Carries one system call out on a bench, trip by trip.
#pragma once

#include <cstdint>
#include <utility>

#include "fs_models/catalogue.h"
#include "tests/support/bench.h"

namespace mtesim::test {

/// A regular file of `size` bytes; `cached` pages hold what is on the disk.
inline std::uint32_t add_file(Machine& machine, std::string_view fs, Bytes size, bool cached = true) {
  const FileSystem* found = find_file_system(fs);
  MTESIM_CHECK(found != nullptr);
  machine.objects.emplace_back(MemoryObject{found->pages, size, BlockKind::data, size});
  const auto object = static_cast<std::uint32_t>(machine.objects.size() - 1);
  for (std::uint32_t page = 0; cached && machine.page_size * page < size; ++page) {
    machine.edit_folio({object, page}, [&](Folio& folio) {
      folio.contents = Contents(Origin{source_of_object(object), page * machine.page_size.n});
      folio.allocated = folio.in_cache = folio.uptodate = true;
    });
  }
  return object;
}

/// An empty pipe.
inline std::uint32_t add_pipe(Machine& machine) {
  machine.pipes.emplace_back(Pipe{});
  return static_cast<std::uint32_t>(machine.pipes.size() - 1);
}

/// `length` bytes of a file as they were on its disk.
[[nodiscard]] inline Provenance on_disk(std::uint32_t object, std::uint64_t from, std::uint64_t length) {
  return Provenance(Origin{source_of_object(object), from}, Bytes{length});
}

/// What the page cache holds of a file.
[[nodiscard]] inline Provenance in_cache(const Machine& machine, std::uint32_t object, std::uint64_t from,
                                         std::uint64_t length) {
  Provenance bytes;
  while (length > 0) {
    const Bytes in_page = Bytes{from} % machine.page_size;
    const Bytes part = min(machine.page_size - in_page, Bytes{length});
    const FolioRef ref{object, static_cast<std::uint32_t>(Bytes{from} / machine.page_size)};
    const auto begin = static_cast<std::uint32_t>(in_page.n);
    bytes.append(machine.folio(ref).contents.read(begin, static_cast<std::uint32_t>(begin + part.n)));
    from += part.n;
    length -= part.n;
  }
  return bytes;
}

[[nodiscard]] inline CopyLoop loop_of(const SystemCall& call) {
  const LoopEntry* entry = find_loop(call);
  MTESIM_CHECK(entry != nullptr);
  return entry->make(call);
}

/// read(2) or write(2) of part of a bench's buffer.
[[nodiscard]] inline SystemCall transfer(CallKind kind, std::string_view fs, std::uint32_t object, UserSegments buffer,
                                         std::uint64_t position = 0) {
  SystemCall call;
  call.kind = kind;
  call.fs = find_file_system(fs);
  call.object = object;
  call.segments = std::move(buffer);
  call.position = Bytes{position};
  return call;
}

/// How a call ended, or that it does not.
struct Outcome {
  std::int64_t result{};
  std::uint64_t rounds{};
  bool livelock{};  ///< it came back to a state that it had been in
  bool blocked{};
  bool operator==(const Outcome&) const = default;
  friend std::ostream& operator<<(std::ostream& out, const Outcome& o) {
    if (o.livelock) return out << "livelock";
    if (o.blocked) return out << "blocked after " << o.rounds << " rounds";
    return out << "returns " << o.result << " after " << o.rounds << " rounds";
  }
};

/// Steps the loop until it ends, sleeps, or repeats a state. The world must hold still: what an environment keeps to
/// itself is not part of the state.
inline Outcome carry_out(const CopyLoop& loop, Kernel& k) {
  LoopState state = loop.begin();
  std::pair<Machine, LoopState> kept{k.machine, state};  // Brent: meets any cycle, whatever its length
  for (std::uint64_t round = 1, renew = 1;; ++round) {
    const Step step = loop.step(state, k);
    if (const auto* end = std::get_if<Finished>(&step)) return {end->result, round, false, false};
    if (std::holds_alternative<Blocked>(step)) return {0, round, false, true};
    if (kept.second == state && kept.first == k.machine) return {0, round, true, false};
    if (round == renew) {
      kept = {k.machine, state};
      renew *= 2;
    }
  }
}

/// The same with a world that acts, so that a state may come again and the call still end.
inline Outcome carry_out_among_others(const CopyLoop& loop, Kernel& k) {
  LoopState state = loop.begin();
  for (std::uint64_t round = 1;; ++round) {
    MTESIM_CHECK(round < 100000);
    const Step step = loop.step(state, k);
    if (const auto* end = std::get_if<Finished>(&step)) return {end->result, round, false, false};
    if (std::holds_alternative<Blocked>(step)) return {0, round, false, true};
  }
}

}  // namespace mtesim::test
