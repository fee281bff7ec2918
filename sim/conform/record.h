#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace mtesim {

/// A line of a record file is not a record; what() says why.
class RecordError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// One buffer of a record's call: a place in the test region.
struct RecordSegment {
  std::int64_t offset{};
  std::int64_t length{};
  std::optional<std::uint32_t> tag;  ///< of the pointer; else the record's
};

/// Granules with another tag.
struct RecordBad {
  std::int64_t first{};
  std::int64_t count{1};
  std::optional<std::uint32_t> tag;  ///< else the region's tag ^ 8
};

/// One page of the region in another state: "none", "unmap", "ro", "bus", "cold", "coldtag".
struct RecordProt {
  std::int64_t page{};
  std::string kind;
};

/// What was carried out: a system call on a buffer whose granules carry chosen tags (docs/fidelity.md).
struct RecordCase {
  std::string cat;
  std::string op;
  std::string obj;
  std::vector<RecordSegment> segs;
  std::vector<RecordBad> bad;
  std::optional<std::int64_t> badend;
  std::vector<RecordProt> prot;
  std::string mem{"anon"};
  std::string tcf{"sync"};
  std::string fmode{"data"};
  std::string cache{"warm"};
  std::string role;
  std::string sub;
  std::string kind;
  std::uint32_t ptag{};
  std::int64_t npages{8};
  bool tco{};
  bool direct{};
  bool osync{};
  std::int64_t fsize{};
  std::int64_t foff{};
  std::int64_t llen{};
  std::int64_t nri{};
  std::int64_t arg{};
  bool nomops{};                    ///< the kernel was told to do without MOPS
  std::vector<std::int64_t> calls;  ///< the call was repeated from the first byte not done, with these results
  std::int64_t align{};             ///< sweeps, from here
  std::int64_t dist{};
  std::int64_t flen{1};
  std::int64_t length{};  ///< L
  std::int64_t pos{64};

  /// The file is one of a file system, with a page cache.
  [[nodiscard]] bool is_page_cache() const;
  /// read(2), write(2) and their relatives.
  [[nodiscard]] bool is_transfer() const;
  /// The btrfs tree search ioctl, in either version.
  [[nodiscard]] bool is_search() const { return op == "ts1" || op == "ts2"; }
  /// The file is a pipe or a socket.
  [[nodiscard]] bool is_queue() const { return obj == "pipe" || obj == "unix" || obj == "unixdg"; }
  /// There is a second buffer, which is not tagged.
  [[nodiscard]] bool uses_plain() const { return op.starts_with("pvm_") || op.starts_with("mem_") || op == "vmsplice"; }
  /// The region is a mapping of the file that is read or written.
  [[nodiscard]] bool is_self() const { return mem.starts_with("self"); }
  /// The region's memory keeps tags.
  [[nodiscard]] bool has_tags() const {
    return mem == "anon" || mem == "shanon" || mem == "shm" || (is_self() && obj == "tmpfs" && ptag != 0);
  }
  /// Of the two, the tested region is where the bytes come from.
  [[nodiscard]] bool region_is_source() const {
    return op == "vmsplice" || (role == "remote") != (op == "pvm_write" || op == "mem_write");
  }
  [[nodiscard]] bool is_write() const { return op.find("write") != std::string::npos; }
  /// Bytes of all segments together.
  [[nodiscard]] std::int64_t total() const;
};

/// One line: what was asked of a real kernel, and what it did.
struct Record {
  std::string id;
  std::string release;   ///< "6.1.0-49-arm64"
  std::string revision;  ///< "6.1"
  RecordCase what;
  nlohmann::json result;
  nlohmann::json again;  ///< keys that came out otherwise the second time, with that value
};

/// Reads one line: one record, or one for each kernel of a list of those that did the same.
/// Throws RecordError; a key of `case` that is not known is an error, as it may change what the record means.
[[nodiscard]] std::vector<Record> parse_records(const std::string& line);

}  // namespace mtesim
