// What real kernels return for a read or write of each length over one bad granule, in seven rules. Each rule is worked
// out here once more, from the description of what was observed, and compared with the loops.
#include <catch2/catch.hpp>

#include "tests/support/calls.h"

namespace mtesim::test {
namespace {

constexpr std::int64_t kEfault = -14;
constexpr std::uint64_t kFirst = 64 * 16;  // where in the buffer the granule of the first byte is
constexpr std::uint64_t kLongest = 320;

/// What a call comes to: its result, and how many bytes were stored or arrived.
struct Seen {
  std::int64_t result{};
  std::uint64_t bytes{};
  bool operator==(const Seen&) const = default;
  friend std::ostream& operator<<(std::ostream& out, const Seen& s) { return out << s.result << " with " << s.bytes; }
};

/// One copy_to_user of `size` bytes of which `good` may be stored, from a kernel address aligned to 16.
struct OneCopy {
  std::uint64_t counted{};
  std::uint64_t stored{};
};
OneCopy one_copy_to_user(std::uint64_t size, std::uint64_t good) {
  OneCopy copy;
  const auto finish = [&](std::uint64_t counted, std::uint64_t stored) {
    copy = {counted, stored};
    if (counted == 0 && good > 0) copy = {1, std::max<std::uint64_t>(stored, 1)};
    return copy;
  };
  std::uint64_t at = 0;
  for (; size - at >= 16; at += 16) {
    if (at + 8 > good) return finish(at, at);
    if (at + 16 > good) return finish(at, at + 8);  // half a pair is stored, and not counted
  }
  for (const std::uint64_t piece : {8, 4, 2, 1}) {
    if ((size & piece) == 0) continue;
    if (at + piece > good) return finish(at, at);
    at += piece;
  }
  return {size, size};
}

/// One clear of `size` bytes of which `good` may be stored, as 5.10 does it: how many are zeroed.
std::uint64_t one_old_clear(std::uint64_t size, std::uint64_t good) {
  std::uint64_t at = 0;
  for (; size - at >= 8; at += 8) {
    if (at + 8 > good) return at;
  }
  for (const std::uint64_t piece : {4, 2, 1}) {
    if ((size & piece) == 0) continue;
    if (at + piece > good) return at;
    at += piece;
  }
  return at;
}

Seen rule(std::string_view fs, bool to_user, bool old_kernel, std::uint64_t size, std::uint64_t good) {
  if (good >= size) return {static_cast<std::int64_t>(size), size};
  const auto count = [](std::uint64_t n) { return n > 0 ? static_cast<std::int64_t>(n) : kEfault; };
  if (fs == "pipe") {  // 4: nothing of the page counts, though the good bytes of a read are stored
    if (!to_user) return {kEfault, 0};
    return {kEfault, old_kernel ? one_copy_to_user(size, good).stored : good};
  }
  if (fs == "zero") {  // 5
    if (old_kernel) return {kEfault, one_old_clear(size, good)};
    std::uint64_t cleared = good / 8 * 8;
    if (size < 8) cleared = size >= 4 ? (good >= 4 ? 4 : 0) : (size == 3 && good == 2 ? 2 : 0);
    return {count(cleared), cleared};
  }
  if (!to_user) return {count(good), good};  // 6
  if (old_kernel) {                          // 2: one copy for the page
    const OneCopy copy = one_copy_to_user(size, good);
    return {count(copy.counted), copy.stored};
  }
  return {count(good), good};  // 3: again until nothing moves
}

struct Kernels {
  std::string_view revision;
  bool old;
};

/// Carries the call out on a machine whose bad granule is the `dist`-th from that of the first byte.
Seen measure(const Setup& setup, std::string_view fs, bool to_user, std::uint64_t align, std::uint64_t dist,
             std::uint64_t size) {
  Bench bench{setup};
  bench.spoil_granule(kFirst / 16 + dist);
  Machine& machine = bench.machine();
  std::uint32_t object = 0;
  Provenance wanted = to_user ? zeroes(size) : Bench::untouched(kFirst + align, size);
  if (fs == "pipe") {
    object = add_pipe(machine);
    if (to_user) {
      wanted = kernel_made(0, size);
      machine.pipes[object].write().buffers.push_back({wanted, 0});
    }
  } else if (fs == "tmpfs") {
    object = add_file(machine, fs, Bytes{4096});
    if (to_user) wanted = on_disk(object, 0, size);
  }
  const SystemCall call =
      transfer(to_user ? CallKind::read : CallKind::write, fs, object, {{bench.user(kFirst + align), Bytes{size}}});
  const std::int64_t result = carry_out(loop_of(call), bench.kernel()).result;
  if (to_user) {
    const std::uint64_t stored = common_prefix(bench.in_user(kFirst + align, size), wanted);
    const std::uint64_t behind = kFirst + align + stored;
    if (bench.in_user(behind, 1024) != Bench::untouched(behind, 1024)) FAIL("bytes behind a gap were changed");
    return {result, stored};
  }
  if (fs == "tmpfs") return {result, common_prefix(in_cache(machine, object, 0, size), wanted)};
  Provenance queued;
  for (const Pipe::Buffer& buffer : machine.pipes[object]->buffers) queued.append(buffer.bytes);
  return {result, common_prefix(queued, wanted)};
}

TEST_CASE("every length of every call comes to what real kernels return", "[unit][short-copy]") {
  struct Object {
    std::string_view fs;
    bool to_user;
  };
  const auto object =
      GENERATE(values<Object>({{"tmpfs", true}, {"tmpfs", false}, {"pipe", true}, {"pipe", false}, {"zero", true}}));
  const auto kernel = GENERATE(values<Kernels>({{"5.10", true}, {"6.1", false}, {"6.12", false}}));
  for (const std::uint64_t align : {0, 3, 8, 13}) {
    for (const std::uint64_t dist : {0, 1, 2, 5, 20}) {
      const std::uint64_t good = dist == 0 ? 0 : dist * 16 - align;
      for (std::uint64_t size = 1; size <= kLongest; ++size) {
        const Seen seen = measure({.revision = kernel.revision}, object.fs, object.to_user, align, dist, size);
        const Seen wanted = rule(object.fs, object.to_user, kernel.old, size, good);
        if (!(seen == wanted)) {
          CAPTURE(object.fs, object.to_user, kernel.revision, align, dist, size);
          CHECK(seen == wanted);
        }
      }
    }
  }
  SUCCEED();
}

TEST_CASE("rule 2 by its figures: what 5.10 returns for an unaligned buffer", "[unit][short-copy]") {
  CHECK(measure({.revision = "5.10"}, "tmpfs", true, 3, 2, 100) == Seen{16, 24});
  CHECK(measure({.revision = "5.10"}, "tmpfs", true, 3, 1, 15) == Seen{12, 12});
  CHECK(measure({.revision = "5.10"}, "tmpfs", true, 3, 1, 16) == Seen{1, 8});
  CHECK(measure({.revision = "5.10"}, "tmpfs", true, 3, 1, 320) == Seen{1, 8});
}

TEST_CASE("rule 6: 5.10 refuses a write whose last byte is bad, in a later page than the first", "[unit][short-copy]") {
  const auto result = [](std::string_view revision, std::uint64_t length) {
    Bench bench{{.revision = revision, .pages = 2}};
    bench.spoil_granule(4096 / 16 + 1);
    const std::uint32_t file = add_file(bench.machine(), "tmpfs", Bytes{4096});
    const SystemCall call = transfer(CallKind::write, "tmpfs", file, {{bench.user(4000), Bytes{length}}});
    return carry_out(loop_of(call), bench.kernel()).result;
  };
  CHECK(result("5.10", 112) == 112);  // up to the bad granule
  CHECK(result("5.10", 113) == kEfault);
  CHECK(result("5.10", 128) == kEfault);
  CHECK(result("5.10", 129) == 112);  // the last byte is good again
  CHECK(result("6.1", 113) == 112);
}

TEST_CASE("rule 7: NONE and ASYNC are not checked, ASYMM checks what is read from the user", "[unit][short-copy]") {
  for (const std::string_view fs : {"tmpfs", "pipe", "zero"}) {
    for (const bool to_user : {true, false}) {
      const Seen whole{200, 200};
      if (fs == "zero" && !to_user) continue;
      CHECK(measure({.revision = "5.10", .tcf = TcfMode::none}, fs, to_user, 3, 2, 200) == whole);
      CHECK(measure({.revision = "5.10", .tcf = TcfMode::async}, fs, to_user, 3, 2, 200) == whole);
      CHECK(measure({.revision = "6.1", .tcf = TcfMode::none}, fs, to_user, 3, 2, 200) == whole);
      CHECK(measure({.revision = "6.1", .tcf = TcfMode::async}, fs, to_user, 3, 2, 200) == whole);
      const Seen checked = rule(fs, to_user, false, 200, 29);
      CHECK(measure({.revision = "6.1", .tcf = TcfMode::asymm}, fs, to_user, 3, 2, 200) == (to_user ? whole : checked));
      CHECK(measure({.revision = "6.1", .tcf = TcfMode::sync}, fs, to_user, 3, 2, 200) == checked);
    }
  }
}

}  // namespace
}  // namespace mtesim::test
