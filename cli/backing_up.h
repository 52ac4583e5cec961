#ifndef SCOUTLIGHT_CLI_BACKING_UP_H_
#define SCOUTLIGHT_CLI_BACKING_UP_H_

#include <string>

#include <CLI/CLI.hpp>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "cli/verb.h"
#include "client/backup_check.h"

namespace scoutlight::cli {

// Takes a backup to `sink`, piece by piece, showing progress.
absl::StatusOr<BackupSummary> TakeBackup(const Call& call, absl::FunctionRef<absl::Status(absl::string_view)> sink);
// What is in it, for people.
std::string ContentText(const BackupSummary& backup);

// `backup`, `backup check`.
class BackingUp {
 public:
  // As Running.
  BackingUp(CLI::App* app, Verb* chosen);

 private:
  absl::Status BackUp(const Call& call) const;
  absl::Status Check(const Call& call) const;

  std::string file_;
  bool checks_ = false;  // `check` was named.
  std::string checked_file_;
};

}  // namespace scoutlight::cli

#endif  // SCOUTLIGHT_CLI_BACKING_UP_H_
