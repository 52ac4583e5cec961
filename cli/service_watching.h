#ifndef SCOUTLIGHT_CLI_SERVICE_WATCHING_H_
#define SCOUTLIGHT_CLI_SERVICE_WATCHING_H_

#include <string>

#include <CLI/CLI.hpp>

#include "absl/status/status.h"
#include "cli/verb.h"

namespace scoutlight::cli {

// `service watch`: the instances of a service as they are, then what changes, until a signal to stop, or its reader goes; that is success.
// As a subscriber that confirms what it shows, so drains do not wait for it for long.
class ServiceWatching {
 public:
  // As KvReading.
  ServiceWatching(CLI::App* service, Verb* chosen);

 private:
  absl::Status Watch(const Call& call) const;

  std::string service_;
  std::string filter_;
};

}  // namespace scoutlight::cli

#endif  // SCOUTLIGHT_CLI_SERVICE_WATCHING_H_
