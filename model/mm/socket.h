#pragma once

#include <cstdint>
#include <vector>

#include "model/mm/provenance.h"

namespace mtesim {

/// A connected AF_UNIX socket, as its receive queue: what was sent and not yet received, oldest first.
struct Socket {
  /// One buffer of the queue: a linear head, and pages behind it.
  struct Skb {
    Provenance bytes;
    Bytes linear;    ///< how much of it is the head
    Bytes consumed;  ///< of a stream: what has been read already
    bool operator==(const Skb&) const = default;
  };
  std::vector<Skb> queue;
  bool peer_closed{};

  [[nodiscard]] Fingerprint fingerprint() const {
    Fingerprint print = print_of(peer_closed);
    for (std::size_t i = 0; i < queue.size(); ++i) {
      Fingerprint skb = print_of(queue[i].linear.n, queue[i].consumed.n);
      skb = slot_print(skb.bits, queue[i].bytes.fingerprint());
      print += slot_print(i, skb);
    }
    return print;
  }
  bool operator==(const Socket&) const = default;
};

}  // namespace mtesim
