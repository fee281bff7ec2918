#pragma once

#include <boost/icl/interval_map.hpp>
#include <cstdint>

#include "model/mm/provenance.h"

namespace mtesim {

/// What the bytes of one page are, by where they came from.
/// Shape:   offsets in the page; a byte that nobody wrote continues `base`.
/// Value:   equal when every byte is equal; a byte that returns to its base costs nothing again.
/// Errors:  none; the caller keeps offsets within the page.
class Contents {
 public:
  Contents() = default;  ///< zeroes
  explicit Contents(Origin base)
      : base_(base), print_{base == Origin{} ? 0 : print_of(base.source.n, base.position).bits} {}

  [[nodiscard]] Provenance read(std::uint32_t begin, std::uint32_t end) const {
    Provenance out;
    append_to(out, begin, end);
    return out;
  }
  /// What read() gives, behind what `out` has.
  void append_to(Provenance& out, std::uint32_t begin, std::uint32_t end) const;
  void write(std::uint32_t begin, const Provenance& bytes);

  [[nodiscard]] Fingerprint fingerprint() const { return print_; }  // O(1); plain zeroes print 0
  [[nodiscard]] Fingerprint recomputed_fingerprint() const;
  friend bool operator==(const Contents& a, const Contents& b) {
    return a.base_ == b.base_ && a.print_ == b.print_ && a.written_ == b.written_;
  }

 private:
  // The origin that offset 0 would have if the run reached back to it (mod 2^64): neighbours that continue each other
  // then hold equal values, and ICL joins them.
  using Written = boost::icl::interval_map<std::uint32_t, Origin, boost::icl::partial_enricher, std::less,
                                           boost::icl::inplace_identity, boost::icl::inter_section,
                                           boost::icl::right_open_interval<std::uint32_t>>;
  static Origin rebased(Origin origin, std::uint64_t offset) {
    return origin.has_positions() ? Origin{origin.source, origin.position - offset} : origin;
  }
  static Fingerprint run_print(std::uint32_t begin, std::uint32_t end, Origin rebased_origin);

  Origin base_{};
  Written written_;      // only what differs from base_
  Fingerprint print_{};  // of base_ and written_
};

}  // namespace mtesim
