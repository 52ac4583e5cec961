#ifndef SCOUTLIGHT_CLI_TOPOLOGY_INPUT_H_
#define SCOUTLIGHT_CLI_TOPOLOGY_INPUT_H_

#include <string>

#include "absl/status/statusor.h"

namespace scoutlight::cli {

// The document in the file, or on standard input (`-`). kInvalidArgument: it cannot be read, or is no UTF-8. What else is wrong with it is
// for ParseTopology. Blocks.
absl::StatusOr<std::string> ReadDocument(const std::string& file);

}  // namespace scoutlight::cli

#endif  // SCOUTLIGHT_CLI_TOPOLOGY_INPUT_H_
