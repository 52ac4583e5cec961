#ifndef SCOUTLIGHT_CLI_SERVICE_READING_H_
#define SCOUTLIGHT_CLI_SERVICE_READING_H_

#include <optional>
#include <string>

#include <CLI/CLI.hpp>

#include "absl/status/status.h"
#include "cli/verb.h"
#include "client/discovery.h"

namespace scoutlight::cli {

// `service list`, `service get`, `service resolve`.
class ServiceReading {
 public:
  // As KvReading.
  ServiceReading(CLI::App* service, Verb* chosen);

 private:
  void DeclareResolve(CLI::App* service, Verb* chosen);
  absl::Status List(const Call& call) const;
  absl::Status Get(const Call& call) const;
  absl::Status Resolve(const Call& call) const;

  std::string service_;
  std::optional<std::string> id_;
  std::string filter_;
  ResolveQuery query_;  // But for `cluster` and `filter`.
};

}  // namespace scoutlight::cli

#endif  // SCOUTLIGHT_CLI_SERVICE_READING_H_
