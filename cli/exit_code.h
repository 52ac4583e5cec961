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
  kLockLost =
      75,  // The command that `lock` or `elect` ran was ended, because the lock was not certain any more (EX_TEMPFAIL of sysexits.h).
};

// Any number from 0 to 255 for a status of WithExitCode and PassedOn.
ExitCode ExitCodeOf(const absl::Status& status);

// `failed`, which is not OK, but the program ends with `code`, whatever the error's own.
absl::Status WithExitCode(absl::Status failed, ExitCode code);

// The program ends as a command did that it ran: with `code`, and without a word. OK if that is 0.
absl::Status PassedOn(int code);
bool IsPassedOn(const absl::Status& status);

// "0 done, 1 ...": for --help.
absl::string_view ExitCodesText();

}  // namespace scoutlight::cli

#endif  // SCOUTLIGHT_CLI_EXIT_CODE_H_
