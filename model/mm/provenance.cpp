#include "model/mm/provenance.h"

#include <algorithm>

namespace mtesim {

void Provenance::append(const Provenance& other) {
  for (const Piece& piece : other.pieces_) append(piece.origin, piece.length);
}

Provenance Provenance::slice(std::uint64_t begin, std::uint64_t length) const {
  MTESIM_CHECK(begin + length <= size_.n);
  return ProvenanceReader(*this, begin).take(length);
}

ProvenanceReader::ProvenanceReader(const Provenance& bytes, std::uint64_t begin) : bytes_(bytes), in_piece_(begin) {
  MTESIM_CHECK(begin <= bytes.size().n);
  const Provenance::Pieces& pieces = bytes.pieces();
  while (piece_ < pieces.size() && in_piece_ >= pieces[piece_].length) in_piece_ -= pieces[piece_++].length;
}

Provenance ProvenanceReader::take(std::uint64_t length) {
  Provenance out;
  while (length > 0) {
    MTESIM_CHECK(piece_ < bytes_.pieces().size());
    const Provenance::Piece& piece = bytes_.pieces()[piece_];
    const std::uint64_t n = std::min(piece.length - in_piece_, length);
    out.append(piece.origin.after(in_piece_), n);
    length -= n;
    in_piece_ += n;
    if (in_piece_ == piece.length) {
      ++piece_;
      in_piece_ = 0;
    }
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
