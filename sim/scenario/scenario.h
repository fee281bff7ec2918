#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "fs_models/memory_calls.h"
#include "fs_models/system_call.h"
#include "model/kernel/action.h"
#include "sim/check/check.h"
#include "sim/scenario/fields.h"

// A scenario file as typed structs, one for each object in it; docs/writing-a-scenario.md is the manual.
// The words are those of the system calls, so that the same could be carried out on a real kernel.

namespace mtesim {

/// Numbers of granules or pages: one, a run, or every so many of a run.
struct NumberRun {
  std::uint64_t first{};
  std::uint64_t last{};
  std::uint64_t step{1};
  bool operator==(const NumberRun&) const = default;
};

/// A place in a mapping: "buf+16".
struct BufferPlace {
  std::string mapping;
  std::uint64_t offset{};
  bool operator==(const BufferPlace&) const = default;
};

struct MachineSpec {
  std::string cpu{"neoverse-v2"};
  std::map<std::string, JsonScalar> cpu_change;
  std::uint64_t page_size{4096};
  std::string scheme{"mte"};
  TcfMode preferred_tcf{TcfMode::async};
  bool operator==(const MachineSpec&) const = default;
};

struct KernelSpec {
  std::string revision{"7.3"};
  std::map<std::string, JsonScalar> change;
  bool operator==(const KernelSpec&) const = default;
};

struct ProcessSpec {
  std::string name{"main"};
  TcfMode tcf{TcfMode::sync};
  bool several_modes{};
  bool store_only{};
  bool tagged_addr_abi{true};
  bool tco{};
  bool fault_handler{};
  bool operator==(const ProcessSpec&) const = default;
};

struct TagRunSpec {
  NumberRun granules;
  std::uint32_t tag{};
  bool operator==(const TagRunSpec&) const = default;
};

/// A word whose value matters: a futex.
struct WordSpec {
  std::uint64_t offset{};
  std::uint32_t value{};
  bool operator==(const WordSpec&) const = default;
};

enum class MappingKind : std::uint8_t {
  anonymous,
  shared_anonymous,
  tmpfs,
  file,
  private_file,
  memfd,
  dev_zero,
  private_dev_zero,
  hugetlb,
  stack
};

enum class PageStateWord : std::uint8_t {
  present,
  not_present,
  clean,
  zero_page,
  swapped,
  cow,
  fresh,
  read_only,
  prot_none,
  past_end,
  unmapped
};

struct PageStateSpec {
  NumberRun pages;
  PageStateWord state{};
  std::uint32_t tag{};  ///< of a fresh page's granules
  bool operator==(const PageStateSpec&) const = default;
};

struct MappingSpec {
  std::string name;
  std::string process;  ///< empty: the first
  MappingKind kind{MappingKind::anonymous};
  std::string file;
  std::string shares;  ///< another mapping, whose memory it is as well
  std::uint64_t pages{1};
  std::string prot{"rw"};
  std::uint32_t tag{};
  bool present{true};
  bool mapped{true};
  std::vector<TagRunSpec> tags;
  std::vector<PageStateSpec> states;
  std::vector<WordSpec> words;
  bool operator==(const MappingSpec&) const = default;
};

struct LeafSpec {
  std::uint32_t items{};
  Bytes item_size{};
  bool new_leaf{true};
  bool operator==(const LeafSpec&) const = default;
};

enum class CacheState : std::uint8_t { warm, cold };

struct FileSpec {
  std::string name;
  std::string fs;
  Bytes size{};
  CacheState cache{CacheState::warm};
  BlockKind content{BlockKind::data};
  bool direct{};
  bool sync{};
  bool nocow{};
  bool compressed{};
  Bytes pipe_size{65536};
  bool closed{};
  std::vector<LeafSpec> tree;
  std::uint64_t extents{1};
  bool operator==(const FileSpec&) const = default;
};

struct IovSpec {
  BufferPlace buffer;
  Bytes size{};
  std::uint32_t pointer_tag{};
  bool operator==(const IovSpec&) const = default;
};

/// Who makes a call.
enum class CallMaker : std::uint8_t { process, child };

struct ReadSpec {
  std::string file;
  BufferPlace buffer;
  Bytes count{};
  Bytes position{};
  std::uint32_t pointer_tag{};
  CallMaker in{};
  bool operator==(const ReadSpec&) const = default;
};
struct WriteSpec : ReadSpec {
  bool operator==(const WriteSpec&) const = default;
};
struct ReadvSpec {
  std::string file;
  std::vector<IovSpec> iov;
  Bytes position{};
  bool operator==(const ReadvSpec&) const = default;
};
struct WritevSpec : ReadvSpec {
  bool operator==(const WritevSpec&) const = default;
};
struct TreeSearchSpec {
  std::string file;
  BufferPlace buffer;
  std::optional<std::uint64_t> nr_items;
  std::uint32_t pointer_tag{};
  bool operator==(const TreeSearchSpec&) const = default;
};
struct TreeSearchV2Spec : TreeSearchSpec {
  Bytes buf_size{};
  bool operator==(const TreeSearchV2Spec&) const = default;
};
struct FiemapSpec {
  std::string file;
  BufferPlace buffer;
  std::uint64_t extent_count{};
  std::uint32_t pointer_tag{};
  bool operator==(const FiemapSpec&) const = default;
};
enum class ProcessVmKind : std::uint8_t { readv, writev };
struct ProcessVmSpec {
  ProcessVmKind kind{};
  std::vector<IovSpec> local;
  std::vector<IovSpec> remote;
  bool operator==(const ProcessVmSpec&) const = default;
};
enum class ProcMemKind : std::uint8_t { read, write };
struct ProcMemSpec {
  ProcMemKind kind{};
  BufferPlace buffer;
  Bytes count{};
  std::uint32_t pointer_tag{};
  BufferPlace position;
  std::uint32_t position_tag{};
  bool operator==(const ProcMemSpec&) const = default;
};
struct VmspliceSpec {
  std::string file;
  std::vector<IovSpec> iov;
  bool operator==(const VmspliceSpec&) const = default;
};
struct FutexSpec {
  FutexOp op{};
  BufferPlace word;
  std::uint32_t pointer_tag{};
  std::optional<BufferPlace> second;
  std::uint32_t second_tag{};
  std::uint32_t value{};
  bool shared{};
  bool operator==(const FutexSpec&) const = default;
};
struct UffdioCopySpec {
  BufferPlace src;
  BufferPlace dst;
  Bytes length{};
  bool operator==(const UffdioCopySpec&) const = default;
};
struct UserEventRegisterSpec {
  std::string file;
  BufferPlace buffer;
  std::uint32_t pointer_tag{};
  BufferPlace enable;
  std::uint32_t enable_tag{};
  Bytes enable_size{4};
  bool operator==(const UserEventRegisterSpec&) const = default;
};
struct SmallCallSpec {
  std::string call;
  BufferPlace buffer;
  Bytes size{};
  Bytes length{};
  std::vector<Bytes> names;
  std::uint32_t pointer_tag{};
  bool operator==(const SmallCallSpec&) const = default;
};

// What the program does itself.

struct UserLoadSpec {
  BufferPlace buffer;
  Bytes count{1};
  std::uint32_t pointer_tag{};
  bool sigsetjmp{};
  CallMaker in{};
  bool operator==(const UserLoadSpec&) const = default;
};
struct UserStoreSpec : UserLoadSpec {
  std::uint32_t value{};
  bool operator==(const UserStoreSpec&) const = default;
};
struct StgSpec {
  BufferPlace buffer;
  std::uint64_t granules{1};
  std::uint32_t tag{};
  std::uint32_t tag_step{};
  bool sigsetjmp{};
  CallMaker in{};
  bool operator==(const StgSpec&) const = default;
};
struct LdgSpec {
  BufferPlace buffer;
  bool sigsetjmp{};
  CallMaker in{};
  bool operator==(const LdgSpec&) const = default;
};
struct IrgSpec {
  std::uint64_t count{1};
  CallMaker in{};
  bool operator==(const IrgSpec&) const = default;
};
struct MsrTcoSpec {
  bool tco{};
  CallMaker in{};
  bool operator==(const MsrTcoSpec&) const = default;
};

// System calls on memory.

struct MmapSpec {
  std::string mapping;
  std::optional<std::string> prot;
  bool fixed{true};
  std::uint32_t pointer_tag{};
  bool operator==(const MmapSpec&) const = default;
};
/// The calls that take a place and a length.
struct MemoryRangeSpec {
  BufferPlace buffer;
  Bytes length{};
  std::uint32_t pointer_tag{};
  CallMaker in{};
  bool operator==(const MemoryRangeSpec&) const = default;
};
struct MunmapSpec : MemoryRangeSpec {
  bool operator==(const MunmapSpec&) const = default;
};
struct MprotectSpec : MemoryRangeSpec {
  std::string prot;
  bool operator==(const MprotectSpec&) const = default;
};
struct MadviseSpec : MemoryRangeSpec {
  Advice advice{};
  bool operator==(const MadviseSpec&) const = default;
};
struct MremapSpec : MemoryRangeSpec {
  std::optional<std::string> to;
  bool operator==(const MremapSpec&) const = default;
};
struct MlockSpec : MemoryRangeSpec {
  bool operator==(const MlockSpec&) const = default;
};
struct MincoreSpec {
  BufferPlace place;
  Bytes length{};
  std::uint32_t pointer_tag{};
  BufferPlace into;
  CallMaker in{};
  bool operator==(const MincoreSpec&) const = default;
};
struct BrkSpec {
  Bytes grow{};
  std::uint32_t pointer_tag{};
  bool operator==(const BrkSpec&) const = default;
};
struct FtruncateSpec {
  std::string file;
  Bytes size{};
  bool operator==(const FtruncateSpec&) const = default;
};

// System calls on processes.

struct GetppidSpec {
  CallMaker in{};
  bool operator==(const GetppidSpec&) const = default;
};
struct PrctlSpec {
  std::uint64_t arg2{};
  std::uint64_t arg3{};
  std::uint64_t arg4{};
  std::uint64_t arg5{};
  CallMaker in{};
  bool operator==(const PrctlSpec&) const = default;
};
struct SetTaggedAddrCtrlSpec : PrctlSpec {
  bool operator==(const SetTaggedAddrCtrlSpec&) const = default;
};
struct GetTaggedAddrCtrlSpec : PrctlSpec {
  bool operator==(const GetTaggedAddrCtrlSpec&) const = default;
};
struct ForkSpec {
  bool operator==(const ForkSpec&) const = default;
};
struct ExecveSpec {
  CallMaker in{};
  bool operator==(const ExecveSpec&) const = default;
};
struct PeekTagsSpec {
  BufferPlace buffer;
  std::uint64_t count{};
  BufferPlace into;
  bool operator==(const PeekTagsSpec&) const = default;
};
struct PokeTagsSpec {
  BufferPlace buffer;
  std::vector<std::uint32_t> values;
  bool operator==(const PokeTagsSpec&) const = default;
};

using CallSpec = std::variant<ReadSpec, WriteSpec, ReadvSpec, WritevSpec, TreeSearchSpec, TreeSearchV2Spec, FiemapSpec,
                              ProcessVmSpec, ProcMemSpec, VmspliceSpec, FutexSpec, SmallCallSpec, UserLoadSpec,
                              UserStoreSpec, StgSpec, LdgSpec, IrgSpec, MsrTcoSpec, MmapSpec, MunmapSpec, MprotectSpec,
                              MadviseSpec, MremapSpec, MlockSpec, MincoreSpec, BrkSpec, FtruncateSpec, GetppidSpec,
                              SetTaggedAddrCtrlSpec, GetTaggedAddrCtrlSpec, ForkSpec, ExecveSpec, PeekTagsSpec,
                              PokeTagsSpec, UffdioCopySpec, UserEventRegisterSpec>;

/// An action on a range of user memory.
template <ActionKind kKind>
struct RangeActionSpec {
  std::string where;
  std::optional<std::uint32_t> budget;
  bool operator==(const RangeActionSpec&) const = default;
};
enum class ActionTime : std::uint8_t { any_time, before_call };
struct RetagSpec {
  std::string where;
  std::optional<std::uint32_t> budget;
  ActionTime when{ActionTime::any_time};
  bool operator==(const RetagSpec&) const = default;
};
struct EvictFilePageSpec {
  std::string file;
  std::optional<std::uint32_t> budget;
  bool operator==(const EvictFilePageSpec&) const = default;
};
struct TruncateSpec {
  std::string file;
  std::optional<Bytes> size;
  std::optional<std::uint32_t> budget;
  bool operator==(const TruncateSpec&) const = default;
};
struct MigrateCpuSpec {
  std::vector<TcfMode> preferred_tcf;
  std::optional<std::uint32_t> budget;
  bool operator==(const MigrateCpuSpec&) const = default;
};
template <ActionKind kKind>
struct SignalActionSpec {
  std::optional<std::uint32_t> budget;
  std::string task;  ///< empty: every task
  bool operator==(const SignalActionSpec&) const = default;
};
using EvictSpec = RangeActionSpec<ActionKind::evict>;
using ProtectSpec = RangeActionSpec<ActionKind::protect>;
using UnmapSpec = RangeActionSpec<ActionKind::unmap>;
using DontneedSpec = RangeActionSpec<ActionKind::dontneed>;
using ShortCopySpec = RangeActionSpec<ActionKind::short_copy>;
using SignalSpec = SignalActionSpec<ActionKind::signal>;
using SigkillSpec = SignalActionSpec<ActionKind::sigkill>;
using ActionSpec = std::variant<EvictSpec, EvictFilePageSpec, RetagSpec, ProtectSpec, UnmapSpec, DontneedSpec,
                                TruncateSpec, MigrateCpuSpec, ShortCopySpec, SignalSpec, SigkillSpec>;

struct RangeSpec {
  std::int64_t from{};
  std::int64_t to{};
  std::int64_t step{1};
  std::optional<std::int64_t> times{};  ///< instead of the step: what one is multiplied with for the next
  bool operator==(const RangeSpec&) const = default;
};
using Axis = std::variant<RangeSpec, std::vector<JsonScalar>>;

/// How a property is expected to come out: 0 bytes, it holds.
struct PropertyExpectation {
  std::uint64_t violated_by{};
  bool operator==(const PropertyExpectation&) const = default;
};
struct PropertiesSpec {
  std::optional<PropertyExpectation> count_exact;
  std::optional<PropertyExpectation> no_overrun;
  std::optional<PropertyExpectation> no_stale;
  std::optional<PropertyExpectation> tags_kept;
  bool operator==(const PropertiesSpec&) const = default;
};

using TaskResults = std::map<std::string, std::vector<JsonScalar>>;  // by task

struct RunExpectation {
  std::vector<JsonScalar> results;
  TaskResults results_by_task;
  std::vector<std::string> signals;
  std::optional<bool> no_return;
  std::optional<DeadlockKind> deadlock;
  std::optional<bool> killable;
  std::optional<std::uint64_t> rounds;
  std::optional<std::uint64_t> tag_faults;
  std::optional<PropertiesSpec> properties;
  bool operator==(const RunExpectation&) const = default;
};

struct CheckExpectation {
  std::optional<Verdict> verdict;
  std::optional<DeadlockKind> deadlock;
  std::optional<bool> lock_inversion;
  std::optional<bool> killable;
  std::optional<std::uint64_t> most_rounds;
  std::optional<std::uint64_t> least_actions;
  std::optional<std::uint64_t> least_rounds;
  std::vector<JsonScalar> results;
  std::vector<std::string> reached;
  std::optional<PropertiesSpec> properties;
  bool operator==(const CheckExpectation&) const = default;
};

struct ExpectSpec {
  std::optional<RunExpectation> run;
  std::optional<CheckExpectation> check;
  bool operator==(const ExpectSpec&) const = default;
};

struct CheckSpec {
  std::uint64_t max_states{20'000'000};
  bool whole{};     ///< go on behind the first livelock
  bool contents{};  ///< follow what every byte is, so that properties are judged on every future
  bool cycles{};    ///< look for the dearest path, however large the check
  bool operator==(const CheckSpec&) const = default;
};

/// A thread beside the one that makes the scenario's `calls`.
struct TaskSpec {
  std::string name;
  std::string process;  ///< empty: the first
  std::vector<CallSpec> calls;
  bool operator==(const TaskSpec&) const = default;
};

struct Scenario {
  std::string schema;
  std::string name;
  std::string about;
  MachineSpec machine;
  KernelSpec kernel;
  ProcessSpec process;
  std::vector<ProcessSpec> processes;  ///< beside that one
  std::vector<MappingSpec> memory;
  std::vector<FileSpec> files;
  std::vector<CallSpec> calls;  ///< of the task "main", in the first process
  std::vector<TaskSpec> tasks;  ///< beside that one
  std::vector<ActionSpec> environment;
  std::optional<CheckSpec> check;
  std::map<std::string, Axis> sweep;
  ExpectSpec expect;
  bool operator==(const Scenario&) const = default;
};

constexpr std::uint64_t kMostPages = std::uint64_t{1} << 16;  ///< of one scenario: 256 MiB of 4 KiB pages
constexpr std::uint64_t kMostBytes = kMostPages * 4096;
constexpr std::size_t kMostCalls = 10'000;
constexpr std::size_t kMostSweepPoints = 100'000;

/// Reads what a scenario file says. Throws ScenarioError with everything that is wrong about its form.
[[nodiscard]] Scenario parse_scenario(const JsonText& text);
/// The same of a scenario that stands within another document.
void read_scenario(const ValueIn& in, Scenario& scenario);
[[nodiscard]] JsonTree scenario_schema();
[[nodiscard]] JsonTree write_scenario(const Scenario& scenario, Defaults defaults = Defaults::left_out);
[[nodiscard]] bool wants_check(const Scenario& scenario);

/// One point of a sweep: the scenario with each axis at one value.
struct SweepPoint {
  std::vector<std::pair<std::string, JsonScalar>> at;  ///< pointer and value; empty for a scenario without a sweep
  JsonText text;
};
/// All points in the order of the axes as written by name, the last turning fastest. Throws ScenarioError for a pointer
/// that leads nowhere and for a grid of more than kMostSweepPoints.
[[nodiscard]] std::vector<SweepPoint> sweep_points(const JsonText& text, const Scenario& scenario);

}  // namespace mtesim
