#pragma once

#include "fs_models/copy_loop.h"
#include "fs_models/system_call.h"

namespace mtesim {

/// user_events_write(): a program's record of an event, an index of four bytes and the payload, into the trace buffer.
///
/// Rounds:    one.
/// Progress:  no retry. The probe looks at the whole payload, then it is copied with page faults disabled, as the list
/// of
///            tracers is read under RCU: short is EFAULT. A page that reclaim takes in between is EFAULT, too; the
///            record is lost then, as the program does not know that it could try again.
/// Locks:     none that could be held across a fault.
/// Source:    [linux-user-events].
struct UserEventsWrite {
  static constexpr std::string_view kName = "user_events_write";
  static constexpr Bytes kIndex{4};

  struct State {
    IovPosition iter;
  };

  UserSegments segments;

  explicit UserEventsWrite(const SystemCall& call) : segments(call.segments) {}
  [[nodiscard]] State begin() const { return {iov_begin(segments)}; }
  [[nodiscard]] Step step(State& s, Kernel& k) const;
  [[nodiscard]] Bytes progress(const State&) const { return {}; }
};

/// ioctl(DIAG_IOCSREG): registers an event, and lets the kernel set a bit in a word of the program's while somebody
/// traces it: user_event_enabler_write(), through the kernel's own mapping.
///
/// Rounds:    one attempt to have the word's page each: a look with FOLL_NOFAULT under the locks, and without them a
///            software walk that faults it in.
/// Progress:  A2 between the two holds but for what the world does in between, and however often it does that: behind
/// the
///            tenth attempt there is one more look, and then the call gives up with ENOMEM. A cap on attempts ends
///            everything, and tells a page that is gone for good from bad luck as little as others do.
/// Signals:   a fatal one makes the software walk fail, and so the call.
/// Tags:      of the word's granule none is looked at. The structure that says where it is is copied in as any other.
/// Locks:     event_mutex and the mmap lock during a look, the mmap lock during the walk.
/// Assumes:   the event's name lies in good memory, and somebody traces it.
/// Source:    [linux-user-events].
struct UserEventRegister {
  static constexpr std::string_view kName = "user_event_enabler_write";
  static constexpr Bytes kStruct{28};      ///< struct user_reg, packed
  static constexpr Bytes kWriteIndex{24};  ///< where in it the event's index is put

  enum class At : std::uint64_t { begin, looking, faulting_in };
  struct State {
    std::uint64_t attempts{};
    At at{At::begin};
  };

  UserPtr argument;
  UserPtr word;
  Bytes word_size;

  explicit UserEventRegister(const SystemCall& call)
      : argument(call.segments.front().base), word(call.remote.front().base), word_size(call.remote.front().length) {}
  [[nodiscard]] State begin() const { return {}; }
  [[nodiscard]] Step step(State& s, Kernel& k) const;
  [[nodiscard]] Bytes progress(const State&) const { return {}; }

 private:
  [[nodiscard]] Errno user_reg_get(Kernel& k) const;
  [[nodiscard]] bool set_bit(Kernel& k) const;
};

}  // namespace mtesim
