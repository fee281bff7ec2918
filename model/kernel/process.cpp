#include "model/kernel/process.h"

#include "model/kernel/gup.h"
#include "model/mm/mmap.h"

namespace mtesim {

namespace {

/// Visits granules of the tracee: f(page, granule in the page), until one cannot be had.
template <class F>
std::uint64_t for_each_remote_granule(Kernel& k, TaskId tracee, UserPtr at, std::uint64_t count, bool write, F&& f) {
  Kernel remote{k.machine, k.environment, k.revision, tracee};
  const std::uint64_t begin = round_down(at.address(), kGranule);
  std::uint64_t done = 0;
  GotPage page;
  for (; done < count; ++done) {
    const std::uint64_t address = begin + done * kGranule.n;
    if (done == 0 || is_aligned(address, k.machine.page_size)) {
      const Vma* vma = k.machine.space_of(tracee).find(address);
      if (vma == nullptr || !vma->prot.mte) break;
      page = get_user_page(remote, UserPtr(address), {.write = write});
      if (page.error != Errno::ok) break;
    }
    f(page, address % k.machine.page_size.n / kGranule.n);
  }
  return done;
}

}  // namespace

TaskId fork_task(Kernel& k) {
  Task child = k.task();
  child.pending = {};
  child.child = 0;
  child.space = fork_space(k.machine, k.task().space);
  const TaskId id{static_cast<std::uint32_t>(k.machine.tasks.size())};
  k.machine.tasks.push_back(child);
  k.task().child = id.n;
  return id;
}

void exec_task(Kernel& k) {
  unmap_all(k.machine, k.task().space);
  k.task() = Task{.space = k.task().space};
}

std::vector<Tag> peek_tags(Kernel& k, TaskId tracee, UserPtr at, std::uint64_t count) {
  Traced traced(k, "access_remote_tags", at, kGranule * count);
  std::vector<Tag> tags;
  for_each_remote_granule(k, tracee, at, count, false, [&](const GotPage& page, std::size_t granule) {
    tags.push_back(page.zero_page ? Tag{} : k.machine.folio(page.folio).tags.at(granule));
  });
  traced.returns(Bytes{tags.size()});
  return tags;
}

std::uint64_t poke_tags(Kernel& k, TaskId tracee, UserPtr at, const std::vector<std::uint8_t>& bytes) {
  Traced traced(k, "access_remote_tags", at, kGranule * bytes.size());
  std::size_t next = 0;
  const std::uint64_t done =
      for_each_remote_granule(k, tracee, at, bytes.size(), true, [&](const GotPage& page, std::size_t granule) {
        const Tag tag{static_cast<std::uint8_t>(bytes[next++] & 0xf)};
        k.machine.edit_folio(page.folio,
                             [&](Folio& folio) { folio.tags.set(granule, tag, k.machine.granules_per_page()); });
      });
  traced.returns(Bytes{done});
  return done;
}

}  // namespace mtesim
