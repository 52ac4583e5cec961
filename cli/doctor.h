#ifndef SCOUTLIGHT_CLI_DOCTOR_H_
#define SCOUTLIGHT_CLI_DOCTOR_H_

#include <cstdint>

#include <CLI/CLI.hpp>

#include "absl/status/status.h"
#include "cli/diagnosis.h"
#include "cli/verb.h"
#include "client/discovery.h"

namespace scoutlight::cli {

// `doctor`.
class Doctor {
 public:
  // As Running.
  Doctor(CLI::App* app, Verb* chosen);

 private:
  // What was looked at.
  struct Seen {
    int64_t services = 0;
    int64_t instances = 0;
    int64_t instances_left_out = 0;
  };

  absl::Status Examine(const Call& call) const;
  absl::StatusOr<Seen> LookAtServices(const Call& call, Diagnosis* diagnosis) const;
  absl::Status LookAtInstances(const Discovery& discovery, const discovery::ServiceName& name, int expected, Diagnosis* diagnosis,
                               Seen* seen) const;
  absl::Status LookAtSubscribers(const Call& call, Diagnosis* diagnosis) const;

  int instances_max_ = 10'000;
};

}  // namespace scoutlight::cli

#endif  // SCOUTLIGHT_CLI_DOCTOR_H_
