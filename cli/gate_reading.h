#ifndef SCOUTLIGHT_CLI_GATE_READING_H_
#define SCOUTLIGHT_CLI_GATE_READING_H_

#include <string>

#include <CLI/CLI.hpp>

#include "absl/status/status.h"
#include "cli/verb.h"

namespace scoutlight::cli {

// `gate list`.
class GateReading {
 public:
  // As KvReading.
  GateReading(CLI::App* gate, Verb* chosen);

 private:
  absl::Status List(const Call& call) const;

  std::string service_;  // Empty: all.
};

}  // namespace scoutlight::cli

#endif  // SCOUTLIGHT_CLI_GATE_READING_H_
