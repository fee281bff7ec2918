#include "model/mm/provenance.h"

#include <algorithm>

namespace mtesim {

void Provenance::append(Origin origin, std::uint64_t length) {
  if (length == 0) return;
  if (!origin.has_positions()) origin.position = 0;
  size_ += Bytes{length};
  if (!pieces_.empty() && pieces_.back().origin.after(pieces_.back().length) == origin) {
    pieces_.back().length += length;
    return;
  }
  pieces_.push_back({origin, length});
}

void Provenance::append(const Provenance& other) {
  for (const Piece& piece : other.pieces_) append(piece.origin, piece.length);
}

Provenance Provenance::slice(std::uint64_t begin, std::uint64_t length) const {
  MTESIM_CHECK(begin + length <= size_.n);
  Provenance out;
  for (const Piece& piece : pieces_) {
    if (length == 0) break;
    if (begin >= piece.length) {
      begin -= piece.length;
      continue;
    }
    const std::uint64_t n = std::min(piece.length - begin, length);
    out.append(piece.origin.after(begin), n);
    begin = 0;
    length -= n;
  }
  return out;
}

Fingerprint Provenance::fingerprint() const {
  Fingerprint print = print_of(pieces_.size());
  for (const Piece& piece : pieces_) {
    print = print_of(print.bits, piece.origin.source.n, piece.origin.position, piece.length);
  }
  return print;
}

std::optional<std::uint32_t> word_value(const Provenance& bytes) {
  if (bytes.size() != Bytes{4} || bytes.pieces().size() != 1) return std::nullopt;
  const Origin origin = bytes.pieces().front().origin;
  if (origin.source == kZeroSource) return 0;
  if (!(origin.source == kWordSource) || origin.position % 4 != 0) return std::nullopt;
  return static_cast<std::uint32_t>(origin.position / 4);
}

}  // namespace mtesim
