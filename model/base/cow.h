#pragma once

#include <memory>
#include <utility>

namespace mtesim {

/// A value that is shared until written: copying costs a reference count, the first write after a copy costs one T.
/// Value:  behaves like a T; equal when the Ts are equal. Empty stands for a default T and costs nothing.
template <class T>
class Cow {
 public:
  Cow() = default;
  explicit Cow(T value) : held_(std::make_shared<T>(std::move(value))) {}

  [[nodiscard]] const T& read() const { return held_ ? *held_ : nothing(); }
  const T* operator->() const { return &read(); }
  const T& operator*() const { return read(); }

  [[nodiscard]] T& write() {
    if (!held_) held_ = std::make_shared<T>();
    if (held_.use_count() != 1) held_ = std::make_shared<T>(*held_);
    return *held_;
  }
  void reset() { held_.reset(); }

  friend bool operator==(const Cow& a, const Cow& b) { return a.held_ == b.held_ || a.read() == b.read(); }

 private:
  // Apart from read(), which is in the way of every access.
  [[gnu::noinline]] static const T& nothing() {
    static const T kDefault{};
    return kDefault;
  }

  std::shared_ptr<T> held_;
};

}  // namespace mtesim
