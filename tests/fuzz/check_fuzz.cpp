// Bytes as a small system and its environment: the reduced check says what one that leaves nothing out says.

#include <cstddef>
#include <cstdint>

#include "tests/support/reduction.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace mtesim::test;
  if (size > 100) return 0;
  const Patience patience{.lazy_apart = 2, .everywhere_joined = 2, .everywhere_apart = 1, .max_states = 500};
  const Compared compared = compare(std::vector<std::uint8_t>(data, data + size), patience);
  if (!compared.difference.empty()) fmt::print(stderr, "{}\n", compared.difference);
  MTESIM_CHECK(compared.difference.empty());
  return 0;
}
