#pragma once

#include <array>
#include <functional>
#include <nlohmann/json.hpp>

#include "sim/conform/record.h"
#include "sim/run/run.h"
#include "sim/scenario/build.h"

namespace mtesim {

/// Where tag check faults of uaccess happened.
class FaultLog final : public Observer {
 public:
  static constexpr std::size_t kMost = 64;  ///< as many as the records count
  void observe(const Event& event) override;
  [[nodiscard]] std::size_t count() const { return faults_.size(); }
  [[nodiscard]] const std::vector<TagFaultTaken>& faults() const { return faults_; }

 private:
  std::vector<TagFaultTaken> faults_;
};

/// Bytes as values, for the questions that only values answer: kNoValue is a byte of which nothing is known but that
/// it is none of the others.
using ByteValues = std::vector<std::int16_t>;
constexpr std::int16_t kNoValue = -1;

/// F(): what byte `offset` of a record's file holds; with the top bit, what a record's write writes there.
[[nodiscard]] std::uint8_t file_byte(std::uint64_t offset);
[[nodiscard]] const ByteValues& file_values();  ///< of the first MiB
constexpr std::uint8_t kFill = 0xa5;            ///< what the buffers hold otherwise
constexpr std::uint8_t kWritten = 0x80;

/// The granule that a tree search's `badend` names: that many behind the one where the results end.
[[nodiscard]] std::int64_t badend_granule(const RecordCase& what);

/// One record's call carried out, and the questions to what it left behind.
class Observation {
 public:
  /// `built` is the record's scenario, `result` and `faults` what a run of it gave. All outlive this.
  Observation(const RecordCase& what, const Built& built, const RunResult& result, const FaultLog& faults);

  /// Every key that a record could have: "ret", "mod_prefix", …
  [[nodiscard]] nlohmann::json keys() const;
  /// One point of a sweep over lengths: [ret, errno, n].
  [[nodiscard]] std::array<std::int64_t, 3> sweep_point(std::int64_t length) const;

 private:
  struct Region {
    std::uint64_t begin{};
    std::uint32_t object{};
    ByteValues initial;   ///< what the program had put there
    ByteValues expected;  ///< what it compares with afterwards
    ByteValues now;
  };
  void prepare_region();
  void prepare_plain();
  [[nodiscard]] ByteValues contents_of(const Names::Mapping& mapping, std::uint32_t object) const;
  void append_values(const Provenance& bytes, ByteValues& to) const;
  [[nodiscard]] ByteValues queued(bool all) const;
  [[nodiscard]] ByteValues gathered() const;
  [[nodiscard]] ByteValues source_values(std::int64_t length) const;

  /// Four bytes of the region.
  [[nodiscard]] std::uint32_t word_at(std::int64_t at) const;
  [[nodiscard]] Contents file_page(std::uint32_t page) const;

  void put_outcome(nlohmann::json& out) const;
  void put_buffer(nlohmann::json& out, const std::vector<RecordSegment>& segments, bool with_expected) const;
  void put_tags(nlohmann::json& out) const;
  void put_file(nlohmann::json& out) const;
  void put_queue(nlohmann::json& out) const;
  void put_plain(nlohmann::json& out) const;
  void put_futex(nlohmann::json& out) const;
  /// The key that a tree search is given.
  void put_key(const std::function<void(std::int64_t, std::int16_t)>& put) const;
  void append_answer(std::int64_t position, std::int64_t length, ByteValues& to) const;
  void put_search(nlohmann::json& out) const;
  void put_reference(nlohmann::json& out) const;  ///< the same search into plain memory, which came first
  void put_faults(nlohmann::json& out) const;

  const RecordCase& what_;
  const Built& built_;
  const RunResult& result_;
  const FaultLog& faults_;
  const Machine& machine_;
  Region buf_;
  Region plain_;
  std::uint32_t file_object_{};
  std::vector<bool> page_can_be_read_;  ///< by the program, afterwards
};

}  // namespace mtesim
