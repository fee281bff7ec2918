#include "fs_models/catalogue.h"

#include <catch2/catch.hpp>
#include <set>

#include "tests/support/calls.h"

namespace mtesim::test {
namespace {

/// The loop that serves a call, or "".
std::string_view serves(CallKind kind, std::string_view fs) {
  const LoopEntry* entry = find_loop(transfer(kind, fs, 0, {}));
  return entry == nullptr ? "" : entry->name;
}

TEST_CASE("the call and the file decide which loop it is", "[unit][catalogue]") {
  CHECK(serves(CallKind::read, "tmpfs") == "filemap_read");
  CHECK(serves(CallKind::readv, "xfs") == "filemap_read");
  CHECK(serves(CallKind::write, "tmpfs") == "generic_perform_write");
  CHECK(serves(CallKind::writev, "ext4") == "generic_perform_write");
  CHECK(serves(CallKind::read, "pipe") == "pipe_read");
  CHECK(serves(CallKind::write, "pipe") == "pipe_write");
  CHECK(serves(CallKind::read, "zero") == "read_zero");
  CHECK(serves(CallKind::write, "zero") == "write_null");
  CHECK(serves(CallKind::tree_search, "btrfs") == "btrfs_search_ioctl");
  CHECK(serves(CallKind::tree_search_v2, "btrfs") == "btrfs_search_ioctl");
  CHECK(serves(CallKind::tree_search, "ext4").empty());
}

TEST_CASE("every loop is found by its name, and no two share one", "[unit][catalogue]") {
  std::set<std::string_view> names;
  for (const LoopEntry& entry : catalogue()) {
    CHECK(find_loop(entry.name) == &entry);
    CHECK(names.insert(entry.name).second);
  }
  CHECK(find_loop("generic_perform_read") == nullptr);
}

TEST_CASE("a call is served by at most one loop of the catalogue", "[unit][catalogue]") {
  for (const FileSystem& fs : file_systems()) {
    for (const CallKind kind : {CallKind::read, CallKind::write, CallKind::readv, CallKind::writev,
                                CallKind::tree_search, CallKind::tree_search_v2}) {
      const SystemCall call = transfer(kind, fs.name, 0, {});
      int takers = 0;
      for (const LoopEntry& entry : catalogue()) takers += entry.serves(call) ? 1 : 0;
      CAPTURE(fs.name, call_name(call));
      CHECK(takers <= 1);
    }
  }
}

TEST_CASE("a loop's state is a value: copied, compared, and printed by what it holds", "[unit][catalogue]") {
  struct State {
    std::uint64_t a{};
    std::uint64_t b{};
  };
  LoopState one(State{1, 2});
  const LoopState copy = one;
  CHECK(one == copy);
  one.put(State{2, 1});
  CHECK_FALSE(one == copy);
  CHECK(one.fingerprint() != copy.fingerprint());
  CHECK(copy.get<State>().b == 2);
  one.put(State{});
  CHECK(one == LoopState{});
  CHECK(one.fingerprint() == LoopState{}.fingerprint());
}

}  // namespace
}  // namespace mtesim::test
