#ifndef SCOUTLIGHT_CLI_COMPLETION_H_
#define SCOUTLIGHT_CLI_COMPLETION_H_

#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "cli/printer.h"
#include "cli/settings.h"
#include "cli/verb.h"

namespace scoutlight::cli {

// `completion bash|zsh|fish`, and the hidden verb `__complete` that what it prints asks: verbs and flags as they are declared, and names as
// the server has them (cli/live_names.h).
class Completion {
 public:
  // `app` has all verbs when one is chosen, and outlives this, as `chosen` does.
  Completion(CLI::App* app, Verb* chosen);

 private:
  absl::Status ShowScript(Printer* printer) const;
  absl::Status ShowCandidates(const Settings& settings, Printer* printer) const;

  const CLI::App& app_;
  absl::string_view script_;        // Of the shell that was named: a constant.
  std::vector<std::string> words_;  // Of the line behind `scoutctl`; the last is to be completed.
};

}  // namespace scoutlight::cli

#endif  // SCOUTLIGHT_CLI_COMPLETION_H_
