#ifndef SCOUTLIGHT_CLI_KV_MOVING_H_
#define SCOUTLIGHT_CLI_KV_MOVING_H_

#include <string>

#include <CLI/CLI.hpp>

#include "absl/status/status.h"
#include "cli/verb.h"

namespace scoutlight::cli {

// `kv export`, `kv import`.
class KvMoving {
 public:
  // As KvReading.
  KvMoving(CLI::App* kv, Verb* chosen);

 private:
  absl::Status Export(const Call& call) const;
  absl::Status Import(const Call& call) const;

  std::string prefix_ = "/";
  bool leased_ = false;
  std::string file_;
  bool resume_ = false;
};

}  // namespace scoutlight::cli

#endif  // SCOUTLIGHT_CLI_KV_MOVING_H_
