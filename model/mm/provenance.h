#pragma once

#include <boost/container/small_vector.hpp>
#include <cstdint>
#include <optional>

#include "model/base/bytes.h"
#include "model/base/check.h"
#include "model/base/fingerprint.h"

namespace mtesim {

/// Where bytes come from: a memory object's first contents, a file's old contents, or one of the well-known sources.
struct SourceId {
  std::uint32_t n{};
  bool operator==(const SourceId&) const = default;
};

constexpr SourceId kZeroSource{0};           ///< zeroes; positions mean nothing
constexpr SourceId kUninitialisedSource{1};  ///< kernel memory nobody wrote; positions mean nothing
constexpr SourceId kKernelSource{2};         ///< what the kernel made for this call, by offset in the answer
/// Words whose value the kernel looks at (futexes): byte i of the word v has position 4 v + i.
constexpr SourceId kWordSource{3};
constexpr std::uint32_t kFirstObjectSource = 4;
/// The bytes that memory object `object` held at the start, by offset in it.
constexpr SourceId source_of_object(std::uint32_t object) { return {kFirstObjectSource + object}; }

constexpr std::uint32_t kFirstValueSource = 0xffffff00;
/// Bytes that all have this value, for whoever has to compare values in the end; positions mean nothing. Value 0 is
/// kZeroSource.
constexpr SourceId source_of_value(std::uint8_t value) {
  return value == 0 ? kZeroSource : SourceId{kFirstValueSource + value};
}

/// One byte's origin, and by counting on the origins of those behind it: byte i has (source, position + i).
struct Origin {
  SourceId source{};
  std::uint64_t position{};

  [[nodiscard]] Origin after(std::uint64_t bytes) const {
    return has_positions() ? Origin{source, position + bytes} : *this;
  }
  [[nodiscard]] bool has_positions() const { return source.n >= kKernelSource.n && source.n < kFirstValueSource; }
  bool operator==(const Origin&) const = default;
};

/// A string of bytes, known by where each came from and not by value. Neighbours that continue each other are joined,
/// so that equal strings compare equal.
class Provenance {
 public:
  struct Piece {
    Origin origin;
    std::uint64_t length{};
    bool operator==(const Piece&) const = default;
  };

  Provenance() = default;
  Provenance(Origin origin, Bytes length) { append(origin, length.n); }

  void append(Origin origin, std::uint64_t length) {
    if (length == 0) return;
    if (!origin.has_positions()) origin.position = 0;
    size_ += Bytes{length};
    if (!pieces_.empty() && pieces_.back().origin.after(pieces_.back().length) == origin) {
      pieces_.back().length += length;
    } else {
      pieces_.push_back({origin, length});
    }
  }
  void append(const Provenance& other);
  [[nodiscard]] Provenance slice(std::uint64_t begin, std::uint64_t length) const;
  [[nodiscard]] Bytes size() const { return size_; }
  /// Most strings are one piece, and take no memory of their own.
  using Pieces = boost::container::small_vector<Piece, 1>;
  [[nodiscard]] const Pieces& pieces() const { return pieces_; }
  [[nodiscard]] Fingerprint fingerprint() const;
  bool operator==(const Provenance&) const = default;

 private:
  Pieces pieces_;
  Bytes size_{};
};

/// Takes a string apart from its begin onwards; all of it costs one pass over its pieces. The string outlives this.
class ProvenanceReader {
 public:
  ProvenanceReader(const Provenance& bytes, std::uint64_t begin);
  /// The next bytes: so many must be left.
  [[nodiscard]] Provenance take(std::uint64_t length);

 private:
  const Provenance& bytes_;
  std::size_t piece_{};
  std::uint64_t in_piece_{};
};

/// Four bytes whose value is known.
[[nodiscard]] inline Provenance known_word(std::uint32_t value) {
  return {Origin{kWordSource, std::uint64_t{value} * 4}, Bytes{4}};
}
/// The value of four bytes; nullopt for bytes that are known by where they came from only. Zeroes are known.
[[nodiscard]] std::optional<std::uint32_t> word_value(const Provenance& bytes);

}  // namespace mtesim
