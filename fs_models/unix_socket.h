#pragma once

#include "fs_models/copy_loop.h"
#include "fs_models/system_call.h"

namespace mtesim {

/// How the bytes of one skb lie in memory: a linear head, then pages in as few pieces as the page allocator gives.
/// Source: [linux-skbuff].
struct SkbLayout {
  Bytes linear;
  std::vector<Bytes> frags;
};
[[nodiscard]] SkbLayout skb_layout(Bytes linear, Bytes paged, Bytes page_size);

/// What one write of `size` bytes puts into a stream socket's queue, skb by skb: their sizes.
[[nodiscard]] SkbLayout unix_stream_skb(Bytes left, Bytes page_size);
[[nodiscard]] SkbLayout unix_dgram_skb(Bytes size, Bytes page_size);

/// unix_stream_sendmsg(): skb by skb, each copied whole or not sent at all.
///
/// Rounds:    one skb each, of at most 36544 bytes.
/// Progress:  no retry, no probe: a short copy drops its skb and ends the call.
/// Source:    [linux-af-unix], [linux-skbuff].
struct UnixStreamSend {
  static constexpr std::string_view kName = "unix_stream_sendmsg";
  static constexpr Bytes kSendBuffer{425984};  ///< sk_sndbuf: twice net.core.wmem_max

  struct State {
    IovPosition iter;
    Bytes sent{};
  };

  UserSegments segments;
  std::uint32_t socket{};

  explicit UnixStreamSend(const SystemCall& call) : segments(call.segments), socket(call.object) {}
  [[nodiscard]] State begin() const { return {iov_begin(segments), {}}; }
  [[nodiscard]] Step step(State& s, Kernel& k) const;
  [[nodiscard]] Bytes progress(const State& s) const { return s.sent; }
};

/// unix_stream_read_generic(): skb by skb. One that is not copied whole stays in the queue and does not count, though
/// its good bytes were stored.
///
/// Rounds:    one skb each.
/// Progress:  no retry, no probe: a short copy ends the call.
/// Source:    [linux-af-unix], [linux-skbuff].
struct UnixStreamRead {
  static constexpr std::string_view kName = "unix_stream_read_generic";

  struct State {
    IovPosition iter;
    Bytes copied{};
  };

  UserSegments segments;
  std::uint32_t socket{};

  explicit UnixStreamRead(const SystemCall& call) : segments(call.segments), socket(call.object) {}
  [[nodiscard]] State begin() const { return {iov_begin(segments), {}}; }
  [[nodiscard]] Step step(State& s, Kernel& k) const;
  [[nodiscard]] Bytes progress(const State& s) const { return s.copied; }
};

/// unix_dgram_sendmsg() and unix_dgram_recvmsg(): one datagram, all or EFAULT. A datagram whose receive fails is lost.
/// Source: [linux-af-unix].
struct UnixDatagram {
  static constexpr std::string_view kName = "unix_dgram_sendmsg";

  struct State {
    IovPosition iter;
    Bytes done{};
  };

  UserSegments segments;
  std::uint32_t socket{};
  bool sends{};

  explicit UnixDatagram(const SystemCall& call)
      : segments(call.segments), socket(call.object), sends(call.is_write()) {}
  [[nodiscard]] State begin() const { return {iov_begin(segments), {}}; }
  [[nodiscard]] Step step(State& s, Kernel& k) const;
  [[nodiscard]] Bytes progress(const State& s) const { return s.done; }
};

}  // namespace mtesim
