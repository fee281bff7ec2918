#include "sim/property/flow.h"

#include "sim/property/views.h"

namespace mtesim {

namespace {

std::uint64_t length_of(const UserSegments& segments) {
  std::uint64_t length = 0;
  for (const UserSegment& segment : segments) length += segment.length.n;
  return length;
}

/// Their first `length` bytes.
UserSegments first_of(const UserSegments& segments, std::uint64_t length) {
  UserSegments part;
  for (const UserSegment& segment : segments) {
    const std::uint64_t n = std::min(segment.length.n, length);
    if (n > 0) part.push_back({segment.base, Bytes{n}});
    length -= n;
  }
  return part;
}

/// `length` bytes of what is there, and how many of them there are.
void take_source(Flow& flow, const Provenance& from, std::uint64_t length) {
  flow.available = std::min(from.size().n, length);
  flow.source = from.slice(0, flow.available);
  flow.source.append(Origin{kNothing, 0}, length - flow.available);
}

Provenance made_by_kernel(std::uint64_t position, std::uint64_t length) {
  return Provenance(Origin{kKernelSource, position}, Bytes{length});
}

/// What a read finds in its file; of a kind of file that is not told of here nothing is judged.
void read_source(Flow& flow, const SystemCall& call, const Return& what, const CallBegin& begin, std::uint64_t length) {
  const std::uint64_t position = call.position.n;
  switch (call.fs->kind) {
    case FileKind::regular: {
      const std::uint64_t size = begin.machine.objects[call.object]->size.n;
      // Behind the file's end, too, its own bytes are no strangers; but none of them counts.
      flow.source = file_bytes(begin.machine, call.object, position, length);
      flow.available = std::min(length, size - std::min(size, position));
      flow.exact = !maps_file(begin.machine, what.space, flow.into, call.object, position, length);
      return;
    }
    case FileKind::pipe:
    case FileKind::unix_stream:
      flow.reads_queue = true;
      return take_source(flow, queued(begin.machine, call), length);
    case FileKind::unix_datagram: {
      flow.reads_queue = true;
      const auto& queue = begin.machine.sockets[call.object]->queue;
      const Provenance message = queue.empty() ? Provenance() : queue.front().bytes;
      take_source(flow, message, length);
      flow.available = message.size().n;
      return;
    }
    case FileKind::dev_zero:
    case FileKind::dev_full:
      return take_source(flow, Provenance(Origin{}, Bytes{length}), length);
    case FileKind::dev_null:
      return take_source(flow, {}, length);
    case FileKind::dev_urandom:
    case FileKind::eventfd:
      return take_source(flow, made_by_kernel(0, length), length);
    case FileKind::seq_file:
    case FileKind::proc_comm:
    case FileKind::pagemap:
      return take_source(flow, made_by_kernel(position, length), length);
    default:
      flow.to = Flow::To::nowhere;
  }
}

void into_memory(Flow& flow, const UserSegments& segments) {
  flow.to = Flow::To::memory;
  flow.into = segments;
}

/// From memory to memory.
void between(Flow& flow, const UserSegments& from, const UserSegments& to, const Return& what, const CallBegin& begin) {
  const std::uint64_t length = std::min(length_of(from), length_of(to));
  into_memory(flow, first_of(to, length));
  flow.source = user_bytes(begin.machine, what.space, first_of(from, length), begin.dropped);
  flow.available = length;
  flow.exact = !overlap(first_of(from, length), flow.into);
}

}  // namespace

Flow flow_of(const Return& what, const CallBegin& begin) {
  Flow flow;
  if (what.system_call == nullptr) return flow;
  const SystemCall& call = *what.system_call;
  flow.count = what.result < 0 ? 0 : static_cast<std::uint64_t>(what.result);
  const std::uint64_t length = length_of(call.segments);
  const auto from_memory = [&](Flow::To to) {
    flow.to = to;
    flow.source = user_bytes(begin.machine, what.space, call.segments, begin.dropped);
    flow.available = length;
  };
  switch (call.kind) {
    case CallKind::read:
    case CallKind::readv:
      into_memory(flow, call.segments);
      read_source(flow, call, what, begin, length);
      break;
    case CallKind::write:
    case CallKind::writev:
      if (call.fs->kind == FileKind::regular) {
        from_memory(Flow::To::file);
        flow.exact = !maps_file(begin.machine, what.space, call.segments, call.object, call.position.n, length);
      } else if (call.fs->kind == FileKind::pipe || call.fs->kind == FileKind::unix_stream ||
                 call.fs->kind == FileKind::unix_datagram) {
        from_memory(Flow::To::queue);
      }
      break;
    case CallKind::vmsplice:
      from_memory(Flow::To::queue);
      break;
    case CallKind::getrandom:
      into_memory(flow, call.segments);
      take_source(flow, made_by_kernel(0, length), length);
      break;
    case CallKind::process_vm_readv:
      between(flow, call.remote, call.segments, what, begin);
      break;
    case CallKind::process_vm_writev:
      between(flow, call.segments, call.remote, what, begin);
      break;
    case CallKind::proc_mem_read:
      between(flow, call.remote, call.segments, what, begin);
      break;
    case CallKind::proc_mem_write:
      between(flow, call.segments, call.remote, what, begin);
      break;
    case CallKind::tree_search:
    case CallKind::tree_search_v2: {
      const Bytes header{call.kind == CallKind::tree_search ? 104U : 112U};
      const UserSegment& argument = call.segments.front();
      into_memory(flow, {{argument.base + header, argument.length - header}});
      flow.answers = {{argument.base, header}};
      take_source(flow, made_by_kernel(header.n, (argument.length - header).n), (argument.length - header).n);
      flow.count = what.result == 0 ? what.delivered.n : 0;
      break;
    }
    default:  // no bytes with a source and a place each
      break;
  }
  if (flow.to == Flow::To::memory && overlap_each_other(flow.into)) flow = {};
  return flow;
}

}  // namespace mtesim
