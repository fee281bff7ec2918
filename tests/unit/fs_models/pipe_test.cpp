#include "fs_models/pipe.h"

#include <catch2/catch.hpp>

#include "tests/support/calls.h"

namespace mtesim::test {
namespace {

constexpr std::uint64_t kPage = 4096;
constexpr std::int64_t kEagain = -11;
constexpr std::int64_t kEfault = -14;
constexpr std::int64_t kEpipe = -32;

Outcome call(Bench& bench, CallKind kind, std::uint32_t pipe, std::uint64_t offset, std::uint64_t length) {
  return carry_out(loop_of(transfer(kind, "pipe", pipe, {{bench.user(offset), Bytes{length}}})), bench.kernel());
}

/// A pipe that holds kernel-made bytes: buffers of these sizes, each at the start of its page.
std::uint32_t filled(Bench& bench, std::initializer_list<std::uint64_t> sizes) {
  const std::uint32_t pipe = add_pipe(bench.machine());
  std::uint64_t position = 0;
  for (const std::uint64_t size : sizes) {
    bench.machine().pipes[pipe].write().buffers.push_back({kernel_made(position, size), 0});
    position += size;
  }
  return pipe;
}

/// What is in the pipe.
Provenance queued(Bench& bench, std::uint32_t pipe) {
  Provenance bytes;
  for (const Pipe::Buffer& buffer : bench.machine().pipes[pipe]->buffers) bytes.append(buffer.bytes);
  return bytes;
}

TEST_CASE("a pipe gives back what was written, in order", "[unit][pipe]") {
  Bench bench{{.pages = 8}};
  const std::uint32_t pipe = add_pipe(bench.machine());
  CHECK(call(bench, CallKind::write, pipe, 10, 10000) == Outcome{10000, 3, false, false});
  CHECK(bench.machine().pipes[pipe]->buffers.size() == 3);
  CHECK(queued(bench, pipe) == Bench::untouched(10, 10000));
  CHECK(call(bench, CallKind::read, pipe, 4 * kPage, 10000).result == 10000);
  CHECK(bench.in_user(4 * kPage, 10000) == Bench::untouched(10, 10000));
  CHECK(bench.machine().pipes[pipe]->buffers.empty());
  CHECK(bench.machine().locks.held().empty());
}

TEST_CASE("a read takes part of a buffer, and the rest stays with its place in the page", "[unit][pipe]") {
  Bench bench;
  const std::uint32_t pipe = filled(bench, {100});
  CHECK(call(bench, CallKind::read, pipe, 0, 33).result == 33);
  CHECK(bench.machine().pipes[pipe]->buffers.front().offset == 33);
  CHECK(queued(bench, pipe) == kernel_made(33, 67));
  CHECK(call(bench, CallKind::read, pipe, 33, 1000).result == 67);
  CHECK(bench.in_user(0, 100) == kernel_made(0, 100));
}

TEST_CASE("a first buffer that is not copied whole is EFAULT, its good bytes stored, the pipe as it was",
          "[unit][pipe]") {
  const auto revision = GENERATE("5.10", "6.1", "7.3");
  Bench bench{{.revision = revision}};
  bench.spoil_granule(4);
  const std::uint32_t pipe = filled(bench, {65, 100});
  CHECK(call(bench, CallKind::read, pipe, 0, 64).result == 64);  // as much as is good
  const std::uint32_t again = filled(bench, {65, 100});
  CHECK(call(bench, CallKind::read, again, 0, 65).result == kEfault);
  CHECK(bench.in_user(0, 64) == kernel_made(0, 64));
  CHECK(queued(bench, again) == kernel_made(0, 165));
  CHECK(bench.machine().locks.held().empty());
}

TEST_CASE("of later buffers whole ones alone are counted", "[unit][pipe]") {
  Bench bench;
  bench.spoil_granule(10);
  const std::uint32_t pipe = filled(bench, {100, 100});
  CHECK(call(bench, CallKind::read, pipe, 0, 200).result == 100);
  CHECK(bench.in_user(0, 160) == kernel_made(0, 160));  // stored, not counted
  CHECK(queued(bench, pipe) == kernel_made(100, 100));
}

TEST_CASE("a write counts whole pages, and leaves no part of the one that is short", "[unit][pipe]") {
  const auto revision = GENERATE("5.10", "6.1", "7.3");
  Bench bench{{.revision = revision, .pages = 3}};
  bench.spoil_granule(300);
  const std::uint32_t pipe = add_pipe(bench.machine());
  CHECK(call(bench, CallKind::write, pipe, 0, 3 * kPage).result == kPage);
  CHECK(queued(bench, pipe) == Bench::untouched(0, kPage));
  CHECK(call(bench, CallKind::write, pipe, kPage, 300 * 16 - kPage).result == 300 * 16 - kPage);  // up to it
  CHECK(call(bench, CallKind::write, pipe, kPage, 300 * 16 - kPage + 1).result == kEfault);
}

TEST_CASE("a small write goes behind what the last buffer holds, while its page has room", "[unit][pipe]") {
  Bench bench{{.pages = 2}};
  const std::uint32_t pipe = filled(bench, {4000});
  CHECK(call(bench, CallKind::write, pipe, 0, 96).result == 96);
  CHECK(bench.machine().pipes[pipe]->buffers.size() == 1);
  CHECK(call(bench, CallKind::write, pipe, 96, 1).result == 1);
  CHECK(bench.machine().pipes[pipe]->buffers.size() == 2);

  const std::uint32_t odd = filled(bench, {100});
  CHECK(call(bench, CallKind::write, odd, 0, kPage + 50) == Outcome{kPage + 50, 2, false, false});
  CHECK(bench.machine().pipes[odd]->buffers.front().bytes.size() == Bytes{150});
  Provenance wanted = kernel_made(0, 100);
  wanted.append(Bench::untouched(0, kPage + 50));
  CHECK(queued(bench, odd) == wanted);
}

TEST_CASE("bytes that cannot be put behind the last buffer are EFAULT", "[unit][pipe]") {
  Bench bench;
  bench.spoil_granule(1);
  const std::uint32_t pipe = filled(bench, {100});
  CHECK(call(bench, CallKind::write, pipe, 0, 17).result == kEfault);
  CHECK(queued(bench, pipe) == kernel_made(0, 100));
  CHECK(call(bench, CallKind::write, pipe, 0, 16).result == 16);
}

TEST_CASE("an empty pipe is the end of the file once its writers are gone, and waiting before", "[unit][pipe]") {
  Bench bench;
  const std::uint32_t pipe = add_pipe(bench.machine());
  CHECK(call(bench, CallKind::read, pipe, 0, 10).result == kEagain);
  CHECK(call(bench, CallKind::read, pipe, 0, 0).result == 0);
  bench.machine().pipes[pipe].write().writers = 0;
  CHECK(call(bench, CallKind::read, pipe, 0, 10).result == 0);
}

TEST_CASE("a full ring takes no more, and a pipe without readers nothing", "[unit][pipe]") {
  Bench bench{{.pages = 4}};
  const std::uint32_t pipe = add_pipe(bench.machine());
  bench.machine().pipes[pipe].write().ring_size = 2;
  CHECK(call(bench, CallKind::write, pipe, 0, 3 * kPage).result == 2 * kPage);
  CHECK(call(bench, CallKind::write, pipe, 0, 1).result == kEagain);
  bench.machine().pipes[pipe].write().readers = 0;
  CHECK(call(bench, CallKind::write, pipe, 0, 1).result == kEpipe);
  CHECK(bench.machine().locks.held().empty());
}

TEST_CASE("the other end's mutex is waited for", "[unit][pipe]") {
  const auto kind = GENERATE(CallKind::read, CallKind::write);
  Bench bench;
  const std::uint32_t pipe = filled(bench, {10});
  const LockId mutex{LockKind::pipe, pipe, 0};
  REQUIRE(bench.machine().locks.try_lock(mutex, TaskId{1}, LockMode::exclusive));
  CHECK(call(bench, kind, pipe, 0, 10).blocked);
  bench.machine().locks.unlock(mutex, TaskId{1});
  CHECK(call(bench, kind, pipe, 0, 10).result == 10);
}

}  // namespace
}  // namespace mtesim::test
