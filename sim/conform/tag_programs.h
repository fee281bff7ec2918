#pragma once

#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sim/run/run.h"
#include "sim/scenario/build.h"

namespace mtesim {

/// A record of category F ("tag semantics"): which small program was carried out, on which kernel.
struct TagCase {
  std::string sub;       ///< the program: "mmap", "fork", "matrix", …
  std::string kind;      ///< what memory it uses: "anon-private", "ext4-shared", …
  std::int64_t arg{};    ///< by program: madvise's advice, IRG's mask, …
  std::string tcf;       ///< the mode that matrix and userfault ask for
  std::string revision;  ///< of the kernel: "6.1"
};

/// A run of a tag program, and the questions that its print statements ask.
class TagOutcome {
 public:
  TagOutcome(const Built& built, const RunResult& result) : built_(built), result_(result) {}

  /// Of call number `call`: a count, -errno or a signal.
  [[nodiscard]] std::int64_t result(std::size_t call) const { return result_.results.front().at(call); }
  [[nodiscard]] int error(std::size_t call) const;
  [[nodiscard]] bool signalled(std::size_t call) const { return signal_of(result(call)).has_value(); }
  /// Signals that calls [from, end) took.
  [[nodiscard]] std::vector<SigInfo> signals(std::size_t from, std::size_t end) const;
  /// What memory holds in the end, as a value: bytes of files are file_byte() of their offset, those of the pipe 1.
  [[nodiscard]] int byte(const std::string& mapping, std::uint64_t offset) const;
  [[nodiscard]] int tag(const std::string& mapping, std::uint64_t offset) const;

 private:
  [[nodiscard]] std::uint64_t address(const std::string& mapping, std::uint64_t offset) const;

  const Built& built_;
  const RunResult& result_;
};

/// A record's program as a scenario, and what it prints of its run.
struct TagProgram {
  /// One print statement: it is come to behind the first `calls` calls.
  struct Print {
    std::size_t calls{};
    std::function<void(nlohmann::json&, const TagOutcome&)> put;
  };
  Scenario scenario;
  std::vector<Print> prints;
  std::vector<std::size_t> unguarded;  ///< accesses that the program does not survive if they fault
  std::size_t needed{kNone};           ///< the mmap that the program looks at, and stops if it fails
  static constexpr std::size_t kNone = ~std::size_t{0};
};

/// Throws std::invalid_argument for a program or a kind of memory that it does not know.
[[nodiscard]] TagProgram tag_program(const TagCase& what);

/// The record's keys, as this run gives them. Keys that the program did not come to are absent.
[[nodiscard]] nlohmann::json observed(const TagProgram& program, const Built& built, const RunResult& result);

/// Translates, builds, runs and observes.
[[nodiscard]] nlohmann::json carry_out(const TagCase& what);

/// A key of these records that says nothing about tags, and why it is not compared.
struct UncomparedKey {
  std::string_view key;
  std::string_view why;
};
[[nodiscard]] std::span<const UncomparedKey> uncompared_tag_keys();

/// One key that came out otherwise; "nothing" where it is absent.
struct TagDifference {
  std::string key;
  std::string expected;
  std::string got;
  bool operator==(const TagDifference&) const = default;
};

/// The keys in which two results differ, but for those that are not compared.
[[nodiscard]] std::vector<TagDifference> tag_differences(const nlohmann::json& expected, const nlohmann::json& got);

}  // namespace mtesim
