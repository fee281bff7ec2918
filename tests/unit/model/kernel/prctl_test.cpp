#include "model/kernel/prctl.h"

#include <catch2/catch.hpp>

#include "model/kernel/tcf_request.h"
#include "tests/support/bench.h"

namespace mtesim::test {
namespace {

constexpr std::uint64_t kBoth = kPrMteTcfSync | kPrMteTcfAsync;

TEST_CASE("what prctl sets is what it gets, and what the thread then has", "[unit][prctl]") {
  Bench bench;
  const std::uint64_t ctrl = kPrTaggedAddrEnable | kPrMteTcfSync | std::uint64_t{0xfffe} << kPrMteTagShift;
  CHECK(set_tagged_addr_ctrl(bench.kernel(), {ctrl, 0, 0, 0}) == Errno::ok);
  CHECK(get_tagged_addr_ctrl(bench.kernel(), {}) == static_cast<std::int64_t>(ctrl));
  CHECK(bench.task().tcf == TcfMode::sync);
  CHECK(bench.task().tagged_addr_abi);
  CHECK(bench.task().tag_mask == 0xfffe);
  CHECK(set_tagged_addr_ctrl(bench.kernel(), {0, 0, 0, 0}) == Errno::ok);
  CHECK(get_tagged_addr_ctrl(bench.kernel(), {}) == 0);
  CHECK(bench.task().tcf == TcfMode::none);
  CHECK_FALSE(bench.task().tagged_addr_abi);
}

TEST_CASE("a bit or an argument too many is EINVAL, and changes nothing", "[unit][prctl]") {
  Bench bench;
  const Task before = bench.task();
  const auto arguments = GENERATE(values<PrctlArguments>({{1 | std::uint64_t{1} << 19, 0, 0, 0},
                                                          {1 | std::uint64_t{1} << 20, 0, 0, 0},
                                                          {1 | std::uint64_t{1} << 32, 0, 0, 0},
                                                          {1, 1, 0, 0},
                                                          {1, 0, 1, 0},
                                                          {1, 0, 0, 1}}));
  CHECK(set_tagged_addr_ctrl(bench.kernel(), arguments) == Errno::einval);
  CHECK(bench.task() == before);
  CHECK(get_tagged_addr_ctrl(bench.kernel(), {1, 0, 0, 0}) == -static_cast<std::int64_t>(Errno::einval));
}

TEST_CASE("store-only is a bit of 7.3", "[unit][prctl]") {
  Bench bench{{.revision = "7.3"}};
  CHECK(set_tagged_addr_ctrl(bench.kernel(), {1 | kPrMteStoreOnly, 0, 0, 0}) == Errno::ok);
  CHECK(bench.task().store_only);
}

TEST_CASE("both modes at once are refused up to 5.14", "[unit][prctl]") {
  for (const Revision& revision : revisions()) {
    Bench bench{{.revision = revision.name, .tcf = TcfMode::none}};
    const bool refused = revision.name == "5.10" || revision.name == "5.13" || revision.name == "5.14";
    CAPTURE(revision.name);
    CHECK(set_tagged_addr_ctrl(bench.kernel(), {1 | kBoth, 0, 0, 0}) == (refused ? Errno::einval : Errno::ok));
    CHECK(bench.task().tcf == (refused ? TcfMode::none : TcfMode::async));
  }
}

TEST_CASE("of several modes the CPU takes the one that it prefers", "[unit][prctl]") {
  const Revision& r = *find_revision("6.12");
  CHECK(resolve_tcf(r, {true, true}, TcfMode::async) == TcfMode::async);
  CHECK(resolve_tcf(r, {true, true}, TcfMode::sync) == TcfMode::sync);
  CHECK(resolve_tcf(r, {true, true}, TcfMode::asymm) == TcfMode::asymm);
  CHECK(resolve_tcf(r, {true, false}, TcfMode::asymm) == TcfMode::sync);  // not among what was asked for
  CHECK(resolve_tcf(r, {false, true}, TcfMode::sync) == TcfMode::async);
  CHECK(resolve_tcf(r, {false, false}, TcfMode::async) == TcfMode::none);
  CHECK(resolve_tcf(*find_revision("5.17"), {true, true}, TcfMode::asymm) == TcfMode::async);  // it has no asymm
}

}  // namespace
}  // namespace mtesim::test
