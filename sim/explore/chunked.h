#pragma once

#include <bit>
#include <cstddef>
#include <utility>
#include <vector>

namespace mtesim::explore {

/// A sequence that only grows at its end, and never moves what it holds.
/// Shape:   chunks of about 64 KiB; appending copies nothing, so the peak is the final size and a reference stays good.
///          What is not needed any more may be let go at the front, chunk by chunk; the rest keeps its indices.
/// Value:   copied and compared element by element.
template <class T>
class Chunked {
 public:
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] const T& operator[](std::size_t i) const { return chunks_[i / kChunk][i % kChunk]; }
  void push_back(T value) {
    if (size_ % kChunk == 0) add_chunk();
    chunks_.back().push_back(std::move(value));
    ++size_;
  }
  /// Nobody will ask for an element before `first` again.
  void let_go_before(std::size_t first) {
    for (; gone_ < first / kChunk; ++gone_) chunks_[gone_] = std::vector<T>();
  }
  /// What is allocated.
  [[nodiscard]] std::size_t bytes() const {
    return (chunks_.size() - gone_) * kChunk * sizeof(T) + chunks_.capacity() * sizeof(chunks_[0]);
  }
  friend bool operator==(const Chunked& a, const Chunked& b) { return a.chunks_ == b.chunks_; }

 private:
  static constexpr std::size_t kChunk = std::bit_floor(std::size_t{65536} / sizeof(T) + 1);
  void add_chunk() { chunks_.emplace_back().reserve(kChunk); }

  std::vector<std::vector<T>> chunks_;
  std::size_t size_ = 0;
  std::size_t gone_ = 0;  // chunks
};

}  // namespace mtesim::explore
