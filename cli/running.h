#ifndef SCOUTLIGHT_CLI_RUNNING_H_
#define SCOUTLIGHT_CLI_RUNNING_H_

#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "cli/verb.h"
#include "client/registration.h"

namespace scoutlight::cli {

// `run`: a service's program, registered for as long as it runs.
class Running {
 public:
  // As KvReading, but that the verb stands by itself.
  Running(CLI::App* app, Verb* chosen);

 private:
  absl::Status Run(const Settings& settings, Printer* printer) const;
  // From the flags. kInvalidArgument: every one that is wrong by itself.
  absl::StatusOr<Registration> RegistrationAt(const std::string& host, const Settings& settings) const;
  // --host, or this machine's address on the way to the server.
  absl::StatusOr<std::string> Host(const Settings& settings) const;

  std::string service_;
  int port_ = 0;
  std::string host_;
  std::string id_;
  std::vector<std::string> properties_;
  absl::Duration wait_ = absl::Seconds(30);
  std::optional<absl::Duration> ttl_;
  bool take_over_ = false;
  DrainOptions drain_{.timeout = absl::Seconds(10), .linger = absl::ZeroDuration()};
  absl::Duration grace_ = absl::Seconds(10);
  std::vector<std::string> command_;
};

}  // namespace scoutlight::cli

#endif  // SCOUTLIGHT_CLI_RUNNING_H_
