#include "fs_models/userfaultfd_copy.h"

#include <catch2/catch.hpp>

#include "model/mm/fault.h"
#include "tests/support/calls.h"

namespace mtesim::test {
namespace {

constexpr std::uint64_t kPage = 4096;
constexpr std::int64_t kEagain = -11;
constexpr std::int64_t kEfault = -14;
constexpr std::int64_t kEexist = -17;
constexpr std::int64_t kEinval = -22;

/// Pages 0 and 1 of the bench's buffer have contents; those from 2 on are missing.
struct Registered : Bench {
  explicit Registered(Setup setup = {}) : Bench(with_pages(setup)) {
    for (std::uint64_t page = 2; page < 4; ++page) zap_pte(machine(), 0, kFirstPage + page);
  }
  static Setup with_pages(Setup setup) {
    setup.pages = 4;
    return setup;
  }
  [[nodiscard]] CopyLoop loop(std::uint64_t dst, std::uint64_t length, std::uint64_t src = 0) {
    SystemCall call{.kind = CallKind::uffdio_copy};
    call.segments = {{user(src), Bytes{length}}};
    call.remote = {{UserPtr(address(Bytes{dst})), Bytes{length}}};
    return loop_of(call);
  }
  Outcome copy(std::uint64_t dst, std::uint64_t length, std::uint64_t src = 0) {
    const Outcome outcome = carry_out(loop(dst, length, src), kernel());
    CHECK(machine().locks.held().empty());
    return outcome;
  }
};

TEST_CASE("UFFDIO_COPY fills missing pages with the source's bytes and with tags 0", "[unit][userfaultfd]") {
  const auto revision = GENERATE("5.10", "6.1", "7.3");
  Registered bench{{.revision = revision}};
  CHECK(bench.copy(2 * kPage, 2 * kPage) == Outcome{0, 2, false, false});
  CHECK(bench.in_user(2 * kPage, 2 * kPage) == Bench::untouched(0, 2 * kPage));
  CHECK(bench.tag_at(2 * 256 + 5) == Tag{0});
  CHECK(bench.tag_at(5) == Tag{3});
}

TEST_CASE("UFFDIO_COPY takes a source that is not page aligned, and a destination that is", "[unit][userfaultfd]") {
  Registered bench;
  CHECK(bench.copy(2 * kPage, kPage, 100).result == 0);
  CHECK(bench.in_user(2 * kPage, kPage) == Bench::untouched(100, kPage));
  CHECK(bench.copy(3 * kPage + 16, kPage).result == kEinval);
  CHECK(bench.copy(3 * kPage, 100).result == kEinval);
  CHECK(bench.copy(0, kPage, kPage).result == kEexist);
}

TEST_CASE("a page that comes short is copied once more with page faults, and then it is EFAULT",
          "[unit][userfaultfd]") {
  Registered bench;
  bench.spoil_granule(300);
  CHECK(bench.copy(2 * kPage, kPage, kPage) == Outcome{kEfault, 2, false, false});
  CHECK(bench.seen().tag_faults.size() == 2);
  CHECK(bench.pte(2).state == PteState::none);
  CHECK(bench.copy(2 * kPage, 2 * kPage) == Outcome{kEagain, 3, false, false});  // the first page is good
  CHECK(bench.pte(2).state == PteState::present);
  CHECK(bench.pte(3).state == PteState::none);
}

TEST_CASE("what the copy without the lock brought is kept, whatever goes meanwhile", "[unit][userfaultfd]") {
  Registered bench;
  bench.evict_page(0);
  bench.seen().act = [&](const Look& next, Machine& machine) -> std::uint64_t {
    const auto* walk = std::get_if<PageWalk>(&next);
    if (walk != nullptr) CHECK(evict(machine, 0, Bench::kFirstPage));  // just before the page is put in
    return 0;
  };
  CHECK(carry_out_among_others(bench.loop(2 * kPage, kPage), bench.kernel()) == Outcome{0, 2, false, false});
  CHECK(bench.in_user(2 * kPage, kPage) == Bench::untouched(0, kPage));
}

TEST_CASE("a writer that waits for the mmap lock makes UFFDIO_COPY sleep, and try the same again",
          "[unit][userfaultfd]") {
  Registered bench;
  const LockId mmap{LockKind::mmap, 0, 0};
  bench.machine().tasks.push_back(Task{});
  REQUIRE(bench.machine().locks.try_lock(mmap, TaskId{1}, LockMode::exclusive));
  CHECK(carry_out(bench.loop(2 * kPage, kPage), bench.kernel()).blocked);
  CHECK(bench.pte(2).state == PteState::none);
}

TEST_CASE("a fatal signal ends UFFDIO_COPY behind a page", "[unit][userfaultfd]") {
  Registered bench;
  bench.task().pending.fatal = true;
  CHECK(bench.copy(2 * kPage, 2 * kPage) == Outcome{kEagain, 1, false, false});
  bench.task().pending.fatal = true;
  CHECK(bench.copy(3 * kPage, kPage).result == 0);  // all was done
}

}  // namespace
}  // namespace mtesim::test
