// Whatever the bytes are, reading them as a scenario ends in a scenario or in a ScenarioError; what could be read is
// written back to the same, and one that is small is carried out for a while.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "sim/run/run.h"
#include "sim/scenario/build.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace mtesim;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  try {
    const JsonText json = parse_json_text(text, "fuzz", {.file_bytes = 1 << 16, .values = 2000});
    const Scenario scenario = parse_scenario(json);
    MTESIM_CHECK(parse_scenario(parse_json_text(write_scenario(scenario).text(), "again")) == scenario);
    std::uint64_t pages = 0;
    for (const MappingSpec& mapping : scenario.memory) pages += mapping.pages;
    for (const FileSpec& file : scenario.files) pages += file.size.n / 4096;
    if (pages > 256) return 0;
    const Built built = build(scenario, json);
    const RunResult result = run(built.workload, {}, 200);
    MTESIM_CHECK(result.final_state.machine.fingerprint() == result.final_state.machine.recomputed_fingerprint());
  } catch (const ScenarioError&) {
  }
  return 0;
}
