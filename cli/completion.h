#ifndef SCOUTLIGHT_CLI_COMPLETION_H_
#define SCOUTLIGHT_CLI_COMPLETION_H_

#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "absl/status/status.h"
#include "cli/printer.h"
#include "cli/settings.h"
#include "cli/verb.h"

namespace scoutlight::cli {

// `completion bash|zsh|fish`, and the hidden verb `__complete` that what it prints asks: verbs and flags as they are declared, and names of
// services, ids and keys as the server has them, if it answers within kLookUpTimeout.
class Completion {
 public:
  static constexpr absl::Duration kLookUpTimeout = absl::Milliseconds(500);

  // `app` has all verbs when one is chosen, and outlives this, as `chosen` does.
  Completion(CLI::App* app, Verb* chosen);

 private:
  absl::Status ShowScript(Printer* printer) const;
  absl::Status ShowCandidates(const Settings& settings, Printer* printer) const;

  const CLI::App& app_;
  std::string shell_;
  std::vector<std::string> words_;  // Of the line behind `scoutctl`; the last is to be completed.
};

}  // namespace scoutlight::cli

#endif  // SCOUTLIGHT_CLI_COMPLETION_H_
