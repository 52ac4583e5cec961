#ifndef SCOUTLIGHT_CLI_TOPOLOGY_CHANGING_H_
#define SCOUTLIGHT_CLI_TOPOLOGY_CHANGING_H_

#include <cstdint>
#include <optional>
#include <string>

#include <CLI/CLI.hpp>

#include "absl/status/status.h"
#include "cli/verb.h"
#include "client/topology.h"

namespace scoutlight::cli {

// `topology apply`, `topology rollback`, `topology delete`.
class TopologyChanging {
 public:
  // As KvReading.
  TopologyChanging(CLI::App* topology, Verb* chosen);

 private:
  void AddChangeFlags(CLI::App* verb);
  absl::Status Apply(const Call& call) const;
  absl::Status Rollback(const Call& call) const;
  absl::Status Delete(const Call& call) const;
  ChangeTopologyOptions OptionsFor(const Call& call) const;
  // OK: the topology may be deleted.
  absl::Status Confirm(const Call& call) const;

  std::string file_;
  std::optional<int64_t> version_;
  std::optional<int64_t> expected_version_;
  bool dry_run_ = false;
  bool yes_ = false;
  std::string comment_;
};

}  // namespace scoutlight::cli

#endif  // SCOUTLIGHT_CLI_TOPOLOGY_CHANGING_H_
