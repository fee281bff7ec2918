// Drives a fuzz target where libFuzzer is not: first every file named on the command line or found below a folder
// named there, then a series of changed copies of them. The series is a function of the seed alone, so a failure
// under ctest fails again by hand. Options are spelt as libFuzzer spells them; those not known here are ignored.

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <string_view>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
extern "C" void __sanitizer_set_death_callback(void (*callback)()) __attribute__((weak));  // only in a sanitized build

namespace {

using Input = std::vector<std::uint8_t>;

struct Options {
  std::uint64_t runs = 1000;
  std::uint64_t seed = 1;
  std::uint64_t max_len = 4096;
  std::uint64_t max_total_time = 0;  ///< seconds; 0: no bound but `runs`
  std::string artifact_prefix;       ///< of the file that keeps a failing input
  std::vector<std::filesystem::path> paths;
};

Options parse(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    const std::size_t equals = std::min(word.find('='), word.size() - 1);
    const std::string_view name = word.substr(0, equals);
    const std::string value{word.substr(equals + 1)};
    if (name == "-runs") {
      options.runs = std::stoull(value);
    } else if (name == "-seed") {
      options.seed = std::stoull(value);
    } else if (name == "-max_len") {
      options.max_len = std::max<std::uint64_t>(1, std::stoull(value));
    } else if (name == "-max_total_time") {
      options.max_total_time = std::stoull(value);
    } else if (name == "-artifact_prefix") {
      options.artifact_prefix = value;
    } else if (!word.starts_with('-')) {
      options.paths.emplace_back(word);
    }
  }
  return options;
}

std::vector<Input> read_all(const std::vector<std::filesystem::path>& paths) {
  std::vector<std::filesystem::path> files;
  for (const auto& path : paths) {
    if (!std::filesystem::is_directory(path)) {
      files.push_back(path);
      continue;
    }
    for (const auto& entry : std::filesystem::recursive_directory_iterator(path)) {
      if (entry.is_regular_file()) files.push_back(entry.path());
    }
  }
  std::sort(files.begin(), files.end());  // a folder's own order differs between machines
  std::vector<Input> inputs;
  for (const auto& file : files) {
    std::ifstream in(file, std::ios::binary);
    if (!in) {
      std::fprintf(stderr, "%s: cannot be read\n", file.c_str());
      std::exit(2);
    }
    inputs.emplace_back(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
  }
  return inputs;
}

/// Changed copies of the seeds. mt19937_64 and `%` rather than a distribution: those differ between standard libraries.
class Mutator {
 public:
  Mutator(const std::vector<Input>& seeds, const Options& options)
      : seeds_(seeds), max_len_(options.max_len), random_(options.seed) {}

  Input next() {
    Input input = seeds_.empty() || below(8) == 0 ? noise(below(64)) : seeds_[below(seeds_.size())];
    for (std::uint64_t edits = 1 + below(8); edits > 0; --edits) edit(input);
    if (input.size() > max_len_) input.resize(max_len_);
    return input;
  }

 private:
  std::uint64_t below(std::uint64_t bound) { return bound == 0 ? 0 : random_() % bound; }

  Input noise(std::uint64_t size) {
    Input input(size);
    for (auto& byte : input) byte = static_cast<std::uint8_t>(random_());
    return input;
  }

  void edit(Input& input) {
    const std::uint64_t from = below(input.size() + 1);
    const std::uint64_t to = from + below(std::min<std::uint64_t>(input.size() - from, 32) + 1);
    const auto at = [&input](std::uint64_t offset) { return input.begin() + static_cast<std::ptrdiff_t>(offset); };
    switch (below(5)) {
      case 0:  // flip a bit
        if (from < input.size()) input[from] ^= static_cast<std::uint8_t>(1u << below(8));
        break;
      case 1:  // a byte that text formats and counters care about
        if (from < input.size()) input[from] = static_cast<std::uint8_t>("\0\x7f\x80\xff\"\\{}[],:-09"[below(16)]);
        break;
      case 2:  // a piece goes
        input.erase(at(from), at(to));
        break;
      case 3: {  // a piece comes twice
        const Input piece(at(from), at(to));
        input.insert(at(from), piece.begin(), piece.end());
        break;
      }
      default: {  // a piece comes from elsewhere
        const Input other = seeds_.empty() ? noise(16) : seeds_[below(seeds_.size())];
        const std::uint64_t size = std::min<std::uint64_t>(other.size(), 32);
        const std::uint64_t start = below(other.size() - size + 1);
        const auto first = other.begin() + static_cast<std::ptrdiff_t>(start);
        input.insert(at(from), first, first + static_cast<std::ptrdiff_t>(size));
      }
    }
  }

  const std::vector<Input>& seeds_;
  std::uint64_t max_len_;
  std::mt19937_64 random_;
};

// What the target is working on, for the moment when it dies: then only system calls are safe.
const Input* current = nullptr;
std::string artifact;

void keep_current() {
  if (current == nullptr) return;
  const int file = ::open(artifact.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
  const bool kept = file >= 0 && ::write(file, current->data(), current->size()) >= 0;
  std::fprintf(stderr, "the input %s %s\n", kept ? "is kept in" : "could not be kept in", artifact.c_str());
  current = nullptr;
}

extern "C" void on_signal(int signal) {
  keep_current();
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

void run(const Input& input) {
  const Input exact(input.begin(), input.end());  // no spare capacity: a read past the end is one past the allocation
  current = &exact;
  LLVMFuzzerTestOneInput(exact.data(), exact.size());
  current = nullptr;
}

}  // namespace

int main(int argc, char** argv) {
  const Options options = parse(argc, argv);
  artifact = options.artifact_prefix + "crash";
  std::signal(SIGABRT, on_signal);
  if (__sanitizer_set_death_callback != nullptr) {
    __sanitizer_set_death_callback(keep_current);
  } else {
    for (const int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL}) std::signal(signal, on_signal);
  }

  const std::vector<Input> seeds = read_all(options.paths);
  for (const Input& seed : seeds) run(seed);

  Mutator mutator(seeds, options);
  const auto start = std::chrono::steady_clock::now();
  std::uint64_t done = 0;
  for (; done < options.runs; ++done) {
    if (options.max_total_time != 0 &&
        std::chrono::steady_clock::now() - start >= std::chrono::seconds(options.max_total_time)) {
      break;
    }
    run(mutator.next());
  }
  std::printf("%zu inputs given, %llu made from them with seed %llu\n", seeds.size(),
              static_cast<unsigned long long>(done), static_cast<unsigned long long>(options.seed));
}
