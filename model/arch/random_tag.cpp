#include "model/arch/random_tag.h"

namespace mtesim {

Tag choose_tag(Tag start, unsigned steps, std::uint16_t include) {
  if (include == 0) return Tag{0};
  const auto included = [&](unsigned tag) { return (include >> tag & 1) != 0; };
  unsigned tag = start.bits;
  if (steps == 0) {
    while (!included(tag)) tag = (tag + 1) % kTagValues;
  }
  for (; steps > 0; --steps) {
    do {
      tag = (tag + 1) % kTagValues;
    } while (!included(tag));
  }
  return Tag{static_cast<std::uint8_t>(tag)};
}

Tag insert_random_tag(RandomTagRegister& rgsr, std::uint16_t include) {
  unsigned steps = 0;
  for (unsigned i = 0; i < 4; ++i) {
    const unsigned s = rgsr.seed;
    const unsigned top = (s >> 5 ^ s >> 3 ^ s >> 2 ^ s) & 1;
    rgsr.seed = static_cast<std::uint16_t>(top << 15 | s >> 1);
    steps |= top << i;
  }
  rgsr.tag = choose_tag(rgsr.tag, steps, include);
  return rgsr.tag;
}

}  // namespace mtesim
