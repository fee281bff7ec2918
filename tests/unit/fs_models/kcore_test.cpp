#include "fs_models/kcore.h"

#include <catch2/catch.hpp>

#include "tests/support/calls.h"

namespace mtesim::test {
namespace {

constexpr std::uint64_t kPage = 4096;
constexpr std::int64_t kEfault = -14;

CopyLoop read_loop(UserSegments buffer, std::uint64_t position = 0) {
  SystemCall call = transfer(CallKind::readv, "kcore", 0, std::move(buffer), position);
  call.file_size = Bytes{64 * kPage};
  return loop_of(call);
}

TEST_CASE("a read of /proc/kcore ends, hangs and faults as it did on real kernels", "[unit][kcore]") {
  struct Row {
    std::uint64_t length;
    std::uint64_t bad;  // offset
    std::uint64_t clean_rounds;
    std::uint64_t faults_a_round;  // the second is the one-byte try
  };
  const auto row = GENERATE(values<Row>({{4096, 2048, 0, 1}, {4096, 0, 0, 2}, {16384, 10240, 2, 1}}));
  const auto revision = GENERATE("5.10", "6.1", "6.12", "7.3");
  const bool nofault = find_revision(revision)->read_kcore_copy == KcoreCopy::nofault;
  Bench bench{{.revision = revision, .pages = 4}};
  bench.spoil_granule(row.bad / 16);
  CAPTURE(revision, row.bad);
  const Outcome outcome = carry_out(read_loop({{bench.user(), Bytes{row.length}}}), bench.kernel());
  CHECK(outcome.livelock == nofault);
  CHECK(bench.seen().tag_faults.size() == row.faults_a_round * (outcome.rounds - row.clean_rounds));
  if (!nofault) {
    CHECK(outcome.result == kEfault);  // whatever was read
    CHECK(bench.machine().locks.held().empty());
  }
  CHECK(bench.in_user(0, row.clean_rounds * kPage) == kernel_made(0, row.clean_rounds * kPage));
}

TEST_CASE("a read of /proc/kcore goes by pages of the file, and ends with the area", "[unit][kcore]") {
  const auto revision = GENERATE("5.10", "6.12", "7.3");
  Bench bench{{.revision = revision, .pages = 4}};
  CHECK(carry_out(read_loop({{bench.user(8), Bytes{10000}}}, 100), bench.kernel()) == Outcome{10000, 3, false, false});
  CHECK(bench.in_user(8, 10000) == kernel_made(100, 10000));
  CHECK(carry_out(read_loop({{bench.user(), Bytes{10000}}}, 63 * kPage + 96), bench.kernel()).result == 4000);
  CHECK(carry_out(read_loop({{bench.user(), Bytes{10000}}}, 64 * kPage), bench.kernel()).result == 0);
  CHECK(bench.machine().locks.held().empty());
}

TEST_CASE("the livelock of /proc/kcore ends with a fatal signal, in the software walk", "[unit][kcore]") {
  Bench bench{{.revision = "7.3"}};
  bench.spoil_granule(128);
  std::uint64_t checks = 0;
  bench.seen().act = [&](const Look& next, Machine& machine) -> std::uint64_t {
    if (std::holds_alternative<SignalCheck>(next) && ++checks == 5) machine.tasks[0].pending.fatal = true;
    return 0;
  };
  CHECK(carry_out_among_others(read_loop({{bench.user(), Bytes{kPage}}}), bench.kernel()) ==
        Outcome{kEfault, 5, false, false});
  CHECK(bench.machine().locks.held().empty());
}

TEST_CASE("pages that are not there are brought in, and the read goes on", "[unit][kcore]") {
  Bench bench{{.revision = "6.12", .pages = 2, .tag = Tag{0}, .present = false}};
  CHECK(carry_out(read_loop({{bench.user(), Bytes{2 * kPage}}}), bench.kernel()) ==
        Outcome{2 * kPage, 4, false, false});
  CHECK(bench.in_user(0, 2 * kPage) == kernel_made(0, 2 * kPage));
}

TEST_CASE("segments within a page make the cursor run ahead of what was copied", "[unit][kcore]") {
  Bench bench{{.revision = "7.3", .pages = 2}};
  SECTION("so that good bytes arrive from the wrong place before it ends") {
    bench.spoil_granule(320);  // byte 2048 of the second segment
    const CopyLoop loop = read_loop({{bench.user(), Bytes{1024}}, {bench.user(3072), Bytes{3072}}});
    CHECK(carry_out(loop, bench.kernel()) == Outcome{kEfault, 3, false, false});
    CHECK(bench.in_user(0, 1024) == kernel_made(0, 1024));
    CHECK(bench.in_user(3072, 2048) == kernel_made(2048, 2048));  // 1024 was due
  }
  SECTION("which a first segment of which nothing is copied does not") {
    bench.spoil_granule(3);
    const CopyLoop loop = read_loop({{bench.user(), Bytes{1024}}, {bench.user(3072), Bytes{3072}}});
    CHECK(carry_out(loop, bench.kernel()).livelock);
  }
}

TEST_CASE("a probe that sees tags ends the read of /proc/kcore", "[unit][kcore]") {
  Bench bench{{.revision = "7.3", .change = {{"read_kcore.probe", "fault_in_subpage_writeable"}}}};
  bench.spoil_granule(128);
  CHECK(carry_out(read_loop({{bench.user(), Bytes{kPage}}}), bench.kernel()) == Outcome{kEfault, 1, false, false});
}

}  // namespace
}  // namespace mtesim::test
