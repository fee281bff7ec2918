#include "sim/conform/search_fixture.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>

namespace mtesim {

namespace {

constexpr std::uint64_t kDirectory = 256;  // the first object id of a subvolume
constexpr unsigned kFiles = 400;
constexpr std::int64_t kHeader = 32;

/// One item: its key, and its data as far as it is known.
struct TreeItem {
  std::uint64_t objectid{};
  std::uint32_t type{};
  std::uint64_t offset{};
  ByteValues data;
};

/// btrfs_name_hash(): CRC-32C, bit by bit, begun with ~1 and not inverted at the end.
std::uint32_t name_hash(const std::string& name) {
  constexpr std::uint32_t kPolynomial = 0x82f63b78;
  std::uint32_t crc = ~std::uint32_t{1};
  for (const char c : name) {
    crc ^= static_cast<unsigned char>(c);
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ ((crc & 1) != 0 ? kPolynomial : 0);
  }
  return crc;
}

void append_number(ByteValues& to, std::uint64_t number, int bytes) {
  for (int i = 0; i < bytes; ++i) to.push_back(static_cast<std::int16_t>(number >> (8 * i) & 0xff));
}
void append_unknown(ByteValues& to, std::size_t bytes) { to.insert(to.end(), bytes, kNoValue); }

std::string file_name(unsigned i) { return fmt::format("file-{:04}", i); }

/// A directory entry: the inode's key, transaction, lengths, type, name.
ByteValues entry_of(unsigned i) {
  ByteValues data;
  const std::string name = file_name(i);
  append_number(data, kDirectory + 1 + i, 8);
  append_number(data, 1, 1);
  append_number(data, 0, 8);
  append_unknown(data, 8);
  append_number(data, 0, 2);
  append_number(data, name.size(), 2);
  append_number(data, 1, 1);
  data.insert(data.end(), name.begin(), name.end());
  return data;
}

ByteValues unknown(std::size_t bytes) { return ByteValues(bytes, kNoValue); }

std::vector<TreeItem> make_items() {
  constexpr std::uint32_t kInodeItem = 1, kInodeRef = 12, kDirItem = 84, kDirIndex = 96, kExtentData = 108;
  constexpr std::size_t kInodeSize = 160, kRefHead = 10, kInlineHead = 21;
  std::vector<TreeItem> items;
  items.push_back({kDirectory, kInodeItem, 0, unknown(kInodeSize)});
  items.push_back({kDirectory, kInodeRef, kDirectory, unknown(kRefHead + 2)});
  std::vector<std::pair<std::uint32_t, unsigned>> by_hash;
  for (unsigned i = 0; i < kFiles; ++i) by_hash.emplace_back(name_hash(file_name(i)), i);
  std::sort(by_hash.begin(), by_hash.end());
  for (const auto& [hash, i] : by_hash) items.push_back({kDirectory, kDirItem, hash, entry_of(i)});
  for (unsigned i = 0; i < kFiles; ++i) items.push_back({kDirectory, kDirIndex, 2 + i, entry_of(i)});
  for (unsigned i = 0; i < kFiles; ++i) {
    const std::uint64_t inode = kDirectory + 1 + i;
    items.push_back({inode, kInodeItem, 0, unknown(kInodeSize)});
    items.push_back({inode, kInodeRef, kDirectory, unknown(kRefHead + file_name(i).size())});
    if (i % 5 == 0) items.push_back({inode, kExtentData, 0, unknown(kInlineHead + 100 + i)});
  }
  return items;
}

const std::vector<TreeItem>& tree_items() {
  static const std::vector<TreeItem> kItems = make_items();
  return kItems;
}

}  // namespace

std::vector<LeafSpec> recorded_tree() {
  // What leaves hold is not recorded; the first had 229 to 247 items, by the zeroes that 5.10's second probe left.
  constexpr std::uint64_t kRoom = 15460;
  constexpr std::uint64_t kItem = 25;  // an item's place in its leaf, beside its data
  std::vector<LeafSpec> runs;
  std::uint64_t used = kRoom;
  for (const TreeItem& item : tree_items()) {
    const Bytes size{item.data.size()};
    const bool fits = used + kItem + size.n <= kRoom;
    used = (fits ? used : 0) + kItem + size.n;
    if (fits && runs.back().item_size == size) {
      ++runs.back().items;
    } else {
      runs.push_back({1, size, !fits});
    }
  }
  return runs;
}

const ByteValues& recorded_results() {
  static const ByteValues kResults = [] {
    ByteValues bytes;
    for (const TreeItem& item : tree_items()) {
      append_unknown(bytes, 8);
      append_number(bytes, item.objectid, 8);
      append_number(bytes, item.offset, 8);
      append_number(bytes, item.type, 4);
      append_number(bytes, item.data.size(), 4);
      bytes.insert(bytes.end(), item.data.begin(), item.data.end());
    }
    return bytes;
  }();
  return kResults;
}

SearchExtent search_extent(std::int64_t cap, std::int64_t most_items) {
  SearchExtent extent;
  for (const TreeItem& item : tree_items()) {
    const std::int64_t end = extent.end + kHeader + std::ssize(item.data);
    if (end > cap) {
      extent.overflow = extent.items == 0;
      break;
    }
    ++extent.items;
    extent.end = end;
    if (extent.items == most_items) break;
  }
  return extent;
}

}  // namespace mtesim
