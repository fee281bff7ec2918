#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <utility>

namespace mtesim::explore {

/// A vector whose room is made ahead, so that putting an element in is one comparison and the element.
/// Shape:   what is put in moves whenever room is made. Cleared, it keeps its memory.
template <class T>
class Buffer {
 public:
  Buffer() = default;
  Buffer(Buffer&& from) noexcept
      : begin_(std::exchange(from.begin_, nullptr)),
        end_(std::exchange(from.end_, nullptr)),
        allowed_(std::exchange(from.allowed_, nullptr)),
        capacity_(std::exchange(from.capacity_, 0)) {}
  Buffer& operator=(Buffer&&) = delete;
  ~Buffer() {
    clear();
    if (begin_ != nullptr) std::allocator<T>().deallocate(begin_, capacity_);
  }
  [[nodiscard]] T* begin() const { return begin_; }
  [[nodiscard]] T* end() const { return end_; }
  [[nodiscard]] std::size_t size() const { return static_cast<std::size_t>(end_ - begin_); }
  [[nodiscard]] T& operator[](std::size_t i) const { return begin_[i]; }

  /// As many as were allowed are in.
  [[nodiscard]] bool full() const { return end_ == allowed_; }
  void allow(std::size_t more) {
    if (size() + more > capacity_) grow(std::max(2 * capacity_, size() + more));
    allowed_ = end_ + more;
  }
  template <class... Args>
  void put(Args&&... args) {  // not if it is full
    std::construct_at(end_, std::forward<Args>(args)...);
    ++end_;
  }
  void clear() {
    std::destroy(begin_, end_);
    end_ = allowed_ = begin_;
  }

 private:
  void grow(std::size_t capacity) {
    Buffer larger;
    larger.begin_ = larger.end_ = std::allocator<T>().allocate(capacity);
    larger.capacity_ = capacity;
    for (T* from = begin_; from != end_; ++from) larger.put(std::move(*from));
    std::swap(begin_, larger.begin_);
    std::swap(end_, larger.end_);
    std::swap(capacity_, larger.capacity_);
  }

  T* begin_ = nullptr;
  T* end_ = nullptr;
  T* allowed_ = nullptr;
  std::size_t capacity_ = 0;
};

}  // namespace mtesim::explore
