#include "sim/app/output.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "sim/app/version.h"

namespace mtesim {

OutputRequest parse_output_request(const std::string& text) {
  const std::size_t equals = text.find('=');
  OutputRequest request{text.substr(0, equals), equals == std::string::npos ? "" : text.substr(equals + 1)};
  if (request.format != "json" && request.format != "jsonl") {
    throw std::invalid_argument(
        fmt::format("--out {}: found the format \"{}\"; allowed: json=FILE, jsonl=FILE", text, request.format));
  }
  if (request.file.empty()) throw std::invalid_argument(fmt::format("--out {}: no file behind \"=\"", text));
  return request;
}

namespace {

/// Flushes down to the disk, as far as the file lies on one, and closes. Errors: OutputError in the name of `file`.
void close_for_good(std::FILE* stream, const std::string& file) {
  const bool synced = fsync(fileno(stream)) == 0 || errno == EINVAL || errno == EROFS;
  const int sync_error = errno;
  if (std::fclose(stream) != 0 || !synced) {
    throw OutputError(fmt::format("{}: {}", file, std::strerror(synced ? errno : sync_error)));
  }
}

void rename_to(const std::string& from, const std::string& to) {
  if (std::rename(from.c_str(), to.c_str()) != 0) throw OutputError(fmt::format("{}: {}", to, std::strerror(errno)));
}

std::FILE* open_to_write(const std::string& file) {
  std::FILE* stream = std::fopen(file.c_str(), "w");
  if (stream == nullptr) throw OutputError(fmt::format("{}: {}", file, std::strerror(errno)));
  return stream;
}

void write_all(std::FILE* stream, const std::string& text, const std::string& file) {
  const bool ok = std::fwrite(text.data(), 1, text.size(), stream) == text.size() && std::fflush(stream) == 0;
  if (!ok) throw OutputError(fmt::format("{}: {}", file, std::strerror(errno)));
}

/// A device or a pipe is written to as it is; only a regular file is replaced.
bool is_or_will_be_regular(const std::string& file) {
  struct stat info {};
  return stat(file.c_str(), &info) != 0 || S_ISREG(info.st_mode);
}

std::string unfinished(const std::string& file) { return fmt::format("{}.part-{}", file, getpid()); }

}  // namespace

void replace_file(const std::string& file, const std::string& text) {
  const std::string part = unfinished(file);
  std::FILE* stream = open_to_write(part);
  write_all(stream, text, part);
  close_for_good(stream, part);
  rename_to(part, file);
}

void write_whole_file(const std::string& file, const std::string& text) {
  if (is_or_will_be_regular(file)) return replace_file(file, text);
  std::FILE* stream = open_to_write(file);
  write_all(stream, text, file);
  close_for_good(stream, file);
}

void check_writable(const std::string& file) {
  if (!is_or_will_be_regular(file)) {
    struct stat info {};
    if (stat(file.c_str(), &info) == 0 && S_ISDIR(info.st_mode)) {
      throw OutputError(fmt::format("{}: {}", file, std::strerror(EISDIR)));
    }
    if (access(file.c_str(), W_OK) != 0) throw OutputError(fmt::format("{}: {}", file, std::strerror(errno)));
    return;
  }
  const std::string part = unfinished(file);
  std::FILE* stream = std::fopen(part.c_str(), "w");
  if (stream == nullptr) throw OutputError(fmt::format("{}: {}", file, std::strerror(errno)));
  std::fclose(stream);
  std::remove(part.c_str());
}

Output::Output(const OutputRequest& request) : request_(request) {
  if (request_.file == "-") {
    file_ = stdout;
  } else {
    written_as_ = whole() && is_or_will_be_regular(request_.file) ? unfinished(request_.file) : request_.file;
    file_ = open_to_write(written_as_);
  }
}

Output& Output::operator=(Output&& other) noexcept {
  std::swap(request_, other.request_);
  std::swap(written_as_, other.written_as_);
  std::swap(file_, other.file_);
  std::swap(reports_, other.reports_);
  return *this;
}

Output::Output(Output&& other) noexcept
    : request_(std::move(other.request_)),
      written_as_(std::exchange(other.written_as_, {})),
      file_(std::exchange(other.file_, nullptr)),
      reports_(other.reports_) {}

Output::~Output() {
  if (file_ == nullptr || file_ == stdout) return;
  std::fclose(file_);
  if (written_as_ != request_.file) std::remove(written_as_.c_str());  // it was not finished
}

void Output::put(const std::string& text) { write_all(file_, text, request_.file); }

void Output::add(const ScenarioReport& report) {
  if (whole()) {
    put((reports_ == 0 ? "[\n" : ",\n") + to_json(report, kVersion, 2));
  } else {
    put(to_json(report, kVersion, -1) + "\n");
  }
  ++reports_;
}

void Output::finish() {
  if (whole()) put(reports_ == 0 ? "[]\n" : "\n]\n");
  if (file_ == stdout) return;
  close_for_good(std::exchange(file_, nullptr), request_.file);
  if (written_as_ != request_.file) rename_to(written_as_, request_.file);
}

Outputs::Outputs(const std::vector<std::string>& requests) {
  for (const std::string& text : requests) {
    const OutputRequest request = parse_output_request(text);
    stdout_taken_ |= request.file == "-";
    try {
      outputs_.emplace_back(request);
    } catch (const OutputError& error) {
      throw std::invalid_argument(fmt::format("--out {}: {}", text, error.what()));
    }
  }
}

template <class F>
void Outputs::each(F&& f) {
  for (auto output = outputs_.begin(); output != outputs_.end();) {
    try {
      f(*output);
      ++output;
    } catch (const OutputError& error) {
      spdlog::error("{}: given up, what it holds is not complete", error.what());
      failed_ = true;
      output = outputs_.erase(output);
    }
  }
}

void Outputs::add(const ScenarioReport& report) {
  each([&](Output& output) { output.add(report); });
}

void Outputs::finish() {
  each([](Output& output) { output.finish(); });
}

}  // namespace mtesim
