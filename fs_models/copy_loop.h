#pragma once

#include <array>
#include <cstddef>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>

#include "model/kernel/iov_iter.h"
#include "model/kernel/kernel.h"

namespace mtesim {

/// The loop goes round again.
struct Advanced {};
/// The task sleeps until the lock can be had, and then makes the same step again.
struct Blocked {
  LockId lock;
};
/// The call returns: bytes, or -errno; what the program does itself may end in a signal (signal_result()).
struct Finished {
  std::int64_t result{};
};
using Step = std::variant<Advanced, Blocked, Finished>;

[[nodiscard]] inline Finished finished(Bytes n) { return {static_cast<std::int64_t>(n.n)}; }
[[nodiscard]] inline Finished finished(Errno e) { return {-static_cast<std::int64_t>(e)}; }
/// What read(2) and write(2) do with both: the bytes if there are any, else the error.
[[nodiscard]] inline Finished finished(Bytes n, Errno e) { return n.n > 0 ? finished(n) : finished(e); }

/// A signal instead of a result, below all that is -errno. The address is not in it.
[[nodiscard]] std::int64_t signal_result(const SigInfo& signal);
/// nullopt: a count or -errno.
[[nodiscard]] std::optional<SigInfo> signal_of(std::int64_t result);
/// The result of a call in which the kernel met a BUG(), below all signals.
constexpr std::int64_t kKernelBugResult = -(std::int64_t{1} << 18);
/// "SIGSEGV SEGV_MTESERR".
[[nodiscard]] std::string signal_name(const SigInfo& signal);
[[nodiscard]] inline Finished finished(const SigInfo& signal) { return {signal_result(signal)}; }

/// What a loop carries from one trip to the next: plain data without padding, so that copying is a copy of bytes and
/// equality a comparison of bytes.
template <class T>
concept LoopStateValue = std::is_trivially_copyable_v<T> && std::has_unique_object_representations_v<T>;

/// Any loop's State, as a value.
class LoopState {
 public:
  static constexpr std::size_t kCapacity = 128;

  LoopState() = default;
  template <LoopStateValue T>
  explicit LoopState(const T& state) {
    put(state);
  }
  template <LoopStateValue T>
  [[nodiscard]] T get() const {
    T state;
    std::memcpy(&state, bytes_.data(), sizeof state);
    return state;
  }
  template <LoopStateValue T>
  void put(const T& state) {
    static_assert(sizeof(T) <= kCapacity);
    std::memcpy(bytes_.data(), &state, sizeof state);
  }
  [[nodiscard]] Fingerprint fingerprint() const {
    std::uint64_t h = 0;
    for (std::size_t i = 0; i < kCapacity; i += sizeof h) {
      std::uint64_t word = 0;
      std::memcpy(&word, bytes_.data() + i, sizeof word);
      if (word != 0) h = mix(h ^ slot_print(i, word).bits);
    }
    return {h};
  }
  bool operator==(const LoopState&) const = default;

 private:
  std::array<std::byte, kCapacity> bytes_{};
};

/// A copy loop of one system call. A loop type L has
///   struct State;                                 what it carries round (LoopStateValue)
///   static constexpr std::string_view kName;      its kernel function
///   State begin() const;                          before the first trip
///   Step step(State&, Kernel&) const;             one trip
///   Bytes progress(const State&) const;           what is done for good; never shrinks on a path that ends
/// The loop itself is constant: buffers, sizes, the file. The same body serves runs and checks.
/// and may have
///   UserSegments remaining(const State&) const;   all user memory that this and later trips can access or walk to: the
///                                                 checker forgets what is elsewhere (docs/lazy-environment.md)
/// What the program does between system calls is a loop type as well, with
///   static constexpr bool kInUserMode = true;     it does not enter the kernel, but for what step() does itself
class CopyLoop {
 public:
  template <class L>
  requires LoopStateValue<typename L::State>
  explicit CopyLoop(L loop) : loop_(std::make_shared<const Model<L>>(std::move(loop))) {}

  [[nodiscard]] std::string_view name() const { return loop_->name(); }
  [[nodiscard]] LoopState begin() const { return loop_->begin(); }
  [[nodiscard]] Step step(LoopState& state, Kernel& k) const { return loop_->step(state, k); }
  [[nodiscard]] Bytes progress(const LoopState& state) const { return loop_->progress(state); }
  [[nodiscard]] bool in_user_mode() const { return loop_->in_user_mode(); }
  /// nullopt: it does not say; any memory.
  [[nodiscard]] std::optional<UserSegments> remaining(const LoopState& state) const { return loop_->remaining(state); }

  /// The same, made by the child that the task has forked.
  [[nodiscard]] CopyLoop by_child() const {
    CopyLoop theirs = *this;
    theirs.by_child_ = true;
    return theirs;
  }
  [[nodiscard]] bool is_by_child() const { return by_child_; }

 private:
  struct Concept {
    virtual ~Concept() = default;
    [[nodiscard]] virtual std::string_view name() const = 0;
    [[nodiscard]] virtual LoopState begin() const = 0;
    [[nodiscard]] virtual Step step(LoopState& state, Kernel& k) const = 0;
    [[nodiscard]] virtual Bytes progress(const LoopState& state) const = 0;
    [[nodiscard]] virtual bool in_user_mode() const = 0;
    [[nodiscard]] virtual std::optional<UserSegments> remaining(const LoopState& state) const = 0;
  };
  template <class L>
  struct Model final : Concept {
    explicit Model(L l) : loop(std::move(l)) {}
    [[nodiscard]] std::string_view name() const override { return L::kName; }
    [[nodiscard]] LoopState begin() const override { return LoopState(loop.begin()); }
    [[nodiscard]] Step step(LoopState& state, Kernel& k) const override {
      auto own = state.get<typename L::State>();
      const Step result = loop.step(own, k);
      state.put(own);
      return result;
    }
    [[nodiscard]] Bytes progress(const LoopState& state) const override {
      return loop.progress(state.get<typename L::State>());
    }
    [[nodiscard]] bool in_user_mode() const override {
      if constexpr (requires { L::kInUserMode; }) return L::kInUserMode;
      return false;
    }
    [[nodiscard]] std::optional<UserSegments> remaining(const LoopState& state) const override {
      if constexpr (requires(const typename L::State& s) { loop.remaining(s); }) {
        return loop.remaining(state.get<typename L::State>());
      } else {
        static_cast<void>(state);
        return std::nullopt;
      }
    }
    L loop;
  };
  std::shared_ptr<const Concept> loop_;
  bool by_child_{};
};

}  // namespace mtesim
