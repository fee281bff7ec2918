#include "fs_models/fiemap.h"

#include <catch2/catch.hpp>

#include "tests/support/file_calls.h"

namespace mtesim::test {
namespace {

constexpr std::uint64_t kPage = 4096;
constexpr std::int64_t kEfault = -14;

/// FIEMAP with the argument at `offset` of the buffer and room for `room` extents, of a file that has `extents`.
Outcome fiemap(Bench& bench, std::string_view fs, std::uint64_t offset, std::uint64_t room, std::uint64_t extents) {
  SystemCall call;
  call.kind = CallKind::fiemap;
  call.fs = find_file_system(fs);
  call.object = add_disk_file(bench, fs, 16 * kPage);
  call.segments = {{bench.user(offset), Fiemap::kHeader + Fiemap::kExtent * room}};
  call.extent_count = room;
  call.file_extents = extents;
  const Outcome outcome = carry_out(loop_of(call), bench.kernel());
  if (!outcome.livelock) CHECK(bench.machine().locks.held().empty());
  return outcome;
}

TEST_CASE("as many extents are filled in as there is room for, or as the file has", "[unit][fiemap]") {
  const auto fs = GENERATE("ext4", "xfs", "btrfs", "gfs2");
  const auto revision = GENERATE("5.10", "7.3");
  const std::uint64_t room = GENERATE(1, 3);
  Bench bench{{.revision = revision}};
  CHECK(fiemap(bench, fs, 16, room, 2).result == 0);
  const std::uint64_t filled = room == 1 ? 1 : 2;
  CHECK(bench.changed_prefix(16) == 32 + 56 * filled);
  CHECK(bench.in_user(16 + 20, 4) == known_word(static_cast<std::uint32_t>(filled)));  // fm_mapped_extents
}

TEST_CASE("a bad granule in an extent that is filled in: EFAULT, on gfs2 for ever", "[unit][fiemap]") {
  const auto fs = GENERATE("ext4", "xfs", "btrfs", "gfs2");
  const auto revision = GENERATE("5.10", "6.1", "7.3");
  const bool loops = std::string_view(fs) == "gfs2" && find_revision(revision)->gfs2_retries;
  Bench bench{{.revision = revision}};
  bench.spoil_granule(8);  // bytes 128 to 143: the second extent's, which ends at 144
  CHECK(fiemap(bench, fs, 0, 1, 2).result == 0);
  const Outcome outcome = fiemap(bench, fs, 0, 2, 2);
  CHECK(outcome.livelock == loops);
  if (!loops) {
    CHECK(outcome.result == kEfault);
    CHECK(bench.in_user(20, 4) == known_word(1));  // the header is written all the same
  }
}

TEST_CASE("each try of gfs2 begins at the first extent, so that a page probe does not mend it", "[unit][fiemap]") {
  const auto probe = GENERATE("fault_in_writeable", "fault_in_subpage_writeable");
  const bool sees = std::string_view(probe) == "fault_in_subpage_writeable";
  Bench bench{{.revision = "7.3", .change = {{"gfs2_file_read_iter.probe", probe}}}};
  bench.spoil_granule(8);
  CHECK(fiemap(bench, "gfs2", 0, 2, 2).livelock != sees);
  bench.spoil_granule(2);  // the array's first byte
  CHECK(fiemap(bench, "gfs2", 0, 2, 2).result == kEfault);
}

TEST_CASE("an array that is not there costs gfs2 one more try", "[unit][fiemap]") {
  Bench bench{{.revision = "7.3", .pages = 2}};
  bench.evict_page(1);
  CHECK(fiemap(bench, "gfs2", kPage - 32, 2, 2) == Outcome{0, 2, false, false});
  bench.unmap_page(1);
  CHECK(fiemap(bench, "gfs2", kPage - 32, 2, 2) == Outcome{kEfault, 1, false, false});
}

TEST_CASE("from 6.1 to 6.12 iomap tries the extent that failed once more", "[unit][fiemap]") {
  const auto revision = GENERATE("5.10", "6.1", "6.12", "7.3");
  const auto fs = GENERATE("ext4", "xfs", "btrfs");
  const auto faults = [&](const char* twice) {
    Bench bench{{.revision = revision, .change = {{"iomap_fiemap.tries_twice", twice}}}};
    bench.spoil_granule(8);
    CHECK(fiemap(bench, fs, 0, 2, 2).result == kEfault);
    return bench.seen().tag_faults.size();
  };
  CHECK(faults("on") == faults("off") * (std::string_view(fs) == "btrfs" ? 1 : 2));
  const bool twice = std::string_view(revision) == "6.1" || std::string_view(revision) == "6.12";
  CHECK(find_revision(revision)->iomap_fiemap_tries_twice == twice);
}

TEST_CASE("a header that cannot be read is EFAULT before anything else", "[unit][fiemap]") {
  const auto fs = GENERATE("ext4", "gfs2");
  Bench bench{{.revision = "7.3"}};
  bench.spoil_granule(1);
  CHECK(fiemap(bench, fs, 0, 2, 2) == Outcome{kEfault, 1, false, false});
  CHECK(bench.changed_prefix(0) == 0);
}

}  // namespace
}  // namespace mtesim::test
