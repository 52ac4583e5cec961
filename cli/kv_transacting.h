#ifndef SCOUTLIGHT_CLI_KV_TRANSACTING_H_
#define SCOUTLIGHT_CLI_KV_TRANSACTING_H_

#include <string>

#include <CLI/CLI.hpp>

#include "absl/status/status.h"
#include "cli/verb.h"

namespace scoutlight::cli {

// `kv txn`.
class KvTransacting {
 public:
  // As KvReading.
  KvTransacting(CLI::App* kv, Verb* chosen);

 private:
  absl::Status Transact(const Call& call) const;

  std::string file_;
};

}  // namespace scoutlight::cli

#endif  // SCOUTLIGHT_CLI_KV_TRANSACTING_H_
