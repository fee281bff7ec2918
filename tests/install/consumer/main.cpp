// mtesim from outside: what README promises a library user belongs here.

#include "model/base/check.h"

int main() {
  const int granule = 16;
  MTESIM_CHECK(granule * 256 == 4096);
}
