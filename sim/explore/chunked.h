#pragma once

#include <bit>
#include <cstddef>
#include <utility>
#include <vector>

namespace mtesim::explore {

/// A sequence that only grows, and never moves what it holds.
/// Shape:   chunks of about 64 KiB; appending copies nothing, so the peak is the final size and a reference stays good.
/// Value:   copied and compared element by element.
template <class T>
class Chunked {
 public:
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] const T& operator[](std::size_t i) const { return chunks_[i / kChunk][i % kChunk]; }
  void push_back(T value) {
    if (size_ % kChunk == 0) chunks_.emplace_back().reserve(kChunk);
    chunks_.back().push_back(std::move(value));
    ++size_;
  }
  bool operator==(const Chunked&) const = default;

 private:
  static constexpr std::size_t kChunk = std::bit_floor(std::size_t{65536} / sizeof(T) + 1);
  std::vector<std::vector<T>> chunks_;
  std::size_t size_ = 0;
};

}  // namespace mtesim::explore
