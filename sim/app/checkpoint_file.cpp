#include "sim/app/checkpoint_file.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <stdexcept>

#include "sim/app/output.h"
#include "sim/app/version.h"
#include "sim/scenario/checkpoint.h"

namespace mtesim {

CheckpointFile::CheckpointFile(const CheckpointOptions& options, const std::string& scenario_file,
                               const CommonOptions& common)
    : options_(options) {
  if (options.file.empty()) {
    if (options.resume) throw std::invalid_argument("--resume: found no --checkpoint FILE that says from where");
    return;
  }
  const JsonText text = read_json_file(scenario_file);
  if (sweep_points(text, parse_scenario(text)).size() != 1) {
    throw std::invalid_argument(fmt::format("--checkpoint: found a sweep in {}; allowed: one point", scenario_file));
  }
  std::vector<std::string> without = common.without;
  std::sort(without.begin(), without.end());
  identity_ = fmt::format("mtesim {}, scenario {}{}", kVersion, digest_of(text),
                          without.empty() ? "" : fmt::format(", without {}", fmt::join(without, ", ")));
  if (!options.resume) return;
  std::ifstream in(options.file, std::ios::binary);
  if (!in) throw std::invalid_argument(fmt::format("{}: found no such file to resume from", options.file));
  const std::string bytes{std::istreambuf_iterator<char>(in), {}};
  try {
    begun_ = read_checkpoint(bytes, identity_);
  } catch (const CheckpointError& error) {
    throw std::invalid_argument(fmt::format("{}: {}", options.file, error.what()));
  }
}

void CheckpointFile::attach(CarryOut& how) const {
  if (options_.file.empty()) return;
  if (begun_) how.resume = &*begun_;
  how.keep_every = std::chrono::duration_cast<std::chrono::steady_clock::duration>(
      std::chrono::duration<double>(options_.every_seconds));
  how.keep = [this](const SearchImage& image) {
    try {
      replace_file(options_.file, write_checkpoint(image, identity_));
      spdlog::debug("{}: {} states kept", options_.file, image.prints.size());
    } catch (const OutputError& error) {
      spdlog::error("the checkpoint is not written: {}", error.what());
    }
  };
}

}  // namespace mtesim
