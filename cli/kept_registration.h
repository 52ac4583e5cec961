#ifndef SCOUTLIGHT_CLI_KEPT_REGISTRATION_H_
#define SCOUTLIGHT_CLI_KEPT_REGISTRATION_H_

#include <optional>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "cli/verb.h"
#include "client/registration.h"

namespace scoutlight::cli {

struct KeepOptions {
  std::optional<absl::Duration> ttl;  // nullopt: a session's default.
  IfOwned if_owned = IfOwned::kRefuse;
  DrainOptions drain;  // Of the goodbye.
};

// Registers an instance and keeps it so, whatever becomes of the server, until a signal to stop; then drains and deregisters it. A second
// signal ends the process at once. Fails if it is not registered within --timeout, when another session takes it (kAborted), or with the
// error of its drain, kDeadlineExceeded if that is not complete. Shows `registered`, `lost`, `refused`, `left` as events. Blocks.
absl::Status KeepRegistered(const Call& call, Registration registration, const KeepOptions& options);

}  // namespace scoutlight::cli

#endif  // SCOUTLIGHT_CLI_KEPT_REGISTRATION_H_
