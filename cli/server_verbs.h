#ifndef SCOUTLIGHT_CLI_SERVER_VERBS_H_
#define SCOUTLIGHT_CLI_SERVER_VERBS_H_

#include <CLI/CLI.hpp>

#include "absl/status/status.h"
#include "cli/verb.h"

namespace scoutlight::cli {

// `status`.
class ServerVerbs {
 public:
  // As Running.
  ServerVerbs(CLI::App* app, Verb* chosen);

 private:
  absl::Status Status(const Call& call) const;

  bool limits_ = false;
};

}  // namespace scoutlight::cli

#endif  // SCOUTLIGHT_CLI_SERVER_VERBS_H_
