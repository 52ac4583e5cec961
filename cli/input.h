#ifndef SCOUTLIGHT_CLI_INPUT_H_
#define SCOUTLIGHT_CLI_INPUT_H_

#include <cstddef>
#include <string>

#include "absl/status/statusor.h"

namespace scoutlight::cli {

// What a file, or standard input, holds; of one that is larger than `bytes_max` one byte more than that. Error: it cannot be read to its
// end; the message is what the system says of it. Blocks.
absl::StatusOr<std::string> ReadFile(const std::string& path, size_t bytes_max);
absl::StatusOr<std::string> ReadStandardInput(size_t bytes_max);

}  // namespace scoutlight::cli

#endif  // SCOUTLIGHT_CLI_INPUT_H_
