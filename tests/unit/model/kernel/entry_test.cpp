#include <catch2/catch.hpp>

#include "model/kernel/kernel.h"
#include "tests/support/bench.h"

namespace mtesim::test {
namespace {

/// What a one-byte uaccess to a granule with another tag comes to.
enum class Uaccess { passes, passes_recorded, faults };

Uaccess uaccess_to_bad_granule(const Setup& setup, AccessKind kind) {
  Bench bench{setup};
  bench.spoil_granule(1);
  Provenance value;
  const Errno done = kind == AccessKind::load ? get_user(bench.kernel(), value, bench.user(16), Bytes{1})
                                              : put_user(bench.kernel(), bench.user(16), kernel_made(0, 1));
  CHECK((done == Errno::efault) == (bench.seen().tag_faults.size() == 1));
  if (done != Errno::ok) return Uaccess::faults;
  return bench.task().tfsre0 ? Uaccess::passes_recorded : Uaccess::passes;
}

TEST_CASE("the mode of the calling thread decides whether a uaccess is checked", "[unit][entry][tcf]") {
  constexpr auto kPasses = Uaccess::passes;
  constexpr auto kRecorded = Uaccess::passes_recorded;
  constexpr auto kFaults = Uaccess::faults;
  struct Row {
    std::string_view revision;
    TcfMode mode;
    bool store_only;
    Uaccess load;
    Uaccess store;
  };
  const auto row = GENERATE(values<Row>({
      {"5.10", TcfMode::none, false, kPasses, kPasses},
      {"5.10", TcfMode::sync, false, kFaults, kFaults},
      {"5.10", TcfMode::async, false, kRecorded, kRecorded},
      {"5.17", TcfMode::none, false, kPasses, kPasses},
      {"5.17", TcfMode::sync, false, kFaults, kFaults},
      {"5.17", TcfMode::async, false, kRecorded, kRecorded},
      {"6.1", TcfMode::none, false, kPasses, kPasses},
      {"6.1", TcfMode::sync, false, kFaults, kFaults},
      {"6.1", TcfMode::async, false, kPasses, kPasses},  // TCO stays set: not even recorded
      {"6.1", TcfMode::asymm, false, kFaults, kRecorded},
      {"7.3", TcfMode::async, false, kPasses, kPasses},
      {"7.3", TcfMode::asymm, false, kFaults, kRecorded},
      {"7.3", TcfMode::sync, true, kPasses, kFaults},
      {"7.3", TcfMode::none, true, kPasses, kPasses},
  }));
  const Setup setup{.revision = row.revision, .tcf = row.mode, .store_only = row.store_only};
  CHECK(uaccess_to_bad_granule(setup, AccessKind::load) == row.load);
  CHECK(uaccess_to_bad_granule(setup, AccessKind::store) == row.store);
}

TEST_CASE("kernel entry always cleared TCO, until it did so for SYNC and ASYMM alone", "[unit][entry][tcf]") {
  for (const Revision& revision : revisions()) {
    const bool always = revision.tco_on_entry == TcoOnEntry::always_cleared;
    for (const TcfMode mode : {TcfMode::none, TcfMode::sync, TcfMode::async, TcfMode::asymm}) {
      const bool synchronous = mode == TcfMode::sync || mode == TcfMode::asymm;
      Bench bench{{.revision = revision.name, .tcf = mode}};
      CHECK(bench.task().kernel_tco == !(always || synchronous));
    }
  }
  CHECK(find_revision("5.17")->tco_on_entry == TcoOnEntry::always_cleared);
  CHECK(find_revision("5.19")->tco_on_entry == TcoOnEntry::cleared_for_sync_or_asymm);
}

TEST_CASE("user space's own TCO does not reach uaccess, nor the kernel's user space", "[unit][entry]") {
  Bench bench{{.tcf = TcfMode::sync}};
  bench.spoil_granule(0);
  bench.task().user_tco = true;
  CHECK(put_user(bench.kernel(), bench.user(), kernel_made(0, 1)) == Errno::efault);
  CHECK_FALSE(access_from_user(bench.kernel(), {bench.user(), 1, 1, 1, AccessKind::store}).faulted);
  bench.task().user_tco = false;
  bench.task().kernel_tco = true;
  CHECK(put_user(bench.kernel(), bench.user(), kernel_made(0, 1)) == Errno::ok);
  CHECK(access_from_user(bench.kernel(), {bench.user(), 1, 1, 1, AccessKind::store}).faulted);
}

TEST_CASE("a user program's synchronous mismatch stops it at the access", "[unit][entry]") {
  Bench bench{{.tcf = TcfMode::sync}};
  bench.spoil_granule(2);
  const UserAccess done = access_from_user(bench.kernel(), {bench.user(), 8, 8, 10, AccessKind::store});
  CHECK(done.done == 4);
  CHECK(done.faulted);
  CHECK(done.fault.kind == FaultKind::tag);
  CHECK(done.fault.address == bench.user(32));  // with its tag
  CHECK(bench.in_user(32, 8) == Bench::untouched(32, 8));
  CHECK(bench.in_user(24, 8) != Bench::untouched(24, 8));
}

TEST_CASE("a user program's page faults are handled, whatever the kernel has disabled", "[unit][entry]") {
  Bench bench{{.present = false}};
  bench.task().pagefault_disabled = 1;
  const AccessRun run{UserPtr(bench.address({}), Tag{0}), 8, 8, 512, AccessKind::store};
  CHECK(access_from_user(bench.kernel(), run).done == 512);
  CHECK(bench.seen().page_faults.size() == 1);
}

TEST_CASE("a user program that leaves its memory is stopped by a page fault that failed", "[unit][entry]") {
  Bench bench;
  const UserAccess done = access_from_user(bench.kernel(), {bench.user(4088), 8, 8, 2, AccessKind::load});
  CHECK(done.done == 1);
  CHECK(done.fault.kind == FaultKind::translation);
  CHECK(done.fault.address == bench.user(4096));
}

TEST_CASE("asynchronous mismatches pile up in one flag, and become one signal on kernel entry", "[unit][entry]") {
  Bench bench{{.tcf = TcfMode::async}};
  bench.spoil_granule(1);
  const auto user_store = [&](std::uint64_t at) {
    CHECK_FALSE(access_from_user(bench.kernel(), {bench.user(at), 8, 8, 1, AccessKind::store}).faulted);
  };
  user_store(8);  // the last good one
  CHECK_FALSE(bench.task().tfsre0);
  enter_kernel(bench.kernel());
  CHECK_FALSE(bench.task().pending.mteaerr);
  leave_kernel(bench.kernel());

  user_store(16);
  CHECK(bench.task().tfsre0);
  user_store(24);
  user_store(0);  // a clean access forgets nothing
  CHECK(bench.task().tfsre0);
  enter_kernel(bench.kernel());
  CHECK(bench.task().pending.mteaerr);
  CHECK_FALSE(bench.task().tfsre0);

  bench.task().pending.mteaerr = false;  // delivered
  leave_kernel(bench.kernel());
  enter_kernel(bench.kernel());
  CHECK_FALSE(bench.task().pending.mteaerr);
}

TEST_CASE("what uaccess recorded is lost on the way out", "[unit][entry]") {
  Bench bench{{.revision = "5.10", .tcf = TcfMode::async}};
  bench.spoil_granule(0);
  REQUIRE(put_user(bench.kernel(), bench.user(), kernel_made(0, 1)) == Errno::ok);
  CHECK(bench.task().tfsre0);
  leave_kernel(bench.kernel());
  CHECK_FALSE(bench.task().tfsre0);
  enter_kernel(bench.kernel());
  CHECK_FALSE(bench.task().pending.mteaerr);
}

TEST_CASE("a fatal signal counts for both questions, one with a handler for one", "[unit][entry]") {
  Bench bench;
  CHECK_FALSE(fatal_signal_pending(bench.kernel()));
  CHECK_FALSE(signal_pending(bench.kernel()));
  bench.task().pending.other = true;
  CHECK_FALSE(fatal_signal_pending(bench.kernel()));
  CHECK(signal_pending(bench.kernel()));
  bench.task().pending.other = false;
  bench.task().pending.fatal = true;
  CHECK(fatal_signal_pending(bench.kernel()));
  CHECK(signal_pending(bench.kernel()));
}

TEST_CASE("page faults stay disabled until the outermost of nested sections ends", "[unit][entry]") {
  Bench bench;
  {
    const PagefaultDisabled outer(bench.kernel());
    { const PagefaultDisabled inner(bench.kernel()); }
    CHECK(bench.task().pagefault_disabled == 1);
  }
  CHECK(bench.task().pagefault_disabled == 0);
}

}  // namespace
}  // namespace mtesim::test
