#ifndef SCOUTLIGHT_CLI_BACKING_UP_H_
#define SCOUTLIGHT_CLI_BACKING_UP_H_

#include <string>

#include <CLI/CLI.hpp>

#include "absl/status/status.h"
#include "cli/verb.h"

namespace scoutlight::cli {

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
