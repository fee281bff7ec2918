#include "sim/app/output.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "sim/app/version.h"

namespace mtesim {

OutputRequest parse_output_request(const std::string& text) {
  const std::size_t equals = text.find('=');
  const OutputRequest request{text.substr(0, equals), equals == std::string::npos ? "" : text.substr(equals + 1)};
  if (request.format != "json" && request.format != "jsonl") {
    throw std::invalid_argument(fmt::format("--out {}: found the format \"{}\"; allowed: json=FILE, jsonl=FILE", text, request.format));
  }
  if (request.file.empty()) throw std::invalid_argument(fmt::format("--out {}: no file behind \"=\"", text));
  return request;
}

Output::Output(const OutputRequest& request) : request_(request) {
  if (request_.file == "-") {
    file_ = stdout;
  } else {
    written_as_ = whole() ? fmt::format("{}.part-{}", request_.file, getpid()) : request_.file;
    file_ = std::fopen(written_as_.c_str(), "w");
    if (file_ == nullptr) throw OutputError(fmt::format("{}: {}", written_as_, std::strerror(errno)));
  }
}

Output::Output(Output&& other) noexcept
    : request_(std::move(other.request_)),
      written_as_(std::exchange(other.written_as_, {})),
      file_(std::exchange(other.file_, nullptr)),
      reports_(other.reports_) {}

Output::~Output() {
  if (file_ == nullptr || file_ == stdout) return;
  std::fclose(file_);
  if (whole()) std::remove(written_as_.c_str());  // it was not finished
}

void Output::put(const std::string& text) {
  const bool ok = std::fwrite(text.data(), 1, text.size(), file_) == text.size() && std::fflush(file_) == 0;
  if (!ok) throw OutputError(fmt::format("{}: {}", request_.file, std::strerror(errno)));
}

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
  const bool synced = fsync(fileno(file_)) == 0 || errno == EINVAL || errno == EROFS;
  const int synced_errno = errno;
  std::FILE* file = std::exchange(file_, nullptr);
  if (std::fclose(file) != 0 || !synced) {
    throw OutputError(fmt::format("{}: {}", request_.file, std::strerror(synced ? errno : synced_errno)));
  }
  if (whole() && std::rename(written_as_.c_str(), request_.file.c_str()) != 0) {
    throw OutputError(fmt::format("{}: {}", request_.file, std::strerror(errno)));
  }
}

}  // namespace mtesim
