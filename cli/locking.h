#ifndef SCOUTLIGHT_CLI_LOCKING_H_
#define SCOUTLIGHT_CLI_LOCKING_H_

#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "cli/locked_command.h"
#include "cli/verb.h"

namespace scoutlight::cli {

// `lock` and `elect`: a program that runs while its lock is held.
class Locking {
 public:
  // As Running.
  Locking(CLI::App* app, Verb* chosen);

 private:
  void Declare(CLI::App* verb, const std::string& folder, Verb* chosen);
  absl::Status Run(const std::string& folder, const Settings& settings, Printer* printer) const;
  // From the flags. kInvalidArgument: one is wrong.
  absl::StatusOr<LockedCommandOptions> OptionsIn(const std::string& folder, const Settings& settings) const;

  std::string name_;
  std::optional<std::string> value_;
  absl::Duration ttl_ = absl::Seconds(30);
  absl::Duration wait_ = absl::InfiniteDuration();
  std::optional<absl::Duration> grace_;
  std::vector<std::string> command_;
};

}  // namespace scoutlight::cli

#endif  // SCOUTLIGHT_CLI_LOCKING_H_
