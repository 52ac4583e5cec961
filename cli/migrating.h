#ifndef SCOUTLIGHT_CLI_MIGRATING_H_
#define SCOUTLIGHT_CLI_MIGRATING_H_

#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "absl/status/status.h"
#include "cli/verb.h"

namespace scoutlight::cli {

// `migrate`: a backup of the server that is asked, and scoutlightd --restore-only over it. So what can be backed up and restored can be
// migrated, and the stores are no business of this program.
class Migrating {
 public:
  // As Running.
  Migrating(CLI::App* app, Verb* chosen);

 private:
  absl::Status Migrate(const Call& call) const;

  std::string to_;
  std::string program_;
  std::vector<std::string> flags_;
};

}  // namespace scoutlight::cli

#endif  // SCOUTLIGHT_CLI_MIGRATING_H_
