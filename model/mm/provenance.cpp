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

}  // namespace mtesim
