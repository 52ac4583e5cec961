#ifndef SCOUTLIGHT_CLI_LEASING_H_
#define SCOUTLIGHT_CLI_LEASING_H_

#include <CLI/CLI.hpp>

#include "absl/status/status.h"
#include "base/entry.h"
#include "cli/verb.h"

namespace scoutlight::cli {

// `lease list`, `lease get`, `lease revoke`.
class Leasing {
 public:
  // As KvReading.
  Leasing(CLI::App* lease, Verb* chosen);

 private:
  absl::Status List(const Call& call) const;
  absl::Status Get(const Call& call) const;
  absl::Status Revoke(const Call& call) const;
  // OK: the revocation may go on, as it is confirmed.
  absl::Status ConfirmPlan(const Call& call) const;

  LeaseId lease_id_ = 0;
  bool yes_ = false;
};

}  // namespace scoutlight::cli

#endif  // SCOUTLIGHT_CLI_LEASING_H_
