#ifndef SCOUTLIGHT_CLI_SERVICE_REGISTERING_H_
#define SCOUTLIGHT_CLI_SERVICE_REGISTERING_H_

#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "cli/verb.h"
#include "client/registration.h"
#include "client/registrations.h"

namespace scoutlight::cli {

// `service register`, `service deregister`, `service drain`.
class ServiceRegistering {
 public:
  // As KvReading.
  ServiceRegistering(CLI::App* service, Verb* chosen);

 private:
  void DeclareRegister(CLI::App* service, Verb* chosen);
  absl::Status Register(const Call& call) const;
  absl::Status Deregister(const Call& call) const;
  absl::Status Drain(const Call& call) const;
  // From the arguments. kInvalidArgument: an argument is no key=value, or a property is named twice.
  absl::StatusOr<Registration> RegistrationFor(const Call& call) const;
  absl::StatusOr<Lifetime> LifetimeAskedFor() const;

  std::string service_;
  std::string id_;
  std::vector<std::string> properties_;
  std::optional<absl::Duration> ttl_;
  bool permanent_ = false;
  bool take_over_ = false;
  bool keep_ = false;
  DrainOptions drain_;
};

}  // namespace scoutlight::cli

#endif  // SCOUTLIGHT_CLI_SERVICE_REGISTERING_H_
