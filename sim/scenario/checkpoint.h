#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

#include "sim/check/search_image.h"

namespace mtesim {

/// A file is no checkpoint, or one of another check. The message says which.
class CheckpointError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// A search on its way as a file: a line of text that says what it is, `identity` (one line: of what check), the
/// numbers of the image, and a checksum of it all.
[[nodiscard]] std::string write_checkpoint(const SearchImage& image, std::string_view identity);
/// Errors: CheckpointError for a file that was damaged or cut short, and for another identity.
[[nodiscard]] SearchImage read_checkpoint(std::string_view bytes, std::string_view identity);

}  // namespace mtesim
