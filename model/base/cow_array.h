#pragma once

#include <array>
#include <cstddef>
#include <vector>

#include "model/base/cow.h"
#include "model/base/fingerprint.h"

namespace mtesim {

/// A long array of T, shared until written, in chunks. Elements that equal T{} cost nothing and print nothing, so that
/// only what differs from its start takes room.
/// T:       a value with `fingerprint()`, where T{}'s print counts as none.
/// Value:   equal when every element is equal, whatever was written in between.
/// Errors:  none; an index past what was written reads as T{}.
template <class T, std::size_t kChunk = 32>
class CowArray {
 public:
  [[nodiscard]] const T& at(std::size_t i) const {
    const std::size_t chunk = i / kChunk;
    return chunk < chunks_.size() ? (*chunks_[chunk])[i % kChunk] : nothing();
  }

  /// The one writer: `change(T&)` may do anything to the element, and the print follows.
  template <class Change>
  void edit(std::size_t i, Change&& change) {
    const std::size_t chunk = i / kChunk;
    if (chunk >= chunks_.size()) chunks_.resize(chunk + 1);
    T& element = chunks_[chunk].write()[i % kChunk];
    print_ -= element_print(i, element);
    change(element);
    print_ += element_print(i, element);
  }

  /// An upper bound of the indices that can differ from T{}.
  [[nodiscard]] std::size_t extent() const { return chunks_.size() * kChunk; }
  [[nodiscard]] Fingerprint fingerprint() const { return print_; }
  [[nodiscard]] Fingerprint recomputed_fingerprint() const {
    Fingerprint print;
    for (std::size_t i = 0; i < extent(); ++i) print += element_print(i, at(i));
    return print;
  }

  friend bool operator==(const CowArray& a, const CowArray& b) {
    if (a.print_ != b.print_) return false;
    const std::size_t n = a.chunks_.size() > b.chunks_.size() ? a.chunks_.size() : b.chunks_.size();
    static const Cow<std::array<T, kChunk>> kEmpty;
    for (std::size_t c = 0; c < n; ++c) {
      const auto& ours = c < a.chunks_.size() ? a.chunks_[c] : kEmpty;
      const auto& theirs = c < b.chunks_.size() ? b.chunks_[c] : kEmpty;
      if (!(ours == theirs)) return false;
    }
    return true;
  }

 private:
  [[gnu::noinline]] static const T& nothing() {  // apart from at(): as with Cow
    static const T kDefault{};
    return kDefault;
  }
  static Fingerprint element_print(std::size_t i, const T& element) {
    static const Fingerprint kNone = T{}.fingerprint();
    const Fingerprint print = element.fingerprint();
    return print == kNone ? Fingerprint{} : slot_print(i, print);
  }

  std::vector<Cow<std::array<T, kChunk>>> chunks_;
  Fingerprint print_{};
};

}  // namespace mtesim
