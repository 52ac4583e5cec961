#ifndef SCOUTLIGHT_CLI_TOPOLOGY_READING_H_
#define SCOUTLIGHT_CLI_TOPOLOGY_READING_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "cli/verb.h"
#include "topology/topology.h"

namespace scoutlight::cli {

// `topology get`, `topology history`, `topology diff`, `topology check`.
class TopologyReading {
 public:
  // As KvReading.
  TopologyReading(CLI::App* topology, Verb* chosen);

 private:
  absl::Status Get(const Call& call) const;
  absl::Status History(const Call& call) const;
  absl::Status Diff(const Call& call) const;
  // Asks no server.
  absl::Status Check(Printer* printer) const;
  // What a version says; nullopt: the newest.
  absl::StatusOr<topology::Topology> TopologyAt(const Call& call, std::optional<int64_t> version) const;

  std::string file_;
  std::optional<int64_t> version_;
  std::vector<int64_t> versions_;
  bool raw_ = false;
};

}  // namespace scoutlight::cli

#endif  // SCOUTLIGHT_CLI_TOPOLOGY_READING_H_
