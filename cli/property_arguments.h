#ifndef SCOUTLIGHT_CLI_PROPERTY_ARGUMENTS_H_
#define SCOUTLIGHT_CLI_PROPERTY_ARGUMENTS_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "discovery/instance.h"

namespace scoutlight::cli {

// From arguments such as port=8001, which stand where the command line has `flag`. kInvalidArgument: one is no NAME=VALUE, or names a
// property a second time.
absl::StatusOr<discovery::Properties> ReadProperties(absl::string_view flag, const std::vector<std::string>& arguments);

}  // namespace scoutlight::cli

#endif  // SCOUTLIGHT_CLI_PROPERTY_ARGUMENTS_H_
