#include "sim/scenario/build.h"

#include <catch2/catch.hpp>
#include <functional>

#include "model/mm/mmap.h"
#include "sim/run/run.h"
#include "tests/unit/sim/scenario/full_example.h"

namespace mtesim::test {
namespace {

using Catch::Matchers::Contains;

/// Applies `change` to `example`, which must then be refused at `pointer` with all of `words`.
struct Refusal {
  std::string name;
  std::function<void(Json&)> change;
  std::string pointer;
  std::vector<std::string> words;
};

void check_refused(Json example, const Refusal& refusal) {
  CAPTURE(refusal.name);
  refusal.change(example);
  const std::vector<Complaint> wrong = complaints(example);
  REQUIRE(wrong.size() == 1);
  CHECK(wrong[0].place.pointer == refusal.pointer);
  CHECK(wrong[0].place.line > 0);
  CHECK(wrong[0].place.column > 0);
  for (const std::string& word : refusal.words) CHECK_THAT(wrong[0].what, Contains(word));
}

TEST_CASE("what does not fit together is refused at its place", "[unit][scenario]") {
  const std::vector<Refusal> refusals = {
      {"an unknown mapping",
       [](Json& j) { j["calls"][0]["buffer"] = "bug+0"; },
       "/calls/0/buffer",
       {"\"bug\"", "did you mean \"buf\"?"}},
      {"an unknown file", [](Json& j) { j["calls"][0]["read"] = "y"; }, "/calls/0/read", {"\"y\"", "allowed: z"}},
      {"an unknown mapping of an action",
       [](Json& j) { j["environment"] = Json::parse(R"([{"action": "evict", "where": "buff"}])"); },
       "/environment/0/where",
       {"did you mean \"buf\"?"}},
      {"an unknown file of an action",
       [](Json& j) { j["environment"] = Json::parse(R"([{"action": "evict_file_page", "file": "q"}])"); },
       "/environment/0/file",
       {"\"q\""}},
      {"caches without whole sets",
       [](Json& j) { j["machine"] = Json::parse(R"({"cpu_change": {"l2_bytes": 100000, "l2_ways": 8}})"); },
       "/machine/cpu_change",
       {"l2: 1562 lines in 8 ways"}},
      {"more ways than a cache can have",
       [](Json& j) { j["machine"] = Json::parse(R"({"cpu_change": {"l1_tlb_entries": 64, "l1_tlb_ways": 32}})"); },
       "/machine/cpu_change",
       {"l1_tlb: found 32 ways; allowed: 1 to 16"}},
      {"a tag without PROT_MTE", [](Json& j) { j["memory"][0]["prot"] = "rw"; }, "/memory/0/tag", {"PROT_MTE", "rwt"}},
      {"tags without PROT_MTE",
       [](Json& j) {
         j["memory"][0] = Json::parse(R"({"name": "buf", "pages": 1, "tags": [{"granules": "0", "tag": 1}]})");
       },
       "/memory/0/tags",
       {"PROT_MTE"}},
      {"a buffer that begins behind its mapping",
       [](Json& j) { j["calls"][0]["buffer"] = "buf+4097"; },
       "/calls/0/buffer",
       {"4097", "4096 bytes"}},
      {"a granule behind the mapping",
       [](Json& j) { j["memory"][0]["tags"] = Json::parse(R"([{"granules": "256", "tag": 1}])"); },
       "/memory/0/tags/0/granules",
       {"256", "0 to 255"}},
      {"granules backwards",
       [](Json& j) { j["memory"][0]["tags"] = Json::parse(R"([{"granules": "3..1", "tag": 1}])"); },
       "/memory/0/tags/0/granules",
       {"3 down to 1"}},
      {"tags of pages that are not there",
       [](Json& j) {
         j["memory"][0]["present"] = false;
         j["memory"][0]["tags"] = Json::parse(R"([{"granules": "0", "tag": 1}])");
       },
       "/memory/0/tags/0",
       {"not present"}},
      {"a page behind the mapping",
       [](Json& j) { j["memory"][0]["states"] = Json::parse(R"([{"pages": "1", "state": "swapped"}])"); },
       "/memory/0/states/0/pages",
       {"1 pages"}},
      {"a shared page that is copied on write",
       [](Json& j) {
         j["memory"][0]["kind"] = "shared_anonymous";
         j["memory"][0]["states"] = Json::parse(R"([{"pages": "0", "state": "cow"}])");
       },
       "/memory/0/states/0/state",
       {"shared"}},
      {"a shared page that is the zero page",
       [](Json& j) {
         j["memory"][0]["kind"] = "tmpfs";
         j["memory"][0]["states"] = Json::parse(R"([{"pages": "0", "state": "zero_page"}])");
       },
       "/memory/0/states/0/state",
       {"page 0"}},
      {"tags in a mapping that is not there yet",
       [](Json& j) {
         j["memory"].push_back(Json::parse(R"({"name": "m", "pages": 1, "prot": "rwt", "tag": 3, "mapped": false})"));
       },
       "/memory/1",
       {"not there yet"}},
      {"huge pages from the start",
       [](Json& j) { j["memory"].push_back(Json::parse(R"({"name": "h", "pages": 1, "kind": "hugetlb"})")); },
       "/memory/1/kind",
       {"huge pages", "mapped"}},
      {"a child that nobody forked",
       [](Json& j) { j["calls"].push_back(Json::parse(R"({"user": "ldg", "buffer": "buf+0", "in": "child"})")); },
       "/calls/1/in",
       {"fork"}},
      {"tags of a child that nobody forked",
       [](Json& j) {
         j["calls"].push_back(Json::parse(R"({"ptrace": "PTRACE_POKEMTETAGS", "buffer": "buf+0", "values": [1]})"));
       },
       "/calls/1",
       {"fork"}},
      {"a fork in an environment",
       [](Json& j) {
         j["calls"].push_back(Json::parse(R"({"call": "fork"})"));
         j["environment"] = Json::parse(R"([{"action": "signal"}])");
       },
       "/calls/1",
       {"environment"}},
      {"mmap of what is there from the start",
       [](Json& j) { j["calls"].push_back(Json::parse(R"({"call": "mmap", "mapping": "buf"})")); },
       "/calls/1/mapping",
       {"\"buf\"", "mapped"}},
      {"a hole in a file on a disk",
       [](Json& j) {
         j["files"].push_back(Json::parse(R"({"name": "f", "fs": "ext4", "size_bytes": 4096})"));
         j["memory"].push_back(Json::parse(R"({"name": "m", "pages": 1, "kind": "file", "file": "f"})"));
         j["calls"].push_back(
             Json::parse(R"({"call": "madvise", "buffer": "m+0", "length_bytes": 4096, "advice": "MADV_REMOVE"})"));
       },
       "/calls/1/advice",
       {"tmpfs"}},
      {"truncation of what is not on tmpfs",
       [](Json& j) { j["calls"].push_back(Json::parse(R"({"call": "ftruncate", "file": "z", "size_bytes": 0})")); },
       "/calls/1/file",
       {"tmpfs"}},
      {"a mapping's name twice",
       [](Json& j) { j["memory"].push_back(Json::parse(R"({"name": "buf", "pages": 1})")); },
       "/memory/1/name",
       {"\"buf\" a second time"}},
      {"a file's name twice",
       [](Json& j) { j["files"].push_back(Json::parse(R"({"name": "z", "fs": "ext4"})")); },
       "/files/1/name",
       {"\"z\" a second time"}},
      {"more pages in all than allowed",
       [](Json& j) { j["memory"].push_back(Json::parse(R"({"name": "b", "pages": 65536})")); },
       "/memory/1/pages",
       {"65537 pages in all", "65536"}},
      {"asymm where there is none",
       [](Json& j) {
         j["kernel"] = Json::parse(R"({"revision": "5.10"})");
         j["process"] = Json::parse(R"({"tcf": "asymm"})");
       },
       "/process/tcf",
       {"5.10", "mte.asymm"}},
      {"store_only where there is none",
       [](Json& j) {
         j["kernel"] = Json::parse(R"({"revision": "6.12"})");
         j["process"] = Json::parse(R"({"store_only": true})");
       },
       "/process/store_only",
       {"6.12", "mte.store_only"}},
      {"PROT_MTE on a file of a disk",
       [](Json& j) {
         j["files"].push_back(Json::parse(R"({"name": "f", "fs": "ext4", "size_bytes": 4096})"));
         j["memory"].push_back(Json::parse(R"({"name": "m", "kind": "file", "file": "f", "pages": 1, "prot": "rwt"})"));
       },
       "/memory/1/prot",
       {"PROT_MTE"}},
      {"a mapping of a file that is not named",
       [](Json& j) { j["memory"].push_back(Json::parse(R"({"name": "m", "kind": "file", "pages": 1})")); },
       "/memory/1",
       {"file"}},
      {"a mapping of what cannot be mapped",
       [](Json& j) { j["memory"].push_back(Json::parse(R"({"name": "m", "kind": "file", "file": "z", "pages": 1})")); },
       "/memory/1/file",
       {"cannot be mapped"}},
      {"a file for an anonymous mapping", [](Json& j) { j["memory"][0]["file"] = "z"; }, "/memory/0/file", {"none"}},
      {"a loop that is not modelled",
       [](Json& j) {
         j["files"][0] = Json::parse(R"({"name": "z", "fs": "pagemap"})");
         j["calls"][0] = Json::parse(R"({"write": "z", "buffer": "buf", "count_bytes": 1})");
       },
       "/calls/0",
       {"write on pagemap", "not modelled"}},
      {"a search of what has no tree",
       [](Json& j) {
         j["calls"][0] = Json::parse(R"({"ioctl": "BTRFS_IOC_TREE_SEARCH", "file": "z", "buffer": "buf"})");
       },
       "/calls/0",
       {"not modelled"}},
      {"a tree elsewhere than on btrfs",
       [](Json& j) { j["files"][0]["tree"] = Json::parse(R"([{"items": 1, "item_size_bytes": 1}])"); },
       "/files/0/tree",
       {"only btrfs"}},
      {"a pipe that is too full",
       [](Json& j) { j["files"].push_back(Json::parse(R"({"name": "p", "fs": "pipe", "size_bytes": 65537})")); },
       "/files/1/size_bytes",
       {"65536"}},
      {"a page size that arm64 has not",
       [](Json& j) { j["machine"] = Json::parse(R"({"page_size": 8192})"); },
       "/machine/page_size",
       {"8192", "16384"}},
      {"two placements before the call",
       [](Json& j) {
         j["environment"] = Json::parse(R"([{"action": "retag", "where": "buf", "budget": 1, "when": "before_call"},
                                            {"action": "retag", "where": "buf", "budget": 1, "when": "before_call"}])");
       },
       "/environment/1",
       {"second"}},
      {"a placement without a budget",
       [](Json& j) {
         j["environment"] = Json::parse(R"([{"action": "retag", "where": "buf", "when": "before_call"}])");
       },
       "/environment/0",
       {"budget"}},
  };
  REQUIRE(complaints(small_example()).empty());
  for (const Refusal& refusal : refusals) check_refused(small_example(), refusal);
}

TEST_CASE("values out of range are refused by the reader", "[unit][scenario]") {
  const std::vector<Refusal> refusals = {
      {"a billion pages", [](Json& j) { j["memory"][0]["pages"] = 1'000'000'000; }, "/memory/0/pages", {"65536"}},
      {"no pages", [](Json& j) { j["memory"][0]["pages"] = 0; }, "/memory/0/pages", {"1"}},
      {"tag 16", [](Json& j) { j["memory"][0]["tag"] = 16; }, "/memory/0/tag", {"15"}},
      {"a misspelt mode",
       [](Json& j) { j["process"] = Json::parse(R"({"tcf": "sinc"})"); },
       "/process/tcf",
       {"\"sinc\"", "did you mean \"sync\"?"}},
      {"a misspelt knob",
       [](Json& j) { j["kernel"] = Json::parse(R"({"change": {"uaccess.mopz": "on"}})"); },
       "/kernel/change",
       {"\"uaccess.mopz\"", "did you mean \"uaccess.mops\"?"}},
      {"a knob's value",
       [](Json& j) { j["kernel"] = Json::parse(R"({"change": {"uaccess.mops": "maybe"}})"); },
       "/kernel/change/uaccess.mops",
       {"\"maybe\""}},
      {"a misspelt key", [](Json& j) { j["memmory"] = 1; }, "", {"\"memmory\"", "did you mean \"memory\"?"}},
  };
  for (const Refusal& refusal : refusals) check_refused(small_example(), refusal);
}

TEST_CASE("the last buffer that fits begins at the end of its mapping", "[unit][scenario]") {
  Json example = small_example();
  example["calls"][0]["buffer"] = "buf+4096";
  CHECK(complaints(example).empty());
}

TEST_CASE("a leaf holds what a node of 16 KiB holds, and not an item more", "[unit][scenario]") {
  Json example = full_example();
  example.erase("sweep");
  // 101 bytes of header, 25 and the data an item: 4 items of 4045 bytes are 16381 bytes.
  example["files"][0]["tree"] = Json::parse(R"([{"items": 4, "item_size_bytes": 4045}])");
  CHECK(complaints(example).empty());
  example["files"][0]["tree"] = Json::parse(R"([{"items": 4, "item_size_bytes": 4046}])");
  const std::vector<Complaint> wrong = complaints(example);
  REQUIRE(wrong.size() == 1);
  CHECK(wrong[0].place.pointer == "/files/0/tree/0");
  CHECK_THAT(wrong[0].what, Contains("16385"));
}

TEST_CASE("all that is wrong is told at once", "[unit][scenario]") {
  Json example = small_example();
  example["calls"][0]["buffer"] = "bug";
  example["calls"][0]["read"] = "y";
  example["machine"] = Json::parse(R"({"page_size": 5000})");
  CHECK(complaints(example).size() == 3);
}

TEST_CASE("a what-if allows a mode that the kernel does not", "[unit][scenario]") {
  Json example = small_example();
  example["kernel"] = Json::parse(R"({"revision": "5.10", "change": {"mte.asymm": "on"}})");
  example["process"] = Json::parse(R"({"tcf": "asymm"})");
  CHECK(complaints(example).empty());
}

TEST_CASE("a scenario may change figures of its CPU", "[unit][scenario]") {
  Json example = small_example();
  example["machine"] = Json::parse(R"({"cpu": "cortex-a510", "cpu_change": {"dram_cycles": 999}})");
  Cpu expected = find_cpu("cortex-a510")->cpu;
  CHECK(built(example).cpu != expected);
  expected.dram_cycles = 999;
  CHECK(built(example).cpu == expected);
  CHECK(built(example).check.costs->new_line == 999);
}

TEST_CASE("a machine is built as the file says", "[unit][scenario]") {
  Json example = small_example();
  example["memory"] = Json::parse(R"([
      {"name": "buf", "pages": 9, "prot": "rwt", "tag": 5, "tags": [{"granules": "0..6 step 3", "tag": 9}],
       "states": [{"pages": "1", "state": "not_present"}, {"pages": "2", "state": "zero_page"},
                  {"pages": "3", "state": "swapped"}, {"pages": "4", "state": "cow"},
                  {"pages": "5", "state": "read_only"}, {"pages": "6", "state": "prot_none"},
                  {"pages": "7", "state": "unmapped"}]},
      {"name": "shm", "kind": "tmpfs", "pages": 1, "prot": "rt", "present": false}])");
  const Built b = built(example);
  const Machine& m = b.workload.start;
  const AddressSpace& space = *m.spaces[0];
  const auto pte = [&](std::uint64_t page) { return space.pte(m.page_index(b.names.mappings[0].begin) + page); };
  const auto tag = [&](std::uint64_t granule) { return load_tag(m, 0, b.names.mappings[0].begin + 16 * granule).bits; };
  CHECK(tag(0) == 9);
  CHECK(tag(1) == 5);
  CHECK(tag(3) == 9);
  CHECK(tag(6) == 9);
  CHECK(tag(9) == 5);
  CHECK(pte(0).state == PteState::present);
  CHECK(pte(1).state == PteState::none);
  CHECK(pte(2).state == PteState::zero);
  CHECK(pte(3).state == PteState::swapped);
  CHECK(tag(3 * 256) == 5);  // its tags are with it
  CHECK(m.folio(pte(4).folio).maps == 2);
  CHECK_FALSE(pte(4).writable);
  CHECK_FALSE(space.find(b.names.mappings[0].begin + 5 * 4096)->prot.write);
  CHECK_FALSE(space.find(b.names.mappings[0].begin + 6 * 4096)->prot.read);
  CHECK(space.find(b.names.mappings[0].begin + 7 * 4096) == nullptr);
  CHECK(pte(8).writable);
  CHECK(b.names.mappings[1].begin == b.names.mappings[0].end + 4096);  // a hole between two
  CHECK(space.find(b.names.mappings[0].end) == nullptr);
  CHECK(space.find(b.names.mappings[1].begin)->shared);
  CHECK_FALSE(space.find(b.names.mappings[1].begin)->prot.write);
  CHECK(m.fingerprint() == m.recomputed_fingerprint());
}

TEST_CASE("things are called by their names", "[unit][scenario]") {
  const Built b = built(small_example());
  const std::uint64_t begin = b.names.mappings[0].begin;
  CHECK(b.names.of(UserPtr(begin + 17, Tag{5})) == "buf+17");
  CHECK(b.names.of(UserPtr(begin + 4095, Tag{5})) == "buf+4095");
  CHECK_THAT(b.names.of(UserPtr(begin + 4096, Tag{5})), Contains("0x5"));
  REQUIRE(b.loops.size() == 1);
  CHECK(b.loops[0]->name == "read_zero");
}

TEST_CASE("calls are made one after another and what they return is kept in order", "[unit][scenario]") {
  Json example = small_example();
  example["calls"].push_back(Json::parse(R"({"write": "z", "buffer": "buf", "count_bytes": 7})"));
  example["calls"].push_back(Json::parse(R"({"read": "z", "buffer": "buf+4096", "count_bytes": 8, "pointer_tag": 5})"));
  const RunResult result = run(built(example).workload, {});
  CHECK(result.results == std::vector<std::vector<std::int64_t>>{{64, 7, -14}});
}

TEST_CASE("check options are what the file says", "[unit][scenario]") {
  Json example = small_example();
  example["check"] = Json::parse(R"({"max_states": 77, "whole": true})");
  example["environment"] = Json::parse(R"([{"action": "retag", "where": "buf", "budget": 3}, {"action": "signal"}])");
  const Built b = built(example);
  CHECK(b.check.max_states == 77);
  CHECK_FALSE(b.check.stop_at_livelock);
  REQUIRE(b.check.actions.size() == 2);
  CHECK(b.check.actions[0].kind == ActionKind::retag);
  CHECK(b.check.actions[0].budget == 3);
  CHECK(b.check.actions[0].begin == b.names.mappings[0].begin);
  CHECK(b.check.actions[0].end == b.names.mappings[0].end);
  CHECK(b.check.actions[1].budget == Action::kUnbounded);
}

}  // namespace
}  // namespace mtesim::test
