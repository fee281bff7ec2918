// Bytes as a script of what processes, reclaim and the kernel do to a machine: prints stay those of a recomputation,
// and a copy that a script starts never does more than it was asked for.

#include <cstddef>
#include <cstdint>

#include "model/kernel/fault_in.h"
#include "model/kernel/uaccess.h"
#include "model/mm/mmap.h"

namespace {

using namespace mtesim;

constexpr std::uint64_t kPages = 6;
constexpr std::uint64_t kBase = AddressSpace::kBaseAddress;

class Script {
 public:
  Script(const std::uint8_t* data, std::size_t size) : data_(data), size_(size) {}
  [[nodiscard]] bool empty() const { return at_ >= size_; }
  std::uint8_t byte() { return empty() ? 0 : data_[at_++]; }
  std::uint64_t upto(std::uint64_t most) { return (byte() | byte() << 8) % (most + 1); }

 private:
  const std::uint8_t* data_;
  std::size_t size_;
  std::size_t at_ = 0;
};

Machine start() {
  Machine machine;
  machine.spaces.resize(1);
  machine.objects.emplace_back(MemoryObject{ObjectKind::anonymous, Bytes{kPages * 4096}});
  machine.objects.emplace_back(MemoryObject{ObjectKind::shmem, Bytes{kPages * 4096}});
  machine.objects.emplace_back(
      MemoryObject{ObjectKind::file, Bytes{kPages * 4096 / 2}, BlockKind::data, Bytes{kPages * 4096 / 2}});
  machine.tasks.push_back(Task{.tcf = TcfMode::sync, .tagged_addr_abi = true});
  return machine;
}

void step(Script& script, Machine& machine) {
  StillEnvironment still;
  Kernel k{machine, still, revisions()[script.byte() % revisions().size()], TaskId{0}};
  const std::uint64_t first = script.byte() % kPages;
  const std::uint64_t begin = kBase + first * 4096;
  const std::uint64_t end = kBase + (first + 1 + script.byte() % (kPages - first)) * 4096;
  const UserPtr pointer(kBase + script.upto(kPages * 4096), Tag{static_cast<std::uint8_t>(script.byte() % 16)});
  const Bytes size{script.upto(600)};
  const auto space = static_cast<std::uint32_t>(script.byte() % machine.spaces.size());
  const std::uint8_t bits = script.byte();
  const Prot prot{(bits & 1) != 0, (bits & 2) != 0, (bits & 4) != 0};
  const auto object = 1u + bits / 8 % 3u;
  switch (script.byte() % 14) {
    case 0: {
      const bool shared = object != 1 || (bits & 0x40) != 0;
      static_cast<void>(
          map_memory(machine, space, {begin, end, prot, shared, object, static_cast<std::uint32_t>(first)}));
      break;
    }
    case 1:
      unmap_memory(machine, space, begin, end);
      break;
    case 2:
      static_cast<void>(protect_memory(machine, space, begin, end, prot));
      break;
    case 3:
      dontneed(machine, space, begin, end);
      break;
    case 4:
      if (machine.spaces.size() < 4) fork_space(machine, space);
      break;
    case 5:
      evict(machine, space, first);
      break;
    case 6:
      handle_mm_fault(machine, space, pointer.address(), (bits & 1) != 0 ? AccessKind::store : AccessKind::load);
      break;
    case 7:
      store_tag(machine, space, pointer.address(), pointer.tag());
      break;
    case 8: {
      const Bytes left = copy_to_user(k, pointer, {Provenance(Origin{kKernelSource, 7}, size), bits % 16u});
      MTESIM_CHECK(left <= size);
      break;
    }
    case 9: {
      Provenance to;
      const Bytes left = copy_from_user(k, to, pointer, size);
      MTESIM_CHECK(left <= size && to.size() == size - left);
      break;
    }
    case 10:
      MTESIM_CHECK(clear_user(k, pointer, size) <= size);
      break;
    case 11:
      MTESIM_CHECK(fault_in(k, {static_cast<ProbeKind>(bits % 8), Bytes{bits / 8 * 16u}}, pointer, size) <= size);
      break;
    case 12: {
      const PagefaultDisabled disabled(k);
      static_cast<void>(copy_to_user_nofault(k, pointer, {Provenance(Origin{kKernelSource, 7}, size), bits % 16u}));
      break;
    }
    default:
      machine.task(TaskId{0}).tcf = static_cast<TcfMode>(bits % 4);
      machine.task(TaskId{0}).store_only = (bits & 8) != 0;
      enter_kernel(k);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Script script(data, size);
  Machine machine = start();
  const Machine untouched = machine;
  for (int steps = 0; steps < 200 && !script.empty(); ++steps) step(script, machine);
  MTESIM_CHECK(machine.fingerprint() == machine.recomputed_fingerprint());
  MTESIM_CHECK(untouched == start());
  return 0;
}
