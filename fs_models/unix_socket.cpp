#include "fs_models/unix_socket.h"

#include <algorithm>

namespace mtesim {

namespace {

constexpr Bytes kSharedInfo{320};         // SKB_DATA_ALIGN(sizeof(struct skb_shared_info))
constexpr Bytes kFragsSize{32768};        // UNIX_SKB_FRAGS_SZ
constexpr std::uint64_t kMostFrags = 17;  // MAX_SKB_FRAGS
constexpr unsigned kMostOrder = 3;        // of the pages behind the head

Bytes page_align(Bytes n, Bytes page_size) { return {round_up(n.n, page_size)}; }

/// skb_copy_datagram_from_iter(): the head by one copy, each piece behind it by copy_page_from_iter().
bool copy_from_iter_to_skb(Kernel& k, IovIter& iter, const SkbLayout& layout, Provenance& to) {
  if (copy_from_iter(k, to, iter, layout.linear) < layout.linear) return false;
  for (const Bytes frag : layout.frags) {
    if (copy_page_from_iter(k, to, iter, frag) < frag) return false;
  }
  return true;
}

/// skb_copy_datagram_iter(): one copy for the head, one for each piece behind it.
bool copy_skb_to_iter(Kernel& k, IovIter& iter, const Socket::Skb& skb, Bytes offset, Bytes size) {
  const SkbLayout layout = skb_layout(skb.linear, skb.bytes.size() - skb.linear, k.machine.page_size);
  Bytes begin;  // of the piece, in the skb
  const auto copy_from = [&](Bytes piece) {
    const Bytes in_piece = offset - begin;  // past its end: it has been read
    begin += piece;
    if (size.n == 0 || offset >= begin) return true;
    const Bytes n = min(begin - offset, size);
    const KernelBytes bytes{skb.bytes.slice(offset.n, n.n), static_cast<std::uint32_t>(in_piece.n % 16)};
    if (copy_to_iter(k, iter, bytes) < n) return false;
    offset += n;
    size -= n;
    return true;
  };
  if (!copy_from(layout.linear)) return false;
  return std::all_of(layout.frags.begin(), layout.frags.end(), copy_from);
}

}  // namespace

SkbLayout skb_layout(Bytes linear, Bytes paged, Bytes page_size) {
  SkbLayout layout{linear, {}};
  unsigned order = kMostOrder;
  while (paged.n > 0) {
    while (order > 0 && page_align(paged, page_size) < page_size * (1ULL << order)) --order;
    const Bytes piece = min(paged, page_size * (1ULL << order));
    layout.frags.push_back(piece);
    paged -= piece;
  }
  return layout;
}

SkbLayout unix_stream_skb(Bytes left, Bytes page_size) {
  const Bytes most_head = page_size - kSharedInfo;  // SKB_MAX_HEAD(0)
  const Bytes size = min(min(left, Bytes{UnixStreamSend::kSendBuffer.n / 2 - 64}), most_head + kFragsSize);
  const Bytes paged = size <= most_head ? Bytes{0} : min(size, page_align(size - most_head, page_size));
  return skb_layout(size - paged, paged, page_size);
}

SkbLayout unix_dgram_skb(Bytes size, Bytes page_size) {
  const Bytes most_head = page_size * 4 - kSharedInfo;  // SKB_MAX_ALLOC
  const Bytes paged =
      size <= most_head ? Bytes{0} : page_align(min(size - most_head, page_size * kMostFrags), page_size);
  return skb_layout(size - min(size, paged), min(size, paged), page_size);
}

Step UnixStreamSend::step(State& s, Kernel& k) const {
  Traced traced(k, "unix_stream_sendmsg", {}, s.iter.count);
  IovIter iter{segments, s.iter};
  if (k.machine.sockets[socket]->peer_closed) return finished(s.sent, Errno::epipe);
  if (iter.count().n == 0) return finished(s.sent);
  Bytes queued;  // nobody receives while this call lasts: a full queue means waiting for ever
  for (const Socket::Skb& skb : k.machine.sockets[socket]->queue) queued += skb.bytes.size();
  if (queued >= kSendBuffer) return finished(s.sent, Errno::eagain);

  const SkbLayout layout = unix_stream_skb(iter.count(), k.machine.page_size);
  Provenance copied;
  if (!copy_from_iter_to_skb(k, iter, layout, copied)) return finished(s.sent, Errno::efault);
  s.sent += copied.size();
  k.machine.sockets[socket].write().queue.push_back({copied, layout.linear, {}});
  k.emit(Delivered{s.sent});
  if (iter.count().n == 0) return finished(s.sent);
  return Advanced{};
}

Step UnixStreamRead::step(State& s, Kernel& k) const {
  Traced traced(k, "unix_stream_read_generic", {}, s.iter.count);
  IovIter iter{segments, s.iter};
  if (iter.count().n == 0) return finished(s.copied);
  if (k.machine.sockets[socket]->queue.empty()) {
    const bool end_of_file = k.machine.sockets[socket]->peer_closed || s.copied.n > 0;
    return finished(s.copied, end_of_file ? Errno::ok : Errno::eagain);
  }
  const Socket::Skb skb = k.machine.sockets[socket]->queue.front();
  const Bytes left = skb.bytes.size() - skb.consumed;
  const Bytes chunk = min(left, iter.count());
  if (!copy_skb_to_iter(k, iter, skb, skb.consumed, chunk)) return finished(s.copied, Errno::efault);
  s.copied += chunk;
  k.emit(Delivered{s.copied});
  std::vector<Socket::Skb>& queue = k.machine.sockets[socket].write().queue;
  if (chunk < left) {
    queue.front().consumed += chunk;
    return finished(s.copied);
  }
  queue.erase(queue.begin());
  if (iter.count().n == 0) return finished(s.copied);
  return Advanced{};
}

Step UnixDatagram::step(State& s, Kernel& k) const {
  Traced traced(k, sends ? "unix_dgram_sendmsg" : "unix_dgram_recvmsg", {}, s.iter.count);
  IovIter iter{segments, s.iter};
  const Bytes wanted = iter.count();
  if (sends) {
    if (k.machine.sockets[socket]->peer_closed) return finished(Errno::epipe);
    if (wanted > UnixStreamSend::kSendBuffer - Bytes{32}) return finished(Errno::emsgsize);
    const SkbLayout layout = unix_dgram_skb(wanted, k.machine.page_size);
    Provenance copied;
    if (!copy_from_iter_to_skb(k, iter, layout, copied)) return finished(Errno::efault);
    k.machine.sockets[socket].write().queue.push_back({copied, layout.linear, {}});
    s.done = wanted;
  } else {
    if (k.machine.sockets[socket]->queue.empty()) {
      return finished({}, k.machine.sockets[socket]->peer_closed ? Errno::ok : Errno::eagain);
    }
    const Socket::Skb skb = k.machine.sockets[socket]->queue.front();
    std::vector<Socket::Skb>& queue = k.machine.sockets[socket].write().queue;
    queue.erase(queue.begin());  // it is gone whether it can be copied or not
    const Bytes size = min(skb.bytes.size(), wanted);
    if (!copy_skb_to_iter(k, iter, skb, Bytes{0}, size)) return finished(Errno::efault);
    s.done = size;
  }
  k.emit(Delivered{s.done});
  return finished(s.done);
}

}  // namespace mtesim
