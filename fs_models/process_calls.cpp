#include "fs_models/process_calls.h"

#include "model/kernel/process.h"
#include "model/kernel/uaccess.h"

namespace mtesim {

Step SetTaggedAddrCtrl::step(State&, Kernel& k) const { return finished(set_tagged_addr_ctrl(k, arguments)); }

Step GetTaggedAddrCtrl::step(State&, Kernel& k) const { return Finished{get_tagged_addr_ctrl(k, arguments)}; }

Step Fork::step(State&, Kernel& k) const { return finished(Bytes{fork_task(k).n}); }

Step Execve::step(State&, Kernel& k) const {
  exec_task(k);
  return finished(Errno::ok);
}

Step PeekTags::step(State&, Kernel& k) const {
  const std::vector<Tag> tags = peek_tags(k, TaskId{k.task().child}, at, count);
  if (tags.empty()) return finished(Errno::eio);
  Provenance bytes;
  for (const Tag tag : tags) bytes.append({source_of_value(tag.bits), 0}, 1);
  const Bytes left = copy_to_user(k, into, {bytes, 0});
  return finished(bytes.size() - left, Errno::efault);
}

Step PokeTags::step(State&, Kernel& k) const {
  return finished(Bytes{poke_tags(k, TaskId{k.task().child}, at, values)}, Errno::eio);
}

}  // namespace mtesim
