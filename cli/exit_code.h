#ifndef SCOUTLIGHT_CLI_EXIT_CODE_H_
#define SCOUTLIGHT_CLI_EXIT_CODE_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace scoutlight::cli {

// What the program ends with. Scripts rely on the numbers.
enum class ExitCode {
  kOk = 0,
  kOther = 1,
  kUsage = 2,  // What was asked for is wrong by itself: flags, names, values, filters.
  kNotFound = 3,
  kPrecondition = 4,  // It exists already, is another's, or is not as was expected.
  kDeadline = 5,
  kUnavailable = 6,
  kPermission = 7,
};

ExitCode ExitCodeOf(const absl::Status& status);

// "0 done, 1 ...": for --help.
absl::string_view ExitCodesText();

}  // namespace scoutlight::cli

#endif  // SCOUTLIGHT_CLI_EXIT_CODE_H_
