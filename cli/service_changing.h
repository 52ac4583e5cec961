#ifndef SCOUTLIGHT_CLI_SERVICE_CHANGING_H_
#define SCOUTLIGHT_CLI_SERVICE_CHANGING_H_

#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "cli/verb.h"
#include "discovery/names.h"

namespace scoutlight::cli {

// What operators change of instances that others have registered: `service update`, `service override put|list|delete`.
class ServiceChanging {
 public:
  // As KvReading.
  ServiceChanging(CLI::App* service, Verb* chosen);

 private:
  absl::Status Update(const Call& call) const;
  absl::Status PutOverride(const Call& call) const;
  absl::Status ListOverrides(const Call& call) const;
  absl::Status DeleteOverride(const Call& call) const;
  discovery::InstanceName NameIn(const Call& call) const;

  std::string service_;
  std::string id_;
  std::vector<std::string> properties_;
  std::vector<std::string> removed_;
  bool replace_ = false;
  std::string reason_;
  std::optional<absl::Duration> lasts_;
};

}  // namespace scoutlight::cli

#endif  // SCOUTLIGHT_CLI_SERVICE_CHANGING_H_
