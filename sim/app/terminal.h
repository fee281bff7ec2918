#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace mtesim {

/// One line on stderr that is written over and over, on a terminal only.
class ProgressLine {
 public:
  ProgressLine();
  ~ProgressLine();
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;
  void show(const std::string& text);
  void clear();
  [[nodiscard]] bool on() const { return on_; }

 private:
  bool on_;
  bool shown_{};
};

/// Columns as wide as their widest cell, two spaces apart; the last is not padded.
[[nodiscard]] std::string table(const std::vector<std::vector<std::string>>& rows);

}  // namespace mtesim
