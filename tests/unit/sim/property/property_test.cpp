#include "sim/property/property.h"

#include <catch2/catch.hpp>

#include "tests/support/workloads.h"

namespace mtesim::test {
namespace {

constexpr std::uint64_t kBase = AddressSpace::kBaseAddress;
constexpr std::uint64_t kPage = 4096;
constexpr std::uint32_t kBuffer = 1;  // memory objects
constexpr std::uint32_t kFile = 2;

Provenance of_file(std::uint64_t at, std::uint64_t length) { return on_disk(kFile, at, length); }
Provenance of_buffer(std::uint64_t at, std::uint64_t length) {
  return Provenance(Origin{source_of_object(kBuffer), at}, Bytes{length});
}
Provenance stale(std::uint64_t length) { return Provenance(Origin{kUninitialisedSource, 0}, Bytes{length}); }

/// Two pages of tag 5 that hold bytes of their own, a file of two pages, and a call of 64 bytes at +0 whose one trip is
/// written in the test.
Workload workload_of(CallKind kind, std::string_view fs, Trip trip) {
  Workload work;
  work.revision = *find_revision("7.3");
  Machine& m = work.start;
  m.spaces.emplace_back(AddressSpace{});
  m.tasks.push_back(Task{.tcf = TcfMode::sync, .tagged_addr_abi = true});
  m.objects.emplace_back(MemoryObject{ObjectKind::anonymous, Bytes{2 * kPage}, {}});
  MTESIM_CHECK(map_memory(m, 0, {kBase, kBase + 2 * kPage, {true, true, true}, false, kBuffer, 0}) == Errno::ok);
  for (std::uint32_t page = 0; page < 2; ++page) {
    MTESIM_CHECK(!failed(handle_mm_fault(m, 0, kBase + page * kPage, AccessKind::store)));
    m.edit_folio({kBuffer, page}, [&](Folio& folio) {
      folio.contents = Contents(Origin{source_of_object(kBuffer), page * kPage});
      folio.tags.set_all(Tag{5}, m.granules_per_page());
    });
  }
  SystemCall call;
  call.kind = kind;
  call.fs = find_file_system(fs);
  call.segments = {{UserPtr(kBase, Tag{5}), Bytes{64}}};
  if (fs == "pipe") {
    Pipe pipe;
    pipe.buffers.push_back({Provenance(Origin{kKernelSource, 0}, Bytes{100}), 0});
    m.pipes.emplace_back(std::move(pipe));
  } else {
    call.object = add_file(m, fs, Bytes{2 * kPage});
    MTESIM_CHECK(call.object == kFile);
    m.objects[kFile].write().laid_out = Bytes{2 * kPage};
  }
  work.calls = {{CopyLoop(ToyLoop{std::move(trip)})}};
  work.system_calls = {{call}};
  return work;
}

const Judgement& of(const Judgements& all, Property property) { return all[static_cast<std::size_t>(property)]; }
Judgements judged(const Workload& work) { return run(work, {}, 1000, true).properties; }

/// How a property came out: -1 it does not apply, else by how many bytes it is violated.
std::int64_t outcome(const Judgement& one) {
  return one.standing == Standing::not_applicable ? -1 : static_cast<std::int64_t>(one.bytes.n);
}
/// Of all four, in their order.
std::vector<std::int64_t> outcomes(const Judgements& all) {
  std::vector<std::int64_t> numbers;
  for (const Judgement& one : all) numbers.push_back(outcome(one));
  return numbers;
}
using Numbers = std::vector<std::int64_t>;

UserPtr at(std::uint64_t offset) { return UserPtr(kBase + offset, Tag{5}); }
void store(Kernel& k, std::uint64_t offset, const Provenance& bytes) {
  MTESIM_CHECK(copy_to_user(k, at(offset), {bytes, 0}) == Bytes{0});
}

/// A read of the file that stores `bytes` at the buffer's begin and returns `result`.
Workload reads(const Provenance& bytes, std::int64_t result) {
  return workload_of(CallKind::read, "ext4", [=](ToyState&, Kernel& k) -> Step {
    if (bytes.size().n > 0) store(k, 0, bytes);
    return Finished{result};
  });
}

TEST_CASE("a read of what was counted holds, and of a byte less does not", "[unit][property]") {
  CHECK(outcomes(judged(reads(of_file(0, 64), 64))) == Numbers{0, 0, 0, 0});
  const Judgements one_less = judged(reads(of_file(0, 63), 64));
  CHECK(outcomes(one_less) == Numbers{1, 0, 0, 0});
  CHECK(of(one_less, Property::count_exact).first == ByteAt{ByteAt::In::memory, kBase + 63});
  CHECK(of(one_less, Property::count_exact).result == 64);
}

TEST_CASE("a byte more than was counted is an overrun, right or not", "[unit][property]") {
  const Judgements right = judged(reads(of_file(0, 64), 56));
  CHECK(outcomes(right) == Numbers{0, 8, 0, 0});
  CHECK(of(right, Property::no_overrun).first == ByteAt{ByteAt::In::memory, kBase + 56});
  CHECK(outcomes(judged(reads(of_file(0, 64), -14))) == Numbers{0, 64, 0, 0});  // an error counts nothing
}

TEST_CASE("bytes in the wrong order are no bytes that arrived", "[unit][property]") {
  Provenance swapped = of_file(32, 32);
  swapped.append(of_file(0, 32));
  CHECK(outcomes(judged(reads(swapped, 64))) == Numbers{64, 0, 64, 0});
}

TEST_CASE("memory that nobody wrote is stale wherever it lands; zeroes are not", "[unit][property]") {
  Provenance leak = of_file(0, 48);
  leak.append(stale(16));
  CHECK(outcomes(judged(reads(leak, 64))) == Numbers{16, 0, 16, 0});
  CHECK(outcomes(judged(reads(leak, 48))) == Numbers{0, 16, 16, 0});
  Provenance zeroed = of_file(0, 48);
  zeroed.append(Origin{}, 16);
  CHECK(outcomes(judged(reads(zeroed, 48))) == Numbers{0, 16, 0, 0});
}

TEST_CASE("a store outside the buffer is an overrun", "[unit][property]") {
  const auto offset = GENERATE(64u, 200u, 5000u);
  const Judgements all = judged(workload_of(CallKind::read, "ext4", [=](ToyState&, Kernel& k) -> Step {
    store(k, 0, of_file(0, 64));
    store(k, offset, stale(4));
    return Finished{64};
  }));
  CHECK(outcomes(all) == Numbers{0, 4, 0, 0});
  CHECK(of(all, Property::no_overrun).first.at == kBase + offset);
}

TEST_CASE("a call that changes a tag is told by the granule", "[unit][property]") {
  const Judgements all = judged(workload_of(CallKind::read, "ext4", [](ToyState&, Kernel& k) -> Step {
    k.machine.edit_folio({kBuffer, 1}, [&](Folio& f) { f.tags.set(3, Tag{6}, k.machine.granules_per_page()); });
    return Finished{0};
  }));
  CHECK(outcomes(all) == Numbers{0, 0, 0, 16});
  CHECK(of(all, Property::tags_kept).first.at == kBase + kPage + 48);
}

TEST_CASE("a page that comes anew, or back from swap, breaks nothing", "[unit][property]") {
  Workload work = reads(of_file(0, 64), 64);
  if (GENERATE(true, false)) {
    REQUIRE(evict(work.start, 0, 0));
  } else {
    dontneed(work.start, 0, kBase + kPage, kBase + 2 * kPage);
    REQUIRE_FALSE(failed(handle_mm_fault(work.start, 0, kBase + kPage, AccessKind::load)));
  }
  CHECK(outcomes(judged(work)) == Numbers{0, 0, 0, 0});
}

/// A write of 64 bytes to the file that puts `bytes` at `offset` of its first page and returns `result`.
Workload writes(std::uint64_t offset, const Provenance& bytes, std::int64_t result, std::uint64_t size = 2 * kPage) {
  return workload_of(CallKind::write, "ext4", [=](ToyState&, Kernel& k) -> Step {
    k.machine.edit_folio({kFile, 0}, [&](Folio& f) { f.contents.write(static_cast<std::uint32_t>(offset), bytes); });
    k.machine.objects[kFile].write().size = Bytes{size};
    return Finished{result};
  });
}

TEST_CASE("a write is judged by what a reader of the file would find", "[unit][property]") {
  CHECK(outcomes(judged(writes(0, of_buffer(0, 64), 64))) == Numbers{0, 0, 0, 0});
  CHECK(outcomes(judged(writes(0, of_buffer(0, 48), 64))) == Numbers{16, 0, 0, 0});
  CHECK(outcomes(judged(writes(0, of_buffer(0, 64), 48))) == Numbers{0, 16, 0, 0});
  CHECK(outcomes(judged(writes(64, Provenance(Origin{}, Bytes{8}), 0))) == Numbers{0, 8, 8, 0});  // data was zeroed
  CHECK(outcomes(judged(writes(64, stale(8), 0))) == Numbers{0, 8, 8, 0});
  CHECK(outcomes(judged(writes(64, of_buffer(64, 8), 0))) == Numbers{0, 8, 8, 0});  // not of the 64 bytes given
}

TEST_CASE("a file that grows behind what was counted is an overrun", "[unit][property]") {
  CHECK(outcomes(judged(writes(0, of_buffer(0, 64), 64, 2 * kPage + 24))) == Numbers{0, 24, 0, 0});
  Workload gap = writes(0, of_buffer(0, 64), 64, 2 * kPage + 24);
  gap.start.objects[kFile].write().size = Bytes{2 * kPage + 24};
  CHECK(outcomes(judged(gap)) == Numbers{0, 0, 0, 0});
}

TEST_CASE("what a queue loses counts", "[unit][property]") {
  const auto lost = GENERATE(0u, 1u, 36u);
  const Judgements all = judged(workload_of(CallKind::read, "pipe", [=](ToyState&, Kernel& k) -> Step {
    Pipe& pipe = k.machine.pipes[0].write();
    const Provenance bytes = pipe.buffers.front().bytes;
    store(k, 0, bytes.slice(0, 64));
    pipe.buffers.front().bytes = bytes.slice(64 + lost, 36 - lost);
    return Finished{64};
  }));
  CHECK(outcomes(all) == Numbers{static_cast<std::int64_t>(lost), 0, 0, 0});
}

TEST_CASE("a count beyond what the source has is none of bytes that arrived", "[unit][property]") {
  const Judgements all = judged(workload_of(CallKind::read, "pipe", [=](ToyState&, Kernel& k) -> Step {
    Pipe& pipe = k.machine.pipes[0].write();
    store(k, 0, Provenance(Origin{kKernelSource, 0}, Bytes{64}));
    pipe.buffers.clear();
    return Finished{64};
  }));
  CHECK(outcomes(all) == Numbers{36, 0, 0, 0});  // a hundred were queued
  const auto beyond = GENERATE(0u, 1u);
  Workload work = reads(of_file(0, 64), 10 + beyond);
  work.system_calls[0][0]->position = Bytes{2 * kPage - 10};
  const Judgements at_end = judged(work);
  CHECK(outcome(of(at_end, Property::count_exact)) == 10 + beyond);
}

TEST_CASE("what is queued is what was counted, in order", "[unit][property]") {
  const auto queues = [](const Provenance& bytes, std::int64_t result) {
    return outcomes(judged(workload_of(CallKind::write, "pipe", [=](ToyState&, Kernel& k) -> Step {
      k.machine.pipes[0].write().buffers.push_back({bytes, 0});
      return Finished{result};
    })));
  };
  CHECK(queues(of_buffer(0, 64), 64) == Numbers{0, 0, 0, 0});
  CHECK(queues(of_buffer(0, 48), 64) == Numbers{16, 0, 0, 0});
  CHECK(queues(of_buffer(0, 64), 48) == Numbers{0, 16, 0, 0});
  CHECK(queues(stale(64), 64) == Numbers{64, 0, 64, 0});
}

TEST_CASE("without a source only tags are judged, and without a system call nothing is", "[unit][property]") {
  const Trip trip = [](ToyState&, Kernel&) -> Step { return Finished{0}; };
  CHECK(outcomes(judged(workload_of(CallKind::futex, "ext4", trip))) == Numbers{-1, -1, -1, 0});
  CHECK(outcomes(judged(workload_of(CallKind::write, "zero", trip))) == Numbers{-1, -1, -1, 0});
  Workload none = workload_of(CallKind::read, "ext4", trip);
  none.system_calls.clear();
  CHECK(of(judged(none), Property::tags_kept).standing == Standing::not_judged);
}

TEST_CASE("a buffer that overlaps itself, or its own source, cannot be told byte by byte", "[unit][property]") {
  Workload work = reads(of_file(0, 64), 64);
  work.system_calls[0][0]->segments.push_back({at(32), Bytes{64}});
  CHECK(outcomes(judged(work)) == Numbers{-1, -1, -1, 0});
  Workload own =
      workload_of(CallKind::process_vm_readv, "ext4", [](ToyState&, Kernel&) -> Step { return Finished{64}; });
  own.system_calls[0][0]->remote = {{at(60), Bytes{64}}};
  CHECK(outcomes(judged(own)) == Numbers{-1, 0, -1, 0});
  own.system_calls[0][0]->remote = {{at(64), Bytes{64}}};
  CHECK(outcomes(judged(own)) == Numbers{64, 0, 0, 0});  // it counted what it never copied
}

// Every future.

CheckResult checked(const Workload& work, std::vector<Action> actions) {
  CheckOptions options;
  options.actions = std::move(actions);
  return check(work, options);
}

TEST_CASE("a violation that only an action brings about has a witness with that action", "[unit][property]") {
  const Workload work = workload_of(CallKind::read, "ext4", [](ToyState& s, Kernel& k) -> Step {
    if (s.at++ == 0) return Advanced{};
    store(k, 0, of_file(0, 64));
    return Finished{signal_pending(k) ? 40 : 64};
  });
  CHECK(outcomes(judged(work)) == Numbers{0, 0, 0, 0});
  const CheckResult result = checked(work, {{.kind = ActionKind::signal}});
  CHECK(result.properties.every_future);
  CHECK(outcomes(result.properties.judged) == Numbers{0, 24, 0, 0});
  const auto at = result.properties.witness[static_cast<std::size_t>(Property::no_overrun)];
  REQUIRE(at.has_value());
  const Witness& witness = result.witnesses.at(*at);
  CHECK(witness.violates == Property::no_overrun);
  REQUIRE(witness.stem.size() == 2);
  CHECK(witness.stem[1].choices.size() == 1);
}

TEST_CASE("what is left behind by a way that joins another is met with contents tracked", "[unit][property]") {
  // Both ways come to the same state but for the bytes: the first looks for a signal and, if there is one, leaves
  // a byte behind the buffer before it goes on as if nothing had been.
  const Workload work = workload_of(CallKind::read, "ext4", [](ToyState& s, Kernel& k) -> Step {
    if (s.at++ == 0) {
      if (signal_pending(k)) store(k, 100, stale(1));
      k.task().pending.other = false;
      return Advanced{};
    }
    store(k, 0, of_file(0, 64));
    return Finished{64};
  });
  const CheckResult result = checked(work, {{.kind = ActionKind::signal, .budget = 1}});
  CHECK(outcomes(result.properties.judged) == Numbers{0, 1, 0, 0});
}

TEST_CASE("what the world does is not the call's doing", "[unit][property]") {
  const Workload work = workload_of(CallKind::read, "ext4", [](ToyState& s, Kernel& k) -> Step {
    const std::uint64_t from = s.at * 32;
    if (copy_to_user(k, at(from), {of_file(from, 32), 0}).n > 0) return finished(Bytes{0}, Errno::efault);
    if (++s.at < 2) return Advanced{};
    return Finished{64};
  });
  const auto kind = GENERATE(ActionKind::retag, ActionKind::dontneed, ActionKind::evict, ActionKind::protect);
  const CheckResult result = checked(work, {{.kind = kind, .begin = kBase, .end = kBase + kPage, .budget = 2}});
  CHECK(result.reached.environment_acted == (kind != ActionKind::evict));  // a store brings the page back as it was
  CHECK(of(result.properties.judged, Property::count_exact).standing == Standing::holds);
  CHECK(of(result.properties.judged, Property::no_stale).standing == Standing::holds);
  CHECK(of(result.properties.judged, Property::tags_kept).standing == Standing::holds);
}

TEST_CASE("of a large check, a way to each result is judged", "[unit][property]") {
  const auto rounds = GENERATE(900u, 1100u);
  const CheckResult result = checked(workload_of(CallKind::read, "ext4",
                                                 [=](ToyState& s, Kernel& k) -> Step {
                                                   if (++s.at < rounds) return Advanced{};
                                                   store(k, 0, of_file(0, 64));
                                                   return Finished{63};
                                                 }),
                                     {});
  CHECK(result.properties.every_future == (rounds == 900));
  CHECK(result.properties.ways == (rounds == 900 ? 0u : 1u));
  CHECK(result.properties.ways_left == 0);
  CHECK(outcomes(result.properties.judged) == Numbers{0, 1, 0, 0});
}

}  // namespace
}  // namespace mtesim::test
