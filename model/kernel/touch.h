#pragma once

#include "model/kernel/kernel.h"
#include "model/mm/provenance.h"

namespace mtesim {

/// How far a run of uaccess got.
struct Touched {
  std::uint64_t done{};  ///< accesses carried out
  bool faulted{};        ///< the next one went to the exception table
};

/// Who makes the accesses: decides which PSTATE.TCO counts and where a tag check fault goes.
enum class Accessor : std::uint8_t {
  uaccess,
  user_mode,
  tag_instruction,  ///< STG and LDG in user mode: translation and permission count, tags are not checked
  privileged,  ///< exclusive loads and stores of futexes: by the kernel's own rights, unchecked, an uaccess otherwise
};

/// Carries out a run of accesses through the user's pointer, one by one as far as anybody can tell: the world may act
/// before each, page faults are handled unless they are disabled, and a tag check fault goes straight to the exception
/// table whether they are or not.
/// Assumes: a page that was just faulted in stays until the access that wanted it has been made.
/// Effects: a store writes `stored` (exactly run.span() bytes of a run without gaps; nullptr stores nothing), a load
///          appends what it read to `loaded`, if given.
/// Source:  [linux-fault], [linux-extable].
Touched touch(Kernel& k, const AccessRun& run, const Provenance* stored, Provenance* loaded,
              Accessor accessor = Accessor::uaccess, AccessFault* fault = nullptr);

}  // namespace mtesim
