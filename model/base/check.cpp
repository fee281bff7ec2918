#include "model/base/check.h"

#include <cstdio>
#include <cstdlib>

namespace mtesim {

void check_failed(const char* condition, const char* file, int line) {
  std::fprintf(stderr, "mtesim: internal error: %s:%d: %s does not hold\n", file, line, condition);
  std::abort();
}

}  // namespace mtesim
