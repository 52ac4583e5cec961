#ifndef SCOUTLIGHT_CLI_TOPOLOGY_WATCHING_H_
#define SCOUTLIGHT_CLI_TOPOLOGY_WATCHING_H_

#include <CLI/CLI.hpp>

#include "absl/status/status.h"
#include "cli/verb.h"

namespace scoutlight::cli {

// `topology watch`: shows what there is, then what comes, as KvWatching does.
class TopologyWatching {
 public:
  // As KvReading.
  TopologyWatching(CLI::App* topology, Verb* chosen);

 private:
  absl::Status Watch(const Call& call) const;
};

}  // namespace scoutlight::cli

#endif  // SCOUTLIGHT_CLI_TOPOLOGY_WATCHING_H_
